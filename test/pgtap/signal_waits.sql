-- A step that waits for a signal: the job holds nothing until it comes or its time is over. Without a worker: the test makes its rounds.
BEGIN;
SELECT plan(35);
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE FUNCTION app.waits(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM provision.wait_for_signal(job, 'approval');
    RETURN NEXT provision.look('look', '/api/method/ping?by=' || (provision.wait_for_signal(job, 'approval') ->> 'by'));
END;
$$;
CREATE FUNCTION app.nothing(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$ SELECT NULL::provision.call WHERE false $$;
CREATE FUNCTION app.undeclared(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM provision.wait_for_signal(job, 'somebody');
END;
$$;
SELECT provision_engine_create('main', 'https://erp.example.com', options => '{"max_concurrent": 1}');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'abbr', name, 'country', 'US')) FROM unnest('{a,b,c,d}'::text[]) AS name;
INSERT INTO provision.workflow (name) VALUES ('waits'), ('careless');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical, requires, signals)
SELECT workflow_id, step.ordinal, step.name, step.plan_function, step.critical, step.requires, step.signals
  FROM provision.workflow,
       (VALUES ('waits', 0, 'before', 'app.nothing', true, '{}'::text[], NULL::jsonb),
               ('waits', 1, 'approved', 'app.waits', true, '{before}', '{"approval": {"timeout": "1 day"}}'),
               ('waits', 2, 'after', 'app.nothing', true, '{approved}', NULL),
               ('careless', 0, 'only', 'app.undeclared', true, '{}', NULL)) AS step (workflow, ordinal, name, plan_function, critical, requires, signals)
 WHERE workflow.name = step.workflow;
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
CREATE FUNCTION pg_temp.round(incarnation bigint) RETURNS TABLE (claimed bigint[], calls text) LANGUAGE plpgsql AS $$
BEGIN
    claimed := (SELECT claim.claimed_jobs FROM provision.claim_jobs(incarnation, 10) AS claim);
    calls := (SELECT string_agg(method || ' ' || url, ', ') FROM provision.begin_calls(incarnation, claimed));
    RETURN NEXT;
