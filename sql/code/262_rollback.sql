-- A rollback is the same job in direction back: steps that made something wait again and are undone one after the other, from the last
-- to the first, by the same rounds, limits and rescues as on the way forward.

-- The plan has come to its end: what it proved gone is undone; what it says nothing about is undone when the step is.
CREATE OR REPLACE FUNCTION provision.mark_creations(job_id bigint, ordinal smallint, step_is_undone boolean)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    context jsonb := provision.undo_context(mark_creations.job_id, mark_creations.ordinal);
BEGIN
    WITH judged AS MATERIALIZED (
        SELECT creation.creation_id,
               coalesce(bool_and(result.is_gone), step_is_undone AND provision.is_to_be_undone(context, creation.creates)) AS is_gone,
               creation.creates ? 'stays' OR coalesce(creation.creates ->> 'scope' = 'site', false) AS may_stay,
               coalesce(creation.creates ->> 'stays', max(result.reason) FILTER (WHERE NOT result.is_gone),
                        CASE WHEN creation.creates ->> 'scope' = 'site' AND NOT provision.is_to_be_undone(context, creation.creates)
                             THEN 'other tenants use this site' END) AS reason
          FROM provision.creation
          LEFT JOIN provision.undo_results(context) AS result ON result.creation_id = creation.creation_id
         WHERE creation.job_id = mark_creations.job_id
           AND creation.ordinal = mark_creations.ordinal
           AND creation.undone_at IS NULL
         GROUP BY creation.creation_id
    )
    UPDATE provision.creation
       SET undone_at = CASE WHEN judged.is_gone THEN clock_timestamp() END,
           kept = judged.may_stay AND NOT judged.is_gone AND judged.reason IS NOT NULL,
           left_reason = CASE WHEN NOT judged.is_gone THEN judged.reason END
      FROM judged
     WHERE creation.creation_id = judged.creation_id;
    UPDATE provision.creation AS dependent
       SET undone_at = clock_timestamp(),
           left_reason = NULL
     WHERE dependent.job_id = mark_creations.job_id
       AND dependent.undone_at IS NULL
       AND context -> 'made' ? (dependent.creates ->> 'goes_with')
       AND NOT EXISTS (SELECT FROM provision.creation AS whole
                        WHERE whole.job_id = mark_creations.job_id
                          AND whole.kind = dependent.creates ->> 'goes_with'
                          AND whole.undone_at IS NULL);
END;
$$;
COMMENT ON FUNCTION provision.mark_creations(bigint, smallint, boolean) IS 'Notes which creations of a step are gone, which are kept on purpose, and why others are left.';

