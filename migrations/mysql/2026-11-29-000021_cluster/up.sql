-- One row: what the cluster is known by to brokers and balancers.
CREATE TABLE IF NOT EXISTS cluster (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    cluster_id VARCHAR(64) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Work that one server at a time does. fence grows with each owner, renewal with each sign of life.
CREATE TABLE IF NOT EXISTS lease (
    name VARCHAR(64) NOT NULL PRIMARY KEY,
    owner VARCHAR(64) NOT NULL,
    fence BIGINT NOT NULL,
    renewal BIGINT NOT NULL,
    renewed_us BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a server says of itself beside its heartbeat, and what people want of it. It may be wanted before it is there.
CREATE TABLE IF NOT EXISTS server_standing (
    server_id VARCHAR(64) NOT NULL PRIMARY KEY,
    wanted VARCHAR(64) NOT NULL,
    condition_word VARCHAR(64) NOT NULL,
    reason LONGTEXT,
    address LONGTEXT,
    weight BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row: how balancers balance, as JSON.
CREATE TABLE IF NOT EXISTS balancer (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    settings_json LONGTEXT NOT NULL,
    revision BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What each balancer's agent said last, as JSON.
CREATE TABLE IF NOT EXISTS balancer_report (
    agent VARCHAR(255) NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL,
    report_json LONGTEXT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
