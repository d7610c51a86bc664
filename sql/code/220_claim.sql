-- Promote and claim: which jobs a worker may run now. A worker never waits for a row here: what somebody else holds is left for later.

CREATE OR REPLACE FUNCTION provision.promote_jobs()
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    promoted bigint[];
BEGIN
    WITH due AS MATERIALIZED (
        SELECT job_id
          FROM provision.job
         WHERE state = 'scheduled'
           AND due_at <= (SELECT clock_timestamp())      -- read once, so that the index is asked for it
         ORDER BY due_at
         LIMIT 1000
           FOR NO KEY UPDATE SKIP LOCKED
    ), changed AS (
        UPDATE provision.job
           SET state = 'pending',
               due_at = NULL
          FROM due
         WHERE job.job_id = due.job_id
        RETURNING job.job_id
    )
    SELECT array_agg(job_id) INTO promoted FROM changed;
    IF promoted IS NOT NULL THEN
        PERFORM provision.log_job_event(promoted, 'job_due', 'scheduled', 'pending');
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.promote_jobs() IS 'Scheduled jobs whose time has come become pending, 1,000 at a time.';

-- Steps from one engine to the next in the index on pending jobs, however many of them wait.
CREATE OR REPLACE FUNCTION provision.engines_with_pending_jobs()
    RETURNS SETOF bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE next (engine_id) AS (
        (SELECT job.engine_id FROM provision.job WHERE job.state = 'pending' ORDER BY job.engine_id LIMIT 1)
        UNION ALL
        SELECT (SELECT job.engine_id FROM provision.job
                 WHERE job.state = 'pending' AND job.engine_id > next.engine_id ORDER BY job.engine_id LIMIT 1)
          FROM next
         WHERE next.engine_id IS NOT NULL
    )
    SELECT engine_id FROM next WHERE engine_id IS NOT NULL;
END;
COMMENT ON FUNCTION provision.engines_with_pending_jobs() IS 'Engines for which jobs are pending.';

CREATE OR REPLACE FUNCTION provision.slots_in_use(engine_id bigint)
    RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(sum(job.slots), 0)
      FROM provision.job
     WHERE job.engine_id = slots_in_use.engine_id
       AND job.state = 'running';
END;
COMMENT ON FUNCTION provision.slots_in_use(bigint) IS 'Calls of max_concurrent that running jobs hold.';

-- No server is left alone for longer than an hour: a time further away is of a clock that has been set back, and has come.
CREATE OR REPLACE FUNCTION provision.takes_calls(state provision.engine_state)
    RETURNS boolean
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT state.paused_at IS NULL
           AND (state.not_before IS NULL
                OR state.not_before <= clock_timestamp()
                OR state.not_before > clock_timestamp() + interval '1 hour');
END;
COMMENT ON FUNCTION provision.takes_calls(provision.engine_state) IS 'The engine is not paused, and its server did not ask to be left alone for now.';

-- No breaker is set for longer than recovery_seconds: a time further away is of a clock that has been set back, and has come.
CREATE OR REPLACE FUNCTION provision.breaker_due_at(state provision.engine_state)
    RETURNS timestamptz
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT CASE WHEN state.breaker_until <= clock_timestamp() + make_interval(secs => engine.recovery_seconds)
                THEN state.breaker_until ELSE clock_timestamp() END
      FROM provision.engine
     WHERE engine.engine_id = state.engine_id;
END;
COMMENT ON FUNCTION provision.breaker_due_at(provision.engine_state) IS 'When an engine whose breaker is not closed may be probed.';

CREATE OR REPLACE FUNCTION provision.may_claim(state provision.engine_state)
    RETURNS boolean
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT provision.takes_calls(state)
           AND (state.breaker = 'closed' OR provision.breaker_due_at(state) <= clock_timestamp());
END;
COMMENT ON FUNCTION provision.may_claim(provision.engine_state) IS 'The engine takes calls and is not cut off by its breaker, or it is time to probe it.';

-- (PL/pgSQL keeps its plan; a function in SQL that cannot be inlined is planned again in every round.)
-- Engines that may take jobs, locked: until the end of the transaction no other worker counts their slots.
CREATE OR REPLACE FUNCTION provision.lock_claimable_engines(waiting bigint[])
    RETURNS TABLE (engine_id bigint, free_slots bigint, breaker text)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH locked AS MATERIALIZED (
        SELECT engine_state.engine_id, engine_state.breaker
          FROM provision.engine_state
         WHERE engine_state.engine_id = ANY (waiting)
           AND provision.may_claim(engine_state)
         ORDER BY engine_state.engine_id
           FOR NO KEY UPDATE SKIP LOCKED
    )
    SELECT locked.engine_id,
           CASE WHEN locked.breaker = 'closed' THEN engine.max_concurrent - provision.slots_in_use(locked.engine_id) ELSE 1 END,
           locked.breaker
      FROM locked
      JOIN provision.engine ON engine.engine_id = locked.engine_id;
