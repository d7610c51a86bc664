-- The life of a tenant's site, for who wants no more than a name for it: provision_start() of the workflows does the same.

CREATE OR REPLACE FUNCTION @extschema@.provision_create_site(tenant text)
    RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    SELECT @extschema@.provision_start(provision_create_site.tenant, 'create_site');
END;
COMMENT ON FUNCTION @extschema@.provision_create_site(text) IS
    'Starts a job that makes the tenant''s site through Frappe Agent or Frappe Cloud, and returns its id. A config without a site gets one: the tenant''s name under the domain of the engine. Errors: as provision_start(); PV003 no site can have this name, or the tenant''s engine has no agent; PV001 the tenant is being deleted; F0000 no key to seal the site''s password with.';

CREATE OR REPLACE FUNCTION @extschema@.provision_delete_site(tenant text)
    RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    SELECT @extschema@.provision_start(provision_delete_site.tenant, 'delete_site');
END;
COMMENT ON FUNCTION @extschema@.provision_delete_site(text) IS
    'Starts a job that archives the tenant''s site through Frappe Agent or Frappe Cloud, and returns its id: its database is dropped, its files moved. Only a site that provision_create_site() made for this tenant is touched; one that is gone already is no failure. Then the tenant is deleted. Errors: as provision_start(); PV003 the tenant''s engine has no agent.';

CREATE OR REPLACE FUNCTION @extschema@.provision_backup_site(tenant text, with_files boolean DEFAULT true)
    RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    SELECT @extschema@.provision_start(provision_backup_site.tenant, 'backup_site', jsonb_build_object('with_files', coalesce(provision_backup_site.with_files, true)));
END;
COMMENT ON FUNCTION @extschema@.provision_backup_site(text, boolean) IS
    'Starts a job that backs up the tenant''s site through Frappe Agent or Frappe Cloud, with its files unless told otherwise, and returns its id; provision_status() then shows "result" with the files, their sizes in bytes and addresses. Of one site there is one backup at a time. Errors: as provision_start(); PV003 the tenant''s engine has no agent; PV001 the tenant is being deleted.';

-- Nobody knows who calls the endpoint, so nothing that it is told is believed, and no job is asked for sooner than it may be anyhow. A row that
-- somebody holds is being asked for.
CREATE OR REPLACE FUNCTION @extschema@.provision_agent_callback(engine text, remote_id bigint)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    waiting bigint[];
BEGIN
    WITH told AS MATERIALIZED (
        SELECT kept.ctid, greatest(clock_timestamp(), kept.asked_at + provision.ms(limits.min_pause_ms)) AS soonest
          FROM provision.remote_job AS kept
          JOIN provision.engine AS home ON home.engine_id = kept.engine_id
         CROSS JOIN LATERAL provision.remote_limits(kept.title) AS limits
         WHERE home.name = provision_agent_callback.engine
           AND kept.remote_id = provision_agent_callback.remote_id::text
           AND kept.ended_at IS NULL
           FOR NO KEY UPDATE OF kept SKIP LOCKED
    ), moved AS (
        UPDATE provision.remote_job AS kept
           SET next_poll_at = told.soonest
          FROM told
         WHERE kept.ctid = told.ctid
           AND kept.next_poll_at > told.soonest
        RETURNING kept.job_id
    )
    SELECT array_agg(moved.job_id) INTO waiting FROM moved;
    PERFORM provision.put_off_polls(waiting) WHERE waiting IS NOT NULL;
    PERFORM provision.wake_workers() WHERE waiting IS NOT NULL;
    RETURN waiting IS NOT NULL;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_agent_callback(text, bigint) IS
    'For the endpoint that Frappe Agent tells of the end of its jobs: job remote_id of this engine is asked for now, or as soon as its shortest pause since the last time is over. True when that is sooner than it would have been; false otherwise, also for an engine or a job that nobody waits for. EXECUTE is all that it needs.';