CREATE OR REPLACE FUNCTION provision.end_undo(job_id bigint, ordinal smallint, error_code text, detail text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.mark_creations(end_undo.job_id, end_undo.ordinal, end_undo.error_code IS NULL);
    PERFORM provision.end_step(end_undo.job_id, end_undo.ordinal, CASE WHEN end_undo.error_code IS NULL THEN 'undone' ELSE 'failed' END,
                               end_undo.error_code, end_undo.detail);
END;
$$;
COMMENT ON FUNCTION provision.end_undo(bigint, smallint, text, text) IS 'The undo of a step has come to its end.';

-- A tenant is forgotten when none of its jobs has left it set up. Jobs of workflows that do not activate cannot keep it set up without
-- those that do, only keep what was learnt from being forgotten with one of their own kind.
CREATE OR REPLACE FUNCTION provision.forget_tenant(job_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH forgotten AS (
        UPDATE provision.tenant
           SET lifecycle = CASE WHEN tenant.lifecycle IN ('provisioning', 'active') THEN 'pending' ELSE tenant.lifecycle END,
               metadata = '{}',
               updated_at = clock_timestamp()
          FROM provision.job
          JOIN provision.workflow AS own ON own.workflow_id = job.workflow_id
          JOIN provision.tenant AS before ON before.tenant_id = job.tenant_id
         WHERE job.job_id = forget_tenant.job_id
           AND tenant.tenant_id = job.tenant_id
           AND NOT EXISTS (SELECT
                             FROM provision.job AS other
                             JOIN provision.workflow ON workflow.workflow_id = other.workflow_id
                            WHERE other.tenant_id = tenant.tenant_id
                              AND other.state IN ('completed', 'partial')
                              AND (workflow.activates OR NOT own.activates)
                              AND NOT EXISTS (SELECT      -- what it made was deleted since
                                                FROM provision.job AS removal
                                                JOIN provision.workflow AS remover ON remover.workflow_id = removal.workflow_id AND remover.deletes
                                               WHERE removal.tenant_id = tenant.tenant_id
                                                 AND removal.state = 'completed'
                                                 AND removal.finished_at > other.finished_at))
        RETURNING tenant.name, before.lifecycle AS was, tenant.lifecycle AS becomes, job.correlation_id
    )
    INSERT INTO provision.event (job_id, tenant, event, from_state, to_state, correlation_id)
    SELECT forget_tenant.job_id, forgotten.name, 'tenant_forgotten', forgotten.was, forgotten.becomes, forgotten.correlation_id
      FROM forgotten
     WHERE forgotten.becomes <> forgotten.was;
END;
$$;
COMMENT ON FUNCTION provision.forget_tenant(bigint) IS 'The tenant is as if it had never been set up, unless another job stands that set it up.';

CREATE OR REPLACE FUNCTION provision.end_rollback(job_id bigint, final_state text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    remains jsonb;
    detail text;
    failure record;
BEGIN
    SELECT jsonb_strip_nulls(jsonb_build_object(
               'left', jsonb_agg(to_jsonb(thing) - 'kept') FILTER (WHERE NOT thing.kept),
               'kept', jsonb_agg(to_jsonb(thing) - 'kept') FILTER (WHERE thing.kept))),
           string_agg(format('%s "%s": %s', thing.kind, coalesce(thing.name, '?'), thing.reason), '; ') FILTER (WHERE NOT thing.kept)
      INTO remains, detail
      FROM provision.left_by_job(end_rollback.job_id) AS thing;
    SELECT text.message, text.hint INTO failure
      FROM provision.explain_failure(end_rollback.job_id, NULL, NULL, 'ROLLBACK_INCOMPLETE', NULL, detail) AS text;
    WITH ended AS (
        UPDATE provision.job
           SET state = final_state,
               owner = NULL, slots = 0, due_at = NULL, wish = NULL, expires_at = NULL, awaits_remote = false,
               finished_at = clock_timestamp(),
               error_code = CASE final_state WHEN 'failed' THEN 'ROLLBACK_INCOMPLETE' ELSE job.earlier_failure ->> 'code' END,
               error_message = CASE final_state WHEN 'failed' THEN failure.message ELSE job.earlier_failure ->> 'message' END,
               error_hint = CASE final_state WHEN 'failed' THEN failure.hint ELSE job.earlier_failure ->> 'hint' END,
               error_step = CASE final_state WHEN 'failed' THEN (SELECT job_step.name FROM provision.job_step
                                                           WHERE job_step.job_id = job.job_id AND job_step.state = 'failed'
                                                           ORDER BY job_step.ordinal DESC LIMIT 1) ELSE job.earlier_failure ->> 'step' END
         WHERE job.job_id = end_rollback.job_id
        RETURNING job.*
    )
    INSERT INTO provision.event (job_id, tenant, step, event, from_state, to_state, detail, correlation_id)
    SELECT ended.job_id, tenant.name, ended.error_step, 'job_' || final_state, 'running', final_state,
           nullif(remains || CASE final_state WHEN 'failed' THEN '{"error_code": "ROLLBACK_INCOMPLETE"}'::jsonb ELSE '{}' END, '{}'), ended.correlation_id
      FROM ended
      JOIN provision.tenant ON tenant.tenant_id = ended.tenant_id;
    PERFORM provision.forget_tenant(end_rollback.job_id) WHERE final_state = 'rolled_back';
    PERFORM provision.forget_signal_secrets(end_rollback.job_id) WHERE final_state = 'rolled_back';
    PERFORM provision.close_remote_jobs(ARRAY[end_rollback.job_id]);
    PERFORM provision.release_exclusions(ARRAY[end_rollback.job_id]);
END;
$$;
COMMENT ON FUNCTION provision.end_rollback(bigint, text) IS 'Ends a rollback: rolled_back, or failed with ROLLBACK_INCOMPLETE and what is left. The failure before it stays visible.';

-- Steps that made something wait; the others are closed, so that the order is theirs alone.
CREATE OR REPLACE FUNCTION provision.turn_steps(job_id bigint)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    waiting jsonb;
BEGIN
    WITH turned AS MATERIALIZED (
        SELECT job_step.ordinal, job_step.name, job_step.state AS was, job.correlation_id, tenant.name AS tenant,
               CASE WHEN step.undo_function IS NOT NULL AND EXISTS (SELECT FROM provision.creation
                         WHERE creation.job_id = job_step.job_id AND creation.ordinal = job_step.ordinal AND creation.undone_at IS NULL) THEN 'waiting'
                    WHEN job_step.state IN ('skipped', 'blocked', 'undone') THEN job_step.state
                    WHEN job_step.attempt_count = 0 AND job_step.finished_at IS NULL THEN 'skipped'
                    ELSE 'undone' END AS becomes
          FROM provision.job
          JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
          JOIN provision.job_step ON job_step.job_id = job.job_id
          JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = job_step.ordinal
         WHERE job.job_id = turn_steps.job_id
    ), changed AS (
        UPDATE provision.job_step AS step
           SET state = turned.becomes,
               attempt_id = NULL, is_last_call = false, tries = 0, furthest = 0, calls_done = 0, calls_total = 0, share_done = 0,
               next_attempt_at = NULL, waits_for = NULL, answers = NULL,
               error_code = CASE WHEN turned.becomes <> 'waiting' THEN step.error_code END,
               error_message = CASE WHEN turned.becomes <> 'waiting' THEN step.error_message END,
               error_hint = CASE WHEN turned.becomes <> 'waiting' THEN step.error_hint END,
               started_at = CASE WHEN turned.becomes <> 'waiting' THEN step.started_at END,
               finished_at = CASE WHEN turned.becomes <> 'waiting' THEN coalesce(step.finished_at, clock_timestamp()) END
          FROM turned
         WHERE step.job_id = turn_steps.job_id
           AND step.ordinal = turned.ordinal
           AND turned.becomes <> turned.was
    ), logged AS (
        INSERT INTO provision.event (job_id, tenant, step, event, from_state, to_state, correlation_id)
        SELECT turn_steps.job_id, turned.tenant, turned.name, 'step_' || turned.becomes, turned.was, turned.becomes, turned.correlation_id
          FROM turned
         WHERE turned.becomes <> turned.was
           AND turned.becomes <> 'waiting'
         ORDER BY turned.ordinal DESC
    )
    SELECT jsonb_agg(turned.name ORDER BY turned.ordinal DESC) INTO waiting FROM turned WHERE turned.becomes = 'waiting';
    RETURN coalesce(waiting, '[]');
END;
$$;
COMMENT ON FUNCTION provision.turn_steps(bigint) IS 'Prepares the steps of a job for its way back; returns those that have something to undo, in the order in which they are undone.';

-- The one place where jobs turn round. The caller holds the row of a job that has ended.
CREATE OR REPLACE FUNCTION provision.turn_back(job_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    was text := (SELECT job.state FROM provision.job WHERE job.job_id = turn_back.job_id);
    waiting jsonb := provision.turn_steps(turn_back.job_id);
BEGIN
    UPDATE provision.creation
       SET kept = false,
           left_reason = CASE WHEN NOT waiting ? job_step.name THEN 'its step has no undo function' END
      FROM provision.job_step
     WHERE creation.job_id = turn_back.job_id
       AND creation.undone_at IS NULL
       AND job_step.job_id = creation.job_id
       AND job_step.ordinal = creation.ordinal;
    UPDATE provision.job
       SET state = 'pending',
           direction = 'back',
           rank = provision.queue_rank(clock_timestamp(), job.priority),
           owner = NULL, slots = 0, due_at = NULL, finished_at = NULL, crash_count = 0,
           wish = NULL, wish_reason = NULL, wish_actor = NULL, run_started_at = NULL, expires_at = NULL,
           earlier_failure = CASE WHEN job.direction = 'forward' AND job.error_code IS NOT NULL
                                THEN jsonb_build_object('code', job.error_code, 'message', job.error_message, 'hint', job.error_hint, 'step', job.error_step)
                                ELSE job.earlier_failure END,
           error_code = NULL, error_message = NULL, error_hint = NULL, error_step = NULL
     WHERE job.job_id = turn_back.job_id;
    PERFORM provision.log_job_event(ARRAY[turn_back.job_id], 'job_rolling_back', was, 'pending', jsonb_build_object('steps', waiting));
    PERFORM provision.wake_workers();
END;
$$;
COMMENT ON FUNCTION provision.turn_back(bigint) IS 'An ended job enters the queue again, to undo what it made.';
