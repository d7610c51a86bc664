-- What explains failures is not run for jobs and steps that are well.
BEGIN;
SELECT plan(3);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT count(provision_tenant_create('t' || n, 'main', jsonb_build_object('company_name', 'T' || n, 'country', 'Kenya'))) FROM generate_series(1, 3) AS n;
CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE FUNCTION app.none(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$ SELECT (NULL::provision.call).* LIMIT 0 $$;
CREATE FUNCTION app.fails(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE 'no'; END $$;
INSERT INTO provision.workflow (name) VALUES ('well'), ('unwell');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function)
SELECT workflow_id, 1, 's', CASE name WHEN 'well' THEN 'app.none' ELSE 'app.fails' END FROM provision.workflow WHERE name IN ('well', 'unwell');
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
CREATE FUNCTION pg_temp.explained() RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_xact_user_functions WHERE funcname IN ('guilty_step', 'explain_failure', 'failure_text');
$$;
SET LOCAL track_functions = 'all';
SELECT provision_start(tenant, 'well') FROM unnest(ARRAY['t1', 't2']) AS tenant;
SELECT provision_start('t3', 'unwell');
SELECT provision.claim_jobs(:incarnation, 3);
SELECT count(*) FROM provision.begin_calls(:incarnation, ARRAY(SELECT job_id FROM provision.job_status WHERE workflow = 'well'));
SELECT is(count(*), 2::bigint, 'two jobs have completed') FROM provision.job WHERE state = 'completed';
SELECT is(pg_temp.explained(), 0::bigint, 'nothing was explained');
SELECT count(*) FROM provision.begin_calls(:incarnation, ARRAY(SELECT job_id FROM provision.job_status WHERE workflow = 'unwell'));
SELECT cmp_ok(pg_temp.explained(), '>', 0::bigint, 'what has failed is') FROM provision.job WHERE state = 'partial';
SELECT * FROM finish();
ROLLBACK;
