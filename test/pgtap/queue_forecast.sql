-- When a job starts and ends follows from the pace of its workflow, what is before it and what its engine allows; where nobody knows, it is told why.
BEGIN;
SELECT plan(26);
SELECT provision_engine_create('main', 'https://erp.example.com', options => '{"max_concurrent": 2}');
SELECT provision_engine_create('other', 'https://erp2.example.com', options => '{"max_concurrent": 1}');
SELECT provision_tenant_create('t' || n, 'main', jsonb_build_object('company_name', 'T' || n, 'country', 'Kenya')) FROM generate_series(1, 6) AS n;
SELECT provision_tenant_create('o1', 'other', '{"company_name": "O", "country": "Kenya"}');
INSERT INTO provision.workflow (name) VALUES ('short');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function)
SELECT workflow_id, n, 'step_' || n, 'public.nothing' FROM provision.workflow, generate_series(0, 1) AS n WHERE name = 'short';

-- Seconds from now on at which the tenant's job starts and ends, rounded to tens, so that the time which the test takes does not matter: eight seconds may pass.
CREATE FUNCTION pg_temp.times(tenant text) RETURNS integer[] LANGUAGE sql AS $$
    SELECT ARRAY[round(extract(epoch FROM estimated_start_at - statement_timestamp()) / 10) * 10, round(extract(epoch FROM estimated_finish_at - statement_timestamp()) / 10) * 10]::integer[]
      FROM provision_queue_position(tenant);
$$;
CREATE FUNCTION pg_temp.unknown_because(tenant text) RETURNS text LANGUAGE sql AS $$ SELECT unknown_because FROM provision_queue_position(tenant); $$;
-- Runs it: as its worker would have it after this time.
CREATE FUNCTION pg_temp.run(tenant text, since interval) RETURNS void LANGUAGE sql AS $$
    UPDATE provision.job SET state = 'running', owner = 1, slots = 1, claim_number = 1, started_at = statement_timestamp() - since, run_started_at = statement_timestamp() - since
     WHERE job_id = provision.newest_job(tenant);
    UPDATE provision.job_step SET state = 'running', started_at = statement_timestamp() - since WHERE job_id = provision.newest_job(tenant) AND ordinal = 0;
$$;

SELECT count(provision_start('t' || n, 'short')) FROM generate_series(1, 4) AS n;
SELECT is(pg_temp.unknown_because('t1'), 'no history', 'nobody has done it before');
SELECT is(pg_temp.times('t1'), '{NULL,NULL}', 'so there are no times');
SELECT is(queue_position, 4::bigint, 'but a place') FROM provision_queue_position('t4');
INSERT INTO provision.pace (engine_id, workflow_id, run_count, run_samples, slot_samples, call_samples, exclusive_samples,
                            run_low, run_typical, run_high, slot_seconds, slot_variance, calls, exclusive_seconds)
SELECT 0, workflow_id, 100, '{}', '{}', '{}', '{}', 80, 100, 150, 100, 400, 10, 0 FROM provision.workflow WHERE name = 'short';

SELECT is(ARRAY[pg_temp.times('t1'), pg_temp.times('t2')], '{{0,100},{0,100}}', 'two find room at once');
SELECT is(ARRAY[pg_temp.times('t3'), pg_temp.times('t4')], '{{80,180},{130,230}}', 'the others when those have done half their work and more');
SELECT ok(earliest_finish_at < estimated_finish_at AND estimated_finish_at < latest_finish_at AND earliest_start_at < estimated_start_at AND estimated_start_at < latest_start_at
          AND estimated_finish_at - earliest_finish_at < latest_finish_at - estimated_finish_at, 'within a range, which is wider upwards as runs were') FROM provision_queue_position('t3');
SELECT pg_temp.run('t1', '17 s'), pg_temp.run('t2', '86 s');
SELECT is(pg_temp.times('t1'), '{-20,80}', 'one that runs has begun, and ends when the rest is done');
SELECT is(pg_temp.times('t3'), '{20,120}', 'those behind it wait for what is left');
SELECT is(jobs_ahead, NULL, 'it has no place any more') FROM provision_queue_position('t1');
SELECT pg_temp.run('t1', '1000 s'), pg_temp.run('t2', '2000 s');
SELECT is((pg_temp.times('t1'))[2] BETWEEN 50 AND 70, true, 'one that hangs at its first step has the other before it, and a rest of this one');
SELECT ok((pg_temp.times('t3'))[1] >= 0, 'and pushes nobody into the past');
SELECT is(ARRAY[status.eta, (provision_status('t4') ->> 'eta')::timestamptz, queue.estimated_finish_at], ARRAY[own.estimated_finish_at, own.estimated_finish_at, own.estimated_finish_at],
          'job_status, provision_status and queue tell the same')
  FROM provision.job_status AS status JOIN provision.queue USING (job_id) CROSS JOIN LATERAL provision_queue_position('t4') AS own WHERE status.tenant = 't4';

