-- Limits while a job runs: slots of an engine, tokens of its rate, what its server asks for, exclusions on a site. Rows that somebody else holds are never waited for.

-- The first call of a job goes in the slot it was claimed with; steps that run beside it need a free slot each.
CREATE OR REPLACE FUNCTION provision.take_slot(engine_id bigint, job_id bigint, wanted bigint)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF wanted <= (SELECT job.slots FROM provision.job WHERE job.job_id = take_slot.job_id) THEN
        RETURN true;
    END IF;
    PERFORM FROM provision.engine_state WHERE engine_state.engine_id = take_slot.engine_id FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND OR provision.slots_in_use(engine_id) >=
                    (SELECT engine.max_concurrent FROM provision.engine WHERE engine.engine_id = take_slot.engine_id) THEN
        RETURN false;
    END IF;
    UPDATE provision.job SET slots = wanted WHERE job.job_id = take_slot.job_id;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION provision.take_slot(bigint, bigint, bigint) IS 'Room for the wanted-th call at once of a job within max_concurrent.';

-- Tokens fall into the bucket at rate_per_second, up to burst. A clock that is set back neither adds tokens nor stops them.
CREATE OR REPLACE FUNCTION provision.tokens_now(tokens double precision, tokens_at timestamptz, rate_per_second double precision, burst integer)
    RETURNS double precision
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT least(coalesce(tokens_now.burst, greatest(1, tokens_now.rate_per_second)),
                 tokens_now.tokens
                 + greatest(0, extract(epoch FROM clock_timestamp() - greatest(tokens_now.tokens_at, clock_timestamp() - interval '1 day')))::double precision
                   * tokens_now.rate_per_second);
END;
COMMENT ON FUNCTION provision.tokens_now(double precision, timestamptz, double precision, integer) IS 'Calls that the rate limit allows at once now.';

CREATE OR REPLACE FUNCTION provision.take_token(engine_id bigint)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bucket record;
BEGIN
    PERFORM FROM provision.engine_state WHERE engine_state.engine_id = take_token.engine_id FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT gauge.turn, engine.rate_per_second IS NULL AS is_unlimited, gauge.tokens_at > clock_timestamp() AS is_ahead,
           provision.tokens_now(gauge.tokens, gauge.tokens_at, engine.rate_per_second, engine.burst) AS tokens
      INTO bucket
      FROM provision.engine
      JOIN provision.engine_gauge AS gauge ON gauge.engine_id = engine.engine_id
     WHERE engine.engine_id = take_token.engine_id
     ORDER BY gauge.turn DESC
     LIMIT 1;
    IF bucket.is_unlimited OR bucket.tokens < 1 AND NOT bucket.is_ahead THEN
        RETURN bucket.is_unlimited;
    END IF;
    UPDATE provision.engine_gauge AS gauge
       SET turn = gauge.turn + 1,
           tokens = bucket.tokens - (bucket.tokens >= 1)::integer,
           tokens_at = clock_timestamp()
     WHERE gauge.engine_id = take_token.engine_id
       AND gauge.turn = bucket.turn;
    RETURN bucket.tokens >= 1;
END;
$$;
COMMENT ON FUNCTION provision.take_token(bigint) IS 'One call''s worth of an engine''s rate_per_second. False: there is none now, or another worker is counting.';

-- A job that lacks a token keeps its place with its worker and looks again when one should be there for it, after those who wait already.
CREATE OR REPLACE FUNCTION provision.token_due_at(engine_id bigint)
    RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bucket record;
    before_it bigint;
BEGIN
    SELECT engine.rate_per_second AS rate, gauge.oldest_claim,
           provision.tokens_now(gauge.tokens, gauge.tokens_at, engine.rate_per_second, engine.burst) AS tokens
      INTO bucket
      FROM provision.engine
      JOIN provision.engine_gauge AS gauge ON gauge.engine_id = engine.engine_id
     WHERE engine.engine_id = token_due_at.engine_id
     ORDER BY gauge.turn DESC
     LIMIT 1;
    IF bucket.rate IS NULL THEN
        RETURN clock_timestamp() + interval '200 ms';
    END IF;
    SELECT count(*) INTO before_it
      FROM provision.job
     WHERE job.engine_id = token_due_at.engine_id
       AND job.state = 'running'
       AND job.claim_number >= bucket.oldest_claim
       AND job.due_at > clock_timestamp();
    RETURN clock_timestamp() + greatest(interval '10 ms' * (1 + random()),      -- another worker was counting
                                        make_interval(secs => least((before_it + 1 - bucket.tokens) / bucket.rate, 3600)));
