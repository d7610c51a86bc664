-- Onboarding: one call for a customer who has just signed up, and a view that speaks to that customer.

CREATE OR REPLACE FUNCTION provision.refuse_other_request(known provision.tenant, home provision.engine, config jsonb, plan text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    differences text := concat_ws(', ',
        CASE WHEN (known).engine_id <> (home).engine_id THEN 'engine' END,
        CASE WHEN (known).config <> config AND (config ? 'site' OR (known).config - 'site' <> config) THEN 'config' END,       -- a site that was chosen for it
        CASE WHEN (known).plan <> plan THEN 'plan' END);
BEGIN
    IF differences <> '' THEN
        RAISE EXCEPTION 'tenant "%" exists already, with another %', (known).name, differences
            USING ERRCODE = 'duplicate_object',
                  HINT = 'The same request once more returns its job. A config is changed with provision_tenant_update().';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_other_request(provision.tenant, provision.engine, jsonb, text) IS 'Error 42710 when the tenant exists with another engine, config or plan than these.';

CREATE OR REPLACE FUNCTION provision.ensure_tenant(tenant text, home provision.engine, config jsonb, plan text)
    RETURNS provision.tenant
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known provision.tenant;
BEGIN
    BEGIN
        PERFORM @extschema@.provision_tenant_create(ensure_tenant.tenant, (home).name, ensure_tenant.config, ensure_tenant.plan)
          WHERE NOT EXISTS (SELECT FROM provision.tenant AS there WHERE there.name = ensure_tenant.tenant);
    EXCEPTION WHEN duplicate_object THEN NULL;       -- somebody was faster
    END;
    SELECT * INTO known FROM provision.tenant AS there WHERE there.name = ensure_tenant.tenant FOR NO KEY UPDATE;
    PERFORM provision.refuse_other_request(known, home, ensure_tenant.config, ensure_tenant.plan);
    RETURN known;
END;
$$;
COMMENT ON FUNCTION provision.ensure_tenant(text, provision.engine, jsonb, text) IS 'The tenant, made if it is not there, locked. Errors: as provision_tenant_create(); 42710 it exists and differs.';

CREATE OR REPLACE FUNCTION @extschema@.provision_onboard(tenant text, engine text, config jsonb, plan text DEFAULT 'starter', credentials text DEFAULT 'made')
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    home   provision.engine := provision.open_engine(provision_onboard.engine);
    known  provision.tenant := provision.ensure_tenant(provision_onboard.tenant, home, provision_onboard.config, provision_onboard.plan);
    job_id bigint;
BEGIN
    SELECT CASE WHEN newest.state IN ('completed', 'partial') AND known.lifecycle NOT IN ('deleting', 'deleted') THEN newest.job_id END INTO job_id
      FROM provision.job AS newest
     WHERE newest.tenant_id = known.tenant_id
       AND newest.workflow = 'onboarding'
     ORDER BY newest.job_id DESC
     LIMIT 1;
    RETURN coalesce(job_id, @extschema@.provision_start(provision_onboard.tenant, 'onboarding', jsonb_build_object('credentials', provision_onboard.credentials)));
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_onboard(text, text, jsonb, text, text) IS
    'Takes on a customer: makes the tenant and starts the job "onboarding", which makes its site, receives its credentials and sets it up; returns the job''s id. The same request once more returns the active or completed job; after a failure, a cancellation or a rollback it starts a new one. plan: enterprise goes before professional, that before others. credentials: made, API keys are made for the site by the job itself; or handed_over, it waits for the signal "credentials". The engine is an ERPNext with an agent, or the config names a site that is there. Errors: as provision_tenant_create() and provision_start(); 42710 the tenant exists with another engine, config or plan; PV003 no site can be made for it.';
