-- Calls whose credentials do not open are taken back as if they had never been planned; their jobs wait, and are due when the keys change.
BEGIN;
SELECT plan(13);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
UPDATE provision.job SET state = 'running', owner = 1, slots = 2, due_at = NULL WHERE job_id = :job;
UPDATE provision.job_step SET state = 'running', attempt_id = -1 - ordinal, attempt_count = attempt_count + 1 WHERE job_id = :job AND ordinal < 2;
INSERT INTO provision.attempt (attempt_id, job_id, ordinal, engine_id, incarnation, call, method, url, repeatable, timeout_ms, started_at)
OVERRIDING SYSTEM VALUE
SELECT -1 - ordinal, job_id, ordinal, engine_id, 1, 'ping', 'POST', 'https://erp.example.com/', true, 1000, now()
  FROM provision.job JOIN provision.job_step USING (job_id) WHERE job_id = :job AND ordinal < 2;
INSERT INTO provision.creation (job_id, ordinal, attempt_id, call, kind, creates) VALUES (:job, 0, -1, 'ping', 'Item', '{}'), (:job, 1, -2, 'ping', 'Item', '{}');

SELECT provision.wait_for_keys('{-1}', '{missing}');
SELECT is(attempt_count, 0, 'no attempt is counted') FROM provision.job_step WHERE job_id = :job AND ordinal = 0;
SELECT is(array_agg(attempt_id), '{-2}', 'none is written') FROM provision.attempt WHERE job_id = :job;
SELECT is(array_agg(attempt_id), '{-2}', 'and nothing is expected of it') FROM provision.creation WHERE job_id = :job;
SELECT is(state || ' ' || slots, 'running 1', 'a job with another call in flight goes on') FROM provision.job WHERE job_id = :job;

SELECT provision.wait_for_keys('{-2}', '{missing}');
SELECT is(state, 'scheduled', 'without one it waits') FROM provision.job WHERE job_id = :job;
SELECT ok(due_at > now() + interval '20 min', 'for long') FROM provision.job WHERE job_id = :job;
SELECT is(detail, 'A secret cannot be opened. missing', 'and says why') FROM provision_why(:job) WHERE reason = 'key missing';
SELECT is(provision.end_key_waits(false), 1::bigint, 'it waits on while nothing has changed');
SELECT state FROM provision_pause(:job);
SELECT is(provision.end_key_waits(false), 0::bigint, 'nobody looks after a paused one');
SELECT is(provision.end_key_waits(true), 0::bigint, 'when the keys change');
SELECT is(due_at, '-infinity', 'it is due') FROM provision.job WHERE job_id = :job;
SELECT is(state, 'pending', 'as soon as it is resumed') FROM provision_resume(:job);

SELECT throws_ok($$ UPDATE provision.secret SET sealed = 'in clear' $$, '23514', NULL, 'the table takes nothing that is not sealed');
SELECT * FROM finish();
ROLLBACK;
