-- Tenants: what they are called, where they live, what they want.

-- Calls go to a tenant's site with the credentials of its engine, which may open other tenants' sites, too.
CREATE OR REPLACE FUNCTION provision.refuse_moving(tenant provision.tenant, config jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF config -> 'site' IS DISTINCT FROM tenant.config -> 'site' AND NOT provision.is_administrator() THEN
        RAISE EXCEPTION 'permission denied to change the site of tenant "%"', tenant.name
            USING ERRCODE = 'insufficient_privilege', DETAIL = provision.actor_in_words(),
                  HINT = 'A platform administrator can: on that site may be other tenants.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_moving(provision.tenant, jsonb) IS 'Error 42501 for a config with another site, unless a platform administrator gives it.';

CREATE OR REPLACE FUNCTION provision.refuse_invalid_plan(plan text)
    RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(refuse_invalid_plan.plan !~ '^[a-z][a-z0-9_]{0,31}$', true) THEN
        RAISE EXCEPTION 'plan is not valid'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Plans are words such as starter, professional and enterprise: up to 32 lower-case letters, digits and underscores.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_plan(text) IS 'Error 22023 for what cannot be a plan.';

CREATE OR REPLACE FUNCTION provision.lock_tenant(name text)
    RETURNS provision.tenant
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_tenant provision.tenant;
BEGIN
    PERFORM provision.require_tenants(ARRAY[lock_tenant.name], to_act => true);
    PERFORM provision.admit_requests(ARRAY[lock_tenant.name]);
    SELECT * INTO found_tenant FROM provision.tenant WHERE tenant.name = lock_tenant.name FOR NO KEY UPDATE;
    PERFORM provision.refuse_missing_tenants(ARRAY[lock_tenant.name]) WHERE found_tenant.name IS NULL;      -- removed just now
    RETURN found_tenant;
END;
$$;
COMMENT ON FUNCTION provision.lock_tenant(text) IS 'The tenant with this name, locked, for whoever may act on it; errors as require_tenants().';

CREATE OR REPLACE FUNCTION @extschema@.provision_tenant_create(tenant text, engine text, config jsonb, plan text DEFAULT 'starter')
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    home       provision.engine := provision.open_engine(provision_tenant_create.engine);
    settings   constant jsonb := provision.tenant_settings(provision_tenant_create.config);
    claims     record;
    new_tenant bigint;
BEGIN
    PERFORM provision.admit_requests(ARRAY[provision_tenant_create.tenant]);
    PERFORM provision.refuse_invalid_name('tenant', provision_tenant_create.tenant);
    PERFORM provision.refuse_invalid_plan(provision_tenant_create.plan);
    SELECT * INTO claims FROM provision.early_claims(settings, home);
    PERFORM provision.refuse_invalid_config(provision_tenant_create.config, 'tenant_setup', provision_tenant_create.tenant, claims.company, claims.abbr);
    INSERT INTO provision.tenant (name, engine_id, plan, config, settings, company_claim, abbr_claim)
    VALUES (provision_tenant_create.tenant, home.engine_id, provision_tenant_create.plan, provision_tenant_create.config, settings, claims.company, claims.abbr)
    ON CONFLICT DO NOTHING
    RETURNING tenant_id INTO new_tenant;
    IF new_tenant IS NULL THEN      -- its name, or what it claims, has been given meanwhile
        PERFORM provision.refuse_invalid_config(provision_tenant_create.config, 'tenant_setup', provision_tenant_create.tenant, claims.company, claims.abbr);
        RAISE EXCEPTION 'tenant "%" already exists', provision_tenant_create.tenant
            USING ERRCODE = 'duplicate_object', HINT = 'provision_tenant_update() changes it.';
    END IF;
    PERFORM provision.log_tenant_event(provision_tenant_create.tenant, 'tenant_created', NULL, 'pending',
                jsonb_build_object('engine', home.name, 'plan', provision_tenant_create.plan));
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_tenant_create(text, text, jsonb, text) IS
    'Makes a customer known; provision_start() sets it up. The config needs company_name and country; provision_validate() tells what is wrong with one. Errors: PV003 config with all problems, 22023 plan, 42602 name, 42704 engine, 42710 exists, 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION @extschema@.provision_tenant_update(tenant text, config jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed provision.tenant := provision.lock_tenant(provision_tenant_update.tenant);
    home    constant provision.engine := (SELECT engine FROM provision.engine WHERE engine.engine_id = changed.engine_id);
    merged  jsonb;
    claims  record;
BEGIN
    IF jsonb_typeof(provision_tenant_update.config) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'config must be a JSON object' USING ERRCODE = 'PV003', HINT = 'Give the keys that change, for example {"email": "a@example.com"}.';
    END IF;
    merged := (changed.config || provision_tenant_update.config)
              - ARRAY(SELECT given.key FROM jsonb_each(provision_tenant_update.config) AS given WHERE given.value = 'null');
    PERFORM provision.refuse_moving(changed, merged);
    changed.settings := provision.tenant_settings(merged);
    SELECT * INTO claims FROM provision.company_claims(changed.settings, home) WHERE changed.company_claim IS NOT NULL;
    PERFORM provision.refuse_invalid_config(merged, 'tenant_setup', changed.name, claims.company, claims.abbr);
    UPDATE provision.tenant AS kept
       SET config = merged,
           settings = changed.settings,
           updated_at = clock_timestamp()
     WHERE kept.tenant_id = changed.tenant_id;
    PERFORM provision.claim_company(changed, home) WHERE (claims.company, claims.abbr) IS DISTINCT FROM (changed.company_claim, changed.abbr_claim);
    PERFORM provision.log_tenant_event(changed.name, 'tenant_updated', NULL, NULL,
                jsonb_build_object('keys', ARRAY(SELECT jsonb_object_keys(provision_tenant_update.config))));
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_tenant_update(text, jsonb) IS
    'Replaces the given keys of a tenant''s config and leaves the others; null removes one. Steps that have not run yet see it, those that are done do not change: start a new job for them. Its site is changed by platform administrators only. Errors: PV003 config with all problems, 42501 not an owner or admin of the tenant, or another site; for platform members, 42704 tenant.';

CREATE OR REPLACE FUNCTION @extschema@.provision_tenant_secret(tenant text, api_key text, api_secret text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET log_min_error_statement = panic         -- an error must not write the statement, and with it the secret, to the log
AS $$
DECLARE
    holder provision.tenant;
BEGIN
    PERFORM provision.require_tenants(ARRAY[provision_tenant_secret.tenant], to_act => true);
    PERFORM
       FROM provision.job
       JOIN provision.tenant AS own ON own.tenant_id = job.tenant_id
      WHERE own.name = provision_tenant_secret.tenant
        AND job.state IN ('pending', 'scheduled', 'running', 'paused')
      ORDER BY job.job_id
        FOR NO KEY UPDATE OF job;           -- a round that is about to let one wait ends first
    holder := provision.lock_tenant(provision_tenant_secret.tenant);
    PERFORM provision.refuse_invalid_secret(provision_tenant_secret.api_key, provision_tenant_secret.api_secret);
    PERFORM provision.keep_credentials(NULL, holder.tenant_id, provision_tenant_secret.api_key, provision_tenant_secret.api_secret);
    PERFORM provision.wake_for_secrets(holder.tenant_id);
    PERFORM provision.log_tenant_event(holder.name, 'tenant_secret_set', NULL, NULL);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_tenant_secret(text, text, text) IS
    'Sets or replaces the credentials of a tenant with a site of its own; they are sealed, and used instead of its engine''s. Errors: 22023, 42501 not an owner or admin of the tenant; for platform members, 42704 tenant; F0000 no key to seal with.';