END;
$$;
COMMENT ON FUNCTION provision.lock_claimable_engines(bigint[]) IS 'Those of these engines that are neither paused nor cut off by their breaker, with the slots left.';

CREATE OR REPLACE FUNCTION provision.claim_jobs_of_engine(incarnation bigint, engine_id bigint, max_jobs bigint)
    RETURNS SETOF bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH next AS MATERIALIZED (         -- locks max_jobs rows, once
        SELECT job.job_id
          FROM provision.job
         WHERE job.engine_id = claim_jobs_of_engine.engine_id
           AND job.state = 'pending'
           AND (job.expires_at IS NULL OR job.expires_at > clock_timestamp())       -- the end of the round fails those
         ORDER BY job.rank, job.job_id
         LIMIT max_jobs
           FOR UPDATE SKIP LOCKED
    )
    UPDATE provision.job
       SET state = 'running',
           owner = claim_jobs_of_engine.incarnation,
           slots = 1,
           due_at = '-infinity',
           started_at = coalesce(job.started_at, clock_timestamp()),
           run_started_at = coalesce(job.run_started_at, clock_timestamp()),
           expires_at = CASE WHEN job.run_started_at IS NULL THEN clock_timestamp() + provision.ms(job.deadline_ms) ELSE job.expires_at END
      FROM next
     WHERE job.job_id = next.job_id
    RETURNING job.job_id;
END;
$$;
COMMENT ON FUNCTION provision.claim_jobs_of_engine(bigint, bigint, bigint)
    IS 'The first jobs of an engine''s queue; they are this incarnation''s until it gives them back or dies. Their plans are made after this is committed.';

-- One job finds out for all whether the engine is back.
CREATE OR REPLACE FUNCTION provision.half_open_breaker(engine_id bigint, probe_job_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    engine_name text;
BEGIN
    UPDATE provision.engine_state
       SET breaker = 'half_open',
           probe_job_id = half_open_breaker.probe_job_id,
           breaker_until = clock_timestamp() + make_interval(secs => engine.recovery_seconds)
      FROM provision.engine
     WHERE engine_state.engine_id = half_open_breaker.engine_id
       AND engine.engine_id = engine_state.engine_id
    RETURNING engine.name INTO engine_name;
    PERFORM provision.log_engine_event(engine_name, 'breaker_half_open', 'open', 'half_open',
                                       jsonb_build_object('probe_job_id', half_open_breaker.probe_job_id));
END;
$$;
COMMENT ON FUNCTION provision.half_open_breaker(bigint, bigint) IS 'Lets one job through an open breaker whose time has come.';

CREATE OR REPLACE FUNCTION provision.claim_jobs(incarnation bigint, max_jobs integer, OUT claimed_count bigint, OUT was_hindered boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    engine record;
    claimed bigint[];
    wanted bigint;
    waiting bigint[] := ARRAY(SELECT provision.engines_with_pending_jobs());
    engines_left bigint := (SELECT count(*) FROM provision.engine_state
                             WHERE engine_state.engine_id = ANY (waiting) AND provision.may_claim(engine_state));
BEGIN
    claimed_count := 0;
    was_hindered := false;
    IF (SELECT control.paused_at IS NOT NULL FROM provision.control) THEN
        RETURN;
    END IF;
    FOR engine IN SELECT * FROM provision.lock_claimable_engines(waiting) LOOP
        engines_left := engines_left - 1;
        EXIT WHEN claimed_count >= max_jobs;
        CONTINUE WHEN engine.free_slots <= 0;
        wanted := least(engine.free_slots, max_jobs - claimed_count);
        claimed := ARRAY(SELECT provision.claim_jobs_of_engine(incarnation, engine.engine_id, wanted));
        was_hindered := was_hindered OR cardinality(claimed) < wanted
            AND EXISTS (SELECT FROM provision.job WHERE job.engine_id = engine.engine_id AND job.state = 'pending');
        CONTINUE WHEN claimed = '{}';
        IF engine.breaker <> 'closed' THEN
            PERFORM provision.half_open_breaker(engine.engine_id, claimed[1]);
        END IF;
        PERFORM provision.log_job_event(claimed, 'job_started', 'pending', 'running');
        claimed_count := claimed_count + cardinality(claimed);
    END LOOP;
    was_hindered := was_hindered OR claimed_count < max_jobs AND engines_left > 0;
END;
$$;
COMMENT ON FUNCTION provision.claim_jobs(bigint, integer) IS 'Claims up to max_jobs pending jobs over all engines. was_hindered: somebody had an engine or a job locked, so there may be more in a moment.';
