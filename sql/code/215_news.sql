-- How far a worker has looked. In every round it asks what became pending, scheduled or due since its last look; from that it knows where
-- in the indexes the first such jobs are, and begins there. What lies before are entries of jobs long gone, which a snapshot that
-- somebody holds keeps in place by the hundred thousand: to pass them in each round is what makes other queues slow.
--
-- Why no job is overlooked: the trigger writes the transaction that makes a job claimable or due into changed_in, and the bookmark tells
-- which transactions were not over at the last look. Whatever becomes visible afterwards was written by one of those or by a later
-- one, however late it commits and however old its snapshot, and is found by changed_in. All else was found by a look before.

DO $$ BEGIN
    CREATE TYPE provision.newcomer AS (
        engine_id  bigint,
        rank       double precision,
        job_id     bigint
    );
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
COMMENT ON TYPE provision.newcomer IS 'A pending job that goes before all that were found pending at the last look, by its rank at that time.';

DO $$ BEGIN
    CREATE TYPE provision.bookmark AS (
        next_transaction  xid8,
        in_progress       xid8[],
        engines           bigint[],
        ranks             double precision[],
        newcomers         provision.newcomer[],
        due_at            timestamptz,
        own_due_at        timestamptz
    );
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
COMMENT ON TYPE provision.bookmark IS 'How far a worker has looked; null: it has not, and begins at the front. It lives in the worker''s memory and is never stored: without it, everything is looked at.';
COMMENT ON COLUMN provision.bookmark.next_transaction IS 'All of the transactions from here on may bring something new,';
COMMENT ON COLUMN provision.bookmark.in_progress IS 'and those before that were not over at the last look.';
COMMENT ON COLUMN provision.bookmark.ranks IS 'Of each of the engines: no pending job of it has a lower rank but the newcomers; Infinity: no other one is pending.';
COMMENT ON COLUMN provision.bookmark.newcomers IS 'At most 100 of each engine, in their order. To go back in the index for one with a high priority would be to pass all that was claimed since jobs of that rank were the next.';
COMMENT ON COLUMN provision.bookmark.due_at IS 'No scheduled job is due before.';
COMMENT ON COLUMN provision.bookmark.own_due_at IS 'No running job of this worker is due before.';

CREATE OR REPLACE FUNCTION provision.note_change()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.changed_in := pg_current_xact_id();
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION provision.note_change() IS 'Makes a job that somebody may have to look at new to every worker.';

CREATE OR REPLACE TRIGGER note_change
    BEFORE INSERT OR UPDATE OF state, engine_id, rank, due_at, owner ON provision.job
    FOR EACH ROW
    WHEN (NEW.state IN ('pending', 'scheduled') OR NEW.due_at IS NOT NULL)
    EXECUTE FUNCTION provision.note_change();
ALTER TABLE provision.job ENABLE ALWAYS TRIGGER note_change;     -- whoever writes, and from whichever cluster the row may come

CREATE OR REPLACE FUNCTION provision.news(incarnation bigint, bookmark provision.bookmark)
    RETURNS TABLE (engine_id bigint, pending provision.newcomer[], due_at timestamptz, own_due_at timestamptz)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT job.engine_id,
           array_agg(ROW(job.engine_id, job.rank, job.job_id)::provision.newcomer) FILTER (WHERE job.state = 'pending' AND job.place <= 101),
           min(job.due_at) FILTER (WHERE job.state = 'scheduled'),
           min(job.due_at) FILTER (WHERE job.owner = news.incarnation)
      FROM (SELECT either.*, row_number() OVER (PARTITION BY either.engine_id, either.state = 'pending' ORDER BY either.rank, either.job_id) AS place
              FROM (SELECT recent.engine_id, recent.rank, recent.job_id, recent.state, recent.due_at, recent.owner
                      FROM provision.job AS recent
                     WHERE recent.changed_in >= bookmark.next_transaction
                       AND (recent.state IN ('pending', 'scheduled') OR recent.due_at IS NOT NULL)
                    UNION ALL
                    SELECT late.engine_id, late.rank, late.job_id, late.state, late.due_at, late.owner
                      FROM provision.job AS late
                     WHERE late.changed_in = ANY (bookmark.in_progress)
                       AND (late.state IN ('pending', 'scheduled') OR late.due_at IS NOT NULL)) AS either) AS job
     GROUP BY job.engine_id;
