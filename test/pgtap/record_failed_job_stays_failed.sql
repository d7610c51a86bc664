-- A job that fails because its answer cannot be recorded is not judged a second time by the rest of the round.
BEGIN;
SELECT plan(3);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
    SELECT 'ping', 'GET', '/x', NULL::jsonb, true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text;
$$;
INSERT INTO provision.workflow (name) VALUES ('w') RETURNING workflow_id \gset
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) VALUES (:workflow_id, 1, 's', 'app.one_call');
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
SELECT provision_start('acme', 'w');
SELECT provision.claim_jobs(:incarnation, 1);
SELECT attempt_id FROM provision.begin_calls(:incarnation, ARRAY(SELECT job_id FROM provision.job WHERE owner = :incarnation)) \gset
-- No delivery: the constraint of the attempt refuses it.
SELECT answered_jobs FROM provision.record_answers(:incarnation, ARRAY[:attempt_id]::bigint[], ARRAY[NULL::text], '{200}', '{0}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{"{1,1,1,1,1}"}') \gset
SELECT is(count(*), 0::bigint, 'it makes no further call') FROM provision.begin_calls(:incarnation, :'answered_jobs');
SELECT is(ROW(state, error_code)::text, '(failed,INTERNAL_ERROR)', 'it is failed') FROM provision.job_status WHERE tenant = 'acme';
SELECT is(count(*), 1::bigint, 'it ended once') FROM provision_logs('acme') WHERE event IN ('job_failed', 'job_partial');
SELECT * FROM finish();
ROLLBACK;
