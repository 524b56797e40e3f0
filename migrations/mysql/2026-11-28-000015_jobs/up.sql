-- Jobs, the calendars whose days they skip, and what became of their times.

CREATE TABLE IF NOT EXISTS calendar (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    rules_json LONGTEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- service is a name: it need not be deployed. dealt_us is the last time that was dealt with, next_us the one after
-- it, due_us when the job is to be looked at: NULL while it is paused or has no next time.
CREATE TABLE IF NOT EXISTS job (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    service VARCHAR(255) NOT NULL,
    input_json LONGTEXT NOT NULL,
    schedule_json LONGTEXT NOT NULL,
    calendar_id VARCHAR(64),
    options_json LONGTEXT NOT NULL,
    paused BOOLEAN NOT NULL,
    since_us BIGINT NOT NULL,
    dealt_us BIGINT NOT NULL,
    runs BIGINT NOT NULL,
    next_us BIGINT,
    due_us BIGINT,
    successes BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    skips BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    FOREIGN KEY (calendar_id) REFERENCES calendar (id),
    INDEX job_by_due (due_us),
    INDEX job_by_calendar (calendar_id),
    INDEX job_by_service (service)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One for each time of a job, whoever fires it. delivery_id is what carries it, max_run_ms the time for each attempt;
-- outcome is NULL until it has ended.
CREATE TABLE IF NOT EXISTS job_run (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    job_id VARCHAR(64) NOT NULL,
    `trigger` LONGTEXT NOT NULL,
    scheduled_us BIGINT NOT NULL,
    started_us BIGINT,
    ended_us BIGINT,
    outcome LONGTEXT,
    delivery_id VARCHAR(64),
    max_run_ms BIGINT,
    correlation_id LONGTEXT NOT NULL,
    error_json LONGTEXT,
    UNIQUE (job_id, scheduled_us),
    FOREIGN KEY (job_id) REFERENCES job (id),
    INDEX job_run_by_job (job_id, id),
    INDEX job_run_open (job_id),
    INDEX job_run_by_end (ended_us),
    UNIQUE INDEX job_run_by_delivery (delivery_id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
