-- Jobs, the calendars whose days they skip, and what became of their times.

CREATE TABLE IF NOT EXISTS calendar (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    rules_json TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) STRICT;

-- service is a name: it need not be deployed. dealt_us is the last time that was dealt with, next_us the one after
-- it, due_us when the job is to be looked at: NULL while it is paused or has no next time.
CREATE TABLE IF NOT EXISTS job (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    service TEXT NOT NULL,
    input_json TEXT NOT NULL,
    schedule_json TEXT NOT NULL,
    calendar_id TEXT REFERENCES calendar (id),
    options_json TEXT NOT NULL,
    paused INTEGER NOT NULL,
    since_us INTEGER NOT NULL,
    dealt_us INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    next_us INTEGER,
    due_us INTEGER,
    successes INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    skips INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS job_by_due ON job (due_us) WHERE due_us IS NOT NULL;
CREATE INDEX IF NOT EXISTS job_by_calendar ON job (calendar_id) WHERE calendar_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS job_by_service ON job (service);

-- One for each time of a job, whoever fires it. delivery_id is what carries it, max_run_ms the time for each attempt;
-- outcome is NULL until it has ended.
CREATE TABLE IF NOT EXISTS job_run (
    id TEXT NOT NULL PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES job (id),
    "trigger" TEXT NOT NULL,
    scheduled_us INTEGER NOT NULL,
    started_us INTEGER,
    ended_us INTEGER,
    outcome TEXT,
    delivery_id TEXT,
    max_run_ms INTEGER,
    correlation_id TEXT NOT NULL,
    error_json TEXT,
    UNIQUE (job_id, scheduled_us)
) STRICT;
CREATE INDEX IF NOT EXISTS job_run_by_job ON job_run (job_id, id);
CREATE INDEX IF NOT EXISTS job_run_open ON job_run (job_id) WHERE ended_us IS NULL;
CREATE INDEX IF NOT EXISTS job_run_by_end ON job_run (ended_us) WHERE ended_us IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS job_run_by_delivery ON job_run (delivery_id) WHERE delivery_id IS NOT NULL;
