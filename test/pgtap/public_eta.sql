-- Without history nobody knows when a job ends; with it, what is left of a typical run says it.
BEGIN;
SELECT plan(5);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT is(eta, NULL, 'no history') FROM provision.job_status WHERE job_id = :job;
UPDATE provision.job_step SET state = 'completed', started_at = now() - interval '10 s', finished_at = now() WHERE job_id = :job;
UPDATE provision.job SET run_started_at = now() - interval '110 s' WHERE job_id = :job;
SELECT provision.finish_job(:job, 'completed');
SELECT provision.learn_paces();
SELECT provision_start('acme') AS next \gset
SELECT is(round(extract(epoch FROM eta - statement_timestamp())), 110.0, 'a run as long as the one before') FROM provision.job_status WHERE job_id = :next;
UPDATE provision.job_step SET state = 'completed', finished_at = now() WHERE job_id = :next AND ordinal < 6;
UPDATE provision.job SET run_started_at = now() WHERE job_id = :next;
SELECT is(round(extract(epoch FROM eta - statement_timestamp())), 50.0, 'what is done no longer counts') FROM provision.job_status WHERE job_id = :next;
SELECT is(eta, NULL, 'a paused job has none') FROM provision_pause(:next);
SELECT is(eta, NULL, 'nor an ended one') FROM provision.job_status WHERE job_id = :job;
SELECT * FROM finish();
ROLLBACK;
