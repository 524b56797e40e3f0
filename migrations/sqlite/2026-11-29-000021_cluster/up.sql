-- One row: what the cluster is known by to brokers and balancers.
CREATE TABLE IF NOT EXISTS cluster (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    cluster_id TEXT NOT NULL
) STRICT;

-- Work that one server at a time does. fence grows with each owner, renewal with each sign of life.
CREATE TABLE IF NOT EXISTS lease (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    fence INTEGER NOT NULL,
    renewal INTEGER NOT NULL,
    renewed_us INTEGER NOT NULL
) STRICT;

-- What a server says of itself beside its heartbeat, and what people want of it. It may be wanted before it is there.
CREATE TABLE IF NOT EXISTS server_standing (
    server_id TEXT NOT NULL PRIMARY KEY,
    wanted TEXT NOT NULL,
    condition_word TEXT NOT NULL,
    reason TEXT,
    address TEXT,
    weight INTEGER NOT NULL
) STRICT;

-- One row: how balancers balance, as JSON.
CREATE TABLE IF NOT EXISTS balancer (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    settings_json TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

-- What each balancer's agent said last, as JSON.
CREATE TABLE IF NOT EXISTS balancer_report (
    agent TEXT NOT NULL PRIMARY KEY,
    at_us INTEGER NOT NULL,
    report_json TEXT NOT NULL
) STRICT;
