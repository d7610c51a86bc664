-- The life of a worker as the tables see it: it enters service, works, leaves; what a dead one left is rescued.

-- Alive is a fact of the server: the background worker holds the lock (1347571542, incarnation) of provision.try_lock() for its session.
CREATE OR REPLACE FUNCTION provision.is_alive(incarnation bigint, pid integer)
    RETURNS boolean
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT EXISTS (SELECT
                     FROM pg_locks
                    WHERE pg_locks.locktype = 'advisory'
                      AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                      AND pg_locks.classid = 1347571542
                      AND pg_locks.objid = (is_alive.incarnation & 2147483647)::oid
                      AND pg_locks.objsubid = 7
                      AND pg_locks.mode = 'ExclusiveLock'
                      AND pg_locks.granted
                      AND pg_locks.pid = is_alive.pid);
END;
COMMENT ON FUNCTION provision.is_alive(bigint, integer) IS 'The worker process of this incarnation still runs.';

-- The slots (class 1347571544) keep a database from having more workers than provision.workers, whoever started them.
CREATE OR REPLACE FUNCTION provision.take_worker_slot(max_workers integer)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR slot IN 1 .. max_workers LOOP
        IF provision.try_lock(1347571544, slot, for_session => true) THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END;
$$;
COMMENT ON FUNCTION provision.take_worker_slot(integer) IS 'One of the places for workers, held for the session; false when all are taken.';

CREATE OR REPLACE FUNCTION provision.enter_service(pid integer, max_workers integer, OUT incarnation bigint, OUT is_stopped boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    is_stopped := NOT provision.come_home() OR coalesce((SELECT control.worker_stopped_at IS NOT NULL FROM provision.control), false);
    IF is_stopped OR NOT provision.take_worker_slot(max_workers) THEN
        RETURN;
    END IF;
    INSERT INTO provision.worker (pid) VALUES (enter_service.pid) RETURNING worker.incarnation INTO incarnation;
    PERFORM provision.try_lock(1347571542, (enter_service.incarnation & 2147483647)::integer, for_session => true);
    INSERT INTO provision.event (event, detail)
    VALUES ('worker_started', jsonb_build_object('incarnation', enter_service.incarnation, 'pid', enter_service.pid));
END;
$$;
COMMENT ON FUNCTION provision.enter_service(integer, integer)
    IS 'Registers a worker and takes the session lock that proves it alive. No incarnation: it is not needed here.';

-- Jobs of an incarnation, locked; what somebody else holds is left for later.
CREATE OR REPLACE FUNCTION provision.lock_jobs_of(incarnation bigint)
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT job.job_id
                   FROM provision.job
                  WHERE job.owner = lock_jobs_of.incarnation
                  ORDER BY job.job_id
                    FOR UPDATE SKIP LOCKED);
END;
$$;
COMMENT ON FUNCTION provision.lock_jobs_of(bigint) IS 'The jobs an incarnation owns, as far as nobody else has locked them.';

CREATE OR REPLACE FUNCTION provision.rescue_jobs()
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dead record;
    some_are_left boolean := false;
BEGIN
    FOR dead IN
        SELECT worker.incarnation
          FROM provision.worker
         WHERE worker.ended_at IS NULL
           AND NOT provision.is_alive(worker.incarnation, worker.pid)
         ORDER BY worker.incarnation
           FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM provision.rescue_jobs_of(dead.incarnation);
        some_are_left := some_are_left OR NOT provision.end_incarnation(dead.incarnation, 'worker_lost');
    END LOOP;
    DELETE FROM provision.worker
     WHERE worker.incarnation IN (SELECT old.incarnation
                                    FROM provision.worker AS old
                                   WHERE old.ended_at IS NOT NULL
                                     AND old.incarnation <= (SELECT max(newest.incarnation) - 100 FROM provision.worker AS newest)
                                     FOR UPDATE SKIP LOCKED);
    RETURN some_are_left;
END;
$$;
COMMENT ON FUNCTION provision.rescue_jobs() IS 'Jobs whose worker is gone become claimable again. True: some are locked by somebody else and have to wait. Also keeps only the last 100 dead workers.';

-- A worker that has gone is only done with when nothing belongs to it any more.
CREATE OR REPLACE FUNCTION provision.end_incarnation(incarnation bigint, event text)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT provision.take_back_deliveries(incarnation, tries_count => event = 'worker_lost')
       OR EXISTS (SELECT FROM provision.job WHERE job.owner = end_incarnation.incarnation) THEN
        RETURN false;
    END IF;
    UPDATE provision.worker SET ended_at = clock_timestamp(), calls_in_flight = 0 WHERE worker.incarnation = end_incarnation.incarnation;
    INSERT INTO provision.event (event, detail) VALUES (end_incarnation.event, jsonb_build_object('incarnation', end_incarnation.incarnation));
    RETURN true;
