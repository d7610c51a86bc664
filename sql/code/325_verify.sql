-- Comparing a tenant with its server. Public, like a start; what it finds is the result of its job.

-- While a job changes things, what it has not come to yet would look like drift.
CREATE OR REPLACE FUNCTION provision.refuse_changing_tenant(tenant text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    busy bigint := (SELECT min(job.job_id)
                      FROM provision.job
                     WHERE job.tenant_id = (SELECT named.tenant_id FROM provision.tenant AS named WHERE named.name = refuse_changing_tenant.tenant)
                       AND job.state IN ('pending', 'scheduled', 'running', 'paused')
                       AND EXISTS (SELECT FROM provision.step WHERE step.workflow_id = job.workflow_id AND NOT step.only_looks));
BEGIN
    IF busy IS NOT NULL THEN
        RAISE EXCEPTION 'tenant "%" cannot be verified now: job % is still changing it', refuse_changing_tenant.tenant, busy
            USING ERRCODE = 'PV001', HINT = format('Wait for the end of it with CALL provision_wait(%s).', busy);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_changing_tenant(text) IS 'Error PV001 while a job of the tenant that changes something is active.';

CREATE OR REPLACE FUNCTION @extschema@.provision_verify(tenant text)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_tenants(ARRAY[provision_verify.tenant], to_act => true);
    PERFORM provision.refuse_changing_tenant(provision_verify.tenant);
    RETURN @extschema@.provision_start(provision_verify.tenant, 'tenant_verify');
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_verify(text) IS
    'Starts a job that compares ERPNext with what tenant_setup would make for the tenant, by reading alone, and returns its id; that of the active one while there is one. provision_status(job) -> ''result'' is then the drift, [] when there is none; provision_start(tenant) repairs it. Errors: 42501 not an owner or admin of the tenant, 42704 tenant (for platform members), PV001 a job is still changing the tenant, PV004 queue full.';
