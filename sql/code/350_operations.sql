-- Running the engine: its worker, its home, its history.

CREATE OR REPLACE FUNCTION @extschema@.provision_worker_start()
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    copy_detail text := provision.copy_detail();
BEGIN
    PERFORM provision.require_platform(to_act => true);
    IF copy_detail IS NOT NULL THEN
        RAISE EXCEPTION 'no worker can start in this database: it is a copy'
            USING ERRCODE = 'PV001', DETAIL = copy_detail,
                  HINT = 'If its jobs are to be run here, and nowhere else, call provision_adopt().';
    END IF;
    UPDATE provision.control SET worker_stopped_at = NULL WHERE control.worker_stopped_at IS NOT NULL;
    INSERT INTO provision.event (event, from_state) VALUES ('workers_started', CASE WHEN FOUND THEN 'stopped' END);
    RETURN provision.start_worker();
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_worker_start() IS
    'Lets a worker run in this database, with or without shared_preload_libraries, from the end of this transaction on; true when one will. Undoes provision_worker_stop(). Errors: PV001 in a copy, which provision_adopt() lets work; 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION @extschema@.provision_worker_stop()
    RETURNS integer
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_platform(to_act => true);
    UPDATE provision.control SET worker_stopped_at = clock_timestamp() WHERE control.worker_stopped_at IS NULL;
    INSERT INTO provision.event (event, to_state) SELECT 'workers_stopped', 'stopped' WHERE FOUND;
    RETURN provision.stop_workers();
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_worker_stop() IS
    'Stops the workers of this database at the end of this transaction and keeps them stopped, over restarts too, until provision_worker_start(). What they own goes back to the queue. Returns how many there are. Error: 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION @extschema@.provision_pause_all(reason text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_platform(to_act => true);
    UPDATE provision.control
       SET paused_at = clock_timestamp(),
           paused_reason = left(provision_pause_all.reason, 1000),
           paused_by = provision.actor()
     WHERE control.paused_at IS NULL;
    IF FOUND THEN
        INSERT INTO provision.event (event, detail)
        VALUES ('all_paused', nullif(jsonb_strip_nulls(jsonb_build_object('reason', left(provision_pause_all.reason, 1000))), '{}'));
    END IF;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_pause_all(text) IS
    'From the end of this transaction on no job is started and no call is made in this database, over restarts too, until provision_resume_all(). Calls in flight end normally; workers stay and keep to time limits and cancellations. Pausing twice changes nothing. Error: 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION @extschema@.provision_resume_all()
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_platform(to_act => true);
    UPDATE provision.control SET paused_at = NULL, paused_reason = NULL, paused_by = NULL WHERE control.paused_at IS NOT NULL;
    IF FOUND THEN
        INSERT INTO provision.event (event) VALUES ('all_resumed');
        PERFORM provision.wake_workers();
    END IF;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_resume_all() IS 'Ends provision_pause_all(). Pauses of single engines and jobs stay. Error: 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION @extschema@.provision_adopt()
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old provision.control;
    reason text;
BEGIN
    PERFORM provision.require_platform(to_act => true);
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'a standby cannot be adopted'
            USING ERRCODE = 'PV001', HINT = 'Its jobs are run by its primary; when it is promoted, it goes on by itself.';
    END IF;
    SELECT * INTO old FROM provision.control FOR UPDATE;
    reason := provision.copy_detail();
    IF reason IS NULL THEN
        RETURN false;
    END IF;
    PERFORM provision.settle_here();
    INSERT INTO provision.event (event, detail)
    VALUES ('copy_adopted', jsonb_build_object('reason', reason, 'from_system_identifier', old.system_identifier::text,
                                               'from_database_oid', old.database_oid, 'from_timeline', old.timeline));
    PERFORM provision.start_worker() WHERE old.worker_stopped_at IS NULL;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_adopt() IS
    'Lets a copy work that comes up paused: a restored dump or backup, a database made from ours as template, a cluster after pg_upgrade. Its jobs then call the same servers as the original''s: stop that one first, or change the engines here. True when it was a copy; false: it was none, nothing is changed. Errors: PV001 on a standby, 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION provision.purge_attempts(cutoff timestamptz, max_rows bigint)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removed bigint;
BEGIN
    DELETE FROM provision.attempt
     WHERE attempt.attempt_id = ANY (ARRAY(
           SELECT old.attempt_id
             FROM provision.attempt AS old
             LEFT JOIN provision.job ON job.job_id = old.job_id
            WHERE old.started_at < purge_attempts.cutoff
              AND (job.job_id IS NULL OR job.finished_at < purge_attempts.cutoff)
            LIMIT purge_attempts.max_rows));
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END;
$$;
COMMENT ON FUNCTION provision.purge_attempts(timestamptz, bigint) IS 'Removes attempts of jobs that ended before cutoff; returns how many.';

