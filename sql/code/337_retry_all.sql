-- Dead letters in bulk.

CREATE OR REPLACE FUNCTION provision.refuse_invalid_filter(workflow text, error_code text, engine text, max_jobs integer)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_workflow(workflow) WHERE workflow IS NOT NULL;
    PERFORM provision.engine_named(engine) WHERE engine IS NOT NULL;
    IF error_code IS NOT NULL
       AND NOT EXISTS (SELECT FROM provision.failure WHERE failure.error_code = refuse_invalid_filter.error_code)
       AND NOT EXISTS (SELECT FROM provision.dead_letter WHERE dead_letter.error_code = refuse_invalid_filter.error_code) THEN
        RAISE EXCEPTION 'error code "%" does not exist', left(refuse_invalid_filter.error_code, 100)
            USING ERRCODE = 'undefined_object', HINT = 'SELECT DISTINCT error_code FROM provision.dead_letter;';
    ELSIF coalesce(max_jobs NOT BETWEEN 1 AND 10000, true) THEN
        RAISE EXCEPTION 'max_jobs must be from 1 to 10000'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Repeat the call for more.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_filter(text, text, text, integer) IS 'Errors 42704 and 22023 for a filter that nothing can pass.';

-- Of several dead letters of one tenant and workflow only the newest is one, so that no two of them stand in each other's way.
CREATE OR REPLACE FUNCTION provision.lock_dead_letters(
    workflow text, error_code text, engine text, failed_after timestamptz, failed_before timestamptz, max_jobs integer)
    RETURNS SETOF provision.job
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT job.*
      FROM provision.job
      JOIN provision.engine AS owner ON owner.engine_id = job.engine_id
     WHERE job.state IN ('failed', 'partial')
       AND (lock_dead_letters.workflow IS NULL OR job.workflow = lock_dead_letters.workflow)
       AND (lock_dead_letters.error_code IS NULL OR job.error_code = lock_dead_letters.error_code)
       AND (lock_dead_letters.engine IS NULL OR owner.name = lock_dead_letters.engine)
       AND (failed_after IS NULL OR job.finished_at >= failed_after)
       AND (failed_before IS NULL OR job.finished_at < failed_before)
       AND job.job_id = (SELECT max(newest.job_id)
                           FROM provision.job AS newest
                          WHERE newest.tenant_id = job.tenant_id
                            AND newest.workflow = job.workflow)
     ORDER BY job.job_id
     LIMIT lock_dead_letters.max_jobs
       FOR UPDATE OF job SKIP LOCKED;
END;
$$;
COMMENT ON FUNCTION provision.lock_dead_letters(text, text, text, timestamptz, timestamptz, integer) IS 'The oldest dead letters that pass the filter, locked; those that somebody else has locked are left out.';

CREATE OR REPLACE FUNCTION @extschema@.provision_retry_all(
    workflow text DEFAULT NULL, error_code text DEFAULT NULL, engine text DEFAULT NULL,
    failed_after timestamptz DEFAULT NULL, failed_before timestamptz DEFAULT NULL, max_jobs integer DEFAULT 1000)
    RETURNS TABLE (job_id bigint, tenant text, retried boolean, detail text)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    letter provision.job;
BEGIN
    PERFORM provision.require_platform(to_act => true);
    PERFORM provision.refuse_invalid_filter(workflow, error_code, engine, max_jobs);
    FOR letter IN SELECT * FROM provision.lock_dead_letters(workflow, error_code, engine, failed_after, failed_before, max_jobs) LOOP
        job_id := letter.job_id;
        tenant := (SELECT named.name FROM provision.tenant AS named WHERE named.tenant_id = letter.tenant_id);
        detail := concat_ws(': ', letter.error_code, letter.error_message);
        BEGIN
            PERFORM provision.reopen_job(letter, 'job_retried');
            retried := true;
        EXCEPTION WHEN SQLSTATE 'PV001' OR unique_violation THEN
            retried := false;
            detail := SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_retry_all(text, text, text, timestamptz, timestamptz, integer) IS
    'provision_retry() of every job in provision.dead_letter that fits: workflow, error_code, engine, failed at or after, failed before; the oldest first, at most max_jobs (1 to 10,000). One row for each: retried, with the error it had, or not, with the reason, as when an older job of its tenant and workflow is active. Jobs that somebody is changing just now are left out. Errors: 42704 workflow, error code or engine; 22023 max_jobs; 42501 not a platform administrator.';
