-- What a worker does about schedules that are due, told by its own function: policies for what was missed, overlap, authority, errors.
BEGIN;
SELECT plan(45);
SELECT provision_engine_create('main', 'https://erp.example.com');
INSERT INTO provision.workflow (name) VALUES ('nightly'), ('other');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) SELECT workflow_id, 0, 'step', 'provision.plan_0_engine_check' FROM provision.workflow WHERE name IN ('nightly', 'other');
SELECT provision_tenant_create('t' || n, 'main', jsonb_build_object('company_name', 'T' || n, 'country', 'US')) FROM generate_series(1, 9) AS n;
-- As if its next time had been so long ago, and since then a worker looks.
CREATE FUNCTION pg_temp.fire(id bigint, ago interval DEFAULT '1 second') RETURNS SETOF provision.schedule_status LANGUAGE plpgsql AS $$
BEGIN
    UPDATE provision.schedule SET next_at = now() - ago, due_at = now() - ago WHERE schedule_id = id AND due_at IS NOT NULL;
    PERFORM provision.fire_schedules();
    RETURN QUERY SELECT * FROM provision.schedule_status WHERE schedule_id = id;
END;
$$;
CREATE FUNCTION pg_temp.end_jobs(into_state text DEFAULT 'completed') RETURNS void LANGUAGE sql AS $$
    SELECT provision.finish_job(job_id, into_state, CASE into_state WHEN 'failed' THEN 'INTERNAL_ERROR' END) FROM provision.job WHERE finished_at IS NULL;
$$;

-- Once a day, and not while this test runs.
SELECT to_char(now() AT TIME ZONE 'UTC' + interval '12 hours', '"0" HH24 "* * *"') AS daily \gset
SELECT provision_schedule('t1', 'nightly', :'daily', 'Europe/Berlin', '{"correlation_id": "night"}') AS nightly \gset
SELECT is(next_at, provision.cron_next(:'daily', 'Europe/Berlin', now()), 'a new schedule waits for its next time') FROM provision.schedule_status WHERE schedule_id = :nightly;
SELECT is(provision.next_schedule_at(), next_at, 'of which workers know') FROM provision.schedule_status WHERE schedule_id = :nightly;
SELECT is(provision.fire_schedules(), false, 'before it nothing is started');
SELECT is(last_state, 'pending', 'at it a job is started') FROM pg_temp.fire(:nightly);
SELECT is(last_job_id, job_id, 'the status names it') FROM provision.schedule_status AS status, provision.job WHERE status.schedule_id = :nightly AND job.schedule_id = :nightly;
SELECT results_eq($$ SELECT workflow, state, correlation_id, priority, created_by FROM provision.job_status $$,
                  format($$ VALUES ('nightly', 'pending', 'night', -1, %L) $$, current_user), 'as the schedule wants it, after what somebody waits for');
SELECT is(next_at, provision.cron_next(:'daily', 'Europe/Berlin', now()), 'the next time is a day later') FROM provision.schedule_status WHERE schedule_id = :nightly;
SELECT is(detail, jsonb_build_object('schedule_id', :nightly), 'the job''s event names the schedule') FROM provision.event WHERE event = 'job_enqueued';

-- Overlap.
SELECT is(reason, format('job %s was still active', last_job_id), 'not beside an active job') FROM pg_temp.fire(:nightly);
SELECT is(overlap_count, 1::bigint, 'which is counted') FROM provision.schedule_status WHERE schedule_id = :nightly;
SELECT is(count(*), 1::bigint, 'no job was started') FROM provision.job;
SELECT is(count(*), 1::bigint, 'an event tells') FROM provision.event WHERE event = 'schedule_skipped' AND tenant = 't1' AND (detail ->> 'schedule_id')::bigint = :nightly;
SELECT pg_temp.end_jobs();
SELECT is(reason, NULL, 'when it has ended the next is started') FROM pg_temp.fire(:nightly);
SELECT is(count(*), 2::bigint, 'one') FROM provision.job;
SELECT pg_temp.end_jobs();

