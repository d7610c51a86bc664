-- The place of a job in its queue, and when it should start and end.

CREATE OR REPLACE FUNCTION @extschema@.provision_queue_position(job_id bigint)
    RETURNS TABLE (queue_position bigint, jobs_ahead bigint, estimated_start_at timestamptz, estimated_finish_at timestamptz,
                   earliest_start_at timestamptz, latest_start_at timestamptz, earliest_finish_at timestamptz, latest_finish_at timestamptz,
                   is_exact boolean, unknown_because text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_job(provision_queue_position.job_id, to_act => false);
    RETURN QUERY
        SELECT forecast.jobs_ahead + 1, forecast.jobs_ahead, forecast.estimated_start_at, forecast.estimated_finish_at,
               forecast.earliest_start_at, forecast.latest_start_at, forecast.earliest_finish_at, forecast.latest_finish_at,
               forecast.is_exact, forecast.unknown_because
          FROM provision.forecast
         WHERE forecast.job_id = provision_queue_position.job_id;
    IF NOT FOUND THEN
        RETURN QUERY
            SELECT NULL::bigint, NULL::bigint, job.started_at, job.finished_at, job.started_at, job.started_at, job.finished_at, job.finished_at, NULL::boolean, NULL::text
              FROM provision.job
             WHERE job.job_id = provision_queue_position.job_id;
    END IF;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_queue_position(bigint) IS
    'Where the job stands in the queue of its engine, and when it should start and end: as estimated, and within which times 90 of 100 such jobs do. Places are null unless it is pending; of what has happened, the times are what was. Null times: unknown_because says why. is_exact: false behind 5,000 others, where the place is an estimate, too. Errors: 42501 not a member of the job''s tenant, 42704 job (for platform members).';

CREATE OR REPLACE FUNCTION @extschema@.provision_queue_position(tenant text)
    RETURNS TABLE (queue_position bigint, jobs_ahead bigint, estimated_start_at timestamptz, estimated_finish_at timestamptz,
                   earliest_start_at timestamptz, latest_start_at timestamptz, earliest_finish_at timestamptz, latest_finish_at timestamptz,
                   is_exact boolean, unknown_because text)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
BEGIN ATOMIC
    SELECT * FROM @extschema@.provision_queue_position(provision.newest_job(provision_queue_position.tenant));
END;
COMMENT ON FUNCTION @extschema@.provision_queue_position(text) IS 'provision_queue_position() of the tenant''s newest job.';
