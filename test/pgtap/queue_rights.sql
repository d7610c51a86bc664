-- A member of a tenant learns its place among everybody's jobs from the views and the function, and nothing of whose they are.
BEGIN;
SELECT plan(8);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'country', 'Kenya')) FROM unnest('{acme,beta,coda}'::text[]) AS name;
SELECT provision_start('acme'), provision_start('beta'), provision_start('coda');
CREATE ROLE provision_test_member;
SELECT provision_member_add('beta', 'provision_test_member');
GRANT USAGE ON SCHEMA provision TO provision_test_member;
GRANT SELECT ON provision.queue, provision.job_status TO provision_test_member;
GRANT EXECUTE ON FUNCTION provision_queue_position(bigint), provision_queue_position(text) TO provision_test_member;
SELECT provision.newest_job('acme') AS others, provision.newest_job('beta') AS own \gset
SELECT format('provision.work_before(%s, %L, %s, %s)', engine_id, rank, job_id, site) AS place, engine_id FROM provision.job WHERE job_id = :own \gset
SET LOCAL ROLE provision_test_member;
SELECT is(array_agg(ROW(tenant, queue_position)::text), '{"(beta,2)"}', 'the view shows its own job, with others before it') FROM provision.queue;
SELECT is(array_agg(ROW(tenant, eta)::text), '{"(beta,)"}', 'so does job_status') FROM provision.job_status;
SELECT is(jobs_ahead, 1::bigint, 'and the function') FROM provision_queue_position('beta');
SELECT throws_ok(format('SELECT * FROM provision_queue_position(%s)', :others), '42501', NULL, 'another''s job is refused');
SELECT throws_ok('SELECT * FROM provision_queue_position(987654321)', '42501', NULL, 'as if it were not there');
SELECT throws_ok('SELECT * FROM provision.forecast', '42501', NULL, 'and what the views are made of is closed');
-- What the views ask everybody may call, so it must not tell of any place that somebody makes up.
SELECT is(jobs, 1::bigint, 'before its own job') FROM :place;
SELECT is(jobs, NULL, 'a place of nobody''s tells nothing') FROM provision.work_before(:engine_id, 'Infinity', 9223372036854775807, hashtext('beta.example.com'));
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
