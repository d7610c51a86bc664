-- Where the time limits of a job come from, when they begin, what takes them away, and what gives them anew.
BEGIN;
SELECT plan(21);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT count(provision_tenant_create('t' || n, 'main', jsonb_build_object('company_name', 'T' || n, 'country', 'Kenya'))) FROM generate_series(1, 4) AS n;
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
CREATE FUNCTION pg_temp.left_of(tenant text) RETURNS integer LANGUAGE sql AS $$     -- seconds, rounded to tens
    SELECT (extract(epoch FROM expires_at - clock_timestamp()) / 10)::integer * 10 FROM provision.job_status WHERE job_status.tenant = left_of.tenant;
$$;
SELECT provision_start('t1');
SELECT is(pg_temp.left_of('t1'), NULL, 'no limit by default');
UPDATE provision.workflow SET max_wait_ms = 60000, deadline_ms = 3600000 WHERE name = 'tenant_setup';
SELECT provision_start('t2', options => '{"max_wait": "2 min"}');
SELECT is(pg_temp.left_of('t2'), 120, 'the option counts');
SELECT provision_start('t3', run_at => clock_timestamp() + interval '1 h');
SELECT is(pg_temp.left_of('t3'), 3660, 'else the workflow; waiting begins when it may run');
SELECT provision_start('t4', options => '{"deadline": "20 min"}');
SELECT provision.claim_jobs(:incarnation, 5);
SELECT is(pg_temp.left_of('t1'), NULL, 'a job keeps the limits it was started with');
SELECT is(pg_temp.left_of('t2'), 3600, 'once claimed the deadline counts, of the workflow');
SELECT is(pg_temp.left_of('t4'), 1200, 'or of the option');
UPDATE provision.job SET state = 'pending', owner = NULL, slots = 0, due_at = NULL, expires_at = expires_at - interval '10 min' WHERE state = 'running';
SELECT provision.claim_jobs(:incarnation, 5);
SELECT is(pg_temp.left_of('t4'), 600, 'a second claim gives no new time');

-- The clock was set back by a day.
UPDATE provision.job SET expires_at = expires_at + interval '1 day' WHERE state = 'running';
SELECT provision.correct_times('1 min');
SELECT is(pg_temp.left_of('t4'), 1200, 'after the clock was set back it is no longer than a new one');

-- Past its time.
UPDATE provision.job SET state = 'pending', due_at = NULL, expires_at = now() - interval '1 s' WHERE tenant_id = (SELECT tenant_id FROM provision.tenant WHERE name = 't3');
SELECT is(claimed, '{}', 'it is not claimed any more') FROM provision.claim_jobs_of_engine(:incarnation, (SELECT engine_id FROM provision.engine), 5, '-infinity');
UPDATE provision.job SET expires_at = now() - interval '1 s' WHERE tenant_id IN (SELECT tenant_id FROM provision.tenant WHERE name IN ('t3', 't4'));
SELECT is(provision.next_expiry() < now(), true, 'the worker wakes for it');
SELECT next_due_at FROM provision.claim_jobs(:incarnation, 0);
SELECT is(ROW(state, error_code, error_step)::text, '(failed,WAITED_TOO_LONG,step_0_engine_check)', 'one that has not started fails') FROM provision.job_status WHERE tenant = 't3';
SELECT alike(error_hint, 'It may wait for 00:01:00 and did not start by %provision_retry(%', 'with a hint') FROM provision.job_status WHERE tenant = 't3';
SELECT is(ROW(state, wish)::text, '(running,expire)', 'of one that runs the worker is told') FROM provision.job_status WHERE tenant = 't4';
SELECT throws_like($$ SELECT provision_pause('t4') $$, '% cannot be paused%', 'which can no longer be paused');
SELECT is(provision.next_expiry() > now(), true, 'it is told once');
SELECT provision.settle_jobs(ARRAY(SELECT job_id FROM provision.job_status WHERE tenant = 't4'));
SELECT is(ROW(state, error_code, expires_at)::text, '(failed,JOB_DEADLINE,)', 'and fails when nothing is in flight') FROM provision.job_status WHERE tenant = 't4';
SELECT is(string_agg(event, ',' ORDER BY event_id), 'job_expire_requested,step_failed,job_failed', 'its events') FROM provision_logs('t4')
 WHERE event IN ('job_expire_requested', 'step_failed', 'job_failed');
SELECT is(ROW(state, wish)::text, '(running,cancel)', 'a cancellation') FROM provision_cancel('t2');
UPDATE provision.job SET expires_at = now() - interval '1 s' WHERE state = 'running' AND wish = 'cancel';
SELECT provision.expire_jobs();
SELECT provision.settle_jobs(ARRAY(SELECT job_id FROM provision.job_status WHERE tenant = 't2'));
SELECT is(ROW(state, error_code)::text, '(cancelled,)', 'that came first stays one') FROM provision.job_status WHERE tenant = 't2';

-- Anew.
SELECT state FROM provision_retry('t3');
SELECT is(pg_temp.left_of('t3'), 60, 'a retry may wait as long again');
SELECT state FROM provision_retry('t4');
SELECT provision.claim_jobs(:incarnation, 5);
SELECT is(pg_temp.left_of('t4'), 1200, 'and run as long again');
SELECT * FROM finish();
ROLLBACK;
