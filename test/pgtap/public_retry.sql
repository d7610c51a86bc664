-- Retry: failed and blocked steps wait again, completed ones stay, what would be doubled stays known, the job enters the queue anew.
BEGIN;
SELECT plan(9);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
UPDATE provision.job_step SET state = 'completed', finished_at = now(), attempt_count = 3 WHERE job_id = :job AND ordinal < 2;
UPDATE provision.job_step SET state = 'failed', finished_at = now(), error_code = 'ENGINE_BUSY', tries = 3, attempt_count = 5,
       answers = '{"look": {"verdict": "absent"}, "post": {"verdict": "success", "lasting": true}, "create": {"verdict": "success"}}' WHERE job_id = :job AND ordinal = 2;
INSERT INTO provision.attempt (job_id, ordinal, engine_id, incarnation, call, method, url, guard, repeatable, timeout_ms, started_at, finished_at, delivery, verdict)
SELECT :job, 2, engine_id, 1, given.call, given.method, 'https://erp.example.com/', given.guard, given.method = 'GET', 1000, now(), now(), 'answered', 'success'
  FROM provision.engine, (VALUES ('look', 'GET', NULL), ('post', 'POST', NULL), ('create', 'POST', 'look')) AS given (call, method, guard)
 WHERE engine.name = 'main';
SELECT provision.finish_job(:job, 'failed');
SELECT is(ROW(state, current_step, error_code)::text, '(failed,step_2_company,ENGINE_BUSY)', 'failed') FROM provision.job_status WHERE job_id = :job;
SELECT is(ROW(state, error_code, error_step, finished_at, attempt_count)::text, '(pending,,,,11)', 'pending, its error is gone, its calls are still counted')
  FROM provision_retry('acme');
SELECT is(array_agg(DISTINCT state), '{waiting}', 'steps from the failed one wait') FROM provision.step_status WHERE job_id = :job AND ordinal >= 2;
SELECT is(array_agg(DISTINCT state), '{completed}', 'steps before it stay') FROM provision.step_status WHERE job_id = :job AND ordinal < 2;
SELECT is(ROW(tries, attempt_count, error_code)::text, '(0,5,)', 'its tries begin anew') FROM provision.job_step WHERE job_id = :job AND ordinal = 2;
SELECT is(array(SELECT jsonb_object_keys(answers)), '{post}', 'only a call that must not be sent twice stays answered') FROM provision.job_step WHERE job_id = :job AND ordinal = 2;
SELECT is(ROW(from_state, to_state)::text, '(failed,pending)', 'one event') FROM provision_logs(:job) WHERE event = 'job_retried';
SELECT throws_ok(format('SELECT provision_retry(%s)', :job), 'PV001', format('job %s cannot be retried: it is pending', :job), 'not while it is active');
SELECT throws_ok('SELECT provision_retry(-1)', '42704', 'job -1 does not exist', 'a job that is not there');
SELECT * FROM finish();
ROLLBACK;
