-- Jobs whose own rows make a round fail: they end, whatever it takes, and the others go on.

-- An error that the statements of a round did not foresee. Trouble of the server (connections, locks, resources, shutdown) is nobody's
-- fault: then the whole round is given up and made again by the next worker.
CREATE OR REPLACE FUNCTION provision.raise_again_unless_of_a_job(state text, message text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF left(state, 2) IN ('08', '25', '40', '53', '55', '57', '58') THEN
        RAISE EXCEPTION '%', message USING ERRCODE = state;
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.raise_again_unless_of_a_job(text, text) IS 'Raises an error again that does not come from the data of one job.';

-- Its steps stay open where they cannot be closed; a retry begins with them.
CREATE OR REPLACE FUNCTION provision.tidy_failed_job(job_id bigint, was text, error_code text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.log_job_event(ARRAY[job_id], 'job_failed', was, 'failed', jsonb_build_object('error_code', error_code));
    UPDATE provision.attempt
       SET finished_at = clock_timestamp(), delivery = 'unknown', verdict = 'needs_person', error_code = tidy_failed_job.error_code
     WHERE attempt.job_id = tidy_failed_job.job_id
       AND attempt.finished_at IS NULL;
    UPDATE provision.job_step
       SET state = 'ready', attempt_id = NULL,
           doubtful_until = CASE WHEN job_step.attempt_id IS NOT NULL THEN clock_timestamp() + interval '30 s' ELSE job_step.doubtful_until END
     WHERE job_step.job_id = tidy_failed_job.job_id
       AND job_step.state = 'running';
    PERFORM provision.release_exclusions(ARRAY[job_id]);
EXCEPTION WHEN OTHERS THEN
    PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
END;
$$;
COMMENT ON FUNCTION provision.tidy_failed_job(bigint, text, text) IS 'Ends the attempts of a job whose steps could not be closed, gives up what it holds and writes its event; nothing of that where it raises an error, too.';

-- Whatever is wrong with a job, it must keep neither the others nor the worker from going on.
CREATE OR REPLACE FUNCTION provision.fail_job_surely(job_id bigint, error_code text, detail text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    was text := (SELECT job.state FROM provision.job WHERE job.job_id = fail_job_surely.job_id);
BEGIN
    PERFORM provision.finish_job(job_id, 'failed', error_code, detail);
EXCEPTION WHEN OTHERS THEN
    PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
    UPDATE provision.job
       SET state = 'failed', owner = NULL, slots = 0, due_at = NULL, wish = NULL, expires_at = NULL, awaits_remote = false,
           finished_at = clock_timestamp(), error_code = fail_job_surely.error_code, error_message = left(SQLERRM, 500)
     WHERE job.job_id = fail_job_surely.job_id;
    PERFORM provision.tidy_failed_job(job_id, was, error_code);
END;
$$;
COMMENT ON FUNCTION provision.fail_job_surely(bigint, text, text) IS 'Fails a job, also one whose rows make that raise an error.';

CREATE OR REPLACE FUNCTION provision.fail_job_internally(job_id bigint, state text, message text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.attempt
       SET finished_at = clock_timestamp(),
           delivery = 'unknown',
           verdict = 'needs_person',
           error_code = 'INTERNAL_ERROR',
           error_detail = left(message, 500)
      FROM provision.job_step
     WHERE job_step.job_id = fail_job_internally.job_id
       AND attempt.attempt_id = job_step.attempt_id;
    UPDATE provision.job_step       -- the server may still be at work on what is given up here
       SET doubtful_until = clock_timestamp() + interval '30 s'
     WHERE job_step.job_id = fail_job_internally.job_id
       AND job_step.attempt_id IS NOT NULL;
    PERFORM provision.fail_job_surely(job_id, 'INTERNAL_ERROR', format('%s (SQLSTATE %s)', message, state));
END;
$$;
COMMENT ON FUNCTION provision.fail_job_internally(bigint, text, text) IS 'Ends a job whose data made a round fail.';
