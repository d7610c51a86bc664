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

-- Tokens fall into the bucket at rate_per_second, up to burst. Null: no limit. Without a token the call waits until there is one.
CREATE OR REPLACE FUNCTION provision.take_token(engine_id bigint)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rate double precision := (SELECT rate_per_second FROM provision.engine WHERE engine.engine_id = take_token.engine_id);
    taken boolean;
BEGIN
    IF rate IS NULL THEN
        RETURN true;
    END IF;
    WITH bucket AS MATERIALIZED (
        SELECT engine_state.engine_id,
               least(coalesce(engine.burst, greatest(1, engine.rate_per_second)),
                     engine_state.tokens + greatest(0, extract(epoch FROM clock_timestamp() - greatest(engine_state.tokens_at, clock_timestamp() - interval '1 day')))
                                           * engine.rate_per_second) AS tokens     -- none are taken away when the clock is set back
          FROM provision.engine_state
          JOIN provision.engine ON engine.engine_id = engine_state.engine_id
         WHERE engine_state.engine_id = take_token.engine_id
           FOR NO KEY UPDATE OF engine_state SKIP LOCKED
    )
    UPDATE provision.engine_state
       SET tokens = bucket.tokens - (bucket.tokens >= 1)::integer,
           tokens_at = clock_timestamp()
      FROM bucket
     WHERE engine_state.engine_id = bucket.engine_id
    RETURNING bucket.tokens >= 1 INTO taken;
    RETURN coalesce(taken, false);
END;
$$;
COMMENT ON FUNCTION provision.take_token(bigint) IS 'One call''s worth of an engine''s rate_per_second.';

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
    -- The lock keeps two workers from waiting for each other's uncommitted row.
    IF provision.try_lock(1347571543, hashtext(wanted), for_session => false) THEN
        INSERT INTO provision.exclusion (exclusion, job_id, ordinal)
        VALUES (wanted, take_exclusion.job_id, take_exclusion.ordinal)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN EXISTS (SELECT FROM provision.exclusion AS held
                    WHERE held.exclusion = wanted AND held.job_id = take_exclusion.job_id AND held.ordinal = take_exclusion.ordinal);
END;
$$;
COMMENT ON FUNCTION provision.take_exclusion(text, bigint, smallint) IS 'Takes or already holds the exclusion for this step.';

-- What an ended step held goes to the next in line, whose job becomes due at once.
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
        RETURNING held.exclusion
    )
    SELECT array_agg(exclusion) INTO released FROM gone;
    IF released IS NULL THEN
        RETURN;
    END IF;
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
COMMENT ON FUNCTION provision.release_exclusions(bigint[]) IS 'Gives up the exclusions of steps that no longer run.';

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
