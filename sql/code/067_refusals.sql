-- The doors through which every public function goes before it does anything. What another one's tenant is called, or whether there is a
-- job of this number, nobody learns from a refusal: who may not see it is told the same as if it were not there.

CREATE OR REPLACE FUNCTION provision.refuse_missing_tenants(tenants text[])
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing text[] := ARRAY(SELECT DISTINCT coalesce(left(given.name, 100), '(null)')
                              FROM unnest(tenants) AS given (name)
                             WHERE NOT EXISTS (SELECT FROM provision.tenant WHERE tenant.name = given.name)
                             ORDER BY 1);
BEGIN
    IF missing <> '{}' THEN
        RAISE EXCEPTION 'tenant "%" does not exist', missing[1]
            USING ERRCODE = 'undefined_object',
                  DETAIL = format('Tenants that do not exist: %s.', array_to_string(missing[1:20], ', ')),
                  HINT = 'Create it with provision_tenant_create(tenant, engine, config).';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_missing_tenants(text[]) IS 'Error 42704 naming every tenant that does not exist.';

-- The names are compared with what may be seen, never looked up: so it takes as long for a tenant of others as for none.
CREATE OR REPLACE FUNCTION provision.refuse_unseen_tenants(tenants text[])
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    seen constant text[] := ARRAY(SELECT tenant.name FROM provision.tenant WHERE tenant.tenant_id = ANY (provision.visible_tenants()));
    unseen constant text[] := ARRAY(SELECT DISTINCT coalesce(left(given.name, 100), '(null)')
                                      FROM unnest(tenants) AS given (name)
                                     WHERE given.name IS NULL OR given.name <> ALL (seen)
                                     ORDER BY 1);
BEGIN
    IF unseen <> '{}' THEN
        RAISE EXCEPTION 'tenant "%" does not exist, or you are no member of it', unseen[1]
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('%s This is so for: %s.', provision.actor_in_words(), array_to_string(unseen[1:20], ', ')),
                  HINT = 'An owner of the tenant or a platform administrator can add a member with provision_member_add().';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_unseen_tenants(text[]) IS 'Error 42501, the same for tenants that do not exist and for those who acts is no member of.';

CREATE OR REPLACE FUNCTION provision.refuse_powerless(tenant text, needed text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'permission denied for tenant "%"', refuse_powerless.tenant
        USING ERRCODE = 'insufficient_privilege',
              DETAIL = format('%s It is not %s of the tenant.', provision.actor_in_words(), refuse_powerless.needed),
              HINT = 'An owner of the tenant or a platform administrator can give it that role with provision_member_add().';
END;
$$;
COMMENT ON FUNCTION provision.refuse_powerless(text, text) IS 'Error 42501 for a tenant that who acts may look at.';

CREATE OR REPLACE FUNCTION provision.require_tenants(tenants text[], to_act boolean)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    platform_role constant text := CASE WHEN provision.acts_as_owner() THEN 'owner' ELSE provision.platform_role() END;
    tenant_out_of_reach text;
BEGIN
    IF platform_role IS NULL THEN
        PERFORM provision.refuse_unseen_tenants(tenants);
    END IF;
    PERFORM provision.refuse_missing_tenants(tenants);
    IF require_tenants.to_act AND coalesce(platform_role NOT IN ('owner', 'admin'), true) THEN
        SELECT min(tenant.name) INTO tenant_out_of_reach
          FROM provision.tenant
         WHERE tenant.name = ANY (tenants)
           AND tenant.tenant_id <> ALL (provision.tenants_as('{owner,admin}'));
        PERFORM provision.refuse_powerless(tenant_out_of_reach, 'owner or admin') WHERE tenant_out_of_reach IS NOT NULL;
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.require_tenants(text[], boolean) IS 'The door to tenants: who acts may look at all of them, or act on all of them. Errors: 42501; 42704 for platform members.';

CREATE OR REPLACE FUNCTION provision.refuse_missing_job(job_id bigint)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM provision.job WHERE job.job_id = refuse_missing_job.job_id) THEN
        RAISE EXCEPTION 'job % does not exist', refuse_missing_job.job_id
            USING ERRCODE = 'undefined_object', HINT = 'provision_jobs() lists the jobs.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_missing_job(bigint) IS 'Error 42704 when there is no such job.';

CREATE OR REPLACE FUNCTION provision.require_job(job_id bigint, to_act boolean)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    platform_role constant text := CASE WHEN provision.acts_as_owner() THEN 'owner' ELSE provision.platform_role() END;
    owner record;
BEGIN
    IF platform_role IN ('owner', 'admin') OR platform_role = 'member' AND NOT require_job.to_act THEN
        PERFORM provision.refuse_missing_job(require_job.job_id);
        RETURN;
    END IF;
    SELECT tenant.tenant_id, tenant.name INTO owner
      FROM provision.job
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
     WHERE job.job_id = require_job.job_id
       AND (platform_role IS NOT NULL OR job.tenant_id = ANY (provision.visible_tenants()));
    IF owner.name IS NULL AND platform_role IS NOT NULL THEN
        PERFORM provision.refuse_missing_job(require_job.job_id);
    ELSIF owner.name IS NULL THEN
        RAISE EXCEPTION 'job % does not exist, or you are no member of its tenant', require_job.job_id
            USING ERRCODE = 'insufficient_privilege', DETAIL = provision.actor_in_words(), HINT = 'provision_jobs() lists the jobs that you may see.';
    ELSIF require_job.to_act AND owner.tenant_id <> ALL (provision.tenants_as('{owner,admin}')) THEN
        PERFORM provision.refuse_powerless(owner.name, 'owner or admin');
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.require_job(bigint, boolean) IS 'The door to a job: who acts may look at its tenant, or act on it. Errors: 42501; 42704 for platform members.';

CREATE OR REPLACE FUNCTION provision.require_platform(to_act boolean)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF provision.is_administrator() OR NOT to_act AND provision.sees_everything() THEN
        RETURN;
    END IF;
    RAISE EXCEPTION 'permission denied: only a platform % may do this', CASE WHEN to_act THEN 'administrator' ELSE 'member' END
        USING ERRCODE = 'insufficient_privilege',
              DETAIL = provision.actor_in_words(),
              HINT = format('A platform administrator can add one with provision_member_add(''*'', ..., ''%s'').', CASE WHEN to_act THEN 'admin' ELSE 'member' END);
END;
$$;
COMMENT ON FUNCTION provision.require_platform(boolean) IS 'The door to what belongs to no tenant: error 42501 for whoever is no platform administrator, or, to look, no platform member.';
