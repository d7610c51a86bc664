-- Promote and claim: which jobs a worker may run now. A worker never waits for a row here: what somebody else holds is left for later.

CREATE OR REPLACE FUNCTION provision.promote_jobs(INOUT bookmark provision.bookmark, OUT promoted_any boolean)
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
           AND due_at >= bookmark.due_at
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
    promoted_any := promoted IS NOT NULL;
    IF promoted_any THEN
        PERFORM provision.log_job_event(promoted, 'job_due', 'scheduled', 'pending');
    END IF;
    bookmark.due_at := coalesce((SELECT job.due_at FROM provision.job
                                  WHERE job.state = 'scheduled' AND job.due_at >= bookmark.due_at
                                  ORDER BY job.due_at LIMIT 1), 'infinity');
END;
$$;
COMMENT ON FUNCTION provision.promote_jobs(provision.bookmark) IS 'Scheduled jobs whose time has come become pending, 1,000 at a time.';

-- Counted, not kept: a number kept beside the jobs could come to differ from them. The count begins at the oldest claim that still runs.
CREATE OR REPLACE FUNCTION provision.engine_use(engine_id bigint, OUT slots bigint, OUT oldest_claim bigint, OUT was_oldest_claim bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    was_oldest_claim := coalesce((SELECT gauge.oldest_claim FROM provision.engine_gauge AS gauge
                                   WHERE gauge.engine_id = engine_use.engine_id ORDER BY gauge.turn DESC LIMIT 1), 0);
    SELECT coalesce(sum(job.slots), 0), min(job.claim_number) INTO slots, oldest_claim
      FROM provision.job
     WHERE job.engine_id = engine_use.engine_id
       AND job.state = 'running'
       AND job.claim_number >= was_oldest_claim;
END;
$$;
COMMENT ON FUNCTION provision.engine_use(bigint) IS 'Calls of max_concurrent that running jobs of an engine hold, and the lowest of their claim numbers.';

CREATE OR REPLACE FUNCTION provision.slots_in_use(engine_id bigint)
    RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT slots FROM provision.engine_use(slots_in_use.engine_id);
END;
COMMENT ON FUNCTION provision.slots_in_use(bigint) IS 'Calls of max_concurrent that running jobs hold.';

CREATE OR REPLACE FUNCTION provision.note_oldest_claim(engine_id bigint, claim_number bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.engine_gauge AS gauge
       SET turn = gauge.turn + 1,
           oldest_claim = note_oldest_claim.claim_number
     WHERE gauge.engine_id = note_oldest_claim.engine_id
       AND gauge.turn = (SELECT newest.turn FROM provision.engine_gauge AS newest
                          WHERE newest.engine_id = note_oldest_claim.engine_id ORDER BY newest.turn DESC LIMIT 1);
END;
$$;
COMMENT ON FUNCTION provision.note_oldest_claim(bigint, bigint) IS 'No job of the engine with a lower claim number runs, nor ever will. The caller holds its engine_state.';

-- The engine is locked already, so what others have claimed is committed and seen: to count in the statement that locks would be to count
-- as of before.
CREATE OR REPLACE FUNCTION provision.free_slots(engine_id bigint, breaker text)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    present record;
BEGIN
    SELECT * INTO present FROM provision.engine_use(engine_id);
    present.oldest_claim := coalesce(present.oldest_claim, nextval('provision.claim_number'));
    IF present.oldest_claim > present.was_oldest_claim + 200 THEN
        PERFORM provision.note_oldest_claim(engine_id, present.oldest_claim);
    END IF;
    -- Calls from before the breaker opened, or of a probe that counts as lost, are still on the server.
    RETURN (SELECT least(engine.max_concurrent - present.slots, CASE WHEN breaker <> 'closed' THEN 1 END)
              FROM provision.engine WHERE engine.engine_id = free_slots.engine_id);
END;
$$;
COMMENT ON FUNCTION provision.free_slots(bigint, text) IS 'Calls that may still begin at an engine whose engine_state the caller holds; with a breaker that is not closed, one at most.';

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
CREATE OR REPLACE FUNCTION provision.lock_claimable_engines(waiting bigint[])
    RETURNS TABLE (engine_id bigint, breaker text)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT engine_state.engine_id, engine_state.breaker
      FROM provision.engine_state
     WHERE engine_state.engine_id = ANY (waiting)
       AND provision.may_claim(engine_state)
     ORDER BY engine_state.engine_id
       FOR NO KEY UPDATE SKIP LOCKED;
END;
$$;
COMMENT ON FUNCTION provision.lock_claimable_engines(bigint[]) IS 'Those of these engines that are neither paused nor cut off by their breaker, locked: until the end of the transaction nobody else claims of them.';

CREATE OR REPLACE FUNCTION provision.lock_next_jobs(engine_id bigint, max_jobs bigint, rank double precision, newcomers bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    locked bigint[] := '{}';
BEGIN
    IF newcomers <> '{}' THEN       -- coalesce() keeps the planner from the index of pending jobs
        locked := ARRAY(SELECT job.job_id
                          FROM provision.job
                         WHERE job.job_id = ANY (newcomers)
                           AND job.engine_id = lock_next_jobs.engine_id
                           AND coalesce(job.state, '') = 'pending'
                           AND job.rank < lock_next_jobs.rank
                           AND (job.expires_at IS NULL OR job.expires_at > clock_timestamp())       -- the next round fails those
                         ORDER BY job.rank, job.job_id
                         LIMIT max_jobs
                           FOR UPDATE SKIP LOCKED);
    END IF;
    IF rank < 'Infinity' AND cardinality(locked) < max_jobs THEN
        locked := locked || ARRAY(
            SELECT job.job_id
              FROM provision.job
             WHERE job.engine_id = lock_next_jobs.engine_id
               AND job.state = 'pending'
               AND job.rank >= lock_next_jobs.rank
               AND (job.expires_at IS NULL OR job.expires_at > clock_timestamp())
             ORDER BY job.rank, job.job_id
             LIMIT max_jobs - cardinality(locked)
               FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN locked;
END;
$$;
COMMENT ON FUNCTION provision.lock_next_jobs(bigint, bigint, double precision, bigint[])
    IS 'The first pending jobs of an engine, locked: those of the newcomers that have a lower rank, then those from the rank on. What somebody else has locked is left out.';

CREATE OR REPLACE FUNCTION provision.claim_jobs_of_engine(
    incarnation bigint, engine_id bigint, max_jobs bigint, INOUT rank double precision, INOUT newcomers bigint[] DEFAULT '{}', OUT claimed bigint[],
    OUT is_complete boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    places constant bigint := provision.free_places(engine_id);
    wanted constant bigint := least(max_jobs, places);
BEGIN
    claimed := CASE WHEN wanted > 0 THEN provision.lock_next_jobs(engine_id, wanted, rank, newcomers) ELSE '{}' END;
    is_complete := cardinality(claimed) >= wanted;
    IF places IS NOT NULL AND cardinality(claimed) < max_jobs THEN
        claimed := claimed || provision.lock_begun_jobs(engine_id, max_jobs - cardinality(claimed), claimed);
    END IF;
    UPDATE provision.job
       SET state = 'running',
           owner = claim_jobs_of_engine.incarnation,
           slots = 1,
           claim_number = nextval('provision.claim_number'),
           due_at = NULL,
           started_at = coalesce(job.started_at, clock_timestamp()),
           run_started_at = coalesce(job.run_started_at, clock_timestamp()),
           expires_at = CASE WHEN job.run_started_at IS NULL THEN clock_timestamp() + provision.ms(job.deadline_ms) ELSE job.expires_at END
     WHERE job.job_id = ANY (claimed);
    -- Also what somebody else holds counts as pending: it may stay so.
    IF newcomers <> '{}' THEN
        newcomers := ARRAY(SELECT job.job_id FROM provision.job
                            WHERE job.job_id = ANY (newcomers) AND job.engine_id = claim_jobs_of_engine.engine_id AND coalesce(job.state, '') = 'pending');
    END IF;
    IF rank < 'Infinity' THEN
        rank := coalesce((SELECT job.rank FROM provision.job
                           WHERE job.engine_id = claim_jobs_of_engine.engine_id
                             AND job.state = 'pending'
                             AND job.rank >= claim_jobs_of_engine.rank
                           ORDER BY job.rank, job.job_id LIMIT 1), 'Infinity');
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.claim_jobs_of_engine(bigint, bigint, bigint, double precision, bigint[])
    IS 'The first jobs of an engine''s queue, of the newcomers and from a rank on, with the newcomers and the rank that are left. They are this incarnation''s until it gives them back or dies. Their plans are made after this is committed. is_complete: no more of them may begin now.';

-- One job finds out for all whether the engine is back.
CREATE OR REPLACE FUNCTION provision.half_open_breaker(engine_id bigint, probe_job_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    was text := (SELECT engine_state.breaker FROM provision.engine_state WHERE engine_state.engine_id = half_open_breaker.engine_id);
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
    PERFORM provision.log_engine_event(engine_name, 'breaker_half_open', was, 'half_open',
                                       jsonb_build_object('probe_job_id', half_open_breaker.probe_job_id));
END;
$$;
COMMENT ON FUNCTION provision.half_open_breaker(bigint, bigint) IS 'Lets one job through a breaker whose time has come: it is open, or its last probe counts as lost.';

CREATE OR REPLACE FUNCTION provision.claim_pending_jobs(
    incarnation bigint, max_jobs bigint, INOUT bookmark provision.bookmark, OUT claimed_jobs bigint[], OUT was_hindered boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    waiting bigint[] := provision.engines_that_wait(bookmark);
    engines_left bigint := (SELECT count(*) FROM provision.engine_state
                             WHERE engine_state.engine_id = ANY (waiting) AND provision.may_claim(engine_state));
    engine record;
    own record;
    wanted bigint;
    place integer;
BEGIN
    claimed_jobs := '{}';
    was_hindered := false;
    IF (SELECT control.paused_at IS NOT NULL FROM provision.control) THEN
        RETURN;
    END IF;
    FOR engine IN SELECT * FROM provision.lock_claimable_engines(waiting) LOOP
        engines_left := engines_left - 1;
        EXIT WHEN max_jobs <= 0;
        wanted := least(provision.free_slots(engine.engine_id, engine.breaker), max_jobs);
        CONTINUE WHEN wanted <= 0;
        place := array_position(bookmark.engines, engine.engine_id);
        SELECT * INTO own
          FROM provision.claim_jobs_of_engine(incarnation, engine.engine_id, wanted, bookmark.ranks[place],
                   ARRAY(SELECT newcomer.job_id FROM unnest(bookmark.newcomers) AS newcomer WHERE newcomer.engine_id = engine.engine_id));
        bookmark.ranks[place] := own.rank;
        bookmark.newcomers := ARRAY(SELECT newcomer FROM unnest(bookmark.newcomers) AS newcomer
                                     WHERE newcomer.engine_id <> engine.engine_id OR newcomer.job_id = ANY (own.newcomers));
        was_hindered := was_hindered OR NOT own.is_complete AND (own.rank < 'Infinity' OR own.newcomers <> '{}');
        CONTINUE WHEN own.claimed = '{}';
        IF engine.breaker <> 'closed' THEN
            PERFORM provision.half_open_breaker(engine.engine_id, own.claimed[1]);
        END IF;
        PERFORM provision.log_job_event(own.claimed, 'job_started', 'pending', 'running');
        claimed_jobs := claimed_jobs || own.claimed;
        max_jobs := max_jobs - cardinality(own.claimed);
    END LOOP;
    was_hindered := was_hindered OR max_jobs > 0 AND engines_left > 0;
END;
$$;
COMMENT ON FUNCTION provision.claim_pending_jobs(bigint, bigint, provision.bookmark) IS 'Claims up to max_jobs pending jobs over all engines that the bookmark knows of.';

CREATE OR REPLACE FUNCTION provision.next_due_at(bookmark provision.bookmark)
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN least(bookmark.due_at, bookmark.own_due_at, provision.next_expiry(), provision.next_schedule_at(),
        (SELECT min(greatest(CASE WHEN engine_state.breaker <> 'closed' THEN provision.breaker_due_at(engine_state) END,
                             CASE WHEN NOT provision.takes_calls(engine_state) THEN engine_state.not_before END))
           FROM provision.engine_state
          WHERE engine_state.engine_id = ANY (provision.engines_that_wait(bookmark))
            AND (engine_state.breaker <> 'closed' OR engine_state.not_before > clock_timestamp())
            AND engine_state.paused_at IS NULL
            AND (SELECT control.paused_at IS NULL FROM provision.control)));
END;
$$;
COMMENT ON FUNCTION provision.next_due_at(provision.bookmark) IS 'The next time at which something becomes due by itself; infinity: never.';

CREATE OR REPLACE FUNCTION provision.claim_jobs(
    incarnation bigint, max_jobs integer, INOUT bookmark provision.bookmark DEFAULT NULL,
    OUT claimed_jobs bigint[], OUT was_hindered boolean, OUT is_news boolean, OUT next_due_at timestamptz)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    was_due boolean := coalesce(bookmark.own_due_at <= clock_timestamp(), false);      -- and was looked at in this round
    more_schedules_are_due boolean := false;
    promotion record;
    claim record;
BEGIN
    IF provision.next_expiry() <= clock_timestamp() THEN
        PERFORM provision.expire_jobs();
    END IF;
    IF provision.next_schedule_at() <= clock_timestamp() THEN
        more_schedules_are_due := provision.fire_schedules();
    END IF;
    bookmark := provision.look_for_news(incarnation, bookmark);
    IF bookmark.due_at <= clock_timestamp() THEN
        SELECT * INTO promotion FROM provision.promote_jobs(bookmark);
        bookmark := promotion.bookmark;
        IF promotion.promoted_any THEN
            bookmark := provision.look_for_news(incarnation, bookmark);
        END IF;
    END IF;
    IF bookmark.own_due_at <= clock_timestamp() THEN
        bookmark.own_due_at := coalesce((SELECT job.due_at FROM provision.job
                                          WHERE job.owner = claim_jobs.incarnation AND job.due_at >= bookmark.own_due_at
                                          ORDER BY job.due_at LIMIT 1), 'infinity');
    END IF;
    SELECT * INTO claim FROM provision.claim_pending_jobs(incarnation, max_jobs, bookmark);
    bookmark := claim.bookmark;
    claimed_jobs := claim.claimed_jobs;
    was_hindered := claim.was_hindered;
    is_news := more_schedules_are_due OR bookmark.own_due_at <= clock_timestamp() AND NOT was_due;
    next_due_at := provision.next_due_at(bookmark);
END;
$$;
COMMENT ON FUNCTION provision.claim_jobs(bigint, integer, provision.bookmark) IS 'Fails what has expired, starts what is scheduled, promotes what is due and claims up to max_jobs pending jobs over all engines. was_hindered: somebody had an engine or a job locked, so there may be more in a moment; is_news: a job of this incarnation has become due in the meantime, or more schedules are due; next_due_at: when to come again although nothing happens.';
