-- What follows from an answer for its step: on with the plan, look again, try again later, or fail.

CREATE OR REPLACE FUNCTION provision.is_empty_answer(verdict text, body jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT is_empty_answer.verdict = 'absent'
        OR coalesce(body -> 'data', body -> 'message', '{}') IN ('[]', '{}', 'null', '0', '""');
END;
COMMENT ON FUNCTION provision.is_empty_answer(text, jsonb) IS 'The server says that there is no such thing: 404, an empty list, an empty object, a count of 0.';

-- What follows from a verdict:
--   advance      the call is done, on with the plan          look_again  the guard is asked again before the call is repeated
--   doubt        "absent", but a lost call may still be at work: ask again later. Of a deletion, absent is always believed
--   again        nothing learnt, no try used (interrupted; breaker not closed)
--   retry        the same again after a pause                fail        the step has failed
CREATE OR REPLACE FUNCTION provision.next_move(outcome provision.outcome, breaker text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN outcome.doubtful AND outcome.repeatable AND outcome.method <> 'DELETE' AND outcome.verdict <> 'ambiguous'     -- which begins another doubt
             AND outcome.seals IS NULL AND provision.is_empty_answer(outcome.verdict, outcome.body) THEN 'doubt'
        WHEN outcome.verdict = 'success' THEN 'advance'
        WHEN outcome.verdict = 'absent' AND outcome.method IN ('GET', 'DELETE') THEN 'advance'
        WHEN outcome.verdict = 'duplicate' AND outcome.guard IS NULL THEN 'advance'
        WHEN outcome.verdict = 'ambiguous' AND NOT outcome.repeatable AND outcome.guard IS NULL THEN 'fail'
        WHEN outcome.verdict = 'interrupted' AND outcome.delivery = 'unknown' AND NOT outcome.repeatable AND outcome.guard IS NULL THEN 'fail'
        WHEN outcome.verdict = 'permanent' AND outcome.refusable AND outcome.delivery = 'answered' THEN 'advance'
        WHEN outcome.verdict IN ('absent', 'permanent', 'needs_person') THEN 'fail'
        WHEN outcome.verdict <> 'interrupted' AND NOT (outcome.trips AND next_move.breaker <> 'closed')
             AND outcome.tries + 1 >= outcome.max_attempts THEN 'fail'
        WHEN outcome.guard IS NOT NULL AND outcome.delivery <> 'not_sent' THEN 'look_again'
        WHEN outcome.verdict = 'interrupted' OR outcome.trips AND next_move.breaker <> 'closed' THEN 'again'
        ELSE 'retry'
    END;
END;
COMMENT ON FUNCTION provision.next_move(provision.outcome, text) IS 'What follows from an answer for its step.';

-- Exponential, with half of it random so that jobs which failed together do not come back together; a server that says when to come is obeyed, up to an hour.
CREATE OR REPLACE FUNCTION provision.backoff(tries integer, backoff_ms integer, backoff_max_ms integer, retry_after_ms bigint)
    RETURNS interval
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT make_interval(secs => greatest(
               least(backoff.backoff_max_ms, backoff.backoff_ms * power(2, least(backoff.tries, 30))) * (0.5 + random() / 2),
               CASE WHEN backoff.retry_after_ms IS NOT NULL THEN least(backoff.retry_after_ms, 3600000) END) / 1000.0);
END;
COMMENT ON FUNCTION provision.backoff(integer, integer, integer, bigint) IS 'Pause before the next try.';

CREATE OR REPLACE FUNCTION provision.step_error_code(move text, verdict text, error_code text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN step_error_code.move = 'fail' AND step_error_code.verdict IN ('ambiguous', 'interrupted') AND step_error_code.error_code IS NULL
                THEN 'UNKNOWN_OUTCOME' ELSE coalesce(step_error_code.error_code, 'INTERRUPTED') END;
END;
COMMENT ON FUNCTION provision.step_error_code(text, text, text) IS 'The error code a step shows while it is not well.';

CREATE OR REPLACE FUNCTION provision.explain_failure(job_id bigint, step text, call text, error_code text, http_status integer, detail text)
    RETURNS TABLE (message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT provision.failure_text(explain_failure.error_code, failure.message, given.values),
           provision.failure_text(explain_failure.error_code,
               CASE job.direction WHEN 'back' THEN replace(failure.hint, 'provision_retry(', 'provision_rollback(') ELSE failure.hint END, given.values)
      FROM provision.job
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
      JOIN provision.engine ON engine.engine_id = job.engine_id
      LEFT JOIN provision.failure ON failure.error_code = explain_failure.error_code
     CROSS JOIN LATERAL (SELECT jsonb_build_object(
               'tenant', tenant.name, 'engine', engine.name, 'step', explain_failure.step, 'call', explain_failure.call,
               'status', explain_failure.http_status, 'detail', provision.redact_text(left(explain_failure.detail, 500)),
               'job', job.job_id)) AS given (values)
     WHERE job.job_id = explain_failure.job_id;
END;
COMMENT ON FUNCTION provision.explain_failure(bigint, text, text, text, integer, text) IS 'The catalogue''s message and hint, filled in.';

CREATE OR REPLACE FUNCTION provision.advance_steps(outcomes provision.outcome[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.job_step AS step
       SET state = CASE WHEN outcome.is_last_call THEN 'completed' ELSE 'running' END,
           attempt_id = NULL,
           calls_done = step.calls_done + 1,
           share_done = greatest(step.share_done, least(900, (step.calls_done + 1) * 1000 / greatest(step.calls_total, 1))),     -- its plan may want more
           answers = CASE WHEN NOT outcome.is_last_call THEN
                         coalesce(step.answers, '{}') || jsonb_build_object(outcome.call, jsonb_build_object(
                             'verdict', CASE outcome.verdict WHEN 'absent' THEN 'absent' WHEN 'permanent' THEN 'refused' ELSE 'success' END,
                             'status', outcome.http_status, 'body', provision.redact(outcome.body),
                             'lasting', NOT outcome.repeatable AND outcome.guard IS NULL)) END,
           error_code = NULL,
           error_message = NULL,
           error_hint = NULL,
           finished_at = CASE WHEN outcome.is_last_call THEN clock_timestamp() END
      FROM unnest(outcomes) AS outcome
     WHERE provision.next_move(outcome, 'closed') = 'advance'
       AND step.job_id = outcome.job_id
       AND step.ordinal = outcome.ordinal;
END;
$$;
COMMENT ON FUNCTION provision.advance_steps(provision.outcome[]) IS 'Steps whose call is done go on with their plan, or are completed where it was the last.';

CREATE OR REPLACE FUNCTION provision.step_ends_by(job_id bigint, ordinal smallint)
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT job_step.started_at + provision.ms(step.deadline_ms)
              FROM provision.job
              JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = step_ends_by.ordinal
              JOIN provision.job_step ON job_step.job_id = job.job_id AND job_step.ordinal = step.ordinal
             WHERE job.job_id = step_ends_by.job_id);
END;
$$;
COMMENT ON FUNCTION provision.step_ends_by(bigint, smallint) IS 'The deadline of a step that has begun; null when it has none.';

-- The state, tries and pause of a step that could not advance.
CREATE OR REPLACE FUNCTION provision.set_backs(outcomes provision.outcome[])
    RETURNS TABLE (outcome provision.outcome, move text, state text, tries integer, pause interval, error_code text)
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT decided.outcome, decided.move,
           CASE WHEN decided.move = 'fail' OR late.yes THEN 'failed'
                WHEN decided.goes_on_at_once THEN 'ready'
                ELSE 'retrying' END,
           (decided.outcome).tries + decided.costs_a_try::integer,
           next.pause,
           CASE WHEN late.yes AND decided.move <> 'fail' THEN 'STEP_DEADLINE'
                ELSE provision.step_error_code(decided.move, (decided.outcome).verdict, (decided.outcome).error_code) END
      FROM (SELECT outcome,
                   moved.move,
                   moved.move = 'again'
                       OR moved.move = 'look_again' AND outcome.verdict = 'duplicate' AND outcome.tries = 0 AS goes_on_at_once,
                   moved.move IN ('retry', 'look_again') AND outcome.verdict <> 'interrupted'
                       AND NOT (outcome.trips AND engine_state.breaker <> 'closed') AS costs_a_try
              FROM unnest(outcomes) AS outcome
              JOIN provision.engine_state ON engine_state.engine_id = outcome.engine_id
             CROSS JOIN LATERAL (SELECT provision.next_move(outcome, engine_state.breaker) AS move) AS moved
             WHERE moved.move <> 'advance') AS decided
     CROSS JOIN LATERAL (SELECT CASE
               WHEN decided.goes_on_at_once THEN interval '0'
               WHEN decided.move = 'doubt'
               THEN make_interval(secs => least(2000, greatest(100, (decided.outcome).patience_ms / 4)) / 1000.0)
               ELSE provision.backoff((decided.outcome).tries, (decided.outcome).backoff_ms, (decided.outcome).backoff_max_ms,
                                      (decided.outcome).retry_after_ms) END AS pause) AS next
     CROSS JOIN LATERAL (SELECT provision.step_ends_by((decided.outcome).job_id, (decided.outcome).ordinal)
                                <= clock_timestamp() + next.pause IS TRUE
                                AND (decided.outcome).verdict <> 'interrupted' AS yes) AS late;
END;
COMMENT ON FUNCTION provision.set_backs(provision.outcome[]) IS 'What becomes of the steps that cannot advance.';

CREATE OR REPLACE FUNCTION provision.set_back_steps(outcomes provision.outcome[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.job_step AS step
       SET state = back.state,
           attempt_id = NULL,
           tries = back.tries,
           next_attempt_at = CASE WHEN back.state = 'retrying' THEN clock_timestamp() + back.pause END,
           doubtful_until = CASE WHEN ((back.outcome).method <> 'DELETE' OR NOT (back.outcome).repeatable)
                                      AND ((back.outcome).delivery = 'unknown' AND (back.outcome).method <> 'GET' OR (back.outcome).verdict = 'ambiguous')
                                 THEN clock_timestamp() + make_interval(secs => (back.outcome).patience_ms / 1000.0)
                                 ELSE step.doubtful_until END,
           answers = CASE WHEN back.move = 'look_again' THEN step.answers - (back.outcome).guard ELSE step.answers END,
           error_code = back.error_code,
           error_message = text.message,
           error_hint = text.hint,
           finished_at = CASE WHEN back.state = 'failed' THEN clock_timestamp() END
      FROM provision.set_backs(outcomes) AS back
     CROSS JOIN LATERAL provision.explain_failure(
               (back.outcome).job_id, (back.outcome).step, (back.outcome).call, back.error_code,
               (back.outcome).http_status, (back.outcome).detail) AS text
     WHERE step.job_id = (back.outcome).job_id
       AND step.ordinal = (back.outcome).ordinal;
END;
$$;
COMMENT ON FUNCTION provision.set_back_steps(provision.outcome[]) IS 'Steps that could not advance look again, try again later or fail.';
