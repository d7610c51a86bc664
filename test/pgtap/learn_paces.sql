-- What is learnt of jobs that ended: medians that one job which hung does not move, of a bounded number of the newest; new jobs weigh their
-- steps by it.
BEGIN;
SELECT plan(16);
SELECT provision_engine_create('main', 'https://erp.example.com');
INSERT INTO provision.tenant (name, engine_id, config, settings) SELECT 't' || n, engine_id, '{}', '{}' FROM provision.engine, generate_series(1, 700) AS n;
INSERT INTO provision.workflow (name) VALUES ('short');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, exclusive, weight)
SELECT workflow_id, n, 'step_' || n, 'public.nothing', CASE n WHEN 1 THEN 'word' END, 1 FROM provision.workflow, generate_series(0, 2) AS n WHERE name = 'short';
-- Ends a job of a tenant so long ago, whose first step took one second, and the second one so many.
CREATE FUNCTION pg_temp.past(tenant text, ended_ago interval, seconds integer, had_waited boolean DEFAULT false) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    made bigint := provision_start(tenant, 'short', '{"correlation_id": "past"}');
    ended timestamptz := now() - ended_ago;
BEGIN
    UPDATE provision.job_step SET state = 'completed', attempt_count = 2, started_at = ended - make_interval(secs => seconds + 1), finished_at = ended - make_interval(secs => seconds) WHERE job_id = made AND ordinal = 0;
    UPDATE provision.job_step SET state = 'completed', attempt_count = 3, started_at = ended - make_interval(secs => seconds), finished_at = ended,
                                  waits_since = CASE WHEN had_waited THEN ended - make_interval(secs => seconds) END WHERE job_id = made AND ordinal = 1;
    UPDATE provision.job_step SET state = 'skipped', finished_at = ended WHERE job_id = made AND ordinal = 2;
    UPDATE provision.job SET state = 'completed', run_started_at = ended - make_interval(secs => seconds + CASE WHEN had_waited THEN 1000 ELSE 1 END), finished_at = ended WHERE job_id = made;
END;
$$;
CREATE VIEW pg_temp.own AS SELECT pace.* FROM provision.pace WHERE engine_id > 0;

SELECT ok(NOT provision.is_time_to_learn(), 'nothing has ended');
SELECT pg_temp.past('t' || n, interval '1 hour' - n * interval '1 s', 9) FROM generate_series(1, 20) AS n;
SELECT ok(provision.is_time_to_learn(), 'there is something to learn');
SELECT is(provision.learn_paces(), 20::bigint, 'from all');
SELECT is(ROW(run_count, run_low, run_typical, run_high, slot_seconds, calls, exclusive_seconds)::text, '(20,10,10,10,10,5,9)', 'how long it took, and what it used') FROM pg_temp.own;
SELECT is(array_agg(engine_id = 0 ORDER BY engine_id), '{t,f}', 'on its engine and anywhere') FROM provision.pace;
SELECT ok(NOT provision.is_time_to_learn(), 'that is known now');
SELECT is(provision.learn_paces(), 0::bigint, 'and not learnt twice');

SELECT pg_temp.past('t21', interval '1 min', 100000);
SELECT provision.learn_paces();
SELECT is(ROW(run_typical, round(slot_seconds))::text, '(10,10)', 'one that hung for a day is one of many') FROM pg_temp.own;
SELECT pg_temp.past('t22', interval '50 s', 9, true);
SELECT provision.learn_paces();
SELECT is(ROW(run_samples[1], slot_samples[1])::text, '(10,10)', 'waiting for others is not its own time') FROM pg_temp.own;
SELECT pg_temp.past('t' || n, interval '45 s' - n * interval '1 ms', 1, true) FROM generate_series(30, 31) AS n;
UPDATE provision.job_step SET finished_at = finished_at + interval '2 s' WHERE job_id = provision.newest_job('t31') AND ordinal = 1;
SELECT provision.learn_paces();
SELECT is(round(exclusive_samples[1]::numeric, 2), 2.00, 'nor is an exclusion free while it is passed on to one that waits') FROM pg_temp.own;
SELECT pg_temp.past('t23', interval '40 s', 9);
UPDATE provision.job SET state = 'failed', error_code = 'X', error_message = 'x' WHERE job_id = provision.newest_job('t23');
SELECT is(provision.learn_paces(), 0::bigint, 'what failed teaches nothing');
SELECT ok(NOT provision.is_time_to_learn(), 'and is not looked at again');

SELECT provision_start('t24', 'short') AS job \gset
SELECT is(array_agg(weight ORDER BY ordinal), '{100,900,333}', 'new jobs weigh steps by their durations, and those without by the workflow')
  FROM provision.step_status WHERE job_id = :job;
SELECT is(array_agg(weight ORDER BY ordinal), '{333,333,333}', 'jobs that were there keep their weights') FROM provision.step_status WHERE job_id = provision.newest_job('t1');

SELECT pg_temp.past('t' || n, interval '30 s' - n * interval '1 ms', 19) FROM generate_series(100, 700) AS n;
SELECT is(provision.learn_paces(), 500::bigint, 'of very many, the newest 500 are looked at');
SELECT is(ROW(run_count, cardinality(run_samples), run_typical)::text, '(524,100,20)', 'and of them 100 remembered') FROM pg_temp.own;
SELECT * FROM finish();
ROLLBACK;
