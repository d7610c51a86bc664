-- When the clock was set back, jobs of Frappe Agent are asked for again at once, and not when the old time has come; what was not submitted yet is not.
BEGIN;
SELECT plan(4);
SELECT provision_engine_create('maker', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench", "domain": "example.com"}');
SELECT provision_tenant_create('acme-inc', 'maker', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_create_site('acme-inc') AS job \gset
UPDATE provision.job SET state = 'scheduled', started_at = clock_timestamp(), due_at = clock_timestamp() + interval '5 h', awaits_remote = true WHERE job_id = :job;
UPDATE provision.job_step SET state = 'ready', waits_for = 'a remote job' WHERE job_id = :job AND ordinal = 1;
INSERT INTO provision.remote_job (job_id, ordinal, call, engine_id, remote_id, title, key, status, submitted_at, next_poll_at)
SELECT :job, 1, call, engine_id, number, 'New Site', call, CASE WHEN number IS NULL THEN 'Submitted' ELSE 'Pending' END, clock_timestamp() + interval '5 h', at
  FROM provision.engine, (VALUES ('wait for one', '7', clock_timestamp() + interval '5 h'), ('wait for soon', '8', now() + interval '1 s'), ('wait for other', NULL, 'infinity')) AS remote (call, number, at);
SELECT provision.correct_times('1 min');
SELECT ok(due_at <= clock_timestamp(), 'the job is due') FROM provision.job WHERE job_id = :job;
SELECT ok(next_poll_at <= clock_timestamp(), 'and so is its look') FROM provision.remote_job WHERE call = 'wait for one';
SELECT is(next_poll_at, now() + interval '1 s', 'a look that is due soon is left as it is') FROM provision.remote_job WHERE call = 'wait for soon';
SELECT is(next_poll_at, 'infinity', 'what has no number yet is not asked for') FROM provision.remote_job WHERE call = 'wait for other';
SELECT * FROM finish();
ROLLBACK;