-- Missed.
SELECT provision_schedule('t9', 'nightly', :'daily', name => 'a name') AS of_week \gset
SELECT is(missed_count, 7::bigint, 'after a week''s absence seven times are missed') FROM pg_temp.fire(:of_week, '7 days');
SELECT is(count(*), 1::bigint, 'and one job makes up for all') FROM provision.job WHERE job.schedule_id = :of_week;
SELECT provision_unschedule('t9', 'a name');
SELECT pg_temp.end_jobs();
SELECT provision_schedule('t2', 'nightly', '* * * * *', missed => 'skip') AS skipping \gset
SELECT is(missed_count, 99::bigint, 'a year of minutes is counted to a bound') FROM pg_temp.fire(:skipping, '1 year');
SELECT pg_temp.end_jobs();
SELECT is(last_job_id, NULL, 'skip: what is more than five minutes late is not started') FROM pg_temp.fire(provision_schedule('t3', 'nightly', to_char(now() AT TIME ZONE 'UTC' - interval '1 hour', 'MI HH24') || ' * * *', missed => 'skip'), '1 hour');
SELECT is(reason, 'nobody was there to start it in time', 'and told') FROM provision.schedule_status WHERE tenant = 't3';
SELECT is(missed_count, 1::bigint, 'and counted') FROM provision.schedule_status WHERE tenant = 't3';
SELECT ok(last_state = 'pending' AND missed_count - 99 IN (59, 60), 'but for the last time of many, which has just come') FROM pg_temp.fire(:skipping, '59 minutes');      -- a minute may begin meanwhile
SELECT pg_temp.end_jobs();
SELECT provision_schedule_pause(:nightly, 'maintenance');
SELECT is(next_at::text || paused || reason, NULL, 'a paused schedule has no next time') FROM provision.schedule_status WHERE schedule_id = :nightly;
SELECT is(reason, 'maintenance', 'and tells why') FROM provision.schedule_status WHERE schedule_id = :nightly;
UPDATE provision.schedule SET next_at = now() - interval '3 days' WHERE schedule_id = :nightly;
SELECT is(provision.fire_schedules(), false, 'and starts nothing');
SELECT provision_schedule_resume(:nightly);
SELECT provision.fire_schedules();
SELECT is(last_state, 'pending', 'resumed, it makes up for what it missed with one job') FROM provision.schedule_status WHERE schedule_id = :nightly;
SELECT pg_temp.end_jobs();
SELECT provision_pause_all();
SELECT is(provision.next_schedule_at(), NULL, 'nothing is due while everything is paused');
SELECT provision_resume_all();

-- What is wrong with one stops no other.
SELECT provision_schedule('t4', 'other', '* * * * *') AS broken \gset
SELECT provision_schedule('t5', 'backup_site', '* * * * *') AS without_agent \gset
UPDATE provision.workflow SET is_current = false WHERE name = 'other';
UPDATE provision.schedule SET time_zone = 'Atlantis/Capital' WHERE tenant_id = (SELECT tenant_id FROM provision.tenant WHERE name = 't3');
UPDATE provision.schedule SET next_at = now() - interval '1 s', due_at = now() - interval '1 s';
SELECT is(provision.fire_schedules(), false, 'five are due, three of them cannot be started');
SELECT is(last_state, 'pending', 'the others are') FROM provision.schedule_status WHERE schedule_id = :nightly;
SELECT is(reason, 'workflow "other" does not exist.', 'one without a workflow says so') FROM provision.schedule_status WHERE schedule_id = :broken;
SELECT ok(next_at > now(), 'and is tried again at its next time') FROM provision.schedule_status WHERE schedule_id = :broken;
SELECT matches(reason, 'its engine has no agent', 'so does one whose job is refused') FROM provision.schedule_status WHERE schedule_id = :without_agent;
SELECT is(paused, true, 'one that cannot be reckoned is paused') FROM provision.schedule_status WHERE tenant = 't3';
SELECT set_eq($$ SELECT event FROM provision.event WHERE event LIKE 'schedule\_failed' OR event = 'schedule_paused' AND tenant = 't3' $$, '{schedule_failed,schedule_paused}'::text[], 'events tell');
SELECT pg_temp.fire(:broken) \g /dev/null
SELECT is(failure_count, 3, 'failures in a row are counted') FROM pg_temp.fire(:broken);
SELECT is(array_agg(finding ORDER BY finding), '{"schedule fails","workflow of schedule missing"}', 'the doctor finds them') FROM provision_doctor() WHERE finding ~ 'schedule' AND detail ~ 't4';
SELECT pg_temp.end_jobs('failed');
SELECT is(failure_count, 1, 'a job that failed counts at the next time') FROM pg_temp.fire(:nightly);
SELECT pg_temp.end_jobs();
SELECT is(failure_count, 0, 'until one did not') FROM pg_temp.fire(:nightly);
SELECT pg_temp.end_jobs();