END;
$$;
COMMENT ON FUNCTION provision.token_due_at(bigint) IS 'When a running job that lacks a token of its engine''s rate, or cannot be planned just now, looks again.';

-- A server that is asked too much says when to come again. That holds for all jobs of the engine, not only for the one that was told,
-- and at most for an hour. Rows that somebody else holds are left out: the next call is told the same.
CREATE OR REPLACE FUNCTION provision.hold_back_engines(outcomes provision.outcome[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held record;
BEGIN
    IF NOT EXISTS (SELECT FROM unnest(outcomes) AS outcome WHERE outcome.retry_after_ms > 0 AND outcome.http_status IN (429, 503)) THEN
        RETURN;
    END IF;
    FOR held IN
        WITH asked AS MATERIALIZED (
            SELECT outcome.engine_id, clock_timestamp() + make_interval(secs => max(least(outcome.retry_after_ms, 3600000)) / 1000.0) AS until
              FROM unnest(outcomes) AS outcome
             WHERE outcome.retry_after_ms > 0
               AND outcome.http_status IN (429, 503)
             GROUP BY outcome.engine_id
        ), locked AS MATERIALIZED (
            SELECT engine_state.engine_id, engine_state.not_before, engine.name, asked.until
              FROM provision.engine_state
              JOIN asked ON asked.engine_id = engine_state.engine_id
              JOIN provision.engine ON engine.engine_id = engine_state.engine_id
             ORDER BY engine_state.engine_id
               FOR NO KEY UPDATE OF engine_state SKIP LOCKED
        )
        UPDATE provision.engine_state
           SET not_before = greatest(locked.not_before, locked.until)
          FROM locked
         WHERE engine_state.engine_id = locked.engine_id
        RETURNING locked.name, engine_state.not_before, coalesce(locked.not_before > clock_timestamp(), false) AS was_held
    LOOP
        IF NOT held.was_held THEN
            PERFORM provision.log_engine_event(held.name, 'engine_held_back', NULL, NULL, jsonb_build_object('until', held.not_before));
        END IF;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.hold_back_engines(provision.outcome[]) IS 'Leaves engines alone for as long as their servers asked for with Retry-After, at most an hour.';

CREATE OR REPLACE FUNCTION provision.exclusion_name(exclusive text, engine provision.engine, settings jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT format('%s on %s of %s', exclusive, coalesce(settings ->> 'site', engine.site, 'the site'), engine.name) WHERE exclusive IS NOT NULL;
END;
COMMENT ON FUNCTION provision.exclusion_name(text, provision.engine, jsonb) IS 'What a step excludes others from: its word, on one site of one engine.';

CREATE OR REPLACE FUNCTION provision.take_exclusion(wanted text, job_id bigint, ordinal smallint)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF wanted IS NULL THEN
        RETURN true;
    END IF;
    -- The lock keeps two workers from waiting for each other's uncommitted row. A row that is seen may have been deleted by somebody who has
    -- not committed yet, for whom an INSERT would wait. First the lock, then the look: one statement would look as of before.
    IF provision.try_lock(1347571543, hashtext(wanted), for_session => false) THEN
        IF NOT EXISTS (SELECT FROM provision.exclusion AS held WHERE held.exclusion = wanted) THEN
            INSERT INTO provision.exclusion (exclusion, job_id, ordinal) VALUES (wanted, take_exclusion.job_id, take_exclusion.ordinal);
        END IF;
    END IF;
    RETURN EXISTS (SELECT FROM provision.exclusion AS held
                    WHERE held.exclusion = wanted AND held.job_id = take_exclusion.job_id AND held.ordinal = take_exclusion.ordinal);
END;
$$;
COMMENT ON FUNCTION provision.take_exclusion(text, bigint, smallint) IS 'Takes or already holds the exclusion for this step.';

CREATE OR REPLACE FUNCTION provision.wake_next_in_line(released text[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH next AS MATERIALIZED (
        SELECT first.job_id
          FROM unnest(released) AS free (exclusion)
         CROSS JOIN LATERAL (SELECT job.job_id
                               FROM provision.job_step AS waiting
                               JOIN provision.job ON job.job_id = waiting.job_id
                              WHERE waiting.waits_for = free.exclusion
                                AND job.state = 'scheduled'
                              ORDER BY job.rank, job.job_id
                              LIMIT 1
                                FOR NO KEY UPDATE OF job SKIP LOCKED) AS first
    )
    UPDATE provision.job
       SET due_at = '-infinity'
      FROM next
     WHERE job.job_id = next.job_id;
END;
$$;
COMMENT ON FUNCTION provision.wake_next_in_line(text[]) IS 'The first that waits for each of these exclusions becomes due at once.';

CREATE OR REPLACE FUNCTION provision.release_exclusions(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    released text[];
BEGIN
    WITH gone AS (
        DELETE FROM provision.exclusion AS held
         USING provision.job_step
         WHERE held.job_id = ANY (job_ids)
           AND job_step.job_id = held.job_id
           AND job_step.ordinal = held.ordinal
           AND job_step.state <> 'running'
           AND NOT provision.awaits_agent(held.job_id, held.ordinal)
        RETURNING held.exclusion
    )
    SELECT array_agg(exclusion) INTO released FROM gone;
    IF released IS NOT NULL THEN
        PERFORM provision.wake_next_in_line(released);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.release_exclusions(bigint[]) IS 'Gives up the exclusions of steps that no longer run; the next in line becomes due at once.';

-- Who releases an exclusion while this job gives itself back does not see it and wakes another, or nobody. Another that waits will pass it
-- on; a job that is alone has to look by itself, after as long again as it has waited, so that this doubles its waiting at worst.
CREATE OR REPLACE FUNCTION provision.exclusion_pause(job_id bigint)
    RETURNS interval
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    longest constant interval := interval '30 s';
BEGIN
    RETURN (SELECT min(CASE WHEN EXISTS (SELECT
                                           FROM provision.job_step AS other
                                           JOIN provision.job ON job.job_id = other.job_id
                                          WHERE other.waits_for = own.waits_for
                                            AND other.job_id <> own.job_id
                                            AND job.state = 'scheduled')
                            THEN longest * (1 + random())
                            ELSE greatest(interval '1 s', least(longest, clock_timestamp() - own.waits_since)) END)
              FROM provision.job_step AS own
             WHERE own.job_id = exclusion_pause.job_id
               AND own.waits_for IS NOT NULL);
END;
$$;
COMMENT ON FUNCTION provision.exclusion_pause(bigint) IS 'After which time a job looks again for an exclusion, in case that nobody wakes it.';

-- A Date has whole seconds, and an answer takes its time: what differs by little is the same. Written only when it changes by more than that.
CREATE OR REPLACE FUNCTION provision.note_clocks(attempt_ids bigint[], skews bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH told AS MATERIALIZED (
        SELECT attempt.engine_id, CASE WHEN abs(min(answer.skew)) > 5 THEN least(greatest(min(answer.skew), -2000000000), 2000000000) ELSE 0 END AS seconds
          FROM unnest(attempt_ids, skews) AS answer (attempt_id, skew)
          JOIN provision.attempt ON attempt.attempt_id = answer.attempt_id
         GROUP BY attempt.engine_id
    ), changed AS MATERIALIZED (
        SELECT engine_state.engine_id, told.seconds
          FROM told
          JOIN provision.engine_state ON engine_state.engine_id = told.engine_id
         WHERE abs(engine_state.clock_skew_seconds - told.seconds) > 2
         ORDER BY engine_state.engine_id
           FOR NO KEY UPDATE OF engine_state SKIP LOCKED
    )
    UPDATE provision.engine_state
       SET clock_skew_seconds = changed.seconds,
           clock_skew_at = clock_timestamp()
      FROM changed
     WHERE engine_state.engine_id = changed.engine_id;
END;
$$;
COMMENT ON FUNCTION provision.note_clocks(bigint[], bigint[]) IS 'Keeps by how many seconds the servers'' clocks are ahead of ours, as answers to these attempts told.';
