-- An old job cannot be retried while a newer one of the tenant and workflow is active.
BEGIN;
SELECT plan(2);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT provision_cancel(:job);
SELECT provision_start('acme') AS newer \gset
SELECT throws_ok(format('SELECT provision_retry(%s)', :job), 'PV001',
                 format('job %s cannot be started again: job %s of the same tenant and workflow is active', :job, :newer), 'refused');
SELECT is(state, 'cancelled', 'and unchanged') FROM provision.job_status WHERE job_id = :job;
SELECT * FROM finish();
ROLLBACK;
