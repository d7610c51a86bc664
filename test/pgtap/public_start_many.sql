-- Many tenants at once: jobs come back in the order given, also for names given twice and tenants that have an active job.
BEGIN;
SELECT plan(4);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'country', 'Kenya'), plan)
  FROM (VALUES ('a', 'starter'), ('b', 'enterprise'), ('c', 'professional')) AS given (name, plan);
SELECT provision_start('b', priority => 9) AS active \gset
CREATE TEMPORARY TABLE started AS SELECT * FROM provision_start_many('{c,b,a,c}') WITH ORDINALITY AS started (job_id, place);
SELECT is(array_agg(tenant ORDER BY place), '{c,b,a,c}', 'in the order given') FROM started JOIN provision.job_status USING (job_id);
SELECT is(count(*), 3::bigint, 'one job each') FROM provision.job_status WHERE tenant IN ('a', 'b', 'c');
SELECT is(job_id, :active::bigint, 'an active one is kept') FROM provision.job_status WHERE tenant = 'b';
SELECT is(array_agg(tenant ORDER BY queue_position), '{b,c,a}', 'the plan gives the priority unless it is given') FROM provision.queue WHERE engine = 'main';
SELECT * FROM finish();
ROLLBACK;