END;
$$;
COMMENT ON FUNCTION provision.news(bigint, provision.bookmark) IS 'What became pending, scheduled or due since the look that the bookmark tells of, by engine: the first 101 jobs, or the first time.';

-- The first of what is new are remembered one by one; from the 101st on the index is asked.
CREATE OR REPLACE FUNCTION provision.add_newcomers(INOUT bookmark provision.bookmark, place integer, pending provision.newcomer[])
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own_engine constant bigint := bookmark.engines[place];
    ahead provision.newcomer[] := ARRAY(
        SELECT ROW(newcomer.*)::provision.newcomer
          FROM (SELECT * FROM unnest(pending) AS new
                UNION
                SELECT * FROM unnest(bookmark.newcomers) AS known WHERE known.engine_id = own_engine) AS newcomer
         WHERE newcomer.rank < bookmark.ranks[place]
         ORDER BY newcomer.rank, newcomer.job_id);
BEGIN
    bookmark.ranks[place] := least(bookmark.ranks[place], (ahead[101]).rank);
    bookmark.newcomers := ARRAY(SELECT other FROM unnest(bookmark.newcomers) AS other WHERE other.engine_id <> own_engine)
                          || ahead[:100];
END;
$$;
COMMENT ON FUNCTION provision.add_newcomers(provision.bookmark, integer, provision.newcomer[]) IS 'Takes jobs of one engine that have become pending into the bookmark.';

CREATE OR REPLACE FUNCTION provision.look_for_news(incarnation bigint, INOUT bookmark provision.bookmark)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Taken before the news are read: what is committed in between is read twice, which does no harm.
    snapshot pg_snapshot := (SELECT pg_current_snapshot());
    found record;
    place integer;
BEGIN
    IF bookmark IS NULL THEN        -- begins at the front of each index
        bookmark := ROW(pg_snapshot_xmax(snapshot), '{}', ARRAY(SELECT engine.engine_id FROM provision.engine ORDER BY engine.engine_id), '{}', '{}',
                        '-infinity', '-infinity')::provision.bookmark;
        bookmark.ranks := array_fill(float8 '-infinity', ARRAY[cardinality(bookmark.engines)]);
    END IF;
    FOR found IN SELECT * FROM provision.news(incarnation, bookmark) LOOP
        place := coalesce(array_position(bookmark.engines, found.engine_id), cardinality(bookmark.engines) + 1);
        bookmark.engines[place] := found.engine_id;
        bookmark.ranks[place] := coalesce(bookmark.ranks[place], 'Infinity');
        IF found.pending IS NOT NULL THEN
            bookmark := provision.add_newcomers(bookmark, place, found.pending);
        END IF;
        bookmark.due_at := least(bookmark.due_at, found.due_at);
        bookmark.own_due_at := least(bookmark.own_due_at, found.own_due_at);
    END LOOP;
    bookmark.next_transaction := pg_snapshot_xmax(snapshot);
    -- A snapshot does not list its own transaction, which may still change something.
    bookmark.in_progress := array_remove(ARRAY(SELECT pg_snapshot_xip(snapshot) UNION ALL SELECT pg_current_xact_id_if_assigned()), NULL);
END;
$$;
COMMENT ON FUNCTION provision.look_for_news(bigint, provision.bookmark) IS 'Moves the bookmark''s times down to what is new, takes in the newcomers, and moves its transactions up to now.';

CREATE OR REPLACE FUNCTION provision.engines_that_wait(bookmark provision.bookmark)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT known.engine_id
                   FROM ROWS FROM (unnest(bookmark.engines), unnest(bookmark.ranks)) AS known (engine_id, rank)
                  WHERE known.rank < 'Infinity'
                 UNION
                 SELECT newcomer.engine_id FROM unnest(bookmark.newcomers) AS newcomer);
END;
$$;
COMMENT ON FUNCTION provision.engines_that_wait(provision.bookmark) IS 'The engines that have pending jobs, as far as the bookmark knows.';