-- With the authority of who made it, as it is then.
CREATE ROLE r_scheduler;
SELECT provision_member_add('t6', 'r_scheduler', 'admin'), provision_member_add('t7', 'u_scheduler', 'owner');
GRANT EXECUTE ON FUNCTION provision_schedule, provision_act_as TO r_scheduler;
SET LOCAL ROLE r_scheduler;
SELECT provision_schedule('t6', 'nightly', '* * * * *') AS of_role \gset
SELECT provision_act_as('u_scheduler');
SELECT provision_schedule('t7', 'nightly', '* * * * *') AS of_user \gset
RESET ROLE;
SELECT set_config('provision.acting_user', '', true);
SELECT is(created_by, 'r_scheduler', 'a role''s schedule acts as that role') FROM pg_temp.fire(:of_role), provision.job WHERE job.job_id = last_job_id;
SELECT is(created_by, 'u_scheduler', 'a user''s as that user') FROM pg_temp.fire(:of_user), provision.job WHERE job.job_id = last_job_id;
SELECT is(provision.actor(), current_user::text, 'whoever looked is itself again');
SELECT pg_temp.end_jobs();
SELECT provision_member_remove('t6', 'r_scheduler'), provision_member_remove('t7', 'u_scheduler');
SELECT matches(reason, 'no member of it. Who acts is role "r_scheduler"', 'who is no member any more starts nothing') FROM pg_temp.fire(:of_role);
SELECT matches(reason, 'no member of it. Who acts is user "u_scheduler"', 'nor does a user') FROM pg_temp.fire(:of_user);
REVOKE ALL ON FUNCTION provision_schedule, provision_act_as FROM r_scheduler;
DROP ROLE r_scheduler;
SELECT is(reason, 'role "r_scheduler" does not exist any more.', 'nor one that is gone') FROM pg_temp.fire(:of_role);

-- The clock was a year ahead when its next time was reckoned.
SELECT count(*) AS jobs FROM provision.job \gset
UPDATE provision.schedule SET next_at = now() + interval '1 year 1 minute', due_at = now() + interval '1 year 1 minute', looked_at = now() + interval '1 year' WHERE schedule_id = :skipping;
SELECT provision.correct_times('0') \g /dev/null
SELECT ok(provision.next_schedule_at() <= clock_timestamp(), 'set back, the clock makes a worker look');
SELECT provision.fire_schedules();
SELECT ok(next_at BETWEEN now() AND clock_timestamp() + interval '1 minute', 'and reckon anew') FROM provision.schedule_status WHERE schedule_id = :skipping;
SELECT is(count(*), :jobs::bigint, 'but start nothing') FROM provision.job;

-- A tenant that is deleted.
SELECT provision_schedule('t8', 'nightly', '* * * * *') AS of_deleted \gset
UPDATE provision.tenant SET lifecycle = 'deleting' WHERE name = 't8';
SELECT is(paused || ' ' || reason, 'true the tenant is deleted', 'deletion pauses the schedules of a tenant') FROM provision.schedule_status WHERE schedule_id = :of_deleted;
SELECT * FROM finish();
ROLLBACK;