UPDATE provision.engine_state SET breaker = 'open', breaker_until = statement_timestamp() + interval '49 s' WHERE engine_id = (SELECT engine_id FROM provision.engine WHERE name = 'main');
SELECT is(pg_temp.times('t3'), '{50,150}', 'nothing goes on before the breaker ends');
UPDATE provision.engine_state SET breaker = 'closed', breaker_until = NULL, not_before = statement_timestamp() + interval '99 s';
SELECT is(pg_temp.times('t3'), '{100,200}', 'nor before the server wants it');
UPDATE provision.engine_state SET not_before = NULL;
SELECT provision_engine_pause('main');
SELECT is(ARRAY[pg_temp.unknown_because('t3'), pg_temp.times('t3')::text, pg_temp.unknown_because('t1')], '{engine paused,"{NULL,NULL}",engine paused}', 'a pause has no end that is known');
SELECT is((SELECT array_agg(DISTINCT unknown_because) FROM provision.queue WHERE engine = 'main'), '{engine paused}', 'the view says so, too');
SELECT provision_engine_resume('main');
SELECT provision_pause('t4');
SELECT is(pg_temp.unknown_because('t4'), 'paused', 'of a job');
SELECT provision_pause_all();
SELECT is(pg_temp.unknown_because('t3'), 'everything paused', 'of everything');
SELECT provision_resume_all();
UPDATE provision.control SET worker_stopped_at = now();
SELECT is(pg_temp.unknown_because('t3'), 'worker stopped', 'of the worker');
UPDATE provision.control SET worker_stopped_at = NULL;
SELECT provision_start('t5', 'short', run_at => statement_timestamp() + interval '1 hour 4 s');
SELECT is(pg_temp.times('t5'), '{3600,3700}', 'a time that was wished for comes first');

SELECT provision_start('o1', 'short');
SELECT is(pg_temp.times('o1'), '{0,100}', 'an engine without a history of its own has that of others');
INSERT INTO provision.pace SELECT engine.engine_id, workflow_id, 5, '{}', '{}', '{}', '{}', 5, 10, 20, 10, 0, 10, 0 FROM provision.workflow, provision.engine WHERE engine.name = 'other' AND workflow.name = 'short';
SELECT is(pg_temp.times('o1'), '{0,10}', 'until it has');
SELECT provision_engine_update('other', '{"rate_per_second": 0.1, "burst": 2}');
UPDATE provision.engine_gauge SET tokens = 2, tokens_at = statement_timestamp() WHERE engine_id = (SELECT engine_id FROM provision.engine WHERE name = 'other');
SELECT is(pg_temp.times('o1'), '{0,80}', 'ten calls, two of which may go at once, take as long as the rate says');

-- A step that keeps others off the site lets all begin and ends them one after the other.
DELETE FROM provision.job;
UPDATE provision.pace SET exclusive_seconds = 50 WHERE engine_id = 0;
SELECT provision_engine_update('main', '{"max_concurrent": 100}');
UPDATE provision.tenant SET settings = settings || '{"site": "own.example.com"}' WHERE name = 't4';
SELECT count(provision_start('t' || n, 'short')) FROM generate_series(1, 5) AS n;
SELECT is(ARRAY[pg_temp.times('t1'), pg_temp.times('t2'), pg_temp.times('t3')], '{{0,100},{0,150},{0,200}}', 'one after the other on a site');
SELECT is(ARRAY[pg_temp.times('t4'), pg_temp.times('t5')], '{{0,100},{0,250}}', 'not with those on another');
SELECT provision.finish_job(provision.newest_job('t5'), 'completed');
SELECT ok(queue_position IS NULL AND estimated_finish_at = job.finished_at AND unknown_because IS NULL, 'of one that has ended, the times are what was')
  FROM provision.job CROSS JOIN LATERAL provision_queue_position(job.job_id) WHERE job.job_id = provision.newest_job('t5');
SELECT * FROM finish();
ROLLBACK;
