-- Recording answers: what each means, what follows for its step, its engine's breaker and the tenant's facts. A round's answers cost
-- one call of record_answers, however many they are.

DROP TYPE IF EXISTS provision.outcome CASCADE;
CREATE TYPE provision.outcome AS (
    attempt_id     bigint,
    job_id         bigint,
    ordinal        smallint,
    step           text,
    engine_id      bigint,
    call           text,
    method         text,
    guard          text,
    repeatable     boolean,
    learn          jsonb,
    is_last_call   boolean,
    tries          smallint,
    max_attempts   integer,
    backoff_ms     integer,
    backoff_max_ms integer,
    patience_ms    integer,
    doubtful       boolean,
    delivery       text,
    http_status    integer,
    curl_code      integer,
    body           jsonb,
    excerpt        text,
    detail         text,
    retry_after_ms bigint,
    timings        integer[],
    exc_type       text,
    verdict        text,
    error_code     text,
    trips          boolean
);
COMMENT ON TYPE provision.outcome IS 'An answer with its meaning and the policy of its step, as record_answers works on it.';

-- Jobs of these attempts that this incarnation still owns and nobody else has locked. The others' answers wait for the next round.
CREATE OR REPLACE FUNCTION provision.lock_answered_jobs(incarnation bigint, attempt_ids bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answered bigint[] := ARRAY(SELECT DISTINCT attempt.job_id FROM provision.attempt WHERE attempt.attempt_id = ANY (attempt_ids));
BEGIN
    RETURN ARRAY(SELECT job.job_id
                   FROM provision.job
                  WHERE job.job_id = ANY (answered)
                    AND job.owner = lock_answered_jobs.incarnation
                  ORDER BY job.job_id
                    FOR NO KEY UPDATE SKIP LOCKED);
END;
$$;
COMMENT ON FUNCTION provision.lock_answered_jobs(bigint, bigint[]) IS 'Fence and lock in one: the jobs for which results may be recorded now.';

CREATE OR REPLACE FUNCTION provision.classify_answers(
    incarnation bigint, left_over bigint[], attempt_ids bigint[], deliveries text[], http_statuses integer[], curl_codes integer[],
    bodies text[], excerpts text[], errors text[], retry_afters_ms bigint[], timings_ms text[])
    RETURNS SETOF provision.outcome
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT attempt.attempt_id, attempt.job_id, attempt.ordinal, step.name, attempt.engine_id, attempt.call, attempt.method,
           attempt.guard, attempt.repeatable, attempt.learn, job_step.is_last_call, job_step.tries,
           step.max_attempts, step.backoff_ms, step.backoff_max_ms, step.patience_ms,
           coalesce(job_step.doubtful_until > clock_timestamp(), false),
           answer.delivery, answer.http_status, answer.curl_code, decoded.body, answer.excerpt,
           CASE WHEN meaning.error_code IS NOT NULL THEN coalesce(provision.frappe_message(decoded.body), answer.error, '') END,
           answer.retry_after_ms, answer.timings::integer[], decoded.body ->> 'exc_type',
           meaning.verdict, meaning.error_code, meaning.trips
      FROM ROWS FROM (unnest(attempt_ids), unnest(deliveries), unnest(http_statuses), unnest(curl_codes), unnest(bodies),
                      unnest(excerpts), unnest(errors), unnest(retry_afters_ms), unnest(timings_ms))
           AS answer (attempt_id, delivery, http_status, curl_code, body, excerpt, error, retry_after_ms, timings)
      JOIN provision.attempt ON attempt.attempt_id = answer.attempt_id
      JOIN provision.job ON job.job_id = attempt.job_id
      JOIN provision.job_step ON job_step.job_id = attempt.job_id
                             AND job_step.ordinal = attempt.ordinal
                             AND job_step.attempt_id = attempt.attempt_id
      JOIN provision.step ON step.workflow_id = job.workflow_id
                         AND step.ordinal = attempt.ordinal
      JOIN provision.engine ON engine.engine_id = attempt.engine_id
     CROSS JOIN LATERAL (SELECT answer.body::jsonb AS body) AS decoded
     CROSS JOIN LATERAL provision.classify(
           engine.kind, answer.delivery, attempt.method, attempt.url, answer.http_status,
           coalesce(jsonb_typeof(decoded.body) = 'object', false),
           coalesce(decoded.body ->> 'exc_type', ''), answer.curl_code) AS meaning
     WHERE job.owner IS NOT DISTINCT FROM classify_answers.incarnation      -- the fence; in a form that no index on owner tempts the planner
       AND attempt.attempt_id NOT IN (SELECT unnest(left_over))
     ORDER BY attempt.job_id, attempt.ordinal;
END;
COMMENT ON FUNCTION provision.classify_answers(bigint, bigint[], bigint[], text[], integer[], integer[], text[], text[], text[], bigint[], text[])
    IS 'Joins the answers with their attempts and steps and gives each its meaning; leaves out jobs that are not this incarnation''s and left_over attempts.';

CREATE OR REPLACE FUNCTION provision.finish_attempts(outcomes provision.outcome[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.attempt
       SET finished_at = clock_timestamp(),
           delivery = outcome.delivery,
           verdict = outcome.verdict,
           http_status = nullif(outcome.http_status, 0),
           curl_code = nullif(outcome.curl_code, 0),
           exc_type = left(outcome.exc_type, 200),
           error_code = outcome.error_code,
           error_detail = provision.redact_text(nullif(outcome.detail, '')),
           response_excerpt = provision.redact_text(outcome.excerpt),
           dns_ms = nullif(outcome.timings[1], -1),
           connect_ms = nullif(outcome.timings[2], -1),
           tls_ms = nullif(outcome.timings[3], -1),
           first_byte_ms = nullif(outcome.timings[4], -1),
           duration_ms = outcome.timings[5]
      FROM unnest(outcomes) AS outcome
     WHERE attempt.attempt_id = outcome.attempt_id;
END;
$$;
COMMENT ON FUNCTION provision.finish_attempts(provision.outcome[]) IS 'Writes how each attempt ended.';

CREATE OR REPLACE FUNCTION provision.first_match(body jsonb, path text)
    RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_path_query_first(body, path::jsonpath, '{}', true);
EXCEPTION WHEN OTHERS THEN      -- a wrong path in one workflow must not stop the round
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.first_match(jsonb, text) IS 'First match of a jsonpath; null when there is none or the path is not one.';

CREATE OR REPLACE FUNCTION provision.learn_facts(outcomes provision.outcome[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.tenant
       SET metadata = tenant.metadata || learnt.facts,
           updated_at = clock_timestamp()
      FROM (SELECT job.tenant_id, jsonb_object_agg(fact.name, coalesce(provision.first_match(outcome.body, fact.path), 'null')) AS facts
              FROM unnest(outcomes) AS outcome
              JOIN provision.job ON job.job_id = outcome.job_id
             CROSS JOIN LATERAL jsonb_each_text(outcome.learn) AS fact (name, path)
             WHERE outcome.verdict = 'success'
             GROUP BY job.tenant_id) AS learnt
     WHERE tenant.tenant_id = learnt.tenant_id;
END;
$$;
COMMENT ON FUNCTION provision.learn_facts(provision.outcome[]) IS 'Keeps what the calls were to learn in the tenant''s metadata.';

-- Failures in a row open the breaker; any other answer closes it. Rows that somebody else holds are left out: the next answer counts again.
CREATE OR REPLACE FUNCTION provision.account_for_breakers(outcomes provision.outcome[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed record;
BEGIN
    IF NOT EXISTS (SELECT
                     FROM unnest(outcomes) AS outcome
                     JOIN provision.engine_state ON engine_state.engine_id = outcome.engine_id
                    WHERE outcome.trips OR engine_state.failures_in_a_row > 0 OR engine_state.breaker <> 'closed') THEN
        RETURN;
    END IF;
    FOR changed IN
        WITH tally AS MATERIALIZED (
            SELECT outcome.engine_id, count(*) FILTER (WHERE outcome.trips) AS failures,
                   bool_or(NOT outcome.trips AND outcome.verdict <> 'interrupted') AS answered
              FROM unnest(outcomes) AS outcome
             GROUP BY outcome.engine_id
        ), locked AS MATERIALIZED (
            SELECT engine_state.*, tally.answered, engine.name, engine.failure_threshold, engine.recovery_seconds,
                   CASE WHEN tally.answered THEN 0 ELSE engine_state.failures_in_a_row + tally.failures END AS failures
              FROM provision.engine_state
              JOIN tally ON tally.engine_id = engine_state.engine_id
              JOIN provision.engine ON engine.engine_id = engine_state.engine_id
             WHERE tally.failures > 0
                OR tally.answered AND (engine_state.failures_in_a_row > 0 OR engine_state.breaker <> 'closed')
             ORDER BY engine_state.engine_id
               FOR NO KEY UPDATE OF engine_state SKIP LOCKED
        ), decided AS (
            SELECT locked.*,
                   CASE WHEN locked.answered THEN 'closed'
                        WHEN locked.breaker = 'half_open' OR locked.failures >= locked.failure_threshold THEN 'open'
                        ELSE locked.breaker END AS new_breaker
              FROM locked
        )
        UPDATE provision.engine_state
           SET failures_in_a_row = decided.failures,
               breaker = decided.new_breaker,
               probe_job_id = NULL,
               breaker_until = CASE WHEN decided.new_breaker = 'open' AND decided.breaker = 'open' THEN decided.breaker_until
                                    WHEN decided.new_breaker = 'open' THEN clock_timestamp() + make_interval(secs => decided.recovery_seconds) END
          FROM decided
         WHERE engine_state.engine_id = decided.engine_id
        RETURNING decided.name, decided.breaker, decided.new_breaker, engine_state.failures_in_a_row, engine_state.breaker_until
    LOOP
        IF changed.breaker <> changed.new_breaker THEN
            PERFORM provision.log_engine_event(changed.name, 'breaker_' || changed.new_breaker, changed.breaker, changed.new_breaker,
                        jsonb_build_object('failures_in_a_row', changed.failures_in_a_row, 'until', changed.breaker_until));
        END IF;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.account_for_breakers(provision.outcome[]) IS 'Counts transport failures and opens or closes the circuit breakers.';

CREATE OR REPLACE FUNCTION provision.is_empty_answer(verdict text, body jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT is_empty_answer.verdict = 'absent'
        OR coalesce(body -> 'data', body -> 'message', '{}') IN ('[]', '{}', 'null', '0');
END;
COMMENT ON FUNCTION provision.is_empty_answer(text, jsonb) IS 'The server says that there is no such thing: 404, an empty list, an empty object, a count of 0.';

-- What follows from a verdict:
--   advance      the call is done, on with the plan          look_again  the guard is asked again before the call is repeated
--   doubt        "absent", but a lost call may still be at work: ask again later
--   again        nothing learnt, no try used (interrupted; breaker not closed)
--   retry        the same again after a pause                fail        the step has failed
CREATE OR REPLACE FUNCTION provision.next_move(outcome provision.outcome, breaker text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN outcome.doubtful AND outcome.method = 'GET' AND provision.is_empty_answer(outcome.verdict, outcome.body) THEN 'doubt'
        WHEN outcome.verdict = 'success' THEN 'advance'
        WHEN outcome.verdict = 'absent' AND outcome.method IN ('GET', 'DELETE') THEN 'advance'
        WHEN outcome.verdict = 'duplicate' AND outcome.guard IS NULL THEN 'advance'
        WHEN outcome.verdict = 'ambiguous' AND NOT outcome.repeatable AND outcome.guard IS NULL THEN 'fail'
        WHEN outcome.verdict = 'interrupted' AND outcome.delivery = 'unknown' AND NOT outcome.repeatable AND outcome.guard IS NULL THEN 'fail'
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
           provision.failure_text(explain_failure.error_code, failure.hint, given.values)
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
           tries = 0,
           calls_done = step.calls_done + 1,
           answers = CASE WHEN NOT outcome.is_last_call THEN
                         coalesce(step.answers, '{}') || jsonb_build_object(outcome.call, jsonb_build_object(
                             'verdict', CASE outcome.verdict WHEN 'absent' THEN 'absent' ELSE 'success' END,
                             'status', outcome.http_status, 'body', outcome.body)) END,
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

-- The state, tries and pause of a step that could not advance.
CREATE OR REPLACE FUNCTION provision.set_backs(outcomes provision.outcome[])
    RETURNS TABLE (outcome provision.outcome, move text, state text, tries integer, pause interval, error_code text)
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT decided.outcome, decided.move,
           CASE WHEN decided.move = 'fail' THEN 'failed'
                WHEN decided.move = 'again' OR decided.is_first_duplicate THEN 'ready'
                ELSE 'retrying' END,
           (decided.outcome).tries + decided.costs_a_try::integer,
           CASE WHEN decided.move = 'doubt'
                THEN make_interval(secs => least(2000, greatest(100, (decided.outcome).patience_ms / 4)) / 1000.0)
                ELSE provision.backoff((decided.outcome).tries, (decided.outcome).backoff_ms, (decided.outcome).backoff_max_ms,
                                       (decided.outcome).retry_after_ms) END,
           provision.step_error_code(decided.move, (decided.outcome).verdict, (decided.outcome).error_code)
      FROM (SELECT outcome,
                   moved.move,
                   moved.move = 'look_again' AND outcome.verdict = 'duplicate' AND outcome.tries = 0 AS is_first_duplicate,
                   moved.move IN ('retry', 'look_again') AND outcome.verdict <> 'interrupted'
                       AND NOT (outcome.trips AND engine_state.breaker <> 'closed') AS costs_a_try
              FROM unnest(outcomes) AS outcome
              JOIN provision.engine_state ON engine_state.engine_id = outcome.engine_id
             CROSS JOIN LATERAL (SELECT provision.next_move(outcome, engine_state.breaker) AS move) AS moved
             WHERE moved.move <> 'advance') AS decided;
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
           doubtful_until = CASE WHEN (back.outcome).delivery = 'unknown' AND (back.outcome).method <> 'GET' OR (back.outcome).verdict = 'ambiguous'
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

CREATE OR REPLACE FUNCTION provision.log_moved_steps(outcomes provision.outcome[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO provision.event (job_id, tenant, step, event, from_state, to_state, detail, correlation_id)
    SELECT job.job_id, tenant.name, job_step.name, 'step_' || job_step.state, 'running', job_step.state,
           CASE WHEN job_step.state <> 'completed' THEN
               jsonb_strip_nulls(jsonb_build_object('call', outcome.call, 'error_code', job_step.error_code, 'verdict', outcome.verdict,
                   'next_attempt_at', job_step.next_attempt_at, 'attempt_id', outcome.attempt_id)) END,
           job.correlation_id
      FROM unnest(outcomes) AS outcome
      JOIN provision.job_step ON job_step.job_id = outcome.job_id AND job_step.ordinal = outcome.ordinal
      JOIN provision.job ON job.job_id = outcome.job_id
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
     WHERE job_step.state <> 'running'
     ORDER BY outcome.attempt_id;
END;
$$;
COMMENT ON FUNCTION provision.log_moved_steps(provision.outcome[]) IS 'Events of the steps that left the state running.';

CREATE OR REPLACE FUNCTION provision.left_over_attempts(incarnation bigint, attempt_ids bigint[], locked_jobs bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT attempt.attempt_id
                   FROM provision.attempt
                   JOIN provision.job ON job.job_id = attempt.job_id
                  WHERE attempt.attempt_id = ANY (attempt_ids)
                    AND job.owner = left_over_attempts.incarnation
                    AND attempt.job_id NOT IN (SELECT unnest(locked_jobs)));
END;
$$;
COMMENT ON FUNCTION provision.left_over_attempts(bigint, bigint[], bigint[]) IS 'Attempts of jobs that are still this incarnation''s but locked by somebody else.';

CREATE OR REPLACE FUNCTION provision.record_answers(
    incarnation bigint, attempt_ids bigint[], deliveries text[], http_statuses integer[], curl_codes integer[],
    bodies text[], excerpts text[], errors text[], retry_afters_ms bigint[], timings_ms text[],
    OUT answered_jobs bigint[], OUT left_over bigint[])
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    outcomes provision.outcome[];
BEGIN
    answered_jobs := provision.lock_answered_jobs(incarnation, attempt_ids);
    left_over := CASE WHEN cardinality(answered_jobs) = cardinality(attempt_ids) THEN '{}'
                      ELSE provision.left_over_attempts(incarnation, attempt_ids, answered_jobs) END;
    outcomes := ARRAY(SELECT outcome
                        FROM provision.classify_answers(incarnation, left_over, attempt_ids, deliveries, http_statuses, curl_codes, bodies,
                                                        excerpts, errors, retry_afters_ms, timings_ms) AS outcome);
    IF outcomes = '{}' THEN
        RETURN;
    END IF;
    PERFORM provision.finish_attempts(outcomes);
    PERFORM provision.account_for_breakers(outcomes);
    IF EXISTS (SELECT FROM unnest(outcomes) AS outcome WHERE outcome.learn IS NOT NULL) THEN
        PERFORM provision.learn_facts(outcomes);
    END IF;
    PERFORM provision.advance_steps(outcomes);
    IF EXISTS (SELECT FROM unnest(outcomes) AS outcome WHERE provision.next_move(outcome, 'closed') <> 'advance') THEN
        PERFORM provision.set_back_steps(outcomes);
        PERFORM provision.mark_flaws(ARRAY(SELECT job_step.job_id
                                             FROM unnest(outcomes) AS outcome
                                             JOIN provision.job_step ON job_step.job_id = outcome.job_id AND job_step.ordinal = outcome.ordinal
                                            WHERE job_step.state = 'failed'));
    END IF;
    PERFORM provision.log_moved_steps(outcomes);
    UPDATE provision.job SET crash_count = 0 WHERE job_id = ANY (answered_jobs) AND crash_count > 0;
END;
$$;
COMMENT ON FUNCTION provision.record_answers(bigint, bigint[], text[], integer[], integer[], text[], text[], text[], bigint[], text[])
    IS 'Records a round''s answers. Results of jobs this incarnation no longer owns are refused; left_over are attempts whose job somebody else has locked just now.';
