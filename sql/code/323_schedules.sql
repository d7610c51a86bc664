-- Making, stopping and looking at schedules.

-- Of an abbreviation PostgreSQL knows no changes of the clocks, and of a POSIX specification the sign is the other one.
CREATE OR REPLACE FUNCTION provision.time_zone_problem(time_zone text)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT format('Time zone "%s" must be UTC, or the full name of one as pg_timezone_names has it, such as Europe/Berlin.', left(time_zone, 100))
     WHERE NOT coalesce(provision.is_time_zone(time_zone), false);
END;
COMMENT ON FUNCTION provision.time_zone_problem(text) IS 'What is wrong with a time zone for a schedule; null when nothing is.';

CREATE OR REPLACE FUNCTION provision.spread_problem(options jsonb)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'Option "spread" must be an interval from 1 second to 1 day, such as "30 minutes".'
     WHERE options ? 'spread'
       AND (jsonb_typeof(options -> 'spread') <> 'string' OR coalesce(provision.interval_ms(options ->> 'spread'), 0) NOT BETWEEN 1000 AND 86400000);
END;
COMMENT ON FUNCTION provision.spread_problem(jsonb) IS 'What is wrong with the option spread of a schedule; null when nothing is.';

CREATE OR REPLACE FUNCTION provision.refuse_invalid_schedule(
    chosen provision.workflow, cron text, time_zone text, options jsonb, missed text, name text, priority integer)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    problems constant text[] := array_remove((provision.read_cron(cron)).problems || ARRAY[
        provision.time_zone_problem(time_zone),
        CASE WHEN missed IS NULL OR missed NOT IN ('skip', 'once') THEN 'What is missed must be "once" (one job for all of it) or "skip".' END,
        CASE WHEN name !~ '^[^[:cntrl:]]{1,100}$' THEN 'The name of a schedule must have 1 to 100 characters, without control characters.' END,
        CASE WHEN abs(priority) > 100 THEN 'Priorities go from -100 to 100.' END]
        || CASE WHEN jsonb_typeof(options) IS DISTINCT FROM 'object' THEN ARRAY['Options must be a JSON object.']
                ELSE provision.spread_problem(options) || ARRAY(SELECT problem FROM provision.option_problems(options - 'spread', chosen) AS problem) END, NULL);
BEGIN
    IF problems <> '{}' THEN
        RAISE EXCEPTION 'schedule is not valid'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = array_to_string(problems, E'\n'),
                  HINT = 'For example: SELECT provision_schedule(''acme'', ''tenant_verify'', ''30 2 * * 1-5'', ''Europe/Berlin'');';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_schedule(provision.workflow, text, text, jsonb, text, text, integer) IS 'Error 22023 with everything that is wrong with a schedule, a line each.';

CREATE OR REPLACE FUNCTION provision.refuse_deleted_tenant(tenant provision.tenant)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF tenant.lifecycle IN ('deleting', 'deleted') THEN
        RAISE EXCEPTION 'nothing can be scheduled for tenant "%": it is %', tenant.name, tenant.lifecycle
            USING ERRCODE = 'PV001', HINT = 'Make its site again first.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_deleted_tenant(provision.tenant) IS 'Error PV001 for a tenant that is deleted.';

