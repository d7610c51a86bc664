-- Every reason has its row, and a fix where there is one.
BEGIN;
SELECT plan(11);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT is(array_agg(reason), '{"database not listed",queued}', 'nobody works') FROM provision_why('acme');
SELECT provision_engine_pause('main', 'upgrade');
SELECT alike(detail, 'Engine "main" was paused at % Reason: upgrade', 'engine paused') FROM provision_why('acme') WHERE reason = 'engine paused';
UPDATE provision.engine_state SET breaker = 'open', breaker_until = now() + interval '1 min', failures_in_a_row = 5 WHERE engine_id = (SELECT engine_id FROM provision.engine WHERE name = 'main');
SELECT alike(detail, 'Engine "main" failed 5 times in a row%', 'breaker open') FROM provision_why('acme') WHERE reason = 'breaker open';
DELETE FROM provision.secret;
SELECT is(fix, 'SELECT provision_engine_secret(''main'', ''...'', ''...'');', 'credentials missing') FROM provision_why('acme') WHERE reason = 'credentials missing';
SELECT provision_tenant_create('beta', 'main', '{"company_name": "Beta", "country": "Kenya"}');
SELECT provision_start('beta', priority => -5) AS other \gset
SELECT alike(detail, 'It is number 2 in the queue of engine "main"%', 'queue') FROM provision_why('beta') WHERE reason = 'queued';
UPDATE provision.control SET worker_stopped_at = now();
SELECT is(fix, 'SELECT provision_worker_start();', 'worker stopped') FROM provision_why('acme') WHERE reason = 'worker stopped';
UPDATE provision.job SET state = 'scheduled', due_at = now() + interval '1 min' WHERE job_id = :job;
UPDATE provision.job_step SET state = 'retrying', next_attempt_at = now() + interval '1 min', error_code = 'ENGINE_BUSY' WHERE job_id = :job AND ordinal = 0;
SELECT alike(detail, 'step_0_engine_check is tried again at % after ENGINE_BUSY.%', 'next attempt') FROM provision_why('acme') WHERE reason = 'next attempt later';
UPDATE provision.job_step SET state = 'ready', next_attempt_at = NULL, waits_for = 'company on x of main' WHERE job_id = :job AND ordinal = 0;
INSERT INTO provision.exclusion (exclusion, job_id, ordinal) VALUES ('company on x of main', :other, 2);
SELECT alike(detail, format('%%held by job %s.', :other), 'excluded') FROM provision_why('acme') WHERE reason = 'excluded';
UPDATE provision.job_step SET waits_for = 'a remote job' WHERE job_id = :job AND ordinal = 0;
INSERT INTO provision.remote_job (job_id, ordinal, call, engine_id, remote_id, key, next_poll_at) SELECT :job, 0, 'wait for it', engine_id, 'j77', 'k', now() FROM provision.job WHERE job_id = :job;
SELECT alike(detail, '%waits for job j77 of its server (pending)%', 'a job of the server') FROM provision_why('acme') WHERE reason = 'waits for the server';
UPDATE provision.job_step SET state = 'failed', waits_for = NULL, finished_at = now(), error_code = 'ENGINE_BUSY', error_message = 'Busy.', error_hint = 'Wait.' WHERE job_id = :job AND ordinal = 0;
SELECT provision.finish_job(:job, 'failed');
SELECT is(array_agg(reason), '{"left to the server","step failed","steps blocked"}', 'failed') FROM provision_why('acme');
SELECT is(ROW(detail, fix)::text, format('("step_0_engine_check: ENGINE_BUSY: Busy. Wait.","SELECT provision_retry(%s);")', :job), 'with the hint') FROM provision_why('acme') WHERE reason = 'step failed';
SELECT * FROM finish();
ROLLBACK;
