-- A failed job is a dead letter until a newer one of its tenant and workflow exists.
BEGIN;
SELECT plan(3);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
UPDATE provision.job_step SET state = 'failed', finished_at = now(), error_code = 'ENGINE_BUSY', error_message = 'Busy.', attempt_count = 3 WHERE job_id = :job AND ordinal = 0;
SELECT provision.finish_job(:job, 'failed');
SELECT is(ROW(tenant, state, step, error_code, error_message, attempt_count)::text, '(acme,failed,step_0_engine_check,ENGINE_BUSY,Busy.,3)', 'what and where') FROM provision.dead_letter WHERE job_id = :job;
SELECT is(provisioning_status, 'FAILED', 'the tenant failed') FROM provision.tenant_status WHERE tenant = 'acme';
SELECT provision_start('acme');
SELECT is(count(*), 0::bigint, 'started anew') FROM provision.dead_letter WHERE job_id = :job;
SELECT * FROM finish();
ROLLBACK;
