-- Only optional steps that have not completed can be skipped; what is left decides how a partial job stands.
BEGIN;
SELECT plan(9);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT throws_ok(format($$ SELECT provision_skip_step(%s, 'step_2_company') $$, :job), 'PV005', 'step "step_2_company" is not optional', 'not optional');
SELECT throws_ok(format($$ SELECT provision_skip_step(%s, 'step_99') $$, :job), '42704', NULL, 'not there');
SELECT throws_ok($$ SELECT provision_skip_step(-1, 'step_6_items') $$, '42704', 'job -1 does not exist', 'no such job');
UPDATE provision.job_step SET state = 'completed', finished_at = now() WHERE job_id = :job AND ordinal <> 6;
UPDATE provision.job_step SET state = 'failed', finished_at = now(), error_code = 'VALIDATION_FAILED' WHERE job_id = :job AND ordinal = 6;
SELECT provision.finish_job(:job, 'partial');
SELECT is(provisioning_status, 'PARTIAL', 'partial') FROM provision.tenant_status WHERE tenant = 'acme';
SELECT is(ROW(state, progress, error_code)::text, '(completed,100,)', 'without the failed step it is completed')
  FROM provision_skip_step(:job, 'step_6_items', 'no stock yet');
SELECT is(ROW(from_state, to_state, detail)::text, '(failed,skipped,"{""reason"": ""no stock yet""}")', 'its event') FROM provision_logs(:job) WHERE event = 'step_skipped';
SELECT is(provisioning_status, 'COMPLETED', 'the tenant is complete') FROM provision.tenant_status WHERE tenant = 'acme';
SELECT is(count(*), 0::bigint, 'nobody is needed') FROM provision.dead_letter WHERE job_id = :job;
SELECT throws_ok(format($$ SELECT provision_skip_step(%s, 'step_6_items') $$, :job), 'PV001', NULL, 'not twice');
SELECT * FROM finish();
ROLLBACK;
