-- The status document has the job, its error and every step.
BEGIN;
SELECT plan(6);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
UPDATE provision.job_step SET state = 'failed', finished_at = now(), started_at = now() - interval '2 s', error_code = 'ENGINE_AUTH_FAILED', error_message = 'm', error_hint = 'h'
 WHERE job_id = :job AND ordinal = 0;
SELECT provision.finish_job(:job, 'failed');
SELECT is(provision_status('acme') -> 'state', '"failed"', 'state');
SELECT is(provision_status(:job) -> 'error', '{"code": "ENGINE_AUTH_FAILED", "hint": "h", "step": "step_0_engine_check", "message": "m"}', 'error');
SELECT is(jsonb_array_length(provision_status('acme') -> 'steps'), 11, 'eleven steps');
SELECT is(provision_status('acme') #> '{steps,0}' ->> 'duration_seconds', '2.000', 'durations in seconds');
SELECT throws_ok('SELECT provision_status(-1)', '42704', 'job -1 does not exist', 'no such job');
SELECT throws_ok($$ SELECT provision_status('nobody') $$, '42704', 'tenant "nobody" does not exist', 'no such tenant');
SELECT * FROM finish();
ROLLBACK;
