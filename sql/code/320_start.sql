-- Starting: a row in the caller's transaction. It exists if and only if that transaction commits.

CREATE OR REPLACE FUNCTION provision.job_with_key(idempotency_key text, tenant text, workflow text)
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earlier record;
BEGIN
    PERFORM provision.require_tenants(ARRAY[job_with_key.tenant], to_act => true);
    SELECT job.job_id, tenant.name AS tenant, job.workflow INTO earlier
      FROM provision.job
      JOIN provision.visible_tenant AS tenant ON tenant.tenant_id = job.tenant_id
     WHERE job.idempotency_key = job_with_key.idempotency_key
     ORDER BY tenant.name = job_with_key.tenant DESC
     LIMIT 1;
    IF FOUND AND (earlier.tenant IS DISTINCT FROM job_with_key.tenant OR earlier.workflow IS DISTINCT FROM job_with_key.workflow) THEN
        RAISE EXCEPTION 'idempotency_key belongs to another job'
            USING ERRCODE = 'PV001',
                  DETAIL = format('Job %s runs workflow "%s" for tenant "%s".', earlier.job_id, earlier.workflow, earlier.tenant),
                  HINT = 'Use a key of its own for each tenant and workflow.';
    END IF;
    RETURN earlier.job_id;
END;
$$;
COMMENT ON FUNCTION provision.job_with_key(text, text, text) IS 'The job that was started with this key, null when who acts sees none; error PV001 when it is of another tenant or workflow. Otherwise errors as require_tenants().';

CREATE OR REPLACE FUNCTION @extschema@.provision_start(
    tenant text, workflow text DEFAULT 'tenant_setup', options jsonb DEFAULT '{}',
    priority integer DEFAULT NULL, run_at timestamptz DEFAULT NULL, idempotency_key text DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan    -- keys are looked up; planning that anew five times costs more than running it
AS $$
DECLARE
    job_id bigint;
BEGIN
    -- More than once only when a job that was in the way ends, or one with this key appears, in between.
    FOR turn IN 1 .. 10 LOOP
        IF provision_start.idempotency_key IS NOT NULL THEN
            job_id := provision.job_with_key(provision_start.idempotency_key, provision_start.tenant, provision_start.workflow);
        END IF;
        job_id := coalesce(job_id, (SELECT started.job_id
                                      FROM provision.enqueue_jobs(ARRAY[provision_start.tenant], provision_start.workflow, provision_start.options,
                                               provision_start.priority, provision_start.run_at, provision_start.idempotency_key) AS started (job_id)));
        EXIT WHEN job_id IS NOT NULL;
    END LOOP;
    IF job_id IS NULL THEN
        RAISE EXCEPTION 'could not start workflow "%" for tenant "%"', provision_start.workflow, provision_start.tenant
            USING ERRCODE = 'serialization_failure', HINT = 'Try again.';
    END IF;
    RETURN job_id;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_start(text, text, jsonb, integer, timestamptz, text) IS
    'Starts a job in this transaction and returns its id; the active one''s while there is one of this tenant and workflow. Options: skip_steps, correlation_id, traceparent, deadline, max_wait, rollback_on_failure. priority -100 to 100, higher sooner, null: by the tenant''s plan. Errors: 42501 not an owner or admin of the tenant, 42704 workflow, or, for platform members, tenant; 22023 options, 22003 priority, PV001 key of another job, or the active job rolls back, PV003 the tenant lacks settings that the workflow needs, PV004 queue full.';

CREATE OR REPLACE FUNCTION @extschema@.provision_start_many(
    tenants text[], workflow text DEFAULT 'tenant_setup', options jsonb DEFAULT '{}',
    priority integer DEFAULT NULL, run_at timestamptz DEFAULT NULL)
    RETURNS SETOF bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    SELECT provision.enqueue_jobs(provision_start_many.tenants, provision_start_many.workflow, provision_start_many.options,
                                  provision_start_many.priority, provision_start_many.run_at, NULL);
END;
COMMENT ON FUNCTION @extschema@.provision_start_many(text[], text, jsonb, integer, timestamptz) IS
    'provision_start() for many tenants at once; returns their jobs in the order given. All or none: an error names every tenant that does not exist or may not be started.';