-- The newest job of a tenant and workflow stays, because it tells how the tenant is, and whether a person is needed. So does one that made
-- what still stands: later ones found it there, and only this one can remove it. And one that made a backup, while that is kept.
CREATE OR REPLACE FUNCTION provision.purge_jobs(cutoff timestamptz, max_rows bigint, ended_from timestamptz DEFAULT '-infinity')
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removed bigint;
BEGIN
    DELETE FROM provision.job
     WHERE job.job_id = ANY (ARRAY(
           SELECT old.job_id
             FROM provision.job AS old
            WHERE old.finished_at >= purge_jobs.ended_from
              AND old.finished_at < purge_jobs.cutoff
              AND EXISTS (SELECT FROM provision.job AS newer
                           WHERE newer.tenant_id = old.tenant_id AND newer.workflow = old.workflow AND newer.job_id > old.job_id)
              AND NOT EXISTS (SELECT FROM provision.creation
                               WHERE creation.job_id = old.job_id AND creation.undone_at IS NULL AND NOT creation.kept)
              AND coalesce(old.finished_at + (old.options ->> 'keep')::interval < clock_timestamp(), true)
              FOR UPDATE SKIP LOCKED
            LIMIT purge_jobs.max_rows));
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END;
$$;
COMMENT ON FUNCTION provision.purge_jobs(timestamptz, bigint, timestamptz) IS 'Removes jobs that ended from ended_from on and before cutoff, are followed by a newer one, made nothing that stands and no backup that is kept, with their steps; returns how many.';

-- Most old jobs stay, because they are the newest of their tenant: a worker must not look at all of them each time. When it has come to the
-- end it begins anew, since any may have got a newer one.
CREATE OR REPLACE FUNCTION provision.purge_next_jobs(cutoff timestamptz, max_rows bigint)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    begins_at timestamptz;
    ends_at timestamptz;
    removed bigint;
BEGIN
    SELECT coalesce(control.jobs_looked_at_to, '-infinity') INTO begins_at FROM provision.control FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    ends_at := (SELECT job.finished_at
                  FROM provision.job
                 WHERE job.finished_at >= begins_at
                   AND job.finished_at < purge_next_jobs.cutoff
                 ORDER BY job.finished_at
                OFFSET purge_next_jobs.max_rows * 10 LIMIT 1);
    removed := provision.purge_jobs(coalesce(ends_at, cutoff), max_rows, begins_at);
    IF removed < max_rows THEN
        UPDATE provision.control
           SET jobs_looked_at_to = nullif(ends_at, begins_at)
         WHERE control.jobs_looked_at_to IS DISTINCT FROM nullif(ends_at, begins_at);
    END IF;
    RETURN removed;
END;
$$;
COMMENT ON FUNCTION provision.purge_next_jobs(timestamptz, bigint)
    IS 'purge_jobs() of the next ten times max_rows jobs that ended before cutoff; returns how many were removed. Waits for nobody.';

CREATE OR REPLACE FUNCTION @extschema@.provision_purge(older_than interval)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    cutoff timestamptz;
    batch constant bigint := 10000;
    removed bigint := 0;
    last_batch bigint;
BEGIN
    PERFORM provision.require_platform(to_act => true);
    IF coalesce(provision_purge.older_than < interval '1 hour', true) THEN
        RAISE EXCEPTION 'older_than must be at least one hour'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example: SELECT provision_purge(''90 days'').';
    END IF;
    cutoff := clock_timestamp() - least(provision_purge.older_than, interval '1000 years');
    FOR turn IN 1 .. 10 LOOP
        last_batch := provision.purge_attempts(cutoff, batch) + provision.purge_deliveries(cutoff, batch)
                    + provision.purge_events(cutoff, batch) + provision.purge_jobs(cutoff, batch);
        removed := removed + last_batch;
        EXIT WHEN last_batch < batch;
    END LOOP;
    INSERT INTO provision.event (event, detail)
    SELECT 'history_purged', jsonb_build_object('before', cutoff, 'rows', removed) WHERE removed > 0;
    RETURN removed;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_purge(interval) IS
    'Removes history older than this: calls and events of ended jobs, deliveries to webhooks, and the jobs themselves, except the newest of each tenant and workflow and those that made what still stands. Returns the rows removed, at most 400,000 in one call: repeat it until it returns 0. Errors: 22023 less than an hour, 42501 not a platform administrator.';
