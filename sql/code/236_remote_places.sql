-- How many jobs of ours Frappe Agent has to do at once. Its workers are few, it serves by its own order, and what it holds in line there can
-- neither be put in order nor be told from what it has lost. So jobs wait here: a new one is not claimed while all places are taken, and
-- no submission is sent without one. A place is an open row of provision.remote_job; whoever adds one holds the engine's engine_state.

-- Counted with those that run and have not submitted yet, or more would be claimed than can go on.
CREATE OR REPLACE FUNCTION provision.free_places(engine_id bigint)
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    places constant integer := (SELECT engine.max_jobs FROM provision.engine WHERE engine.engine_id = free_places.engine_id AND engine.kind = 'frappe_agent');
BEGIN
    IF places IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN places - (SELECT count(*)
                       FROM (SELECT remote.job_id
                               FROM provision.remote_job AS remote
                              WHERE remote.engine_id = free_places.engine_id
                                AND remote.ended_at IS NULL
                             UNION
                             SELECT job.job_id
                               FROM provision.job
                              WHERE job.engine_id = free_places.engine_id
                                AND job.state = 'running'
                                AND job.claim_number >= coalesce((SELECT gauge.oldest_claim FROM provision.engine_gauge AS gauge
                                                                   WHERE gauge.engine_id = free_places.engine_id ORDER BY gauge.turn DESC LIMIT 1), 0)) AS at_work);
END;
$$;
COMMENT ON FUNCTION provision.free_places(bigint) IS 'How many more jobs may begin at an engine of kind frappe_agent; null for others, which have no such limit.';

-- Those that have begun are in the way of nobody who has not, and must not wait behind them.
CREATE OR REPLACE FUNCTION provision.lock_begun_jobs(engine_id bigint, max_jobs bigint, locked_before bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT job.job_id
                   FROM provision.job
                  WHERE job.engine_id = lock_begun_jobs.engine_id
                    AND job.state = 'pending'
                    AND job.run_started_at IS NOT NULL
                    AND job.job_id <> ALL (locked_before)
                  ORDER BY job.rank, job.job_id
                  LIMIT max_jobs
                    FOR UPDATE SKIP LOCKED);
END;
$$;
COMMENT ON FUNCTION provision.lock_begun_jobs(bigint, bigint, bigint[]) IS 'The first pending jobs of an engine that have begun, locked, without those locked before.';

CREATE OR REPLACE FUNCTION provision.place_at(engine_id bigint)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT format('place at %s', engine.name) FROM provision.engine WHERE engine.engine_id = place_at.engine_id;
END;
COMMENT ON FUNCTION provision.place_at(bigint) IS 'What a step waits for that may not submit yet.';

-- What another worker holds just now stays as it is.
CREATE OR REPLACE FUNCTION provision.open_remote_job(job_id bigint, ordinal smallint, call text, engine_id bigint, remote_id text, key text, next_poll_at timestamptz,
                                                     until_gone boolean DEFAULT false)
    RETURNS provision.remote_job
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    opened provision.remote_job;
BEGIN
    DELETE FROM provision.remote_job AS kept
     WHERE kept.ctid = (SELECT old.ctid FROM provision.remote_job AS old
                         WHERE old.job_id = open_remote_job.job_id AND old.ordinal = open_remote_job.ordinal AND old.call = open_remote_job.call
                           FOR UPDATE SKIP LOCKED);
    INSERT INTO provision.remote_job AS kept (job_id, ordinal, call, engine_id, remote_id, key, status, until_gone, calls_before, next_poll_at)
    SELECT open_remote_job.job_id, open_remote_job.ordinal, open_remote_job.call, open_remote_job.engine_id, open_remote_job.remote_id, open_remote_job.key,
           CASE WHEN open_remote_job.remote_id IS NULL THEN 'Submitted' ELSE 'Pending' END, open_remote_job.until_gone, job_step.calls_done, open_remote_job.next_poll_at
      FROM provision.job_step
     WHERE job_step.job_id = open_remote_job.job_id
       AND job_step.ordinal = open_remote_job.ordinal
       AND (FOUND OR NOT EXISTS (SELECT FROM provision.remote_job AS held
                                  WHERE held.job_id = open_remote_job.job_id AND held.ordinal = open_remote_job.ordinal AND held.call = open_remote_job.call))
    RETURNING * INTO opened;
    RETURN opened;
END;
$$;
COMMENT ON FUNCTION provision.open_remote_job(bigint, smallint, text, bigint, text, text, timestamptz, boolean)
    IS 'Notes a job of Agent, or a submission whose number is not known yet, instead of an earlier one of this call. Nulls while somebody holds that one''s row.';

-- Once it has a place, a submission keeps it through doubts, retries and crashes, until the end of its job is known.
CREATE OR REPLACE FUNCTION provision.take_place(job_id bigint, ordinal smallint, engine_id bigint, call text)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own constant text := 'wait for ' || take_place.call;
    own_key constant text := (SELECT provision.remote_key(tenant.key::text, job.job_id, job.run, take_place.call)
                                FROM provision.job JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
                               WHERE job.job_id = take_place.job_id);
BEGIN
    IF EXISTS (SELECT FROM provision.remote_job AS remote
                WHERE remote.job_id = take_place.job_id AND remote.ordinal = take_place.ordinal AND remote.call = own
                  AND remote.key = own_key AND remote.ended_at IS NULL) THEN
        RETURN true;
    END IF;
    PERFORM FROM provision.engine_state WHERE engine_state.engine_id = take_place.engine_id FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND OR (SELECT count(DISTINCT remote.job_id) FROM provision.remote_job AS remote
                      WHERE remote.engine_id = take_place.engine_id AND remote.ended_at IS NULL AND remote.job_id <> take_place.job_id) >=
                    (SELECT engine.max_jobs FROM provision.engine WHERE engine.engine_id = take_place.engine_id) THEN
        RETURN false;
    END IF;
    RETURN (provision.open_remote_job(take_place.job_id, take_place.ordinal, own, take_place.engine_id, NULL, own_key, 'infinity')).job_id IS NOT NULL;
END;
$$;
COMMENT ON FUNCTION provision.take_place(bigint, smallint, bigint, text) IS 'Takes or already holds one of the max_jobs places of an engine for what this call submits.';
