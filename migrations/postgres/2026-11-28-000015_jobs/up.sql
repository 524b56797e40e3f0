-- Jobs, the calendars whose days they skip, and what became of their times.

CREATE TABLE IF NOT EXISTS calendar (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    rules_json TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);

-- service is a name: it need not be deployed. dealt_us is the last time that was dealt with, next_us the one after
-- it, due_us when the job is to be looked at: NULL while it is paused or has no next time.
CREATE TABLE IF NOT EXISTS job (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    service TEXT COLLATE "C" NOT NULL,
    input_json TEXT COLLATE "C" NOT NULL,
    schedule_json TEXT COLLATE "C" NOT NULL,
    calendar_id TEXT COLLATE "C" REFERENCES calendar (id),
    options_json TEXT COLLATE "C" NOT NULL,
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
    updated_us BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS job_by_due ON job (due_us) WHERE due_us IS NOT NULL;
CREATE INDEX IF NOT EXISTS job_by_calendar ON job (calendar_id) WHERE calendar_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS job_by_service ON job (service);

-- One for each time of a job, whoever fires it. delivery_id is what carries it, max_run_ms the time for each attempt;
-- outcome is NULL until it has ended.
CREATE TABLE IF NOT EXISTS job_run (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    job_id TEXT COLLATE "C" NOT NULL REFERENCES job (id),
    "trigger" TEXT COLLATE "C" NOT NULL,
    scheduled_us BIGINT NOT NULL,
    started_us BIGINT,
    ended_us BIGINT,
    outcome TEXT COLLATE "C",
    delivery_id TEXT COLLATE "C",
    max_run_ms BIGINT,
    correlation_id TEXT COLLATE "C" NOT NULL,
    error_json TEXT COLLATE "C",
    UNIQUE (job_id, scheduled_us)
);
CREATE INDEX IF NOT EXISTS job_run_by_job ON job_run (job_id, id);
CREATE INDEX IF NOT EXISTS job_run_open ON job_run (job_id) WHERE ended_us IS NULL;
CREATE INDEX IF NOT EXISTS job_run_by_end ON job_run (ended_us) WHERE ended_us IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS job_run_by_delivery ON job_run (delivery_id) WHERE delivery_id IS NOT NULL;