END;
$$;
COMMENT ON FUNCTION provision.end_incarnation(bigint, text) IS 'Closes the row of a worker that has gone; false while jobs still belong to it.';

-- Their calls in flight may have reached the server or not: the outcome is unknown, so the guard is asked before anything is repeated.
CREATE OR REPLACE FUNCTION provision.abandon_attempts(job_ids bigint[], verdict text, error_code text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH abandoned AS (
        UPDATE provision.attempt
           SET finished_at = clock_timestamp(),
               delivery = 'unknown',
               verdict = abandon_attempts.verdict,
               error_code = abandon_attempts.error_code
          FROM provision.job_step, provision.job
         WHERE job.job_id = ANY (job_ids)
           AND job_step.job_id = job.job_id
           AND attempt.attempt_id = job_step.attempt_id
        RETURNING attempt.*
    )
    UPDATE provision.job_step
       SET attempt_id = NULL,
           state = CASE WHEN lost.is_safe THEN 'ready' ELSE 'failed' END,
           finished_at = CASE WHEN NOT lost.is_safe THEN clock_timestamp() END,
           error_code = CASE WHEN NOT lost.is_safe THEN 'UNKNOWN_OUTCOME' END,
           error_message = CASE WHEN NOT lost.is_safe THEN text.message END,
           error_hint = CASE WHEN NOT lost.is_safe THEN text.hint END,
           answers = CASE WHEN abandoned.guard IS NULL THEN job_step.answers ELSE job_step.answers - abandoned.guard END,
           doubtful_until = CASE WHEN abandoned.method = 'GET' OR abandoned.method = 'DELETE' AND abandoned.repeatable THEN job_step.doubtful_until
                                 ELSE clock_timestamp() + make_interval(secs => step.patience_ms / 1000.0) END
      FROM abandoned
      JOIN provision.job ON job.job_id = abandoned.job_id
      JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = abandoned.ordinal
     CROSS JOIN LATERAL (SELECT abandoned.repeatable OR abandoned.guard IS NOT NULL AS is_safe) AS lost
      LEFT JOIN LATERAL (SELECT text.*
                           FROM (SELECT abandoned.job_id WHERE NOT lost.is_safe OFFSET 0) AS failed,
                                LATERAL provision.explain_failure(failed.job_id, step.name, abandoned.call, 'UNKNOWN_OUTCOME', NULL, 'the worker died') AS text) AS text ON true
     WHERE job_step.job_id = abandoned.job_id
       AND job_step.ordinal = abandoned.ordinal;
    PERFORM provision.mark_flaws(ARRAY(SELECT job_step.job_id
                                         FROM provision.job
                                         JOIN provision.job_step ON job_step.job_id = job.job_id
                                        WHERE job.job_id = ANY (job_ids)
                                          AND job_step.state = 'failed'));
END;
$$;
COMMENT ON FUNCTION provision.abandon_attempts(bigint[], text, text) IS 'Closes the attempts these jobs had in flight, whose outcome nobody will know, and sends their steps back to their guards.';

CREATE OR REPLACE FUNCTION provision.rescue_jobs_of(incarnation bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    max_crashes integer := provision.setting_number('provision.max_crashes');
    suspect bigint := (SELECT worker.suspect_job_id FROM provision.worker WHERE worker.incarnation = rescue_jobs_of.incarnation);
    locked bigint[] := provision.lock_jobs_of(incarnation);
    released text[];
    lost record;
BEGIN
    PERFORM provision.abandon_attempts(locked, 'crashed', 'WORKER_LOST');
    WITH gone AS (
        DELETE FROM provision.exclusion WHERE exclusion.job_id = ANY (locked) AND NOT provision.awaits_agent(exclusion.job_id, exclusion.ordinal) RETURNING exclusion.exclusion
    )
    SELECT array_agg(gone.exclusion) INTO released FROM gone;
    FOR lost IN
        UPDATE provision.job
           SET crash_count = crash_count + (suspect IS NULL OR job.job_id = suspect OR NOT provision.is_suspect(job.crash_count))::integer
         WHERE job.job_id = ANY (locked)
        RETURNING job.job_id, job.crash_count, job.wish
    LOOP
        IF lost.crash_count >= max_crashes AND lost.wish IS DISTINCT FROM 'cancel' THEN
            PERFORM provision.fail_job_surely(lost.job_id, 'QUARANTINED', format('%s crashes in a row', lost.crash_count));
        ELSIF lost.wish IS NOT NULL THEN        -- nothing is in flight any more
            PERFORM provision.settle_jobs(ARRAY[lost.job_id]);
        ELSE
            UPDATE provision.job SET state = 'pending', owner = NULL, slots = 0, due_at = NULL, awaits_remote = false WHERE job.job_id = lost.job_id;
            PERFORM provision.log_job_event(ARRAY[lost.job_id], 'job_rescued', 'running', 'pending',
                                            jsonb_build_object('incarnation', incarnation, 'crash_count', lost.crash_count));
        END IF;
    END LOOP;
    PERFORM provision.wake_next_in_line(released) WHERE released IS NOT NULL;
END;
$$;
COMMENT ON FUNCTION provision.rescue_jobs_of(bigint) IS 'Takes the jobs from a dead incarnation; those that were in flight in provision.max_crashes crashes in a row are quarantined. While one suspect is at work a crash counts for no other suspect.';

CREATE OR REPLACE FUNCTION provision.leave_service(incarnation bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    locked bigint[] := provision.lock_jobs_of(incarnation);
    wished bigint[] := ARRAY(SELECT job.job_id FROM provision.job WHERE job.job_id = ANY (locked) AND job.wish IS NOT NULL);
    given_back bigint;
BEGIN
    PERFORM provision.abandon_attempts(locked, 'interrupted', 'INTERRUPTED');
    PERFORM provision.settle_jobs(wished);
    FOREACH given_back IN ARRAY ARRAY(SELECT unnest(locked) EXCEPT SELECT unnest(wished)) LOOP
        PERFORM provision.give_back_job(given_back, 'pending', NULL, '{"for": "worker"}');
    END LOOP;
    PERFORM provision.end_incarnation(incarnation, 'worker_stopped');
END;
$$;
COMMENT ON FUNCTION provision.leave_service(bigint) IS 'A worker that stops gives back what it owns; no attempt is lost and none is consumed. What somebody else has locked is rescued later.';

CREATE OR REPLACE FUNCTION provision.keep_figures(incarnation bigint, rounds bigint, calls bigint, calls_in_flight integer, memory_bytes bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.worker
       SET last_round_at = clock_timestamp(),
           rounds = keep_figures.rounds,
           calls = keep_figures.calls,
           calls_in_flight = keep_figures.calls_in_flight,
           memory_bytes = keep_figures.memory_bytes
     WHERE worker.incarnation = keep_figures.incarnation;
    PERFORM provision.learn_paces() WHERE provision.is_time_to_learn();
END;
$$;
COMMENT ON FUNCTION provision.keep_figures(bigint, bigint, bigint, integer, bigint) IS 'Keeps the worker''s figures, and from time to time what can be learnt from jobs that ended. Not in every round: while somebody holds an old snapshot, each version of the row is in the way of those who read it.';

CREATE OR REPLACE FUNCTION provision.end_round(
    incarnation bigint, OUT is_stopped boolean, OUT has_peers boolean, OUT has_suspect boolean, OUT calls_to_end bigint[], OUT has_webhooks boolean)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM provision.job WHERE job.owner = end_round.incarnation AND job.wish IS NOT NULL) THEN
        calls_to_end := provision.calls_to_end(incarnation);
    END IF;
    is_stopped := coalesce((SELECT control.worker_stopped_at IS NOT NULL FROM provision.control), false);
    has_peers := EXISTS (SELECT FROM provision.worker WHERE worker.ended_at IS NULL AND worker.incarnation <> end_round.incarnation);
    has_suspect := (SELECT worker.suspect_job_id IS NOT NULL
                           AND NOT EXISTS (SELECT FROM provision.job_step
                                            WHERE job_step.job_id = worker.suspect_job_id AND job_step.attempt_id IS NOT NULL)
                      FROM provision.worker WHERE worker.incarnation = end_round.incarnation);
    has_webhooks := provision.may_have_webhooks();
END;
$$;
COMMENT ON FUNCTION provision.end_round(bigint)
    IS 'What the worker must know besides its work: has_suspect: a suspect''s turn begins or has ended, so another round at once; calls_to_end: attempts in flight that nobody has to wait for any more; has_webhooks: there may be something to deliver.';

CREATE OR REPLACE FUNCTION provision.history_due_at()
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT event.at FROM provision.event ORDER BY event.event_id LIMIT 1)
           + make_interval(mins => provision.setting_number('provision.retention'));
END;
$$;
COMMENT ON FUNCTION provision.history_due_at() IS 'When the oldest event is older than provision.retention; null: there is none.';

CREATE OR REPLACE FUNCTION provision.purge_history(max_rows bigint)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    cutoff constant timestamptz := clock_timestamp() - make_interval(mins => provision.setting_number('provision.retention'));
BEGIN
    RETURN provision.purge_attempts(cutoff, max_rows) + provision.purge_deliveries(cutoff, max_rows) + provision.purge_events(cutoff, max_rows) + provision.purge_next_jobs(cutoff, max_rows);
END;
$$;
COMMENT ON FUNCTION provision.purge_history(bigint) IS 'Removes up to max_rows each of the calls, deliveries, events and jobs that are older than provision.retention; returns how many.';
