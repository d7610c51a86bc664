-- What a worker does about trouble that is nobody's fault: rounds that were given up, a clock that was set.

CREATE OR REPLACE FUNCTION provision.log_worker_trouble(incarnation bigint, given_up integer, state text, message text)
    RETURNS void
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    INSERT INTO provision.event (event, detail)
    VALUES ('worker_hindered', jsonb_build_object(
        'incarnation', log_worker_trouble.incarnation,
        'rounds_given_up', log_worker_trouble.given_up,
        'sqlstate', log_worker_trouble.state,
        'message', provision.redact_text(log_worker_trouble.message)));
END;
COMMENT ON FUNCTION provision.log_worker_trouble(bigint, integer, text, text)
    IS 'An event about rounds that were given up and made again because of the server (no space, a locked table, a cancellation); state and message are those of the last.';

-- When the clock was set back, what the engine put off for seconds would wait for as long as it was set back. What a caller put off (run_at)
-- was meant by the clock and stays. Jobs that somebody has locked are left out: nobody is waited for.
CREATE OR REPLACE FUNCTION provision.correct_times(longest_pause interval)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now_it_is constant timestamptz := clock_timestamp();
    begun bigint[] := ARRAY(SELECT job.job_id
                              FROM provision.job
                             WHERE job.started_at IS NOT NULL
                               AND job.state IN ('pending', 'scheduled', 'running', 'paused')
                             ORDER BY job.job_id
                               FOR NO KEY UPDATE SKIP LOCKED);
    corrected bigint;
BEGIN
    UPDATE provision.job_step
       SET next_attempt_at = least(job_step.next_attempt_at, bounds.retry),
           doubtful_until = least(job_step.doubtful_until, bounds.doubt)
      FROM provision.job
      JOIN provision.step ON step.workflow_id = job.workflow_id
     CROSS JOIN LATERAL (SELECT now_it_is + greatest(longest_pause, make_interval(secs => step.backoff_max_ms / 1000.0)) AS retry,
                                now_it_is + make_interval(secs => step.patience_ms / 1000.0) AS doubt) AS bounds
     WHERE job.job_id = ANY (begun)
       AND job_step.job_id = job.job_id
       AND job_step.ordinal = step.ordinal
       AND (job_step.next_attempt_at > bounds.retry OR job_step.doubtful_until > bounds.doubt);
    WITH due AS (
        SELECT job.job_id, coalesce(min(job_step.next_attempt_at), now_it_is) AS at
          FROM provision.job
          LEFT JOIN provision.job_step ON job_step.job_id = job.job_id AND job_step.next_attempt_at IS NOT NULL
         WHERE job.job_id = ANY (begun)
           AND job.due_at > now_it_is + greatest(longest_pause, interval '1 min')     -- nothing but a retry is put off for longer, and who waits for a signal
           AND NOT EXISTS (SELECT FROM provision.job_step AS waiting WHERE waiting.job_id = job.job_id AND starts_with(waiting.waits_for, 'signal '))
         GROUP BY job.job_id
    )
    UPDATE provision.job
       SET due_at = due.at
      FROM due
     WHERE job.job_id = due.job_id
       AND job.due_at > due.at;
    GET DIAGNOSTICS corrected = ROW_COUNT;
    UPDATE provision.remote_job         -- else the job would look at its clock, and wait on
       SET next_poll_at = now_it_is
     WHERE remote_job.ctid = ANY (ARRAY(SELECT late.ctid FROM provision.remote_job AS late
                                         WHERE late.ended_at IS NULL
                                           AND late.next_poll_at < 'infinity'
                                           AND late.next_poll_at > now_it_is + provision.poll_pause(late)
                                           FOR NO KEY UPDATE SKIP LOCKED));
    PERFORM provision.correct_delivery_times(now_it_is);
    WITH later AS (
        UPDATE provision.signal
           SET asked_at = now_it_is,
               expires_at = now_it_is + (signal.expires_at - signal.asked_at)
         WHERE signal.job_id = ANY (begun)
           AND signal.asked_at > now_it_is
        RETURNING signal.job_id
    )
    UPDATE provision.job SET due_at = '-infinity' FROM later WHERE job.job_id = later.job_id AND job.state IN ('scheduled', 'paused');
    UPDATE provision.job
       SET expires_at = now_it_is + provision.ms(job.deadline_ms)
     WHERE job.job_id = ANY (begun)
       AND job.run_started_at IS NOT NULL
       AND job.expires_at > now_it_is + provision.ms(job.deadline_ms);
    PERFORM provision.correct_schedules();
    RETURN corrected;
END;
$$;
COMMENT ON FUNCTION provision.correct_times(interval)
    IS 'Pauses of jobs that have begun and that are longer than longest_pause and than their step''s longest back-off end sooner; their deadlines are no further away than a new one would be; schedules are reckoned anew. Returns how many jobs became due sooner.';
