-- Who may do what. EXECUTE and SELECT say which functions and views a role may use at all; this says for which tenants.
-- owner and admin act, member looks; of every tenant (tenant_id is null) they do so on the whole platform.

CREATE OR REPLACE FUNCTION provision.acts_as_owner()
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT provision.actor_user() IS NULL AND provision.actor_owns();
END;
COMMENT ON FUNCTION provision.acts_as_owner() IS 'The role of the session acts for itself and has the rights of the extension''s owner: it may do everything, without a look at any table.';

CREATE OR REPLACE FUNCTION provision.role_of_every_tenant(names name[])
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT membership.role
              FROM provision.member AS membership
             WHERE membership.member = ANY (role_of_every_tenant.names)
               AND membership.tenant_id IS NULL
             ORDER BY array_position('{owner,admin,member}', membership.role)
             LIMIT 1);
END;
$$;
COMMENT ON FUNCTION provision.role_of_every_tenant(name[]) IS 'The highest role that one of these names has for every tenant; null: none.';

-- Who acts for others must not gain for them what it does not have itself.
CREATE OR REPLACE FUNCTION provision.platform_role()
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own_role constant text := CASE WHEN provision.actor_owns() THEN 'owner' ELSE provision.role_of_every_tenant(provision.actor_roles()) END;
BEGIN
    IF provision.actor_user() IS NULL THEN
        RETURN own_role;
    ELSIF own_role IN ('owner', 'admin') THEN
        RETURN provision.role_of_every_tenant(provision.actor_names());
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.platform_role() IS 'What who acts is to every tenant: owner, admin, member (which looks) or null. Of a user who is acted for it counts only where the connecting role is a platform administrator itself.';

CREATE OR REPLACE FUNCTION provision.is_administrator()
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT provision.acts_as_owner() OR coalesce(provision.platform_role() IN ('owner', 'admin'), false);
END;
COMMENT ON FUNCTION provision.is_administrator() IS 'Who acts is a platform administrator.';

CREATE OR REPLACE FUNCTION provision.tenants_as(roles text[])
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT membership.tenant_id
                   FROM provision.member AS membership
                  WHERE membership.member = ANY (provision.actor_names())
                    AND membership.role = ANY (tenants_as.roles)
                    AND membership.tenant_id IS NOT NULL);
END;
$$;
COMMENT ON FUNCTION provision.tenants_as(text[]) IS 'Tenants to which who acts has one of these roles, memberships for every tenant left aside.';

-- Asked by views and policies with the rights of whoever looks, once for each statement. They tell everybody only about itself.
CREATE OR REPLACE FUNCTION provision.sees_everything()
    RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN provision.acts_as_owner() OR provision.platform_role() IS NOT NULL;
END;
$$;
COMMENT ON FUNCTION provision.sees_everything() IS 'Who acts may look at every tenant and at the platform itself.';

CREATE OR REPLACE FUNCTION provision.visible_tenants()
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN provision.tenants_as('{owner,admin,member}');
END;
$$;
COMMENT ON FUNCTION provision.visible_tenants() IS 'Tenants that who acts is a member of; whoever sees everything sees the others too.';

CREATE OR REPLACE FUNCTION provision.acts_on_everything()
    RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN provision.is_administrator();
END;
$$;
COMMENT ON FUNCTION provision.acts_on_everything() IS 'Who acts is a platform administrator, asked by a view.';

CREATE OR REPLACE FUNCTION provision.acted_on_tenants()
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN provision.tenants_as('{owner,admin}');
END;
$$;
COMMENT ON FUNCTION provision.acted_on_tenants() IS 'Tenants that who acts is owner or admin of.';

CREATE OR REPLACE FUNCTION provision.visible_jobs()
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT job.job_id FROM provision.job WHERE job.tenant_id = ANY (provision.visible_tenants()));
END;
$$;
COMMENT ON FUNCTION provision.visible_jobs() IS 'Jobs of visible_tenants().';

-- Every view that shows rows of tenants has this condition itself and is a barrier as a whole: joined with this one it could not look a
-- tenant up, and a condition below a barrier is all that keeps one of the reader's from being asked first.
CREATE OR REPLACE VIEW provision.visible_tenant WITH (security_barrier) AS
    SELECT tenant.tenant_id, tenant.name, tenant.engine_id, tenant.plan, tenant.lifecycle, tenant.created_at, tenant.updated_at
      FROM provision.tenant
     WHERE (SELECT provision.sees_everything())
        OR tenant.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]);
COMMENT ON VIEW provision.visible_tenant IS 'The tenants that who acts may look at: what a view of your own can join, in place of provision.tenant.';