END;
$$;
CREATE FUNCTION pg_temp.told(job_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', job.state, job_step.state, job_step.waits_for, job_step.error_code, round(extract(epoch FROM job.due_at - clock_timestamp()) / 60))
      FROM provision.job JOIN provision.job_step USING (job_id) WHERE job.job_id = told.job_id AND job_step.ordinal = 1;
$$;

-- It waits.
SELECT provision_start('a', 'waits') AS a \gset
SELECT is(calls, NULL, 'no call is made') FROM pg_temp.round(:incarnation);
SELECT is(pg_temp.told(:a), 'scheduled ready signal approval 1440', 'the job is scheduled for the end of its time');
SELECT is(ROW(owner, slots)::text, '(,0)', 'and holds neither worker nor slot') FROM provision.job WHERE job_id = :a;
SELECT is(state, 'completed', 'the step before is done') FROM provision.step_status WHERE job_id = :a AND step = 'before';
SELECT is(claimed, '{}', 'nobody looks at it') FROM pg_temp.round(:incarnation);
SELECT is(reason || ': ' || fix, 'waits for a signal: SELECT provision_signal(' || :a || ', ''approval'', ''{...}'');', 'provision_why says what to do')
  FROM provision_why(:a) WHERE reason !~ 'worker|database';
SELECT is(unknown_because, 'waits for a signal', 'nobody can say when it goes on') FROM provision_queue_position(:a);
SELECT is(detail, '{"for": "signal approval"}', 'its event tells it') FROM provision.event WHERE job_id = :a AND event = 'job_waits';
SELECT is(provision_status(:a) #>> '{steps,1,waits_for}', 'signal approval', 'so does its status');

-- It comes.
SELECT is(state, 'scheduled', 'a signal is taken') FROM provision_signal(:a, 'approval', '{"by": "alice"}');
SELECT is(calls, 'GET https://erp.example.com/api/method/ping?by=alice', 'and the step goes on with what it brought') FROM pg_temp.round(:incarnation);
SELECT is(used_at >= received_at AND received_at >= asked_at, true, 'which is noted') FROM provision.signal WHERE job_id = :a;
UPDATE provision.job SET state = 'completed', owner = NULL, slots = 0, finished_at = now() WHERE job_id = :a;
UPDATE provision.job_step SET state = 'completed', attempt_id = NULL, finished_at = now() WHERE job_id = :a;
UPDATE provision.attempt SET finished_at = now(), delivery = 'answered', verdict = 'success';

-- It comes early, and before the job has started.
SELECT provision_start('b', 'waits', run_at => now() + interval '1 hour') AS b \gset
SELECT is(state, 'scheduled', 'one that comes early is kept') FROM provision_signal(:b, 'approval', '{"by": "bob"}');
SELECT is(claimed, '{}', 'and does not make the job begin') FROM pg_temp.round(:incarnation);
UPDATE provision.job SET due_at = now() WHERE job_id = :b;
SELECT is(calls, 'GET https://erp.example.com/api/method/ping?by=bob', 'the step does not wait') FROM pg_temp.round(:incarnation);
SELECT provision.abandon_attempts(ARRAY[:b]::bigint[], 'crashed', 'WORKER_LOST');
SELECT provision.finish_job(:b, 'cancelled');

-- It does not come.
SELECT provision_start('c', 'waits') AS c \gset
SELECT FROM pg_temp.round(:incarnation);
SELECT state FROM provision_pause(:c);
UPDATE provision.signal SET asked_at = asked_at - interval '23 h', expires_at = expires_at - interval '23 h' WHERE job_id = :c;
SELECT state FROM provision_resume(:c);
UPDATE provision.job SET state = 'pending', due_at = NULL WHERE job_id = :c;
SELECT FROM pg_temp.round(:incarnation);
SELECT is(pg_temp.told(:c), 'scheduled ready signal approval 60', 'a pause or a look in between gives no new time');
UPDATE provision.signal SET expires_at = now() WHERE job_id = :c;
UPDATE provision.job SET due_at = now() WHERE job_id = :c;
SELECT FROM pg_temp.round(:incarnation);
SELECT is(pg_temp.told(:c), 'failed failed SIGNAL_TIMED_OUT', 'when its time is over, the step fails');
SELECT matches(error_hint, 'the signal "approval".*provision_signal\(\d+, ''approval''.*provision_retry', 'with a hint') FROM provision.job_status WHERE job_id = :c;
SELECT is((SELECT state FROM provision_retry(:c)), 'pending', 'a retry');
SELECT FROM pg_temp.round(:incarnation);
SELECT is(pg_temp.told(:c), 'scheduled ready signal approval 1440', 'waits anew');
SELECT is(state, 'cancelled', 'it can be cancelled') FROM provision_cancel(:c);
SELECT is(pg_temp.told(:c), 'cancelled waiting', 'and waits no more');
SELECT is(state, 'cancelled', 'what comes then') FROM provision_signal(:c, 'approval', '{"by": "carol"}');
SELECT is((SELECT state FROM provision_retry(:c)), 'pending', 'is there for a retry');
SELECT is(calls, 'GET https://erp.example.com/api/method/ping?by=carol', 'which need not wait') FROM pg_temp.round(:incarnation);
SELECT provision.abandon_attempts(ARRAY[:c]::bigint[], 'crashed', 'WORKER_LOST');
SELECT provision.finish_job(:c, 'cancelled');

-- While it is paused, and skipped.
SELECT provision_start('b', 'waits') AS b \gset
SELECT FROM pg_temp.round(:incarnation);
SELECT FROM provision_pause(:b);
SELECT is(state, 'paused', 'one that comes during a pause') FROM provision_signal(:b, 'approval', '{"by": "eve"}');
SELECT is(state, 'pending', 'lets the job go on when that ends') FROM provision_resume(:b);
SELECT is(calls, 'GET https://erp.example.com/api/method/ping?by=eve', 'at once') FROM pg_temp.round(:incarnation);
SELECT provision.abandon_attempts(ARRAY[:b]::bigint[], 'crashed', 'WORKER_LOST');
SELECT provision.finish_job(:b, 'cancelled');
INSERT INTO provision.workflow (name) VALUES ('may_skip');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, optional, signals)
SELECT workflow_id, 0, 'only', 'app.waits', true, '{"approval": {"timeout": "1 day"}}' FROM provision.workflow WHERE name = 'may_skip';
SELECT provision_start('b', 'may_skip') AS b \gset
SELECT FROM pg_temp.round(:incarnation);
SELECT FROM provision_skip_step(:b, 'only');
SELECT FROM pg_temp.round(:incarnation);
SELECT is(state, 'completed', 'who skips the step does not wait for the signal') FROM provision.job WHERE job_id = :b;

-- The clock was set back by a day.
SELECT provision_start('c', 'may_skip') AS c2 \gset
SELECT FROM pg_temp.round(:incarnation);
UPDATE provision.signal SET asked_at = asked_at + interval '1 day', expires_at = expires_at + interval '1 day' WHERE job_id = :c2;
SELECT provision.correct_times('1 min');
SELECT FROM pg_temp.round(:incarnation);
SELECT is(round(extract(epoch FROM due_at - clock_timestamp()) / 60), 1440::numeric, 'a clock that was set back does not make it longer') FROM provision.job WHERE job_id = :c2;
SELECT provision.finish_job(:c2, 'cancelled');

-- The deadline of the job, a paused engine, a plan that waits for what its step does not declare.
SELECT provision_start('d', 'waits', '{"deadline": "1 h"}') AS d \gset
SELECT FROM pg_temp.round(:incarnation);
SELECT provision_engine_pause('main');
SELECT is(pg_temp.told(:d), 'scheduled ready signal approval 1440', 'it waits');
UPDATE provision.job SET expires_at = now() WHERE job_id = :d;
SELECT FROM provision.claim_jobs(:incarnation, 0);
SELECT is((SELECT error_code FROM provision.job WHERE job_id = :d), 'JOB_DEADLINE', 'until the job''s deadline');
SELECT provision_engine_resume('main');
SELECT provision_start('d', 'careless') AS careless \gset
SELECT FROM pg_temp.round(:incarnation);
SELECT is(error_code, 'PLAN_FAILED', 'what is not declared is not waited for') FROM provision.job WHERE job_id = :careless;
SELECT is(call, '(waits for signal "approval")', 'the dry run tells where it waits') FROM provision_plan('d', 'waits') WHERE step = 'approved';
SELECT is(count(*), 0::bigint, 'nothing is left behind') FROM provision.invariants() WHERE violations > 0 AND invariant NOT LIKE '%worker%' AND invariant NOT LIKE 'the last event%' AND invariant NOT LIKE 'a step counts%';
SELECT * FROM finish();
ROLLBACK;
