-- Continue goes on after whatever stopped the job: pause, cancellation or failure; not when it runs or is done.
BEGIN;
SELECT plan(6);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT provision_pause(:job);
SELECT is(state, 'pending', 'after a pause') FROM provision_continue('acme');
SELECT provision_cancel(:job);
SELECT is(state, 'pending', 'after a cancellation') FROM provision_continue('acme');
SELECT throws_ok($$ SELECT provision_continue('acme') $$, 'PV001', NULL, 'not while it waits in the queue');
UPDATE provision.job_step SET state = 'failed', finished_at = now(), error_code = 'ENGINE_BUSY' WHERE job_id = :job AND ordinal = 0;
SELECT provision.finish_job(:job, 'failed');
SELECT is(state, 'pending', 'after a failure') FROM provision_continue('acme');
SELECT provision.finish_job(:job, 'completed');
SELECT throws_ok($$ SELECT provision_continue('acme') $$, 'PV001', NULL, 'not when it is completed');
SELECT is(array_agg(event ORDER BY event_id), '{job_paused,job_resumed,job_cancelled,job_continued,job_failed,job_continued,job_completed}', 'each has its event')
  FROM provision_logs(:job, (SELECT min(event_id) FROM provision_logs(:job))) WHERE event LIKE 'job%';
SELECT * FROM finish();
ROLLBACK;
