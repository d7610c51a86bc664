-- Schedules: what is started again and again. A worker looks at the first that is due, in its round.

CREATE TABLE provision.schedule (
    schedule_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES provision.tenant ON DELETE CASCADE,
    name            text NOT NULL,
    workflow        text NOT NULL,
    cron            text NOT NULL,
    time_zone       text NOT NULL,
    options         jsonb NOT NULL DEFAULT '{}',
    priority        integer,
    missed          text NOT NULL,
    spread_seconds  integer NOT NULL DEFAULT 0,
    made_as         name NOT NULL,
    made_for        name,
    made_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_at         timestamptz NOT NULL,
    due_at          timestamptz,
    looked_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    paused_at       timestamptz,
    last_at         timestamptz,
    last_job_id     bigint,
    missed_count    bigint NOT NULL DEFAULT 0,
    overlap_count   bigint NOT NULL DEFAULT 0,
    failure_count   integer NOT NULL DEFAULT 0,
    reason          text,
    CONSTRAINT schedule_has_a_name_of_its_own UNIQUE (tenant_id, name),
    CONSTRAINT name_is_short CHECK (name ~ '^[^[:cntrl:]]{1,100}$'),
    CONSTRAINT missed_is_known CHECK (missed IN ('skip', 'once')),
    CONSTRAINT spread_is_bounded CHECK (spread_seconds BETWEEN 0 AND 86400),
    CONSTRAINT options_are_an_object CHECK (jsonb_typeof(options) = 'object'),
    CONSTRAINT priority_is_bounded CHECK (priority BETWEEN -100 AND 100),
    CONSTRAINT due_unless_paused CHECK ((due_at IS NULL) = (paused_at IS NOT NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);
CREATE INDEX schedule_due ON provision.schedule (due_at) WHERE due_at IS NOT NULL;
COMMENT ON TABLE provision.schedule IS 'Workflows that are started at the times of a cron expression. Written by provision_schedule() and its like, and by the worker.';
COMMENT ON COLUMN provision.schedule.options IS 'Of the jobs; see provision_start().';
COMMENT ON COLUMN provision.schedule.priority IS 'Of the jobs; null: one less than the tenant''s plan gives.';
COMMENT ON COLUMN provision.schedule.missed IS 'What is done about times at which nobody was there to start a job. once: one job for all of them; skip: none.';
COMMENT ON COLUMN provision.schedule.spread_seconds IS 'Its jobs start up to so much later, always by the same, which differs between schedules.';
COMMENT ON COLUMN provision.schedule.made_as IS 'The role with whose authority, as it is then, its jobs are started.';
COMMENT ON COLUMN provision.schedule.made_for IS 'The user for whom that role acted; null: it acted for itself.';
COMMENT ON COLUMN provision.schedule.next_at IS 'Its next time; of a paused one, the first that it has missed, or would.';
COMMENT ON COLUMN provision.schedule.due_at IS 'When a worker looks at it: at next_at and the spread, or soon, when somebody held what it needs. Null while it is paused.';
COMMENT ON COLUMN provision.schedule.looked_at IS 'When next_at was last reckoned: from a time that is still to come, the clock has been set back.';
COMMENT ON COLUMN provision.schedule.missed_count IS 'Times at which nothing was started because nobody was there, or it was paused; of each such absence at most 100.';
COMMENT ON COLUMN provision.schedule.overlap_count IS 'Times at which nothing was started because a job of the tenant and workflow was active.';
COMMENT ON COLUMN provision.schedule.failure_count IS 'Times in a row at which no job could be started, or the one before had failed.';
COMMENT ON COLUMN provision.schedule.reason IS 'Why its last time started nothing, or why it is paused; null: it did.';
