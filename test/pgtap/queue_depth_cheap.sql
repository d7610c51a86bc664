-- Whether a queue is full is asked at each start, so it must not cost more when other engines have long lines.
BEGIN;
SELECT plan(3);
SELECT provision_engine_create('other', 'https://other.example.com');
SELECT provision_engine_create('small', 'https://small.example.com', options => '{"max_queue_depth": 3}');
SELECT provision_tenant_create(name, 'small', jsonb_build_object('company_name', name, 'country', 'Kenya')) FROM unnest('{a,b,c,d}'::text[]) AS name;
INSERT INTO provision.tenant (name, engine_id, config, settings)
SELECT 't' || n, engine.engine_id, '{}', '{}' FROM generate_series(1, 20000) AS n, provision.engine WHERE engine.name = 'other';
INSERT INTO provision.job (tenant_id, engine_id, workflow_id, workflow, state, due_at, rank, correlation_id, created_by)
SELECT tenant.tenant_id, tenant.engine_id, workflow.workflow_id, workflow.name, CASE tenant.tenant_id % 2 WHEN 0 THEN 'pending' ELSE 'scheduled' END,
       CASE tenant.tenant_id % 2 WHEN 1 THEN timestamptz 'tomorrow' END, tenant.tenant_id, 'x', 'x'
  FROM provision.tenant JOIN provision.engine USING (engine_id), provision.workflow WHERE engine.name = 'other' AND workflow.name = 'tenant_setup';
ANALYZE provision.job; ANALYZE provision.tenant;
CREATE FUNCTION pg_temp.rows_read() RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_tuples_returned('provision.job'::regclass) + sum(pg_stat_get_xact_tuples_returned(indexrelid))::bigint
      FROM pg_index WHERE indrelid = 'provision.job'::regclass;
$$;
SELECT count(provision_start(name, run_at => run_at)) FROM (VALUES ('a', NULL::timestamptz), ('b', 'tomorrow')) AS given (name, run_at);
SELECT pg_temp.rows_read() AS before \gset
SELECT count(provision.refuse_full_queue('{c}')::text) FROM generate_series(1, 10);
SELECT cmp_ok(pg_temp.rows_read() - :before, '<', 200::bigint, 'it reads none of the jobs of other engines');
SELECT count(provision_start('c'));
SELECT throws_ok($$ SELECT provision_start('d') $$, 'PV004', 'queue of engine "small" is full', 'pending and scheduled jobs count');
SELECT is(count(*), 3::bigint, 'as many as there is room for') FROM provision.job_status WHERE engine = 'small';
SELECT * FROM finish();
ROLLBACK;
