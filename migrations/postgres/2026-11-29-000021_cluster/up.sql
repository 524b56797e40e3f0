-- One row: what the cluster is known by to brokers and balancers.
CREATE TABLE IF NOT EXISTS cluster (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    cluster_id TEXT COLLATE "C" NOT NULL
);

-- Work that one server at a time does. fence grows with each owner, renewal with each sign of life.
CREATE TABLE IF NOT EXISTS lease (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner TEXT COLLATE "C" NOT NULL,
    fence BIGINT NOT NULL,
    renewal BIGINT NOT NULL,
    renewed_us BIGINT NOT NULL
);

-- What a server says of itself beside its heartbeat, and what people want of it. It may be wanted before it is there.
CREATE TABLE IF NOT EXISTS server_standing (
    server_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    wanted TEXT COLLATE "C" NOT NULL,
    condition_word TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C",
    address TEXT COLLATE "C",
    weight BIGINT NOT NULL
);

-- One row: how balancers balance, as JSON.
CREATE TABLE IF NOT EXISTS balancer (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    settings_json TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL
);

-- What each balancer's agent said last, as JSON.
CREATE TABLE IF NOT EXISTS balancer_report (
    agent TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL,
    report_json TEXT COLLATE "C" NOT NULL
);
