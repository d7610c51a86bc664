-- A clock that is set back while a job is paused does not put it off when it is resumed.
BEGIN;
SELECT plan(3);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
SELECT provision_start('acme', options => '{"deadline": "20 min"}') AS job \gset
SELECT provision.claim_jobs(:incarnation, 5);
SELECT provision.give_back_job(:job, 'scheduled', clock_timestamp() + interval '1 day 2 s');
UPDATE provision.job SET expires_at = expires_at + interval '1 day' WHERE job_id = :job;
SELECT is(state, 'paused', 'it is paused') FROM provision_pause(:job);
SELECT provision.correct_times('1 min');
SELECT is(state, 'pending', 'resumed, it goes on at once') FROM provision_resume(:job);
SELECT cmp_ok(expires_at, '<=', clock_timestamp() + interval '20 min', 'and its deadline is no further away than a new one') FROM provision.job WHERE job_id = :job;
SELECT * FROM finish();
ROLLBACK;
