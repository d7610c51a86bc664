-- Time limits: reading them, and what happens when one has passed. A call's own limits are libcurl's (effort, engine); these are the
-- step's, the job's and the queue's.

CREATE OR REPLACE FUNCTION provision.interval_ms(value text)
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN round(extract(epoch FROM value::interval) * 1000);
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.interval_ms(text) IS 'An interval in milliseconds; null when the text is not one.';

CREATE OR REPLACE FUNCTION provision.time_option_problem(options jsonb, name text)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT format('Option "%s" must be an interval from 1 millisecond to 365 days, such as "15 minutes".', time_option_problem.name)
     WHERE options ? time_option_problem.name
       AND (jsonb_typeof(options -> time_option_problem.name) <> 'string'
            OR coalesce(provision.interval_ms(options ->> time_option_problem.name), 0) NOT BETWEEN 1 AND 31536000000);
END;
COMMENT ON FUNCTION provision.time_option_problem(jsonb, text) IS 'What is wrong with an option that is an interval; null when nothing is.';

CREATE OR REPLACE FUNCTION provision.ms(milliseconds bigint)
    RETURNS interval
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT make_interval(secs => milliseconds / 1000.0::double precision);
END;
COMMENT ON FUNCTION provision.ms(bigint) IS 'Milliseconds as an interval; null for null.';

-- Jobs past their time, locked without waiting. The condition is that of the index job_expires.
CREATE OR REPLACE FUNCTION provision.lock_expired_jobs(max_jobs integer)
    RETURNS SETOF provision.job
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT *
          FROM provision.job
         WHERE expires_at IS NOT NULL AND direction = 'forward' AND (state <> 'running' OR wish IS NULL OR wish = 'pause')
           AND expires_at <= (SELECT clock_timestamp())
         ORDER BY expires_at
         LIMIT max_jobs
           FOR UPDATE SKIP LOCKED;
END;
$$;
COMMENT ON FUNCTION provision.lock_expired_jobs(integer) IS 'Active jobs whose time limit has passed.';

CREATE OR REPLACE FUNCTION provision.next_expiry()
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT min(job.expires_at)
              FROM provision.job
             WHERE expires_at IS NOT NULL AND direction = 'forward' AND (state <> 'running' OR wish IS NULL OR wish = 'pause'));
END;
$$;
COMMENT ON FUNCTION provision.next_expiry() IS 'When the next job fails by itself; null: none will.';

-- What is cut off leaves open whether it was made; so it is not begun when it could hardly end in time. A deadline that is shorter than the
-- time to connect leaves three quarters of itself for calls.
CREATE OR REPLACE FUNCTION provision.lacks_time(job_id bigint, ordinal smallint, call provision.call, time_left_ms bigint)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (call).method = 'GET' OR (call).repeatable AND (call).effort = 'read' THEN
        RETURN false;
    END IF;
    RETURN (SELECT time_left_ms < least(step.deadline_ms / 4, coalesce(engine.connect_timeout_ms, provision.setting_ms('provision.connect_timeout')))
              FROM provision.job
              JOIN provision.engine ON engine.engine_id = job.engine_id
              JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = lacks_time.ordinal
             WHERE job.job_id = lacks_time.job_id);
END;
$$;
COMMENT ON FUNCTION provision.lacks_time(bigint, smallint, provision.call, bigint) IS 'A call that may change something has less left of its step''s deadline than it takes to reach the server.';

CREATE OR REPLACE FUNCTION provision.fail_expired_job(job provision.job)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (job).run_started_at IS NULL THEN
        PERFORM provision.fail_job_surely((job).job_id, 'WAITED_TOO_LONG',
                    format('It may wait for %s and did not start by %s.', provision.ms((job).max_wait_ms), (job).expires_at));
    ELSE
        PERFORM provision.fail_job_surely((job).job_id, 'JOB_DEADLINE',
                    format('It may take %s and began at %s.', provision.ms((job).deadline_ms), (job).run_started_at));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.fail_expired_job(provision.job) IS 'A job fails because its time limit has passed.';

-- A running job is its worker's, which ends or awaits its calls in flight first.
-- Whoever notes the answer to a poll holds rows of other jobs, too, until the end of a short transaction: what is locked then,
-- close_remote_jobs() would leave open for ever.
CREATE OR REPLACE FUNCTION provision.lock_remote_jobs(job_id bigint)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    locked bigint;
BEGIN
    SELECT count(*) INTO locked
      FROM (SELECT FROM provision.remote_job AS remote
             WHERE remote.job_id = lock_remote_jobs.job_id AND remote.ended_at IS NULL
               FOR NO KEY UPDATE SKIP LOCKED) AS held;
    RETURN locked = (SELECT count(*) FROM provision.remote_job AS remote WHERE remote.job_id = lock_remote_jobs.job_id AND remote.ended_at IS NULL);
END;
$$;
COMMENT ON FUNCTION provision.lock_remote_jobs(bigint) IS 'Locks what the job has open on other servers, so that it can be closed with it; false: somebody else holds some of it for a moment.';

CREATE OR REPLACE FUNCTION provision.expire_jobs()
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    expired provision.job;
    seen integer := 0;
    held integer := 0;
BEGIN
    FOR expired IN SELECT * FROM provision.lock_expired_jobs(100) LOOP
        seen := seen + 1;
        IF expired.state = 'running' THEN
            PERFORM provision.wish_for(expired, 'expire', NULL);
        ELSIF provision.lock_remote_jobs(expired.job_id) THEN
            PERFORM provision.fail_expired_job(expired);
        ELSE
            held := held + 1;
        END IF;
    END LOOP;
    PERFORM provision.wake_workers() WHERE seen = 100 OR held > 0;      -- there may be more
END;
$$;
COMMENT ON FUNCTION provision.expire_jobs() IS 'Fails the jobs whose time limit has passed, 100 at a time; running ones once their calls in flight have ended.';

-- Ended are reads, and what the step says may be: never a call that could neither be repeated nor looked for afterwards.
CREATE OR REPLACE FUNCTION provision.calls_to_end(incarnation bigint)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT attempt.attempt_id
          FROM provision.job
          JOIN provision.job_step ON job_step.job_id = job.job_id
          JOIN provision.attempt ON attempt.attempt_id = job_step.attempt_id
          JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = job_step.ordinal
         WHERE job.owner = calls_to_end.incarnation
           AND job.wish IN ('cancel', 'expire', 'rollback')
           AND NOT starts_with(attempt.call, 'withdraw: ')         -- that is how it is granted
           AND (attempt.only_looks
                OR step.on_cancel = 'end' AND (attempt.repeatable OR attempt.guard IS NOT NULL)));
END;
$$;
COMMENT ON FUNCTION provision.calls_to_end(bigint) IS 'Calls in flight of this incarnation that nobody has to wait for any more.';
