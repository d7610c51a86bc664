-- Rolling back, without a worker: what is allowed, what turns, what the dry run shows.
BEGIN;
SELECT plan(22);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT is((SELECT count(*) FROM provision_plan('acme', 'tenant_setup')), (SELECT count(*) FROM provision_plan('acme', 'tenant_setup', 'forward')), 'forward is what a plan is');
SELECT is((SELECT step FROM provision_plan('acme', direction => 'back') WHERE ordinal = 1), 'step_9_pos_session', 'before any job: the last step that makes something comes first');
SELECT is((SELECT count(*) FROM provision_plan('acme', direction => 'back') WHERE method = 'DELETE' AND url LIKE '%/Company/{?create_company}'), 1::bigint, 'names that only answers tell are markers');
SELECT provision_start('acme') AS job \gset
SELECT throws_ok('SELECT provision_rollback(''acme'')', 'PV001', NULL, 'not a job that waits');
SELECT throws_ok('SELECT provision_rollback(0)', '42704', NULL, 'not one that does not exist');
UPDATE provision.job SET started_at = now() WHERE job_id = :job;
UPDATE provision.job_step SET state = 'completed', finished_at = now(), attempt_count = 1 WHERE job_id = :job AND ordinal IN (0, 2, 7);
INSERT INTO provision.creation (job_id, ordinal, attempt_id, call, kind, name, creates, made_at)
VALUES (:job, 2, 1, 'create company', 'Company', 'Acme', '{"kind": "Company", "name": "$.data.name"}', now());
SELECT is(ROW(state, direction, current_step)::text, '(pending,back,step_2_company)', 'a queued job that has run turns round when it is cancelled') FROM provision_cancel('acme', 'wrong', rollback => true);
SELECT is((SELECT string_agg(step || ' ' || state, ', ' ORDER BY ordinal) FROM provision.step_status WHERE job_id = :job AND state NOT IN ('skipped')),
    'step_0_engine_check undone, step_2_company waiting, step_7_customer undone', 'only steps that made something wait');
SELECT is((SELECT string_agg(event || ' ' || coalesce(step, ''), ', ' ORDER BY event_id) FROM provision.event WHERE job_id = :job AND event IN ('job_cancelled', 'job_rolling_back', 'step_undone')),
    'job_cancelled , step_undone step_7_customer, step_undone step_0_engine_check, job_rolling_back ', 'and the history tells it');
SELECT is((SELECT string_agg(method || ' ' || call, ', ' ORDER BY ordinal) FROM provision_plan('acme', direction => 'back')),
    'GET look default company, GET look for Company of "create company", PUT cancel Company Acme (depends on an earlier answer), DELETE remove Company Acme (depends on an earlier answer), GET verify that Company of "create company" is gone (depends on an earlier answer)',
    'the dry run shows its way back');
SELECT throws_ok('SELECT provision_rollback(''acme'')', 'PV001', NULL, 'it is rolling back already');
SELECT throws_ok(format('SELECT provision_skip_step(%s, %L)', :job, 'step_6_items'), 'PV001', NULL, 'no step of it is skipped');
SELECT is(state || ' ' || direction, 'cancelled back', 'it can be stopped') FROM provision_cancel('acme');
SELECT throws_ok('SELECT provision_retry(''acme'')', 'PV001', NULL, 'it does not go forward any more');
SELECT is(jsonb_array_length(provision_status('acme') -> 'left'), 1, 'the status tells what stands');
SELECT provision_start('acme') AS later \gset
SELECT throws_like(format('SELECT provision_rollback(%s)', :job), '%job % of the same tenant is active', 'not beside an active job');
UPDATE provision.job_step SET attempt_count = 1 WHERE job_id = :later AND ordinal = 0;
SELECT is(state, 'cancelled', 'a later job ends') FROM provision_cancel(:later);
SELECT throws_like(format('SELECT provision_rollback(%s)', :job), '%the later job % of the same tenant may rely on what it made', 'not before the later job is rolled back');
UPDATE provision.job_step SET attempt_count = 0 WHERE job_id = :later;
SELECT is(state || ' ' || direction, 'pending back', 'unless that never called the server') FROM provision_rollback(:job);

-- Cancelled with rollback, a job is held to the same.
INSERT INTO provision.workflow (name) VALUES ('other');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) SELECT workflow_id, 1, 'step', 'provision.plan_nothing' FROM provision.workflow WHERE name = 'other';
SELECT provision_tenant_create('beta', 'main', '{"company_name": "Beta", "country": "Kenya"}');
SELECT provision_start('beta') AS job, provision_start('beta', 'other') AS other \gset
UPDATE provision.job SET started_at = now() WHERE job_id = :job;
SELECT throws_like(format('SELECT provision_cancel(%s, rollback => true)', :job), '%job % of the same tenant is active', 'a waiting job does not turn round beside another');
SELECT is(state, 'pending', 'it goes on') FROM provision.job_status WHERE job_id = :job;
UPDATE provision.job SET state = 'running', owner = 1, slots = 1 WHERE job_id = :job;
SELECT throws_like(format('SELECT provision_cancel(%s, rollback => true)', :job), '%job % of the same tenant is active', 'nor a running one');
SELECT state FROM provision_cancel(:other);
SELECT is(wish, 'rollback', 'alone it is told to') FROM provision_cancel(:job, rollback => true);
SELECT * FROM finish();
ROLLBACK;
