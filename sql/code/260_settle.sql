-- Where a job stands at the end of a round: ended, given back, paused, or still running with calls in flight.

CREATE OR REPLACE FUNCTION provision.tally_jobs(job_ids bigint[])
    RETURNS TABLE (job_id bigint, engine_id bigint, calls_in_flight bigint, slots smallint, wish text, final_state text,
                   waits_for text, next_attempt_at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT tally.job_id, tally.engine_id, tally.calls_in_flight, tally.slots, tally.wish,
           CASE WHEN tally.calls_in_flight > 0 THEN NULL
                WHEN tally.has_failed THEN 'failed'
                WHEN tally.is_done AND tally.has_flaw THEN 'partial'
                WHEN tally.is_done THEN 'completed'
                WHEN tally.wish = 'cancel' THEN 'cancelled' END,
           tally.waits_for, tally.next_attempt_at
      FROM (SELECT job.job_id, job.engine_id, job.slots, job.wish,
                   count(job_step.attempt_id) AS calls_in_flight,
                   bool_and(job_step.finished_at IS NOT NULL) AS is_done,
                   bool_or(step.critical AND job_step.state IN ('failed', 'blocked')) AS has_failed,
                   bool_or(job_step.state IN ('failed', 'blocked')) AS has_flaw,
                   min(job_step.waits_for) AS waits_for,
                   min(job_step.next_attempt_at) AS next_attempt_at
              FROM provision.job
              JOIN provision.job_step ON job_step.job_id = job.job_id
              JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = job_step.ordinal
             WHERE job.job_id = ANY (job_ids)
               AND job.state = 'running'
             GROUP BY job.job_id) AS tally;
END;
COMMENT ON FUNCTION provision.tally_jobs(bigint[]) IS 'How far running jobs are, counted from their steps; final_state is null while they go on.';

-- The step that explains why a job is not well: its first failed critical one, else its first failed one.
CREATE OR REPLACE FUNCTION provision.guilty_step(job_id bigint)
    RETURNS provision.job_step
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT job_step.*
      FROM provision.job
      JOIN provision.job_step ON job_step.job_id = job.job_id
      JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = job_step.ordinal
     WHERE job.job_id = guilty_step.job_id
       AND job_step.state IN ('failed', 'blocked')
     ORDER BY job_step.state = 'blocked', NOT step.critical, job_step.ordinal
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.guilty_step(bigint) IS 'The step whose error is shown as the job''s.';

-- What is left open when a job ends: after a failure it can never run (blocked), after a cancellation it just did not (waiting).
CREATE OR REPLACE FUNCTION provision.close_open_steps(job_id bigint, final_state text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.job_step
       SET state = CASE final_state WHEN 'cancelled' THEN 'waiting' ELSE 'blocked' END,
           attempt_id = NULL,
           next_attempt_at = NULL,
           waits_for = NULL,
           finished_at = CASE WHEN final_state <> 'cancelled' THEN clock_timestamp() END,
           error_code = CASE WHEN final_state <> 'cancelled' THEN coalesce(error_code, 'STEP_BLOCKED') END
     WHERE job_step.job_id = close_open_steps.job_id
       AND job_step.finished_at IS NULL
       AND (final_state <> 'cancelled' OR job_step.state <> 'waiting');
END;
$$;
COMMENT ON FUNCTION provision.close_open_steps(bigint, text) IS 'Open steps of a job that ends become blocked, or waiting again where it was cancelled.';

-- The one place where a job ends. The caller holds its row.
CREATE OR REPLACE FUNCTION provision.finish_job(job_id bigint, final_state text, error_code text DEFAULT NULL, detail text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before provision.job;
    guilty provision.job_step;
    explained record;
BEGIN
    SELECT * INTO before FROM provision.job WHERE job.job_id = finish_job.job_id;
    IF final_state IN ('failed', 'partial') THEN
        guilty := provision.guilty_step(job_id);
    END IF;
    SELECT * INTO explained FROM provision.explain_failure(job_id, guilty.name, NULL, finish_job.error_code, NULL, finish_job.detail);
    IF final_state NOT IN ('completed', 'partial') THEN
        PERFORM provision.close_open_steps(job_id, final_state);
    END IF;
    UPDATE provision.job
       SET state = final_state,
           owner = NULL, slots = 0, due_at = NULL, wish = NULL,
           finished_at = clock_timestamp(),
           error_code = coalesce(finish_job.error_code, guilty.error_code),
           error_message = CASE WHEN finish_job.error_code IS NULL THEN guilty.error_message ELSE explained.message END,
           error_hint = CASE WHEN finish_job.error_code IS NULL THEN guilty.error_hint ELSE explained.hint END,
           error_step = guilty.name
     WHERE job.job_id = finish_job.job_id;
    UPDATE provision.tenant
       SET lifecycle = CASE WHEN final_state IN ('completed', 'partial') THEN 'active' ELSE tenant.lifecycle END,
           updated_at = clock_timestamp()
      FROM provision.workflow
     WHERE tenant.tenant_id = before.tenant_id
       AND workflow.workflow_id = before.workflow_id
       AND workflow.activates
       AND tenant.lifecycle IN ('pending', 'provisioning')
       AND final_state IN ('completed', 'partial');
    INSERT INTO provision.event (job_id, tenant, step, actor, event, from_state, to_state, detail, correlation_id)
    SELECT before.job_id, tenant.name, guilty.name, coalesce(before.wish_actor, session_user), 'job_' || final_state, before.state, final_state,
           nullif(jsonb_strip_nulls(jsonb_build_object('error_code', coalesce(finish_job.error_code, guilty.error_code), 'reason', before.wish_reason)), '{}'),
           before.correlation_id
      FROM provision.tenant
     WHERE tenant.tenant_id = before.tenant_id;
END;
$$;
COMMENT ON FUNCTION provision.finish_job(bigint, text, text, text) IS 'Ends a job: completed, partial, failed or cancelled.';

-- Tenants whose lifecycle an ending job would change, locked without waiting; jobs of the others end in the next round.
CREATE OR REPLACE FUNCTION provision.lock_tenants_of_jobs(job_ids bigint[])
    RETURNS SETOF bigint
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    WITH locked AS MATERIALIZED (
        SELECT tenant.tenant_id
          FROM provision.tenant
         WHERE tenant.tenant_id IN (SELECT job.tenant_id FROM provision.job WHERE job.job_id = ANY (job_ids))
         ORDER BY tenant.tenant_id
           FOR NO KEY UPDATE SKIP LOCKED
    )
    SELECT job.job_id
      FROM locked
      JOIN provision.job ON job.tenant_id = locked.tenant_id
     WHERE job.job_id = ANY (job_ids);
END;
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
           wish = CASE WHEN new_state = 'pending' THEN job.wish END
     WHERE job.job_id = give_back_job.job_id;
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
BEGIN
    FOR tally IN SELECT * FROM provision.tally_jobs(job_ids) AS tallied
                  WHERE tallied.calls_in_flight <> 1 OR tallied.slots <> 1 OR tallied.next_attempt_at IS NOT NULL LOOP
        IF tally.final_state IS NOT NULL THEN
            ending := ending || tally.job_id;
        ELSIF tally.calls_in_flight > 0 THEN
            UPDATE provision.job
               SET slots = tally.calls_in_flight, due_at = tally.next_attempt_at
             WHERE job.job_id = tally.job_id
               AND (job.slots <> tally.calls_in_flight OR job.due_at IS DISTINCT FROM tally.next_attempt_at);
        ELSIF tally.wish = 'pause' THEN
            PERFORM provision.give_back_job(tally.job_id, 'paused', NULL);
        ELSIF NOT provision.may_call(tally.engine_id) THEN
            PERFORM provision.give_back_job(tally.job_id, 'pending', NULL, '{"for": "engine"}');
        ELSIF tally.waits_for IS NOT NULL THEN
            PERFORM provision.give_back_job(tally.job_id, 'scheduled', clock_timestamp() + interval '5 s',
                                            jsonb_build_object('for', tally.waits_for));
        ELSIF tally.next_attempt_at IS NOT NULL THEN
            PERFORM provision.give_back_job(tally.job_id, 'scheduled', tally.next_attempt_at, '{"for": "next attempt"}');
        ELSE
            PERFORM provision.give_back_job(tally.job_id, 'scheduled', clock_timestamp() + interval '200 ms', '{"for": "rate limit"}');
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
    free_jobs bigint[] := ARRAY(SELECT provision.lock_tenants_of_jobs(job_ids));
BEGIN
    PERFORM provision.finish_job(tally.job_id, tally.final_state)
       FROM provision.tally_jobs(free_jobs) AS tally;
    UPDATE provision.job
       SET due_at = clock_timestamp() + interval '200 ms'
     WHERE job.job_id = ANY (job_ids)
       AND job.job_id <> ALL (free_jobs);
END;
$$;
COMMENT ON FUNCTION provision.finish_jobs(bigint[]) IS 'Ends jobs as their steps say; those whose tenant somebody else has locked a moment later.';

CREATE OR REPLACE FUNCTION provision.may_call(engine_id bigint)
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT engine_state.paused_at IS NULL AND engine_state.breaker = 'closed'
      FROM provision.engine_state
     WHERE engine_state.engine_id = may_call.engine_id;
END;
COMMENT ON FUNCTION provision.may_call(bigint) IS 'The engine is neither paused nor cut off by its breaker.';
