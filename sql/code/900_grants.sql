-- Nobody but the owner may do or see anything until it is granted; doc/security.md tells how. Grants to roles survive upgrades.

REVOKE ALL ON SCHEMA provision FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA provision FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA provision FROM PUBLIC;

-- Views and policies call them with the rights of whoever looks. They tell what everybody may know, and everybody only about itself.
GRANT EXECUTE ON FUNCTION provision.is_alive(bigint, integer), provision.sees_everything(), provision.visible_tenants(), provision.visible_jobs(),
                          provision.acts_on_everything(), provision.acted_on_tenants() TO PUBLIC;

-- The views on jobs call it with those rights, too. It tells how much waits before a job that one may look at.
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

-- ALTER DEFAULT PRIVILEGES gives roles rights on new objects, which is meant for tables of an application: ours would be open to them, those that
-- hold code and secrets, too. What is there at an upgrade was granted on purpose.
DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT object.kind, object.name, acl.grantee::pg_catalog.regrole AS grantee
          FROM (SELECT CASE pg_class.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, pg_class.oid::pg_catalog.regclass::text, pg_class.relacl, pg_class.relowner
                  FROM pg_catalog.pg_class
                 WHERE pg_class.relnamespace = 'provision'::pg_catalog.regnamespace
                UNION ALL
                SELECT 'ROUTINE', pg_proc.oid::pg_catalog.regprocedure::text, pg_proc.proacl, pg_proc.proowner
                  FROM pg_catalog.pg_proc
                 WHERE pg_proc.pronamespace = 'provision'::pg_catalog.regnamespace
                    OR pg_proc.proname LIKE 'provision\_%'
                       AND EXISTS (SELECT FROM pg_catalog.pg_depend
                                     JOIN pg_catalog.pg_extension ON pg_extension.oid = pg_depend.refobjid AND pg_extension.extname = 'provision'
                                    WHERE pg_depend.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                                      AND pg_depend.objid = pg_proc.oid
                                      AND pg_depend.deptype = 'e')
                UNION ALL
                SELECT 'SCHEMA', pg_namespace.nspname, pg_namespace.nspacl, pg_namespace.nspowner FROM pg_catalog.pg_namespace WHERE pg_namespace.nspname = 'provision'
               ) AS object (kind, name, privileges, owner)
         CROSS JOIN LATERAL (SELECT DISTINCT grantee FROM pg_catalog.aclexplode(object.privileges)) AS acl
         WHERE acl.grantee NOT IN (0, object.owner)
           AND NOT EXISTS (SELECT FROM provision.control)
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', given.kind, given.name, given.grantee);
    END LOOP;
END;
$$;
