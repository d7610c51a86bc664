-- Suspects: jobs that were in flight in many crashes in a row. One of them kills its worker, the others were beside it. Each works alone among
-- its kind, announced in a committed row before, so that the next crash counts for it and the innocent come through.

CREATE OR REPLACE FUNCTION provision.is_suspect(crash_count smallint)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN crash_count > 0 AND crash_count >= provision.setting_number('provision.max_crashes') / 2;
END;
$$;
COMMENT ON FUNCTION provision.is_suspect(smallint) IS 'A job has been in flight in half of provision.max_crashes crashes in a row.';

-- The suspect this worker announced in an earlier round, as long as it has a call in flight or is about to be planned.
CREATE OR REPLACE FUNCTION provision.suspect_at_work(incarnation bigint, touched bigint[])
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT job.job_id
              FROM provision.worker
              JOIN provision.job ON job.job_id = worker.suspect_job_id
             WHERE worker.incarnation = suspect_at_work.incarnation
               AND job.owner = worker.incarnation
               AND provision.is_suspect(job.crash_count)
               AND (job.job_id = ANY (touched)
                    OR EXISTS (SELECT FROM provision.job_step WHERE job_step.job_id = job.job_id AND job_step.attempt_id IS NOT NULL)));
END;
$$;
COMMENT ON FUNCTION provision.suspect_at_work(bigint, bigint[]) IS 'The one suspect that may work now; null when there is none.';

-- A crash takes all workers of the server with it, so there is one announced suspect in the database. Whoever is second tries again.
CREATE OR REPLACE FUNCTION provision.announce_suspect(incarnation bigint, suspects bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_alone boolean := provision.try_lock(1347571545, 0, for_session => false);
    -- A statement of its own: that of the lock would look as of before it.
    may_announce boolean := is_alone
        AND NOT EXISTS (SELECT FROM provision.worker
                         WHERE worker.ended_at IS NULL
                           AND worker.incarnation <> announce_suspect.incarnation
                           AND worker.suspect_job_id IS NOT NULL
                           AND provision.is_alive(worker.incarnation, worker.pid));
    suspect bigint := (SELECT min(suspects_in_turn.job_id) FROM unnest(suspects) AS suspects_in_turn (job_id) WHERE may_announce);
BEGIN
    UPDATE provision.worker
       SET suspect_job_id = suspect
     WHERE worker.incarnation = announce_suspect.incarnation
       AND worker.suspect_job_id IS DISTINCT FROM suspect;
    UPDATE provision.job        -- none was announced: whichever was put off may be next
       SET due_at = '-infinity'
     WHERE job.job_id = ANY (ARRAY(SELECT waiting.job_id
                                     FROM provision.job AS waiting
                                    WHERE waiting.owner = announce_suspect.incarnation
                                      AND waiting.due_at IS NOT NULL
                                      AND provision.is_suspect(waiting.crash_count)
                                      AND suspects = '{}'
                                      FOR NO KEY UPDATE SKIP LOCKED));
    UPDATE provision.job SET due_at = '-infinity' WHERE job.job_id = suspect;
END;
$$;
COMMENT ON FUNCTION provision.announce_suspect(bigint, bigint[]) IS 'The first of these suspects may work from the next round on, unless another worker has announced one.';

CREATE OR REPLACE FUNCTION provision.single_out_suspect(incarnation bigint, touched bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    suspects bigint[] := ARRAY(SELECT job.job_id FROM provision.job
                                WHERE job.job_id = ANY (touched) AND job.crash_count > 0 AND provision.is_suspect(job.crash_count));
    at_work bigint;
BEGIN
    IF suspects = '{}' AND (SELECT worker.suspect_job_id IS NULL FROM provision.worker WHERE worker.incarnation = single_out_suspect.incarnation) THEN
        RETURN touched;
    END IF;
    at_work := provision.suspect_at_work(incarnation, touched);
    suspects := array_remove(suspects, at_work);
    UPDATE provision.job        -- looked at again when it may be their turn
       SET due_at = clock_timestamp() + interval '1 s'
     WHERE job.job_id = ANY (suspects)
       AND job.owner = single_out_suspect.incarnation;
    IF at_work IS NULL THEN
        PERFORM provision.announce_suspect(incarnation, suspects);
    END IF;
    RETURN ARRAY(SELECT unnest(touched) EXCEPT SELECT unnest(suspects));
END;
$$;
COMMENT ON FUNCTION provision.single_out_suspect(bigint, bigint[]) IS 'The touched jobs without those suspects whose turn it is not.';
