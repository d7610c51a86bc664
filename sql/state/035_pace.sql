-- What is learnt from jobs that ended: how long runs and steps take. Workers keep it, a little at a time; estimates and the weights of
-- new jobs' progress read it. It is not dumped: it is learnt again.

CREATE TABLE provision.pace (
    engine_id          bigint NOT NULL,
    workflow_id        bigint NOT NULL REFERENCES provision.workflow ON DELETE CASCADE,
    run_count          bigint NOT NULL,
    run_samples        real[] NOT NULL,
    slot_samples       real[] NOT NULL,
    call_samples       real[] NOT NULL,
    exclusive_samples  real[] NOT NULL,
    run_low            double precision,
    run_typical        double precision,
    run_high           double precision,
    slot_seconds       double precision,
    slot_variance      double precision,
    calls              double precision,
    exclusive_seconds  double precision,
    PRIMARY KEY (engine_id, workflow_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
COMMENT ON TABLE provision.pace IS 'How long jobs of a workflow take on an engine, from the newest of those that ended well.';
COMMENT ON COLUMN provision.pace.engine_id IS '0: on all engines together, for those that have no history of their own.';
COMMENT ON COLUMN provision.pace.run_count IS 'Jobs it was learnt from, forgotten samples included.';
COMMENT ON COLUMN provision.pace.run_samples IS 'Of the newest 100 jobs, the newest first: seconds from the first claim to the end; of a job that waited for an exclusion, without that.';
COMMENT ON COLUMN provision.pace.slot_samples IS 'Seconds for which they held one of the engine''s max_concurrent calls; of two steps at once, both.';
COMMENT ON COLUMN provision.pace.call_samples IS 'Calls they made.';
COMMENT ON COLUMN provision.pace.exclusive_samples IS 'Seconds for which they kept others off their site, by the word for which that was longest.';
COMMENT ON COLUMN provision.pace.run_low IS 'Seconds: 5 of 100 runs take less; run_typical: 50, run_high: 95 of 100.';
COMMENT ON COLUMN provision.pace.slot_seconds IS 'Mean of slot_samples, like calls and exclusive_seconds; the highest 5 of 100 count as much as the one below them.';

CREATE TABLE provision.step_pace (
    workflow_id  bigint NOT NULL REFERENCES provision.workflow ON DELETE CASCADE,
    ordinal      smallint NOT NULL,
    samples      real[] NOT NULL,
    typical      double precision,
    PRIMARY KEY (workflow_id, ordinal)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
COMMENT ON TABLE provision.step_pace IS 'How long each step of a workflow takes, from the newest 100 that completed: what new jobs weigh their progress by.';
COMMENT ON COLUMN provision.step_pace.samples IS 'Seconds from its first call to its end, the newest first.';
COMMENT ON COLUMN provision.step_pace.typical IS 'Median of samples, in seconds.';
