-- What a job about a site needs before it is put in the queue: an agent, the site's name, the password of its administrator.

CREATE OR REPLACE FUNCTION provision.site_name(tenant provision.tenant, engine provision.engine)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN coalesce(tenant.settings ->> 'site', lower(tenant.name) || '.' || engine.domain);
COMMENT ON FUNCTION provision.site_name(provision.tenant, provision.engine) IS 'The site of a tenant''s config, or the one that it would get under the domain of the engine.';

CREATE OR REPLACE FUNCTION provision.is_being_deleted(tenant_id bigint)
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT
                     FROM provision.job
                     JOIN provision.workflow ON workflow.workflow_id = job.workflow_id AND workflow.deletes
                    WHERE job.tenant_id = is_being_deleted.tenant_id
                      AND job.state IN ('pending', 'scheduled', 'running', 'paused'));
END;
COMMENT ON FUNCTION provision.is_being_deleted(bigint) IS 'A job that deletes the tenant''s site is active.';

CREATE OR REPLACE FUNCTION provision.refuse_site_job(tenant provision.tenant, engine provision.engine, chosen provision.workflow)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    site constant text := provision.site_name(tenant, engine);
    problem constant text := CASE WHEN chosen.activates THEN provision.new_site_problem(site, engine.domain) END;
BEGIN
    IF provision.place_of(engine) <> 'site_maker' THEN
        RAISE EXCEPTION 'workflow "%" cannot be started for tenant "%": its engine has no agent', chosen.name, tenant.name
            USING ERRCODE = 'PV003',
                  HINT = format('Name the engine of kind frappe_agent or frappe_cloud that makes its sites: provision_engine_update(%L, ''{"agent": "..."}'').', engine.name);
    ELSIF tenant.settings ->> 'site' IS NULL AND NOT chosen.activates AND tenant.lifecycle = 'active' THEN      -- it is set up on the site of its engine
        RAISE EXCEPTION 'workflow "%" cannot be started for tenant "%": it has no site of its own', chosen.name, tenant.name
            USING ERRCODE = 'PV003', HINT = 'provision_create_site() makes one; where it has one already, name it: provision_tenant_update(tenant, ''{"site": "..."}'').';
    ELSIF problem IS NOT NULL THEN
        RAISE EXCEPTION 'workflow "%" cannot be started for tenant "%": no site can be named "%"', chosen.name, tenant.name, left(site, 100)
            USING ERRCODE = 'PV003', DETAIL = format('site: %s: Sites are made under "%s".', problem, engine.domain),
                  HINT = 'Choose 5 to 32 lower-case letters, digits and hyphens before the domain, and no word of the operator''s: provision_tenant_update(tenant, ''{"site": "..."}'').';
    ELSIF NOT chosen.deletes AND provision.is_being_deleted(tenant.tenant_id) THEN
        RAISE EXCEPTION 'workflow "%" cannot be started for tenant "%": it is being deleted', chosen.name, tenant.name
            USING ERRCODE = 'PV001', HINT = 'Let its job delete_site end first.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_site_job(provision.tenant, provision.engine, provision.workflow) IS 'Error PV003 for a tenant whose site cannot be made, PV001 while it is deleted.';

CREATE OR REPLACE FUNCTION provision.refuse_site_options(tenant provision.tenant, engine provision.engine, options jsonb)
    RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF engine.kind = 'frappe_cloud' AND options ? 'keep' THEN
        RAISE EXCEPTION 'option "keep" cannot be used for tenant "%"', tenant.name
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Frappe Cloud decides itself how long it keeps the backups of a site. Leave the option out.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_site_options(provision.tenant, provision.engine, jsonb) IS 'Error 22023 for an option that whoever makes the tenant''s site cannot heed.';

-- The password is made and sealed before anything is asked for with it, so that every repetition names the same one.
CREATE OR REPLACE FUNCTION provision.make_admin_password(tenant_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM provision.secret WHERE secret.tenant_id = make_admin_password.tenant_id AND secret.name = 'admin_password') THEN
        PERFORM provision.keep_secret(NULL, make_admin_password.tenant_id, 'admin_password',
                    provision.seal_password(provision.secret_identity(NULL, make_admin_password.tenant_id, 'admin_password'), provision.may_make_key()));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.make_admin_password(bigint) IS 'The tenant has a password for the administrator of its site. The caller holds its row.';

