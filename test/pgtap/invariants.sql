-- provision.invariants() is silent on a sound database and names each rule that is broken, and that one alone.
BEGIN;
SET LOCAL provision.may_change_history = on;
SELECT plan(19);

SELECT provision_engine_create('bench', 'http://127.0.0.1:1');
SELECT provision_tenant_create(tenant, 'bench', jsonb_build_object('company_name', tenant, 'country', 'US')) FROM unnest('{a,b}'::text[]) AS tenant;
SELECT provision_start(tenant) FROM unnest('{a,b}'::text[]) AS tenant;
SELECT provision_cancel('b');

SELECT is_empty('SELECT * FROM provision.invariants() WHERE violations <> 0', 'a sound database breaks no rule');
SELECT set_eq('SELECT DISTINCT violations FROM provision.invariants()', ARRAY[0::bigint], 'every rule is listed with its count');

-- Breaks something, asks who complains, and takes it back.
CREATE FUNCTION pg_temp.complaints(damage text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found_rules text;
BEGIN
    BEGIN
        EXECUTE damage;
        SELECT string_agg(invariant, '; ') INTO found_rules FROM provision.invariants() WHERE violations > 0 AND example IS NOT NULL;
        RAISE EXCEPTION USING ERRCODE = 'PV999';
    EXCEPTION WHEN SQLSTATE 'PV999' THEN
        RETURN found_rules;
    END;
END;
$$;
CREATE FUNCTION pg_temp.job(tenant text) RETURNS bigint LANGUAGE sql AS
    $$ SELECT job_id FROM provision.job_status WHERE job_status.tenant = job.tenant $$;
-- Makes the job of tenant a one that runs with a call in flight, without complaint but that on its worker, who never lived.
CREATE FUNCTION pg_temp.run_job() RETURNS void LANGUAGE sql AS $$
    UPDATE provision.job SET state = 'running', owner = 1, slots = 1 WHERE job_id = pg_temp.job('a');
    SELECT provision.log_job_event(ARRAY[pg_temp.job('a')], 'job_started', 'pending', 'running');
    INSERT INTO provision.attempt (attempt_id, job_id, ordinal, engine_id, incarnation, call, method, url, repeatable, timeout_ms, started_at)
    OVERRIDING SYSTEM VALUE
    SELECT n, pg_temp.job('a'), n, job.engine_id, 1, 'x', 'GET', '/', true, 1, now()
      FROM provision.job, generate_series(0, 1) AS n WHERE job_id = pg_temp.job('a');
    UPDATE provision.job_step SET state = 'running', attempt_id = ordinal, attempt_count = 1 WHERE job_id = pg_temp.job('a') AND ordinal = 0;
    UPDATE provision.attempt SET finished_at = now(), delivery = 'not_sent', verdict = 'transient' WHERE attempt_id = 1;
    UPDATE provision.job_step SET attempt_count = 1 WHERE job_id = pg_temp.job('a') AND ordinal = 1;
$$;

SELECT is(pg_temp.complaints($$DROP INDEX provision.one_active_job_per_tenant_and_workflow;
    UPDATE provision.job SET tenant_id = (SELECT min(tenant_id) FROM provision.tenant), state = 'pending', finished_at = NULL;
    INSERT INTO provision.event (job_id, event, to_state) SELECT job_id, 'job_retried', 'pending' FROM provision.job$$),
    'a tenant has one active job of a workflow', 'two active jobs');
SELECT is(pg_temp.complaints($$DELETE FROM provision.job_step WHERE ordinal = 3$$), 'a job has every step of its workflow once', 'a step is missing');
SELECT is(pg_temp.complaints('SELECT pg_temp.run_job()'), 'a job that runs belongs to a worker that lives', 'the owner never lived');
SELECT is(pg_temp.complaints($$UPDATE provision.job SET due_at = now() WHERE finished_at IS NOT NULL$$), 'an ended job owns and awaits nothing', 'due though ended');
SELECT is(pg_temp.complaints($$UPDATE provision.job SET state = 'failed', error_code = 'X' WHERE finished_at IS NOT NULL;
    UPDATE provision.job_step SET state = 'blocked', finished_at = now() WHERE job_id = pg_temp.job('b');
    SELECT provision.log_job_event(ARRAY[pg_temp.job('b')], 'job_failed', 'running', 'failed')$$), 'a failed job says why', 'no message');
SELECT is(pg_temp.complaints($$SELECT pg_temp.run_job();
    ALTER TABLE provision.engine DROP CONSTRAINT max_concurrent_is_positive;
    UPDATE provision.engine SET max_concurrent = 0$$),
    'a job that runs belongs to a worker that lives; an engine makes no more calls at once than it may', 'more calls than allowed');
SELECT is(pg_temp.complaints($$UPDATE provision.job SET state = 'completed' WHERE finished_at IS NOT NULL;
    UPDATE provision.job_step SET state = 'failed', error_code = 'X', finished_at = now() WHERE job_id = pg_temp.job('b');
    SELECT provision.log_job_event(ARRAY[pg_temp.job('b')], 'job_completed', 'running', 'completed')$$),
    'a completed job has only completed and skipped steps', 'completed with failed steps');
SELECT is(pg_temp.complaints($$UPDATE provision.job_step SET state = 'ready' WHERE job_id = pg_temp.job('b') AND ordinal = 1$$),
    'a step of an ended job has ended or never began', 'a step of an ended job could go on');
SELECT is(pg_temp.complaints($$SELECT pg_temp.run_job(); UPDATE provision.attempt SET incarnation = 2 WHERE attempt_id = 0;
    UPDATE provision.job SET state = 'pending', owner = NULL, slots = 0 WHERE job_id = pg_temp.job('a');
    SELECT provision.log_job_event(ARRAY[pg_temp.job('a')], 'job_waits', 'running', 'pending')$$),
    'only steps of running jobs make calls; a job holds a slot for each of its calls; a call in flight has an open attempt of its job''s worker',
    'a job that waits with a call in flight');
SELECT is(pg_temp.complaints($$SELECT pg_temp.run_job(); UPDATE provision.attempt SET finished_at = NULL, delivery = NULL, verdict = NULL;
    UPDATE provision.job_step SET state = 'running', attempt_id = 1 WHERE job_id = pg_temp.job('a') AND ordinal = 1$$),
    'a job that runs belongs to a worker that lives; a job holds a slot for each of its calls', 'two calls in one slot');
SELECT is(pg_temp.complaints($$INSERT INTO provision.exclusion VALUES ('x', pg_temp.job('b'), 1)$$), 'an exclusion is held by a job that runs', 'an ended job excludes others');
SELECT is(pg_temp.complaints($$SELECT pg_temp.run_job(); UPDATE provision.attempt SET incarnation = 2 WHERE attempt_id = 0$$),
    'a job that runs belongs to a worker that lives; a call in flight has an open attempt of its job''s worker', 'a call of another worker');
SELECT is(pg_temp.complaints($$SELECT pg_temp.run_job(); UPDATE provision.attempt SET finished_at = NULL, delivery = NULL, verdict = NULL WHERE attempt_id = 1$$),
    'a job that runs belongs to a worker that lives; an attempt without an outcome is a call in flight', 'an attempt nobody waits for');
SELECT is(pg_temp.complaints($$UPDATE provision.job_step SET attempt_count = 1 WHERE job_id = pg_temp.job('b') AND ordinal = 1$$),
    'a step counts the attempts that were written', 'an attempt without its row');
SELECT is(pg_temp.complaints($$DELETE FROM provision.event WHERE event = 'job_cancelled'$$), 'the last event of a job tells its state', 'an event is missing');
SELECT is(pg_temp.complaints($$UPDATE provision.job_step SET state = 'skipped', finished_at = now() WHERE ordinal = 1;
    INSERT INTO provision.event (job_id, step, event, to_state) SELECT job_id, name, 'step_started', 'running' FROM provision.job_step WHERE ordinal = 1 AND job_id = pg_temp.job('a')$$),
    'the last event of an ended step tells its state', 'a step that the events do not know of');
SELECT is(pg_temp.complaints($$UPDATE provision.job SET created_at = now() - interval '2 hours'; DELETE FROM provision.event$$),
    NULL, 'old history may be gone');

SELECT * FROM finish();
ROLLBACK;
