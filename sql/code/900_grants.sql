-- Nobody but the owner may do or see anything until it is granted; doc/security.md tells how. Grants to roles survive upgrades.

REVOKE ALL ON SCHEMA provision FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA provision FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA provision FROM PUBLIC;

-- Views and policies call them with the rights of whoever looks. They tell what everybody may know, and everybody only about itself.
GRANT EXECUTE ON FUNCTION provision.is_alive(bigint, integer), provision.sees_everything(), provision.visible_tenants(), provision.visible_jobs() TO PUBLIC;

-- The views on jobs call it with those rights, too. It tells how much waits before a place in a line, and nothing of whom.
GRANT EXECUTE ON FUNCTION provision.work_before(bigint, double precision, bigint, integer) TO PUBLIC;

DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN
        SELECT member.objid
          FROM pg_catalog.pg_depend AS member
          JOIN pg_catalog.pg_extension ON pg_extension.oid = member.refobjid
          JOIN pg_catalog.pg_proc ON pg_proc.oid = member.objid
         WHERE member.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
           AND member.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND member.deptype = 'e'
           AND pg_extension.extname = 'provision'
           AND pg_proc.proname LIKE 'provision\_%'
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', routine);
    END LOOP;
END;
$$;
