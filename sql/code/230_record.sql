-- Recording answers: what each means, what follows for its step, its engine's breaker and the tenant's facts. A round's answers cost
-- one call of record_answers, however many they are.

DO $$ BEGIN
    CREATE TYPE provision.raw_answer AS (
        attempt_id     bigint,
        delivery       text,
        http_status    integer,
        curl_code      integer,
        body           text,
        excerpt        text,
        error          text,
        retry_after_ms bigint,
        timings_ms     text,
        sealed         text
    );
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
COMMENT ON TYPE provision.raw_answer IS 'What the worker tells of one answer, before anything of it is believed: body and timings are text that may turn out to be no JSON and no array.';

DO $$ BEGIN
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
        creates        jsonb,
        refusable      boolean,
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
        trips          boolean,
        seals          jsonb,
        sealed         text
    );
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
COMMENT ON TYPE provision.outcome IS 'An answer with its meaning and the policy of its step, as record_answers works on it.';

-- Jobs of these attempts that this incarnation still owns and nobody else has locked. The others' answers wait for the next round.
CREATE OR REPLACE FUNCTION provision.lock_answered_jobs(incarnation bigint, attempt_ids bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answered bigint[] := ARRAY(SELECT DISTINCT attempt.job_id FROM provision.attempt WHERE attempt.attempt_id = ANY (attempt_ids));
    learning bigint[] := ARRAY(SELECT DISTINCT attempt.job_id FROM provision.attempt
                                WHERE attempt.attempt_id = ANY (attempt_ids) AND (attempt.learn IS NOT NULL OR attempt.seals IS NOT NULL));
    locked bigint[] := ARRAY(SELECT job.job_id
                               FROM provision.job
                              WHERE job.job_id = ANY (answered)
                                AND job.owner IS NOT DISTINCT FROM lock_answered_jobs.incarnation    -- in a form that tempts no index on owner
                              ORDER BY job.job_id
                                FOR NO KEY UPDATE SKIP LOCKED);
BEGIN
    IF learning = '{}' THEN
        RETURN locked;
    END IF;
    -- What is learnt or sealed is written to the tenant, whose row somebody else may hold.
    RETURN ARRAY(SELECT unnest(locked) EXCEPT SELECT unnest(learning))
        || provision.lock_tenants_of_jobs(ARRAY(SELECT unnest(locked) INTERSECT SELECT unnest(learning)));
END;
$$;
COMMENT ON FUNCTION provision.lock_answered_jobs(bigint, bigint[]) IS 'Fence and lock in one: the jobs for which results may be recorded now.';

CREATE OR REPLACE FUNCTION provision.classify_answers(incarnation bigint, answers provision.raw_answer[])
    RETURNS SETOF provision.outcome
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT attempt.attempt_id, attempt.job_id, attempt.ordinal, step.name, attempt.engine_id, attempt.call, attempt.method,
           attempt.guard, attempt.repeatable, attempt.learn, attempt.creates, attempt.refusable, job_step.is_last_call, job_step.tries,
           step.max_attempts, step.backoff_ms, step.backoff_max_ms, step.patience_ms,
           coalesce(job_step.doubtful_until > attempt.started_at, false),
           answer.delivery, answer.http_status, answer.curl_code, CASE WHEN attempt.seals IS NULL THEN decoded.body ELSE '{}' END,
           CASE WHEN attempt.seals IS NOT NULL THEN NULL
                WHEN engine.kind <> 'erpnext' AND decoded.body IS NOT NULL THEN left(decoded.body::text, 1000) ELSE answer.excerpt END,
           CASE WHEN meaning.verdict <> 'success' THEN coalesce(answer.error, CASE WHEN attempt.seals IS NULL THEN provision.frappe_message(decoded.body) END, '') END,
           answer.retry_after_ms, answer.timings_ms::integer[],
           CASE WHEN attempt.seals IS NULL OR decoded.body ->> 'exc_type' ~ '^[A-Z][A-Za-z]{2,60}$' THEN decoded.body ->> 'exc_type' END,
           CASE WHEN special.is_missing OR special.is_refused THEN 'permanent' ELSE meaning.verdict END,
           CASE WHEN special.is_missing THEN 'SECRET_MISSING' ELSE meaning.error_code END,
           meaning.trips AND NOT coalesce(job_step.started_at + provision.ms(step.deadline_ms) <= clock_timestamp(), false),   -- we gave up early
           attempt.seals, answer.sealed
      FROM unnest(answers) AS answer
      JOIN provision.attempt ON attempt.attempt_id = answer.attempt_id
      JOIN provision.job ON job.job_id = attempt.job_id
      JOIN provision.job_step ON job_step.job_id = attempt.job_id
                             AND job_step.ordinal = attempt.ordinal
                             AND job_step.attempt_id = attempt.attempt_id
      JOIN provision.step ON step.workflow_id = job.workflow_id
                         AND step.ordinal = attempt.ordinal
      JOIN provision.engine ON engine.engine_id = attempt.engine_id
     CROSS JOIN LATERAL (SELECT CASE engine.kind WHEN 'erpnext' THEN answer.body::jsonb ELSE provision.digest(engine.kind, answer.body::jsonb) END AS body) AS decoded
     CROSS JOIN LATERAL provision.classify(
           engine.kind, answer.delivery, attempt.method, attempt.url, answer.http_status,
           coalesce(jsonb_typeof(decoded.body) = 'object', false),
           coalesce(decoded.body ->> 'exc_type', ''), answer.curl_code) AS meaning
     CROSS JOIN LATERAL (SELECT attempt.seals IS NOT NULL AND answer.sealed IS NULL AND meaning.verdict = 'success' AS is_missing,
                                attempt.auth IS NOT NULL AND attempt.refusable      -- credentials were only tried
                                    AND meaning.error_code IN ('ENGINE_AUTH_FAILED', 'ENGINE_PERMISSION_DENIED') AS is_refused) AS special
     WHERE job.owner IS NOT DISTINCT FROM classify_answers.incarnation      -- the fence; in a form that no index on owner tempts the planner
     ORDER BY attempt.job_id, attempt.ordinal;
END;
COMMENT ON FUNCTION provision.classify_answers(bigint, provision.raw_answer[]) IS 'Joins the answers with their attempts and steps and gives each its meaning; leaves out jobs that are not this incarnation''s.';

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

-- Failures in a row open the breaker; any other answer closes it. What was not answered for reasons of ours says nothing. Rows that somebody else holds are left out: the next answer counts again.
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
                   bool_or(NOT outcome.trips AND outcome.delivery = 'answered') AS answered
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
               breaker_since = CASE WHEN decided.breaker = 'closed' AND decided.new_breaker = 'open' THEN clock_timestamp()
                                    WHEN decided.new_breaker <> 'closed' THEN engine_state.breaker_since END,
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

CREATE OR REPLACE FUNCTION provision.record_outcomes(outcomes provision.outcome[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.finish_attempts(outcomes);
    PERFORM provision.account_for_breakers(outcomes);
    PERFORM provision.hold_back_engines(outcomes);
    IF EXISTS (SELECT FROM unnest(outcomes) AS outcome WHERE starts_with(outcome.call, 'wait for ')) THEN
        outcomes := provision.record_polls(outcomes);
    END IF;
    IF EXISTS (SELECT FROM unnest(outcomes) AS outcome WHERE outcome.learn IS NOT NULL) THEN
        PERFORM provision.learn_facts(outcomes);
    END IF;
    IF EXISTS (SELECT FROM unnest(outcomes) AS outcome WHERE outcome.seals IS NOT NULL) THEN
        PERFORM provision.keep_sealed(outcomes);
    END IF;
    IF EXISTS (SELECT FROM unnest(outcomes) AS outcome WHERE outcome.creates IS NOT NULL) THEN
        PERFORM provision.settle_creations(outcomes);
    END IF;
    PERFORM provision.forget_unbegun(outcome.job_id, outcome.body -> 'data') FROM unnest(outcomes) AS outcome WHERE starts_with(outcome.call, 'cancel ');
    PERFORM provision.advance_steps(outcomes);
    IF EXISTS (SELECT FROM unnest(outcomes) AS outcome WHERE provision.next_move(outcome, 'closed') <> 'advance') THEN
        PERFORM provision.set_back_steps(outcomes);
        PERFORM provision.mark_flaws(ARRAY(SELECT job_step.job_id
                                             FROM unnest(outcomes) AS outcome
                                             JOIN provision.job_step ON job_step.job_id = outcome.job_id AND job_step.ordinal = outcome.ordinal
                                            WHERE job_step.state = 'failed'));
    END IF;
    PERFORM provision.log_moved_steps(outcomes);
    UPDATE provision.job        -- a step that tries again is not to wait for a call beside it
       SET due_at = job_step.next_attempt_at
      FROM unnest(outcomes) AS outcome
      JOIN provision.job_step ON job_step.job_id = outcome.job_id AND job_step.ordinal = outcome.ordinal
     WHERE job.job_id = outcome.job_id
       AND job_step.state = 'retrying';
    UPDATE provision.job
       SET crash_count = 0
      FROM unnest(outcomes) AS outcome
      JOIN provision.job_step ON job_step.job_id = outcome.job_id AND job_step.ordinal = outcome.ordinal
     WHERE job.job_id = outcome.job_id
       AND job_step.state = 'completed'         -- an answer alone may be that of a harmless look before the call that kills
       AND job.crash_count > 0;
END;
$$;
COMMENT ON FUNCTION provision.record_outcomes(provision.outcome[]) IS 'Writes what follows from classified answers.';

-- One answer cannot be classified or recorded: only its job fails. Each answer is therefore tried alone.
CREATE OR REPLACE FUNCTION provision.record_one_by_one(incarnation bigint, answers provision.raw_answer[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR i IN 1 .. cardinality(answers) LOOP
        BEGIN
            PERFORM provision.record_outcomes(ARRAY[outcome])
               FROM provision.classify_answers(incarnation, answers[i:i]) AS outcome;
        EXCEPTION WHEN OTHERS THEN
            PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
            PERFORM provision.fail_job_internally(job.job_id, SQLSTATE, SQLERRM)
               FROM provision.attempt
               JOIN provision.job ON job.job_id = attempt.job_id
              WHERE attempt.attempt_id = answers[i].attempt_id
                AND job.owner = record_one_by_one.incarnation;
        END;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.record_one_by_one(bigint, provision.raw_answer[]) IS 'Records answers that could not be recorded together.';

CREATE OR REPLACE FUNCTION provision.record_locked_answers(incarnation bigint, answers provision.raw_answer[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    outcomes provision.outcome[] := ARRAY(SELECT outcome FROM provision.classify_answers(incarnation, answers) AS outcome);
BEGIN
    PERFORM provision.record_outcomes(outcomes) WHERE outcomes <> '{}';
END;
$$;
COMMENT ON FUNCTION provision.record_locked_answers(bigint, provision.raw_answer[]) IS 'Records the answers whose jobs are locked, all or none.';

CREATE OR REPLACE FUNCTION provision.record_or_isolate(incarnation bigint, answers provision.raw_answer[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.record_locked_answers(incarnation, answers);
EXCEPTION WHEN OTHERS THEN
    PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
    PERFORM provision.record_one_by_one(incarnation, answers);
END;
$$;
COMMENT ON FUNCTION provision.record_or_isolate(bigint, provision.raw_answer[]) IS 'Records the answers; where one of them cannot be, each for itself.';

-- The locks are taken outside of what may be rolled back and done again.
CREATE OR REPLACE FUNCTION provision.record_answers(
    incarnation bigint, attempt_ids bigint[], deliveries text[], http_statuses integer[], curl_codes integer[],
    bodies text[], excerpts text[], errors text[], retry_afters_ms bigint[], timings_ms text[], sealed text[] DEFAULT '{}',
    OUT answered_jobs bigint[], OUT left_over bigint[])
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answers provision.raw_answer[];
BEGIN
    answered_jobs := provision.lock_answered_jobs(incarnation, attempt_ids);
    left_over := CASE WHEN cardinality(answered_jobs) = cardinality(attempt_ids) THEN '{}'
                      ELSE provision.left_over_attempts(incarnation, attempt_ids, answered_jobs) END;
    answers := ARRAY(SELECT ROW(answer.*)::provision.raw_answer
                       FROM ROWS FROM (unnest(attempt_ids), unnest(deliveries), unnest(http_statuses), unnest(curl_codes), unnest(bodies),
                                       unnest(excerpts), unnest(errors), unnest(retry_afters_ms), unnest(timings_ms), unnest(sealed))
                            AS answer (attempt_id, delivery, http_status, curl_code, body, excerpt, error, retry_after_ms, timings_ms, sealed)
                      WHERE answer.attempt_id <> ALL (left_over));
    PERFORM provision.record_or_isolate(incarnation, answers);
END;
$$;
COMMENT ON FUNCTION provision.record_answers(bigint, bigint[], text[], integer[], integer[], text[], text[], text[], bigint[], text[], text[])
    IS 'Records a round''s answers. Results of jobs this incarnation no longer owns are refused; left_over are attempts whose job somebody else has locked just now.';
