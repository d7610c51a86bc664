-- Progress weighs steps, counts calls of running ones, never goes back to look, and is 100 only at a good end.
BEGIN;
SELECT plan(6);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT is(progress, 0, 'nothing done') FROM provision.job_status WHERE job_id = :job;
UPDATE provision.job_step SET state = 'completed', finished_at = now() WHERE job_id = :job AND ordinal <> 2;
SELECT is(progress, (SELECT 100 * sum(weight) FILTER (WHERE ordinal <> 2) / sum(weight) FROM provision.step_status WHERE job_id = :job)::integer, 'by weight')
  FROM provision.job_status WHERE job_id = :job;
SELECT progress FROM provision.job_status WHERE job_id = :job \gset
UPDATE provision.job_step SET state = 'ready', calls_done = 1, calls_total = 2, share_done = 500 WHERE job_id = :job AND ordinal = 2;
SELECT ok(progress > :progress AND progress < 100, 'its calls count') FROM provision.job_status WHERE job_id = :job;
UPDATE provision.job_step SET calls_done = 9, share_done = 1000 WHERE job_id = :job AND ordinal = 2;
SELECT is(progress, 99, 'never 100 before the end, however often it was looked') FROM provision.job_status WHERE job_id = :job;
SELECT is(current_step, 'step_2_company', 'the open step') FROM provision.job_status WHERE job_id = :job;
UPDATE provision.job_step SET state = 'failed', error_code = 'X', finished_at = now() WHERE job_id = :job AND ordinal = 2;
SELECT provision.finish_job(:job, 'partial');
SELECT is(progress, 100, 'partial is an end') FROM provision.job_status WHERE job_id = :job;
SELECT * FROM finish();
ROLLBACK;
