-- Schedules that are due: a worker starts their jobs in its round, a few at a time, with the authority of who made them. What is wrong with
-- one is noted in it; nobody waits for a row, and no job is started beside one that is active.

CREATE OR REPLACE FUNCTION provision.next_schedule_at()
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (SELECT control.paused_at IS NOT NULL FROM provision.control) THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT min(schedule.due_at) FROM provision.schedule WHERE schedule.due_at IS NOT NULL);
END;
$$;
COMMENT ON FUNCTION provision.next_schedule_at() IS 'When the next schedule is due; null: none, or everything is paused.';

-- Always the same for one schedule, so that its jobs keep their distance.
CREATE OR REPLACE FUNCTION provision.schedule_delay(schedule_id bigint, spread_seconds integer)
    RETURNS interval
    LANGUAGE sql IMMUTABLE
    RETURN make_interval(secs => CASE WHEN spread_seconds > 0 THEN abs(hashint8(schedule_id)::bigint) % spread_seconds ELSE 0 END);
COMMENT ON FUNCTION provision.schedule_delay(bigint, integer) IS 'How much later than its time a schedule that is spread is due.';

CREATE OR REPLACE FUNCTION provision.log_schedule_event(schedule provision.schedule, event text, detail jsonb DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO provision.event (tenant, event, detail)
    SELECT tenant.name, log_schedule_event.event,
           jsonb_build_object('schedule_id', schedule.schedule_id, 'name', schedule.name, 'workflow', schedule.workflow) || coalesce(detail, '{}')
      FROM provision.tenant
     WHERE tenant.tenant_id = schedule.tenant_id;
END;
$$;
COMMENT ON FUNCTION provision.log_schedule_event(provision.schedule, text, jsonb) IS 'One event about a schedule.';

CREATE OR REPLACE FUNCTION provision.lock_due_schedules(max_schedules integer)
    RETURNS SETOF provision.schedule
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT *
          FROM provision.schedule
         WHERE schedule.due_at IS NOT NULL
           AND schedule.due_at <= (SELECT clock_timestamp())
         ORDER BY schedule.due_at
         LIMIT max_schedules
           FOR NO KEY UPDATE SKIP LOCKED;
END;
$$;
COMMENT ON FUNCTION provision.lock_due_schedules(integer) IS 'The first schedules that are due, locked; what somebody else has locked is left out.';

-- The setting bounds every wait below: for a tenant that somebody changes, for a start of the same workflow that is not committed yet.
CREATE OR REPLACE FUNCTION provision.start_scheduled(schedule provision.schedule, OUT job_id bigint, OUT is_new boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '20ms'
    SET provision.acting_role = ''
    SET provision.acting_user = ''
AS $$
DECLARE
    holder constant provision.tenant := (SELECT tenant FROM provision.tenant WHERE tenant.tenant_id = schedule.tenant_id);
BEGIN
    is_new := false;
    job_id := (SELECT job.job_id
                 FROM provision.job
                WHERE job.tenant_id = schedule.tenant_id
                  AND job.workflow = schedule.workflow
                  AND job.state IN ('pending', 'scheduled', 'running', 'paused'));
    IF job_id IS NULL THEN
        PERFORM provision.act_again(schedule.made_as, schedule.made_for);
        job_id := (SELECT provision.enqueue_jobs(ARRAY[holder.name], schedule.workflow, schedule.options,
                              coalesce(schedule.priority, greatest(-100, provision.plan_priority(holder.plan) - 1)), NULL, NULL, schedule.schedule_id));
        is_new := coalesce((SELECT job.schedule_id = schedule.schedule_id FROM provision.job WHERE job.job_id = start_scheduled.job_id), false);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.start_scheduled(provision.schedule)
    IS 'Starts the job of a schedule as who made it, unless one of its tenant and workflow is active: then that one, and is_new is false. Errors: as provision_start().';

CREATE OR REPLACE FUNCTION provision.times_passed(schedule provision.schedule, present timestamptz)
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at timestamptz := schedule.next_at;
    passed integer := 0;
BEGIN
    WHILE at <= present AND passed < 100 LOOP
        passed := passed + 1;
        at := provision.cron_next(schedule.cron, schedule.time_zone, at);
    END LOOP;
    RETURN passed;
END;
$$;
COMMENT ON FUNCTION provision.times_passed(provision.schedule, timestamptz) IS 'How many times of a schedule have come, its next one included; at most 100 are counted.';

-- A worker that is busy, or was just started again, is not absent.
CREATE OR REPLACE FUNCTION provision.is_still_time(schedule provision.schedule, present timestamptz)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN schedule.missed = 'once' OR provision.cron_next(schedule.cron, schedule.time_zone, present - interval '5 minutes') <= present;
COMMENT ON FUNCTION provision.is_still_time(provision.schedule, timestamptz) IS 'A job may still be started: however late, or, of a schedule that skips what it has missed, for a time within the last five minutes.';

CREATE OR REPLACE FUNCTION provision.fire_schedule(schedule provision.schedule, present timestamptz, INOUT outcome jsonb DEFAULT NULL)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    started record;
    problem_detail text;
BEGIN
    IF (SELECT tenant.lifecycle IN ('deleting', 'deleted') FROM provision.tenant WHERE tenant.tenant_id = schedule.tenant_id) THEN
        outcome := '{"event": "schedule_paused", "reason": "the tenant is deleted"}';
    ELSIF NOT provision.is_still_time(schedule, present) THEN
        outcome := '{"event": "schedule_missed", "reason": "nobody was there to start it in time"}';
    ELSE
        SELECT * INTO started FROM provision.start_scheduled(schedule);
        outcome := jsonb_build_object('job_id', started.job_id)
                   || CASE WHEN started.is_new THEN '{"event": "schedule_fired"}'
                           ELSE jsonb_build_object('event', 'schedule_skipped', 'reason', format('job %s was still active', started.job_id)) END;
    END IF;
EXCEPTION
    WHEN lock_not_available THEN
        outcome := '{"event": null}';
    WHEN OTHERS THEN
        PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
        GET STACKED DIAGNOSTICS problem_detail = PG_EXCEPTION_DETAIL;
        outcome := jsonb_build_object('event', 'schedule_failed', 'sqlstate', SQLSTATE,
                       'reason', left(provision.redact_text(concat_ws(' ', SQLERRM || '.', nullif(replace(problem_detail, E'\n', ' '), ''))), 500));
END;
$$;
COMMENT ON FUNCTION provision.fire_schedule(provision.schedule, timestamptz, jsonb)
    IS 'What came of a time of a schedule: {"event", "reason", "job_id", "sqlstate"}; an event that is null: somebody holds what it needs.';

CREATE OR REPLACE FUNCTION provision.plan_schedule(schedule provision.schedule, present timestamptz, outcome jsonb, passed integer)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event constant text := outcome ->> 'event';
    comes_at constant timestamptz := coalesce(provision.cron_next(schedule.cron, schedule.time_zone, present), 'infinity');
    has_failed constant boolean := event = 'schedule_failed'
        OR coalesce((SELECT job.state = 'failed' FROM provision.job WHERE job.job_id = schedule.last_job_id AND event = 'schedule_fired'), false);
BEGIN
    UPDATE provision.schedule AS kept
       SET next_at = comes_at,
           due_at = CASE WHEN event <> 'schedule_paused' OR event IS NULL
                         THEN comes_at + provision.schedule_delay(schedule.schedule_id, schedule.spread_seconds) END,
           paused_at = CASE WHEN event = 'schedule_paused' THEN clock_timestamp() END,
           looked_at = clock_timestamp(),
           last_at = CASE WHEN event = 'schedule_fired' THEN clock_timestamp() ELSE kept.last_at END,
           last_job_id = CASE WHEN event = 'schedule_fired' THEN (outcome ->> 'job_id')::bigint ELSE kept.last_job_id END,
           missed_count = kept.missed_count + greatest(0, passed - CASE WHEN event IN ('schedule_missed', 'schedule_paused') THEN 0 ELSE 1 END),
           overlap_count = kept.overlap_count + (event IS NOT DISTINCT FROM 'schedule_skipped')::integer,
           failure_count = CASE WHEN has_failed THEN least(kept.failure_count, 1000000) + 1 WHEN event = 'schedule_fired' THEN 0 ELSE kept.failure_count END,
           reason = CASE WHEN event IS NULL THEN kept.reason ELSE outcome ->> 'reason' END
     WHERE kept.schedule_id = schedule.schedule_id;
    IF event <> 'schedule_fired' THEN        -- of those the job's own event tells
        PERFORM provision.log_schedule_event(schedule, event, outcome - 'event' || jsonb_build_object('at', schedule.next_at));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.plan_schedule(provision.schedule, timestamptz, jsonb, integer) IS 'Notes what came of a time of a schedule, of which so many have passed, and when the next is.';

-- One that cannot even be reckoned with, because its time zone is gone, or its row was changed by hand, must not stop the round.
CREATE OR REPLACE FUNCTION provision.fire_schedule_surely(schedule provision.schedule)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    present constant timestamptz := clock_timestamp() - provision.schedule_delay(schedule.schedule_id, schedule.spread_seconds);
    passed integer;
    outcome jsonb;
BEGIN
    passed := provision.times_passed(schedule, present);        -- not above, where an error would not be caught
    IF passed > 0 THEN
        outcome := provision.fire_schedule(schedule, present);
        IF outcome ->> 'event' IS NULL THEN
            UPDATE provision.schedule AS kept SET due_at = clock_timestamp() + interval '2 seconds' WHERE kept.schedule_id = schedule.schedule_id;
            RETURN;
        END IF;
    END IF;
    PERFORM provision.plan_schedule(schedule, present, outcome, passed);
EXCEPTION WHEN OTHERS THEN
    PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
    UPDATE provision.schedule AS kept SET due_at = NULL, paused_at = clock_timestamp(), reason = left(SQLERRM, 500) WHERE kept.schedule_id = schedule.schedule_id;
    PERFORM provision.log_schedule_event(schedule, 'schedule_paused', jsonb_build_object('reason', left(SQLERRM, 500)));
END;
$$;
COMMENT ON FUNCTION provision.fire_schedule_surely(provision.schedule) IS 'Does what a schedule that is due wants, whatever is wrong with it; one that is due too soon is only reckoned anew.';

CREATE OR REPLACE FUNCTION provision.fire_schedules()
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    due provision.schedule;
    fired integer := 0;
BEGIN
    FOR due IN SELECT * FROM provision.lock_due_schedules(20) LOOP
        PERFORM provision.fire_schedule_surely(due);
        fired := fired + 1;
    END LOOP;
    RETURN fired = 20;
END;
$$;
COMMENT ON FUNCTION provision.fire_schedules() IS 'Starts the jobs of schedules that are due, 20 at a time, so that the work of others goes on in between; true when there may be more.';

-- What was reckoned by a clock that has been set back since: each is looked at now, and reckoned anew.
CREATE OR REPLACE FUNCTION provision.correct_schedules()
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.schedule
       SET due_at = clock_timestamp()
     WHERE schedule.schedule_id IN (SELECT ahead.schedule_id
                                      FROM provision.schedule AS ahead
                                     WHERE ahead.looked_at > clock_timestamp()
                                       AND ahead.due_at IS NOT NULL
                                       FOR NO KEY UPDATE SKIP LOCKED);
END;
$$;
COMMENT ON FUNCTION provision.correct_schedules() IS 'Schedules whose next time was reckoned by a clock that was ahead of the present one are reckoned anew.';

-- Who deletes a tenant holds its row, and so does whoever makes, pauses or resumes a schedule of it: only a worker can have one locked, which
-- looks at the tenant itself.
CREATE OR REPLACE FUNCTION provision.pause_schedules_of_tenant()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_schedule provision.schedule;
BEGIN
    FOR found_schedule IN
        UPDATE provision.schedule AS kept
           SET due_at = NULL, paused_at = clock_timestamp(), reason = 'the tenant is deleted'
         WHERE kept.schedule_id IN (SELECT own.schedule_id FROM provision.schedule AS own
                                     WHERE own.tenant_id = NEW.tenant_id AND own.due_at IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING kept.*
    LOOP
        PERFORM provision.log_schedule_event(found_schedule, 'schedule_paused', '{"reason": "the tenant is deleted"}');
    END LOOP;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.pause_schedules_of_tenant() IS 'The schedules of a tenant that is deleted stop until somebody resumes them.';

-- What somebody paused stays paused. The caller holds the tenant.
CREATE OR REPLACE FUNCTION provision.resume_schedules_of_tenant(tenant_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_schedule provision.schedule;
BEGIN
    FOR found_schedule IN
        UPDATE provision.schedule AS kept
           SET due_at = kept.next_at + provision.schedule_delay(kept.schedule_id, kept.spread_seconds), paused_at = NULL, reason = NULL
         WHERE kept.schedule_id IN (SELECT own.schedule_id FROM provision.schedule AS own
                                     WHERE own.tenant_id = resume_schedules_of_tenant.tenant_id AND own.reason = 'the tenant is deleted' AND own.paused_at IS NOT NULL
                                       FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING kept.*
    LOOP
        PERFORM provision.log_schedule_event(found_schedule, 'schedule_resumed', '{"reason": "the tenant is not deleted"}');
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.resume_schedules_of_tenant(bigint) IS 'The schedules that stopped because the tenant was to be deleted go on; what was missed meanwhile is treated as each says.';

CREATE OR REPLACE TRIGGER pause_schedules
    AFTER UPDATE OF lifecycle ON provision.tenant
    FOR EACH ROW
    WHEN (NEW.lifecycle IN ('deleting', 'deleted') AND OLD.lifecycle IS DISTINCT FROM NEW.lifecycle)
    EXECUTE FUNCTION provision.pause_schedules_of_tenant();