CREATE OR REPLACE FUNCTION provision.move_lifecycle(tenant provision.tenant, becomes text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.tenant AS kept
       SET lifecycle = becomes,
           lifecycle_before = CASE becomes WHEN 'deleting' THEN tenant.lifecycle END,
           updated_at = clock_timestamp()
     WHERE kept.tenant_id = tenant.tenant_id;
    PERFORM provision.log_tenant_event(tenant.name, 'tenant_' || becomes, tenant.lifecycle, becomes);
END;
$$;
COMMENT ON FUNCTION provision.move_lifecycle(provision.tenant, text) IS 'Writes a tenant''s lifecycle and the event. The caller holds its row.';

-- Of a workflow that does more than to make the site: where there is nobody to make one, a site that the config names is taken to be there.
CREATE OR REPLACE FUNCTION provision.is_site_given(tenant provision.tenant, engine provision.engine, chosen provision.workflow)
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT engine.kind = 'erpnext'
           AND tenant.settings ->> 'site' IS NOT NULL
           AND EXISTS (SELECT FROM provision.step WHERE step.workflow_id = chosen.workflow_id AND step.works_at = 'home');
END;
COMMENT ON FUNCTION provision.is_site_given(provision.tenant, provision.engine, provision.workflow) IS 'The tenant''s site is there, and the workflow does without an agent.';

-- Kept as a fact, so that conditions of steps can ask for it.
CREATE OR REPLACE FUNCTION provision.note_given_site(tenant provision.tenant, is_given boolean)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.tenant AS kept
       SET metadata = kept.metadata - 'given_site' || CASE WHEN is_given THEN jsonb_build_object('given_site', kept.settings ->> 'site') ELSE '{}' END
     WHERE kept.tenant_id = tenant.tenant_id
       AND is_given IS DISTINCT FROM (kept.metadata ->> 'given_site' = kept.settings ->> 'site');
END;
$$;
COMMENT ON FUNCTION provision.note_given_site(provision.tenant, boolean) IS 'Notes whether the site was there before us. The caller holds the row of the tenant.';

CREATE OR REPLACE FUNCTION provision.prepare_site_jobs(tenants text[], chosen provision.workflow, options jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant provision.tenant;
    engine provision.engine;
BEGIN
    FOR tenant IN SELECT * FROM provision.tenant AS named WHERE named.name = ANY (tenants) ORDER BY named.tenant_id FOR NO KEY UPDATE LOOP
        SELECT * INTO engine FROM provision.engine AS home WHERE home.engine_id = provision.engine_for(tenant.engine_id, chosen.works_at);
        PERFORM provision.note_given_site(tenant, provision.is_site_given(tenant, engine, chosen));
        CONTINUE WHEN provision.is_site_given(tenant, engine, chosen);
        PERFORM provision.refuse_site_job(tenant, engine, chosen);
        PERFORM provision.refuse_site_options(tenant, engine, options);
        IF tenant.settings ->> 'site' IS NULL THEN      -- from now on everything agrees where the tenant lives
            UPDATE provision.tenant AS kept
               SET config = kept.config || jsonb_build_object('site', provision.site_name(tenant, engine)),
                   settings = kept.settings || jsonb_build_object('site', provision.site_name(tenant, engine)),
                   company_claim = NULL,
                   abbr_claim = NULL
             WHERE kept.tenant_id = tenant.tenant_id;
            PERFORM provision.log_tenant_event(tenant.name, 'tenant_updated', NULL, NULL, '{"keys": ["site"]}');
        END IF;
        IF chosen.activates THEN
            PERFORM provision.make_admin_password(tenant.tenant_id) WHERE engine.kind = 'frappe_agent';     -- Frappe Cloud makes its own
            PERFORM provision.move_lifecycle(tenant, 'provisioning') WHERE tenant.lifecycle IN ('pending', 'deleting', 'deleted');
        ELSIF chosen.deletes THEN
            PERFORM provision.move_lifecycle(tenant, 'deleting') WHERE tenant.lifecycle NOT IN ('deleting', 'deleted');
        END IF;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.prepare_site_jobs(text[], provision.workflow, jsonb)
    IS 'Checks and completes what jobs about sites need: the name of the site, which becomes part of the config, and a password. Errors: as refuse_site_job(); 22023 options; F0000 no key to seal with.';

-- All that bodies of calls to an engine may name; the tenant's own come first.
CREATE OR REPLACE FUNCTION provision.body_secrets(engine_id bigint, tenant_id bigint, OUT names text[], OUT sealed bytea[], OUT identities text[])
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT array_agg(secret.name ORDER BY place.of_engine), array_agg(secret.sealed ORDER BY place.of_engine), array_agg(secret.identity ORDER BY place.of_engine)
      INTO names, sealed, identities
      FROM provision.secret
     CROSS JOIN LATERAL (SELECT secret.tenant_id IS NULL AS of_engine) AS place
     WHERE (secret.engine_id = body_secrets.engine_id OR secret.tenant_id = body_secrets.tenant_id)
       AND (secret.name IN ('mariadb_root_password', 'admin_password') OR starts_with(secret.name, 'signal_'));
END;
$$;
COMMENT ON FUNCTION provision.body_secrets(bigint, bigint) IS 'The sealed secrets that the worker may put into bodies, for an engine and a tenant.';
