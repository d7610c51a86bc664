-- Steps that end or wait without a call.

CREATE OR REPLACE FUNCTION provision.end_step(job_id bigint, ordinal smallint, new_state text, error_code text DEFAULT NULL, detail text DEFAULT NULL, result jsonb DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH before AS (
        SELECT job_step.state FROM provision.job_step WHERE job_step.job_id = end_step.job_id AND job_step.ordinal = end_step.ordinal
    ), ended AS (
        UPDATE provision.job_step
           SET state = new_state,
               attempt_id = NULL,
               finished_at = clock_timestamp(),
               started_at = coalesce(job_step.started_at, clock_timestamp()),
               next_attempt_at = NULL,
               waits_for = NULL,
               answers = CASE WHEN new_state = 'failed' THEN job_step.answers END,      -- a retry may need what must not be sent twice
               calls_total = job_step.calls_done,
               result = end_step.result,
               error_code = end_step.error_code,
               error_message = text.message,
               error_hint = text.hint
          FROM (SELECT NULL) AS one
          LEFT JOIN LATERAL (SELECT text.*        -- OFFSET 0: nothing is explained where nothing failed
                               FROM (SELECT named.name FROM provision.job_step AS named
                                      WHERE named.job_id = end_step.job_id AND named.ordinal = end_step.ordinal AND end_step.error_code IS NOT NULL
                                     OFFSET 0) AS failed,
                                    LATERAL provision.explain_failure(end_step.job_id, failed.name, NULL, end_step.error_code, NULL, end_step.detail) AS text) AS text ON true
         WHERE job_step.job_id = end_step.job_id
           AND job_step.ordinal = end_step.ordinal
        RETURNING job_step.name
    )
    INSERT INTO provision.event (job_id, tenant, step, event, from_state, to_state, detail, correlation_id)
    SELECT job.job_id, tenant.name, ended.name, 'step_' || new_state, before.state, new_state,
           CASE WHEN end_step.error_code IS NOT NULL
                THEN jsonb_build_object('error_code', end_step.error_code, 'detail', provision.redact_text(left(end_step.detail, 500))) END,
           job.correlation_id
      FROM ended, before, provision.job, provision.tenant
     WHERE job.job_id = end_step.job_id
       AND tenant.tenant_id = job.tenant_id;
END;
$$;
COMMENT ON FUNCTION provision.end_step(bigint, smallint, text, text, text, jsonb) IS 'A step ends without a call: completed, skipped or failed by its plan, which may leave a result.';

CREATE OR REPLACE FUNCTION provision.hold_step(job_id bigint, ordinal smallint, waits_for text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.job_step
       SET state = 'ready',
           next_attempt_at = NULL,
           waits_for = hold_step.waits_for,
           waits_since = CASE WHEN job_step.waits_for = hold_step.waits_for THEN job_step.waits_since
                              WHEN hold_step.waits_for IS NOT NULL THEN clock_timestamp() END
     WHERE job_step.job_id = hold_step.job_id
       AND job_step.ordinal = hold_step.ordinal
       AND (job_step.state <> 'ready' OR job_step.waits_for IS DISTINCT FROM hold_step.waits_for);
END;
$$;
COMMENT ON FUNCTION provision.hold_step(bigint, smallint, text) IS 'A step that could start has to wait for its turn.';

CREATE OR REPLACE FUNCTION provision.fail_late_step(job_id bigint, ordinal smallint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.end_step(fail_late_step.job_id, fail_late_step.ordinal, 'failed', 'STEP_DEADLINE', coalesce(
        (SELECT job_step.error_message FROM provision.job_step
          WHERE job_step.job_id = fail_late_step.job_id AND job_step.ordinal = fail_late_step.ordinal), 'none.'));
    PERFORM provision.mark_flaws(ARRAY[fail_late_step.job_id]);
END;
$$;
COMMENT ON FUNCTION provision.fail_late_step(bigint, smallint) IS 'A step whose deadline has passed makes no further call.';

-- Its plan waits for the server: the answer it was not content with is forgotten.
CREATE OR REPLACE FUNCTION provision.ask_later(job_id bigint, ordinal smallint, call text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked record;
BEGIN
    SELECT job_step.name, job_step.tries, step.max_attempts, job.correlation_id, tenant.name AS tenant,
           clock_timestamp() + provision.backoff(job_step.tries, step.backoff_ms, step.backoff_max_ms, NULL) AS next_attempt_at
      INTO asked
      FROM provision.job
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
      JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = ask_later.ordinal
      JOIN provision.job_step ON job_step.job_id = job.job_id AND job_step.ordinal = step.ordinal
     WHERE job.job_id = ask_later.job_id;
    IF asked.tries + 1 >= asked.max_attempts THEN
        PERFORM provision.end_step(ask_later.job_id, ask_later.ordinal, 'failed', 'NOT_READY', ask_later.call);
        PERFORM provision.mark_flaws(ARRAY[ask_later.job_id]);
        RETURN;
    END IF;
    UPDATE provision.job_step
       SET state = 'retrying',
           tries = asked.tries + 1,
           next_attempt_at = asked.next_attempt_at,
           waits_for = NULL,
           answers = job_step.answers - ask_later.call
     WHERE job_step.job_id = ask_later.job_id
       AND job_step.ordinal = ask_later.ordinal;
    INSERT INTO provision.event (job_id, tenant, step, event, from_state, to_state, detail, correlation_id)
    VALUES (ask_later.job_id, asked.tenant, asked.name, 'step_retrying', 'running', 'retrying',
            jsonb_build_object('call', ask_later.call, 'next_attempt_at', asked.next_attempt_at), asked.correlation_id);
END;
$$;
COMMENT ON FUNCTION provision.ask_later(bigint, smallint, text) IS 'A step whose plan asks for a call again does so after a pause; the last time, it fails with NOT_READY.';