CREATE OR REPLACE FUNCTION provision.refuse_many_schedules(tenant provision.tenant, name text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (SELECT count(*) FROM provision.schedule WHERE schedule.tenant_id = tenant.tenant_id AND schedule.name <> refuse_many_schedules.name) >= 100 THEN
        RAISE EXCEPTION 'tenant "%" has 100 schedules', tenant.name
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Remove one with provision_unschedule(); the view provision.schedule_status lists them.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_many_schedules(provision.tenant, text) IS 'Error 54000 for the 101st schedule of a tenant.';

CREATE OR REPLACE FUNCTION provision.keep_schedule(given provision.schedule)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kept provision.schedule;
    was_there constant boolean := EXISTS (SELECT FROM provision.schedule WHERE schedule.tenant_id = given.tenant_id AND schedule.name = given.name);
BEGIN
    INSERT INTO provision.schedule (tenant_id, name, workflow, cron, time_zone, options, priority, missed, spread_seconds, made_as, made_for, next_at, due_at)
    VALUES (given.tenant_id, given.name, given.workflow, given.cron, given.time_zone, given.options, given.priority, given.missed, given.spread_seconds,
            provision.actor_role(), provision.actor_user(), given.next_at, given.next_at)
    ON CONFLICT ON CONSTRAINT schedule_has_a_name_of_its_own DO UPDATE
       SET workflow = excluded.workflow, cron = excluded.cron, time_zone = excluded.time_zone, options = excluded.options, priority = excluded.priority,
           missed = excluded.missed, spread_seconds = excluded.spread_seconds, made_as = excluded.made_as, made_for = excluded.made_for,
           made_at = excluded.made_at, next_at = excluded.next_at, due_at = excluded.due_at, looked_at = excluded.looked_at, paused_at = NULL, failure_count = 0, reason = NULL;
    UPDATE provision.schedule AS placed
       SET due_at = placed.next_at + provision.schedule_delay(placed.schedule_id, placed.spread_seconds)
     WHERE placed.tenant_id = given.tenant_id
       AND placed.name = given.name
    RETURNING * INTO kept;
    PERFORM provision.log_schedule_event(kept, CASE WHEN was_there THEN 'schedule_changed' ELSE 'schedule_created' END,
                jsonb_build_object('cron', kept.cron, 'time_zone', kept.time_zone));
    RETURN kept.schedule_id;
END;
$$;
COMMENT ON FUNCTION provision.keep_schedule(provision.schedule) IS 'Writes a schedule of who acts, in place of an older one of the same name. The caller holds its tenant.';

CREATE OR REPLACE FUNCTION @extschema@.provision_schedule(
    tenant text, workflow text, cron text, time_zone text DEFAULT 'UTC', options jsonb DEFAULT '{}',
    missed text DEFAULT 'once', name text DEFAULT NULL, priority integer DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    holder provision.tenant := provision.lock_tenant(provision_schedule.tenant);
    chosen provision.workflow := provision.current_workflow(provision_schedule.workflow);
    wanted provision.schedule;
BEGIN
    PERFORM provision.refuse_invalid_schedule(chosen, cron, time_zone, options, missed, name, priority);
    PERFORM provision.refuse_deleted_tenant(holder);
    wanted.tenant_id := holder.tenant_id;
    wanted.name := coalesce(provision_schedule.name, chosen.name);
    wanted.workflow := chosen.name;
    wanted.cron := provision_schedule.cron;
    wanted.time_zone := provision_schedule.time_zone;
    wanted.options := provision_schedule.options - 'spread';
    wanted.priority := provision_schedule.priority;
    wanted.missed := provision_schedule.missed;
    wanted.spread_seconds := coalesce(provision.interval_ms(provision_schedule.options ->> 'spread') / 1000, 0);
    wanted.next_at := provision.cron_next(wanted.cron, wanted.time_zone, clock_timestamp());
    PERFORM provision.refuse_many_schedules(holder, wanted.name);
    PERFORM provision.wake_workers();
    RETURN provision.keep_schedule(wanted);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_schedule(text, text, text, text, jsonb, text, text, integer) IS
    'Starts a workflow for a tenant at the times of a cron expression, by the clocks of a time zone, with the authority that who calls this has then; returns the schedule_id. Never beside an active job of the same tenant and workflow. missed: what follows when nobody was there to start it, once (one job for all that was missed) or skip. name: null takes the workflow''s; the same tenant and name again replaces the schedule. options: those of the jobs, and spread (an interval). priority: null takes one less than the plan gives. Errors: 22023 with all that is wrong, 42501 not an owner or admin of the tenant, 42704 workflow, or (for platform members) tenant, PV001 the tenant is deleted, 54000 a 101st schedule.';

CREATE OR REPLACE FUNCTION provision.schedule_tenant(schedule_id bigint)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant_name constant text := (SELECT tenant.name
                                    FROM provision.schedule
                                    JOIN provision.tenant ON tenant.tenant_id = schedule.tenant_id
                                   WHERE schedule.schedule_id = schedule_tenant.schedule_id
                                     AND (provision.sees_everything() OR schedule.tenant_id = ANY (provision.visible_tenants())));
BEGIN
    IF tenant_name IS NULL AND provision.sees_everything() THEN
        RAISE EXCEPTION 'schedule % does not exist', schedule_tenant.schedule_id
            USING ERRCODE = 'undefined_object', HINT = 'The view provision.schedule_status lists the schedules.';
    ELSIF tenant_name IS NULL THEN
        RAISE EXCEPTION 'schedule % does not exist, or you are no member of its tenant', schedule_tenant.schedule_id
            USING ERRCODE = 'insufficient_privilege', DETAIL = provision.actor_in_words(), HINT = 'The view provision.schedule_status lists those that you may see.';
    END IF;
    RETURN tenant_name;
END;
$$;
COMMENT ON FUNCTION provision.schedule_tenant(bigint) IS 'Whose a schedule is, for whoever may look at it. Errors: 42501; 42704 for platform members.';

-- The tenant first, as everywhere: who deletes it holds it.
CREATE OR REPLACE FUNCTION provision.lock_schedule(tenant text, name text)
    RETURNS provision.schedule
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    holder constant provision.tenant := provision.lock_tenant(lock_schedule.tenant);
    locked provision.schedule;
BEGIN
    SELECT * INTO locked FROM provision.schedule AS kept WHERE kept.tenant_id = holder.tenant_id AND kept.name = lock_schedule.name FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'schedule "%" of tenant "%" does not exist', left(lock_schedule.name, 100), holder.name
            USING ERRCODE = 'undefined_object', HINT = 'The view provision.schedule_status lists the schedules.';
    END IF;
    RETURN locked;
END;
$$;
COMMENT ON FUNCTION provision.lock_schedule(text, text) IS 'A schedule, locked with its tenant, for whoever may act on that. Errors: as require_tenants(); 42704 schedule.';

CREATE OR REPLACE FUNCTION @extschema@.provision_unschedule(tenant text, name text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old constant provision.schedule := provision.lock_schedule(provision_unschedule.tenant, provision_unschedule.name);
BEGIN
    DELETE FROM provision.schedule WHERE schedule.schedule_id = old.schedule_id;
    PERFORM provision.log_schedule_event(old, 'schedule_removed');
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_unschedule(text, text) IS 'Removes a schedule; its jobs stay. Errors: 42501 not an owner or admin of the tenant, 42704 schedule, or (for platform members) tenant.';

CREATE OR REPLACE FUNCTION @extschema@.provision_schedule_pause(tenant text, name text, reason text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old constant provision.schedule := provision.lock_schedule(provision_schedule_pause.tenant, provision_schedule_pause.name);
BEGIN
    IF old.paused_at IS NOT NULL THEN
        RETURN;
    END IF;
    UPDATE provision.schedule AS paused
       SET paused_at = clock_timestamp(),
           due_at = NULL,
           reason = left(coalesce(provision_schedule_pause.reason, format('%s paused it', provision.actor())), 500)
     WHERE paused.schedule_id = old.schedule_id;
    PERFORM provision.log_schedule_event(old, 'schedule_paused', jsonb_strip_nulls(jsonb_build_object('reason', left(provision_schedule_pause.reason, 500))));
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_schedule_pause(text, text, text) IS 'A schedule starts nothing until provision_schedule_resume(); pausing it twice changes nothing. Errors: 42501 not an owner or admin of the tenant, 42704 schedule, or (for platform members) tenant.';

CREATE OR REPLACE FUNCTION @extschema@.provision_schedule_resume(tenant text, name text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old constant provision.schedule := provision.lock_schedule(provision_schedule_resume.tenant, provision_schedule_resume.name);
BEGIN
    IF old.paused_at IS NULL THEN
        RETURN;
    END IF;
    PERFORM provision.refuse_deleted_tenant(holder) FROM provision.tenant AS holder WHERE holder.tenant_id = old.tenant_id;
    UPDATE provision.schedule AS resumed
       SET paused_at = NULL,
           due_at = resumed.next_at + provision.schedule_delay(resumed.schedule_id, resumed.spread_seconds),
           reason = NULL
     WHERE resumed.schedule_id = old.schedule_id;
    PERFORM provision.log_schedule_event(old, 'schedule_resumed');
    PERFORM provision.wake_workers();
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_schedule_resume(text, text) IS 'Ends a pause. What was missed meanwhile is treated as the schedule says: one job at once, or none. Errors: 42501 not an owner or admin of the tenant, 42704 schedule, or (for platform members) tenant, PV001 the tenant is deleted.';

CREATE OR REPLACE FUNCTION @extschema@.provision_unschedule(schedule_id bigint)
    RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    SELECT @extschema@.provision_unschedule(provision.schedule_tenant(provision_unschedule.schedule_id),
               (SELECT schedule.name FROM provision.schedule WHERE schedule.schedule_id = provision_unschedule.schedule_id));
END;
COMMENT ON FUNCTION @extschema@.provision_unschedule(bigint) IS 'provision_unschedule() by the number of the schedule.';

CREATE OR REPLACE FUNCTION @extschema@.provision_schedule_pause(schedule_id bigint, reason text DEFAULT NULL)
    RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    SELECT @extschema@.provision_schedule_pause(provision.schedule_tenant(provision_schedule_pause.schedule_id),
               (SELECT schedule.name FROM provision.schedule WHERE schedule.schedule_id = provision_schedule_pause.schedule_id), provision_schedule_pause.reason);
END;
COMMENT ON FUNCTION @extschema@.provision_schedule_pause(bigint, text) IS 'provision_schedule_pause() by the number of the schedule.';

CREATE OR REPLACE FUNCTION @extschema@.provision_schedule_resume(schedule_id bigint)
    RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    SELECT @extschema@.provision_schedule_resume(provision.schedule_tenant(provision_schedule_resume.schedule_id),
               (SELECT schedule.name FROM provision.schedule WHERE schedule.schedule_id = provision_schedule_resume.schedule_id));
END;
COMMENT ON FUNCTION @extschema@.provision_schedule_resume(bigint) IS 'provision_schedule_resume() by the number of the schedule.';
