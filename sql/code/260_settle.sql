-- Where a job stands at the end of a round: ended, given back, paused, or still running with calls in flight.

CREATE OR REPLACE FUNCTION provision.tally_jobs(job_ids bigint[])
    RETURNS TABLE (job_id bigint, engine_id bigint, calls_in_flight bigint, slots smallint, wish text, direction text, final_state text,
                   waits_for text, next_attempt_at timestamptz, is_ready boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT tally.job_id, tally.engine_id, tally.calls_in_flight, tally.slots, tally.wish, tally.direction,
           CASE WHEN tally.calls_in_flight > 0 THEN NULL
                WHEN tally.direction = 'back' AND tally.is_done
                THEN CASE WHEN provision.leaves_anything(tally.job_id) THEN 'failed' ELSE 'rolled_back' END
                WHEN tally.has_failed AND tally.direction = 'forward' THEN 'failed'
                WHEN tally.is_done AND tally.has_flaw THEN 'partial'
                WHEN tally.is_done THEN 'completed'
                WHEN tally.wish IN ('cancel', 'rollback') AND NOT provision.is_to_be_withdrawn(tally.job_id) THEN 'cancelled' END,
           tally.waits_for, CASE WHEN tally.direction = 'back' OR NOT tally.has_failed THEN tally.next_attempt_at END, tally.is_ready
      FROM (SELECT job.job_id, job.engine_id, job.slots, job.wish, job.direction,
                   count(job_step.attempt_id) AS calls_in_flight,
                   bool_and(job_step.ordinal IS NULL OR job_step.finished_at IS NOT NULL) AS is_done,
                   bool_or(job_step.critical AND job_step.state IN ('failed', 'blocked')) AS has_failed,
                   bool_or(job_step.state IN ('failed', 'blocked')) AS has_flaw,
                   coalesce(min(job_step.waits_for) FILTER (WHERE NOT starts_with(job_step.waits_for, 'signal ')), min(job_step.waits_for)) AS waits_for,
                   min(job_step.next_attempt_at) AS next_attempt_at,
                   bool_or(job_step.state IN ('ready', 'running') AND job_step.waits_for IS NULL) AS is_ready
              FROM unnest(job_ids) AS touched (job_id)
              JOIN provision.job ON job.job_id = touched.job_id
              LEFT JOIN provision.job_step ON job_step.job_id = job.job_id
             WHERE job.finished_at IS NULL
             GROUP BY job.job_id) AS tally;
END;
COMMENT ON FUNCTION provision.tally_jobs(bigint[]) IS 'How far running jobs are, counted from their steps; final_state is null while they go on; waits_for names a signal only where no step waits for anything else; next_attempt_at is null where nothing is tried again, because a critical step has failed. Jobs that have ended are left out.';

-- The step that explains why a job is not well: the one that failed for the reason given, else its first failed critical one, else its
-- first failed one.
CREATE OR REPLACE FUNCTION provision.guilty_step(job_id bigint, reason text)
    RETURNS provision.job_step
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT job_step.*
      FROM provision.job_step
     WHERE job_step.job_id = guilty_step.job_id
       AND job_step.state IN ('failed', 'blocked')
     ORDER BY job_step.error_code IS DISTINCT FROM guilty_step.reason, job_step.state = 'blocked', NOT job_step.critical, job_step.ordinal
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.guilty_step(bigint, text) IS 'The step whose error is shown as the job''s.';

-- What is left open when a job ends: after a failure it can never run (blocked), after a cancellation it just did not (waiting).
CREATE OR REPLACE FUNCTION provision.close_open_steps(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH closed AS MATERIALIZED (
        SELECT job.job_id, job.error_step, job.correlation_id, job.state = 'cancelled' AS was_cancelled, tenant.name AS tenant,
               job_step.ordinal, job_step.name, job_step.state
          FROM provision.job
          JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
          JOIN provision.job_step ON job_step.job_id = job.job_id
         WHERE job.job_id = ANY (job_ids)
           AND job.state IN ('failed', 'cancelled')
           AND job_step.finished_at IS NULL
    ), changed AS (
        UPDATE provision.job_step AS step
           SET state = CASE WHEN closed.was_cancelled THEN 'waiting' ELSE 'blocked' END,
               attempt_id = NULL,
               next_attempt_at = NULL,
               waits_for = NULL,
               finished_at = CASE WHEN NOT closed.was_cancelled THEN clock_timestamp() END,
               error_code = CASE WHEN NOT closed.was_cancelled THEN 'STEP_BLOCKED' END,
               error_message = text.message,
               error_hint = text.hint
          FROM closed
          LEFT JOIN LATERAL (SELECT text.*
                               FROM (SELECT closed.job_id WHERE NOT closed.was_cancelled OFFSET 0) AS blocked,
                                    LATERAL provision.explain_failure(blocked.job_id, closed.name, NULL, 'STEP_BLOCKED', NULL, closed.error_step) AS text) AS text ON true
         WHERE step.job_id = closed.job_id
           AND step.ordinal = closed.ordinal
    )
    INSERT INTO provision.event (job_id, tenant, step, event, from_state, to_state, detail, correlation_id)
    SELECT closed.job_id, closed.tenant, closed.name, 'step_blocked', closed.state, 'blocked',
           jsonb_strip_nulls(jsonb_build_object('by', closed.error_step)), closed.correlation_id
      FROM closed
     WHERE NOT closed.was_cancelled
     ORDER BY closed.job_id, closed.ordinal;
END;
$$;
COMMENT ON FUNCTION provision.close_open_steps(bigint[]) IS 'Open steps of jobs that failed become blocked; of jobs that were cancelled, waiting again.';

CREATE OR REPLACE FUNCTION provision.activate_tenants(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH ready AS (
        SELECT tenant.tenant_id, tenant.lifecycle AS was, job.job_id, job.correlation_id, workflow.deletes
          FROM provision.job
          JOIN provision.workflow ON workflow.workflow_id = job.workflow_id AND (workflow.activates OR workflow.deletes)
          JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
         WHERE job.job_id = ANY (job_ids)
           AND CASE WHEN workflow.deletes THEN job.state = 'completed' AND tenant.lifecycle <> 'deleted'
                    ELSE job.state IN ('completed', 'partial') AND tenant.lifecycle IN ('pending', 'provisioning') END
    ), moved AS (
        UPDATE provision.tenant
           SET lifecycle = CASE WHEN ready.deletes THEN 'deleted' ELSE 'active' END,
               lifecycle_before = NULL,
               metadata = CASE WHEN ready.deletes THEN '{}' ELSE tenant.metadata END,
               company_claim = CASE WHEN NOT ready.deletes THEN tenant.company_claim END,
               abbr_claim = CASE WHEN NOT ready.deletes THEN tenant.abbr_claim END,
               updated_at = clock_timestamp()
          FROM ready
         WHERE tenant.tenant_id = ready.tenant_id
        RETURNING tenant.name, ready.*
    ), opened AS (      -- what opens a site that is no more
        DELETE FROM provision.secret USING moved WHERE moved.deletes AND secret.tenant_id = moved.tenant_id
    )
    INSERT INTO provision.event (job_id, tenant, event, from_state, to_state, correlation_id)
    SELECT moved.job_id, moved.name, CASE WHEN moved.deletes THEN 'tenant_deleted' ELSE 'tenant_activated' END, moved.was,
           CASE WHEN moved.deletes THEN 'deleted' ELSE 'active' END, moved.correlation_id
      FROM moved;
END;
$$;
COMMENT ON FUNCTION provision.activate_tenants(bigint[]) IS 'Tenants whose setup ended well become active; those whose site was deleted, deleted.';

CREATE OR REPLACE FUNCTION provision.jobs_to_turn(job_ids bigint[], final_states text[], reason text)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT job.job_id
                   FROM ROWS FROM (unnest(job_ids), unnest(final_states)) AS ending (job_id, final_state)
                   JOIN provision.job ON job.job_id = ending.job_id
                  WHERE job.direction = 'forward'
                    AND (job.wish = 'rollback'
                         OR job.rollback_on_failure AND ending.final_state = 'failed' AND jobs_to_turn.reason <> 'QUARANTINED'
                            AND provision.has_creations(job.job_id)));
END;
$$;
COMMENT ON FUNCTION provision.jobs_to_turn(bigint[], text[], text) IS 'Those of the ending jobs that are to be rolled back: a person wished it, or they fail, were started so and have made something. One that kills its worker is left to a person.';

-- The one place where jobs end, but for rollbacks. The caller holds their rows.
CREATE OR REPLACE FUNCTION provision.end_jobs(job_ids bigint[], final_states text[], reason text DEFAULT 'INTERNAL_ERROR', detail text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    turning bigint[] := provision.jobs_to_turn(end_jobs.job_ids, end_jobs.final_states, end_jobs.reason);
BEGIN
    WITH ended AS (
        UPDATE provision.job
           SET state = ending.final_state,
               owner = NULL, slots = 0, due_at = NULL, wish = NULL, expires_at = NULL, awaits_remote = false,
               finished_at = clock_timestamp(),
               error_code = coalesce(guilty.error_code, own.error_code),
               error_message = coalesce(guilty.error_message, own.message),
               error_hint = coalesce(guilty.error_hint, own.hint),
               error_step = guilty.name
          FROM (SELECT given.job_id, given.final_state, job.state AS was
                  FROM ROWS FROM (unnest(job_ids), unnest(final_states)) AS given (job_id, final_state)
                  JOIN provision.job ON job.job_id = given.job_id) AS ending
          -- OFFSET 0: the functions run for those alone that are not well. As a filter beside them the condition would come after.
          LEFT JOIN LATERAL (SELECT step.*
                               FROM (SELECT ending.job_id WHERE ending.final_state IN ('failed', 'partial') OFFSET 0) AS unwell,
                                    LATERAL provision.guilty_step(unwell.job_id, end_jobs.reason) AS step) AS guilty ON true
          LEFT JOIN LATERAL (SELECT end_jobs.reason AS error_code, text.message, text.hint
                               FROM (SELECT ending.job_id WHERE ending.final_state = 'failed' AND guilty.error_code IS NULL OFFSET 0) AS unwell,
                                    LATERAL provision.explain_failure(unwell.job_id, NULL, NULL, end_jobs.reason, NULL, end_jobs.detail) AS text) AS own ON true
         WHERE job.job_id = ending.job_id
        RETURNING job.*, ending.was
    )
    INSERT INTO provision.event (job_id, tenant, step, actor, event, from_state, to_state, detail, correlation_id)
    SELECT ended.job_id, tenant.name, ended.error_step, coalesce(wisher.actor, provision.actor()), 'job_' || ended.state, ended.was, ended.state,
           CASE WHEN ended.error_code IS NOT NULL OR wisher.reason IS NOT NULL
                THEN jsonb_strip_nulls(jsonb_build_object('error_code', ended.error_code, 'reason', wisher.reason)) END,
           ended.correlation_id
      FROM ended
      JOIN provision.tenant ON tenant.tenant_id = ended.tenant_id
      LEFT JOIN LATERAL (SELECT ended.wish_actor AS actor, ended.wish_reason AS reason WHERE ended.state = 'cancelled') AS wisher ON true;
    PERFORM provision.activate_tenants(job_ids);
    PERFORM provision.close_remote_jobs(job_ids) WHERE EXISTS (SELECT FROM provision.remote_job AS remote WHERE remote.job_id = ANY (job_ids));
    IF final_states && '{failed,cancelled}' THEN
        PERFORM provision.close_open_steps(job_ids);
        PERFORM provision.release_exclusions(job_ids);
        PERFORM provision.spare_tenants(job_ids);
    END IF;
    PERFORM provision.turn_back(turning_job) FROM unnest(turning) AS turning_job;
END;
$$;
COMMENT ON FUNCTION provision.end_jobs(bigint[], text[], text, text) IS 'Ends jobs: completed, partial, failed or cancelled, with the error of the guilty step; a failed one without such a step, with the reason given.';

CREATE OR REPLACE FUNCTION provision.finish_job(job_id bigint, final_state text, error_code text DEFAULT NULL, detail text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF finish_job.error_code IS NOT NULL THEN       -- a job that fails for a reason of its own, not of a step
        PERFORM provision.end_step(finish_job.job_id, first.ordinal, 'failed', finish_job.error_code, finish_job.detail)
           FROM (SELECT job_step.ordinal
                   FROM provision.job_step
                  WHERE job_step.job_id = finish_job.job_id AND job_step.finished_at IS NULL
                  ORDER BY job_step.state = 'waiting', job_step.ordinal LIMIT 1) AS first;
    END IF;
    PERFORM provision.end_jobs(ARRAY[finish_job.job_id], ARRAY[finish_job.final_state], coalesce(finish_job.error_code, 'INTERNAL_ERROR'), finish_job.detail);
END;
$$;
COMMENT ON FUNCTION provision.finish_job(bigint, text, text, text) IS 'Ends one job; with an error code, the step it stood at fails with it.';

-- Tenants whose lifecycle an ending job would change, locked without waiting; jobs of the others end in the next round.
CREATE OR REPLACE FUNCTION provision.lock_tenants_of_jobs(job_ids bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    locked bigint[] := ARRAY(SELECT tenant.tenant_id
                               FROM provision.tenant
                              WHERE tenant.tenant_id IN (SELECT job.tenant_id FROM provision.job WHERE job.job_id = ANY (job_ids))
                              ORDER BY tenant.tenant_id
                                FOR NO KEY UPDATE SKIP LOCKED);
BEGIN
    RETURN ARRAY(SELECT job.job_id
                   FROM unnest(locked) AS held (tenant_id)
                   JOIN provision.job ON job.tenant_id = held.tenant_id
                  WHERE job.job_id = ANY (job_ids));
END;
$$;
COMMENT ON FUNCTION provision.lock_tenants_of_jobs(bigint[]) IS 'Those of the jobs whose tenant could be locked.';

CREATE OR REPLACE FUNCTION provision.give_back_job(job_id bigint, new_state text, new_due_at timestamptz, detail jsonb DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.job
       SET state = new_state,
           owner = NULL, slots = 0,
           due_at = new_due_at,
           awaits_remote = job.awaits_remote AND coalesce(detail ->> 'for' = 'a remote job', false),
           wish = CASE WHEN new_state = 'pending' THEN job.wish END
     WHERE job.job_id = give_back_job.job_id;
    UPDATE provision.job_step
       SET state = 'ready'
     WHERE job_step.job_id = give_back_job.job_id
       AND job_step.state = 'running';
    PERFORM provision.release_exclusions(ARRAY[job_id]);
    PERFORM provision.log_job_event(ARRAY[job_id], CASE new_state WHEN 'paused' THEN 'job_paused' ELSE 'job_waits' END,
                                    'running', new_state, detail);
END;
$$;
COMMENT ON FUNCTION provision.give_back_job(bigint, text, timestamptz, jsonb) IS 'A running job leaves its worker without having ended.';

CREATE OR REPLACE FUNCTION provision.settle_jobs(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tally record;
    ending bigint[];
    look_at timestamptz;
BEGIN
    FOR tally IN SELECT * FROM provision.tally_jobs(job_ids) AS tallied
                  WHERE tallied.calls_in_flight <> 1 OR tallied.slots <> 1 OR tallied.next_attempt_at IS NOT NULL LOOP
        IF tally.final_state IS NOT NULL THEN
            ending := ending || tally.job_id;
        ELSIF tally.calls_in_flight > 0 THEN
            -- With a wish nothing is tried again: a time that has passed would have it looked at over and over until the calls have ended.
            look_at := CASE WHEN tally.wish IS NULL OR tally.next_attempt_at > clock_timestamp() THEN tally.next_attempt_at END;
            UPDATE provision.job
               SET slots = tally.calls_in_flight, due_at = look_at
             WHERE job.job_id = tally.job_id
               AND (job.slots <> tally.calls_in_flight OR job.due_at IS DISTINCT FROM look_at);
        ELSIF tally.wish = 'expire' THEN
            PERFORM provision.fail_expired_job(job) FROM provision.job WHERE job.job_id = tally.job_id;
        ELSIF tally.wish = 'pause' THEN
            PERFORM provision.give_back_job(tally.job_id, 'paused', NULL);
        ELSIF starts_with(tally.waits_for, 'engine ') THEN
            PERFORM provision.move_job(tally.job_id, substr(tally.waits_for, 8));
        ELSIF starts_with(tally.waits_for, 'signal ') AND NOT tally.is_ready AND tally.wish IS NULL THEN
            PERFORM provision.give_back_job(tally.job_id, 'scheduled', least(provision.signal_wait_ends_at(tally.job_id), tally.next_attempt_at),
                                            jsonb_build_object('for', tally.waits_for));
        ELSIF NOT provision.may_call(tally.engine_id) THEN
            PERFORM provision.give_back_job(tally.job_id, 'pending', NULL, '{"for": "engine"}');
        ELSIF tally.waits_for = 'a remote job' THEN
            PERFORM provision.give_back_to_agent(tally.job_id);
        ELSIF NOT starts_with(tally.waits_for, 'signal ') THEN
            -- Whoever holds it wakes the next when done; the time is only for the case that nobody does.
            PERFORM provision.give_back_job(tally.job_id, 'scheduled',
                                            least(clock_timestamp() + provision.exclusion_pause(tally.job_id), tally.next_attempt_at),
                                            jsonb_build_object('for', tally.waits_for));
        ELSIF tally.next_attempt_at IS NOT NULL AND tally.wish IS NOT NULL THEN     -- about to be granted
            UPDATE provision.job SET due_at = tally.next_attempt_at WHERE job.job_id = tally.job_id;
        ELSIF tally.next_attempt_at IS NOT NULL THEN
            PERFORM provision.give_back_job(tally.job_id, 'scheduled', tally.next_attempt_at, '{"for": "next attempt"}');
        ELSIF tally.is_ready THEN
            -- In place, so that nothing is written that has not happened: for a token of the rate, or for a plan that waits itself.
            UPDATE provision.job SET due_at = provision.token_due_at(tally.engine_id) WHERE job.job_id = tally.job_id;
        ELSE
            PERFORM provision.finish_job(tally.job_id, 'failed', 'PLAN_STUCK', 'its steps wait for each other');
        END IF;
    END LOOP;
    IF ending IS NOT NULL THEN
        PERFORM provision.finish_jobs(ending);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.settle_jobs(bigint[]) IS 'Ends, gives back or pauses the touched jobs that have nothing in flight.';

CREATE OR REPLACE FUNCTION provision.finish_jobs(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    free_jobs bigint[] := provision.lock_tenants_of_jobs(job_ids);
    tally record;
    ending bigint[];
    final_states text[];
BEGIN
    FOR tally IN SELECT * FROM provision.tally_jobs(free_jobs) AS tallied LOOP
        IF tally.direction = 'back' AND tally.final_state <> 'cancelled' THEN
            PERFORM provision.end_rollback(tally.job_id, tally.final_state);
        ELSE
            ending := ending || tally.job_id;
            final_states := final_states || tally.final_state;
        END IF;
    END LOOP;
    PERFORM provision.end_jobs(ending, final_states) WHERE ending IS NOT NULL;
    IF cardinality(free_jobs) < cardinality(job_ids) THEN
        UPDATE provision.job
           SET due_at = clock_timestamp() + interval '200 ms'
         WHERE job.job_id = ANY (job_ids)
           AND job.job_id <> ALL (free_jobs);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.finish_jobs(bigint[]) IS 'Ends jobs as their steps say; those whose tenant somebody else has locked a moment later.';

CREATE OR REPLACE FUNCTION provision.may_call(engine_id bigint)
    RETURNS boolean
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT provision.takes_calls(engine_state) AND engine_state.breaker = 'closed'
           AND (SELECT control.paused_at IS NULL FROM provision.control)
      FROM provision.engine_state
     WHERE engine_state.engine_id = may_call.engine_id;
END;
COMMENT ON FUNCTION provision.may_call(bigint) IS 'Not everything is paused, and the engine takes calls and is not cut off by its breaker.';
