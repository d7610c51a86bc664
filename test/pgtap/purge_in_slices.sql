-- The worker looks at some ended jobs at a time, goes on where it stopped, and begins anew when it has seen all.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT count(provision_tenant_create('t' || n, 'main', jsonb_build_object('company_name', 'T' || n, 'abbr', n::text, 'country', 'Kenya'))) FROM generate_series(1, 1000) AS n;
CREATE FUNCTION pg_temp.end_jobs(tenants text[], days integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO provision.job (tenant_id, engine_id, workflow_id, workflow, state, rank, correlation_id, created_by, finished_at)
    SELECT tenant_id, engine_id, workflow_id, workflow.name, 'completed', 0, 'old', '', now() - make_interval(days => days) + tenant_id * interval '1 s'
      FROM provision.tenant, provision.workflow WHERE workflow.name = 'tenant_setup' AND tenant.name = ANY (tenants);
$$;
SELECT pg_temp.end_jobs(ARRAY(SELECT name FROM provision.tenant), 400);
SELECT pg_temp.end_jobs('{t25}', 300);
ANALYZE provision.job;
SET LOCAL plan_cache_mode = force_generic_plan;     -- as in the worker's session
SET LOCAL enable_seqscan = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
CREATE FUNCTION pg_temp.rows_read() RETURNS numeric LANGUAGE sql AS $$ SELECT sum(pg_stat_get_xact_tuples_returned(oid)) FROM pg_class WHERE relname ~ '^job_' OR oid = 'provision.job'::regclass $$;
SELECT pg_temp.rows_read() AS before \gset
SELECT is(provision.purge_history(2), 0::bigint, 'nothing among the first twenty');
SELECT cmp_ok(pg_temp.rows_read() - :before, '<', 200::numeric, 'no more were read');
SELECT is(provision.purge_history(2), 1::bigint, 'the next look goes on there');
SELECT is(count(*), 1::bigint, 'the older of two went') FROM provision.job_status WHERE tenant = 't25';
SELECT pg_temp.end_jobs('{t3}', 300);
SELECT is(sum(provision.purge_history(2)), 1::numeric, 'after the end it begins anew') FROM generate_series(1, 60);
SELECT pg_temp.end_jobs('{t4,t5,t6}', 300);
SELECT is(sum(provision.purge_history(10000)), 3::numeric, 'in large steps, too') FROM generate_series(1, 2);
SELECT is(jobs_looked_at_to, NULL, 'and end at the end') FROM provision.control;
SELECT * FROM finish();
ROLLBACK;
