-- A job that cannot even be failed, because its own rows refuse it, still ends: its attempts, too, what it held is free, and an event tells it.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
    SELECT 'ping', 'GET', '/x', NULL::jsonb, true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text;
$$;
CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'it is sabotaged' USING ERRCODE = 'check_violation'; END $$;
INSERT INTO provision.workflow (name) VALUES ('w') RETURNING workflow_id \gset
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, exclusive) VALUES (:workflow_id, 1, 's', 'app.one_call', 'it');
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
SELECT provision_start('acme', 'w') AS job \gset
SELECT provision.claim_jobs(:incarnation, 1);
SELECT count(*) FROM provision.begin_calls(:incarnation, ARRAY[:job]::bigint[]);
SELECT is(count(*), 1::bigint, 'it holds an exclusion') FROM provision.exclusion;
CREATE TRIGGER refuse BEFORE UPDATE ON provision.job_step FOR EACH ROW WHEN (NEW.state = 'failed') EXECUTE FUNCTION app.refuse();
SELECT provision.fail_job_internally(:job, '22003', 'out of range');
SELECT is(ROW(state, error_code, error_message)::text, '(failed,INTERNAL_ERROR,"it is sabotaged")', 'it has failed') FROM provision.job WHERE job_id = :job;
SELECT is(string_agg(from_state || ' ' || to_state, ', '), 'running failed', 'an event tells it') FROM provision.event WHERE job_id = :job AND event = 'job_failed';
SELECT is(count(*), 0::bigint, 'its attempt has ended') FROM provision.attempt WHERE finished_at IS NULL;
SELECT is(count(*), 0::bigint, 'it holds nothing any more') FROM provision.exclusion;
SELECT is(string_agg(invariant, ', '), 'a step of an ended job has ended or never began', 'only its step stays open') FROM provision.invariants() WHERE violations > 0;
DROP TRIGGER refuse ON provision.job_step;
SELECT is(state, 'pending', 'it can be retried') FROM provision_retry(:job);
SELECT * FROM finish();
ROLLBACK;
