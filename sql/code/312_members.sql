-- Who belongs to which tenant. Platform administrators manage all members, an owner of a tenant those of that tenant.

CREATE OR REPLACE FUNCTION provision.refuse_invalid_member(member name, role text)
    RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(octet_length(refuse_invalid_member.member) NOT BETWEEN 1 AND 59, true) THEN
        RAISE EXCEPTION 'name of member is not valid'
            USING ERRCODE = 'invalid_name', HINT = 'It is a role of PostgreSQL or a user of an application, in 1 to 59 bytes: the end of a longer name may have been cut.';
    ELSIF coalesce(refuse_invalid_member.role NOT IN ('owner', 'admin', 'member'), true) THEN
        RAISE EXCEPTION 'role of member is not valid'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Roles are owner, admin and member.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_member(name, text) IS 'Errors 42602 and 22023 for what cannot be a member or its role.';

-- Its row is locked, so that two owners cannot remove each other at the same time.
CREATE OR REPLACE FUNCTION provision.open_members(tenant text)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_tenant provision.tenant;
BEGIN
    IF open_members.tenant = '*' THEN
        PERFORM provision.require_platform(to_act => true);
        RETURN NULL;
    END IF;
    found_tenant := provision.lock_tenant(open_members.tenant);
    IF NOT provision.is_administrator() AND found_tenant.tenant_id <> ALL (provision.tenants_as('{owner}')) THEN
        PERFORM provision.refuse_powerless(open_members.tenant, 'owner');
    END IF;
    RETURN found_tenant.tenant_id;
END;
$$;
COMMENT ON FUNCTION provision.open_members(text) IS 'The door to the members of a tenant, locked: its id, null for every tenant (*). Error 42501 for whoever is not an owner of it or a platform administrator.';

-- Whoever removes or lowers the last owner could lock the others out.
CREATE OR REPLACE FUNCTION provision.refuse_losing_last_owner(tenant_id bigint, member name)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT provision.is_administrator()
       AND NOT EXISTS (SELECT FROM provision.member AS other
                        WHERE other.tenant_id = refuse_losing_last_owner.tenant_id
                          AND other.role = 'owner'
                          AND other.member <> refuse_losing_last_owner.member) THEN
        RAISE EXCEPTION '"%" is the last owner', refuse_losing_last_owner.member
            USING ERRCODE = 'PV001', HINT = 'Make another member owner first, or ask a platform administrator.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_losing_last_owner(bigint, name) IS 'Error PV001 when the tenant has no other owner, unless a platform administrator wants it so.';

CREATE OR REPLACE FUNCTION @extschema@.provision_member_add(tenant text, member name, role text DEFAULT 'member')
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chosen_tenant constant bigint := provision.open_members(provision_member_add.tenant);
    old_role text;
BEGIN
    PERFORM provision.refuse_invalid_member(provision_member_add.member, provision_member_add.role);
    SELECT kept.role INTO old_role
      FROM provision.member AS kept
     WHERE kept.tenant_id IS NOT DISTINCT FROM chosen_tenant
       AND kept.member = provision_member_add.member
       FOR UPDATE;
    IF old_role = provision_member_add.role THEN
        RETURN;
    ELSIF old_role = 'owner' THEN
        PERFORM provision.refuse_losing_last_owner(chosen_tenant, provision_member_add.member);
    END IF;
    INSERT INTO provision.member AS kept (tenant_id, member, role)
    VALUES (chosen_tenant, provision_member_add.member, provision_member_add.role)
    ON CONFLICT ON CONSTRAINT one_role_for_each_tenant DO UPDATE
       SET role = excluded.role, added_at = excluded.added_at, added_by = excluded.added_by;
    PERFORM provision.log_tenant_event(nullif(provision_member_add.tenant, '*'), 'member_added', old_role, provision_member_add.role,
                jsonb_build_object('member', provision_member_add.member));
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_member_add(text, name, text) IS
    'Gives a role of PostgreSQL, or a user of an application, a role for a tenant: owner, admin or member; a member gets the new one instead of its old one. Tenant * is every tenant: owner or admin of it is a platform administrator, member sees everything. Errors: 42501 neither an owner of the tenant nor a platform administrator, 42602 name, 22023 role, PV001 last owner, 42704 tenant (for platform members).';

CREATE OR REPLACE FUNCTION @extschema@.provision_member_remove(tenant text, member name)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chosen_tenant constant bigint := provision.open_members(provision_member_remove.tenant);
    old_role text;
BEGIN
    DELETE FROM provision.member AS removed
     WHERE removed.tenant_id IS NOT DISTINCT FROM chosen_tenant
       AND removed.member = provision_member_remove.member
    RETURNING removed.role INTO old_role;
    IF old_role IS NULL THEN
        RAISE EXCEPTION '"%" is no member of tenant "%"', provision_member_remove.member, provision_member_remove.tenant
            USING ERRCODE = 'undefined_object', HINT = 'The view provision.tenant_member lists the members.';
    ELSIF old_role = 'owner' THEN
        PERFORM provision.refuse_losing_last_owner(chosen_tenant, provision_member_remove.member) WHERE chosen_tenant IS NOT NULL;
    END IF;
    PERFORM provision.log_tenant_event(nullif(provision_member_remove.tenant, '*'), 'member_removed', old_role, NULL,
                jsonb_build_object('member', provision_member_remove.member));
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_member_remove(text, name) IS
    'Takes a member''s role for a tenant (* is every tenant) away; roles it has for others stay. Errors: 42501 neither an owner of the tenant nor a platform administrator, 42704 no such member, or (for platform members) tenant, PV001 last owner: only a platform administrator removes it.';

CREATE OR REPLACE VIEW provision.tenant_member WITH (security_barrier) AS
    SELECT coalesce(tenant.name, '*') AS tenant,
           member.member,
           member.role,
           member.added_at,
           member.added_by
      FROM provision.member
      LEFT JOIN provision.tenant ON tenant.tenant_id = member.tenant_id
     WHERE (SELECT provision.sees_everything()) OR member.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]);
COMMENT ON VIEW provision.tenant_member IS 'Who may do what? One row for each member of each tenant; tenant * is every tenant.';
COMMENT ON COLUMN provision.tenant_member.member IS 'A role of PostgreSQL, with all that have its rights, or a user of an application.';
COMMENT ON COLUMN provision.tenant_member.role IS 'owner: also manages members; admin: acts on jobs; member: looks.';
