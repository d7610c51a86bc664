-- What is to be said of code that the worker runs for others: plan functions, and triggers that are not ours.

CREATE OR REPLACE FUNCTION provision.find_planner()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'planner', 'warning', 'plan role may do too much', 'Plan functions run as role "provision_planner". ' || surplus.detail, surplus.fix
      FROM (SELECT found.detail, found.fix FROM provision.planner_attributes() AS found
            UNION ALL
            SELECT format('It has the right %s on %s %s.', granted.privilege, lower(granted.kind), granted.object), 'SELECT provision.prepare_planner();'
              FROM provision.planner_grants() AS granted
             WHERE NOT granted.is_meant
            UNION ALL
            SELECT format('It owns %s.', pg_describe_object(owned.classid, owned.objid, 0)), 'REASSIGN OWNED BY provision_planner TO CURRENT_USER;'
              FROM pg_shdepend AS owned
              JOIN pg_database ON pg_database.oid = owned.dbid AND pg_database.datname = current_database()
             WHERE owned.refclassid = 'pg_authid'::regclass
               AND owned.deptype = 'o'
               AND pg_get_userbyid(owned.refobjid) = 'provision_planner'
             LIMIT 20) AS surplus;
END;
COMMENT ON FUNCTION provision.find_planner() IS 'The role of plan functions is or has more than it should.';

-- Those that are there: what is missing is found by find_plan_functions().
CREATE OR REPLACE FUNCTION provision.find_planner_rights()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH named AS (
        SELECT workflow.name AS workflow, pg_proc.oid, pg_proc.pronamespace, pg_proc.provolatile, named.plan_function
          FROM provision.workflow
          JOIN provision.step ON step.workflow_id = workflow.workflow_id
         CROSS JOIN LATERAL unnest(ARRAY[step.plan_function, step.undo_function]) AS named (plan_function)
          JOIN pg_proc ON pg_proc.oid = to_regprocedure(named.plan_function || '(jsonb)')
         WHERE workflow.is_current
    ), lacking AS (
        SELECT named.workflow, lack.detail, lack.fix
          FROM named
          JOIN pg_roles AS planner ON planner.rolname = 'provision_planner'
         CROSS JOIN LATERAL (
               SELECT format('Role "provision_planner" may not use schema "%s", where plan function %s is.', named.pronamespace::regnamespace, named.plan_function),
                      format('GRANT USAGE ON SCHEMA %s TO provision_planner;', named.pronamespace::regnamespace)
                WHERE NOT has_schema_privilege(planner.oid, named.pronamespace, 'USAGE')
                  AND named.pronamespace <> 'provision'::regnamespace      -- find_worker() has it: then nothing runs
               UNION ALL
               SELECT format('Role "provision_planner" may not execute plan function %s.', named.plan_function),
                      CASE WHEN named.pronamespace = 'provision'::regnamespace AND split_part(named.plan_function, '.', 2) = ANY (provision.planner_functions())
                           THEN 'SELECT provision.prepare_planner();'
                           ELSE format('GRANT EXECUTE ON FUNCTION %s TO provision_planner;', named.oid::regprocedure) END
                WHERE NOT has_function_privilege(planner.oid, named.oid, 'EXECUTE')
               UNION ALL
               SELECT format('Plan function %s is VOLATILE; only functions that read are called.', named.plan_function), format('ALTER FUNCTION %s STABLE;', named.oid::regprocedure)
                WHERE named.provolatile = 'v'
                  AND named.pronamespace <> 'provision'::regnamespace) AS lack (detail, fix)
    )
    SELECT 'planner rights', 'warning', 'plan function cannot run',
           format('Steps of workflow "%s" fail with PLAN_FAILED. %s', min(lacking.workflow), lacking.detail), lacking.fix
      FROM lacking
     GROUP BY lacking.detail, lacking.fix
     ORDER BY lacking.fix
     LIMIT 20;
END;
COMMENT ON FUNCTION provision.find_planner_rights() IS 'Plan and undo functions of current workflows that their role may not call.';

-- A trigger runs with the rights of whoever writes the row, which is the worker most of the time.
CREATE OR REPLACE FUNCTION provision.find_foreign_code()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    (SELECT 'foreign code', 'warning', 'trigger runs in the worker',
            format('Trigger "%s" on table %s is not ours. Its function %s runs with the rights of the worker, a superuser.', pg_trigger.tgname, pg_trigger.tgrelid::regclass, pg_trigger.tgfoid::regprocedure),
            format('DROP TRIGGER %I ON %s;', pg_trigger.tgname, pg_trigger.tgrelid::regclass)
       FROM pg_trigger
       JOIN pg_class ON pg_class.oid = pg_trigger.tgrelid
      WHERE pg_class.relnamespace = 'provision'::regnamespace
        AND NOT pg_trigger.tgisinternal
        AND NOT EXISTS (SELECT FROM pg_depend WHERE pg_depend.classid = 'pg_proc'::regclass AND pg_depend.objid = pg_trigger.tgfoid AND pg_depend.deptype = 'e'
                                                AND pg_depend.refobjid = (SELECT pg_extension.oid FROM pg_extension WHERE pg_extension.extname = 'provision'))
      ORDER BY pg_trigger.tgname
      LIMIT 20)
    UNION ALL
    (SELECT 'foreign code', 'warning', 'somebody may run code in the worker',
            format('Role "%s" may create triggers on table %s. Their functions would run with the rights of the worker, a superuser.', coalesce(pg_roles.rolname, 'PUBLIC'), pg_class.oid::regclass),
            format('REVOKE TRIGGER ON %s FROM %s;', pg_class.oid::regclass, coalesce(quote_ident(pg_roles.rolname), 'PUBLIC'))
       FROM pg_class
      CROSS JOIN LATERAL aclexplode(pg_class.relacl) AS acl
       LEFT JOIN pg_roles ON pg_roles.oid = acl.grantee
      WHERE pg_class.relnamespace = 'provision'::regnamespace
        AND pg_class.relkind IN ('r', 'p')
        AND acl.privilege_type = 'TRIGGER'
        AND acl.grantee <> pg_class.relowner
        AND NOT coalesce(pg_roles.rolsuper, false)
      ORDER BY pg_class.oid::regclass::text
      LIMIT 20);
END;
COMMENT ON FUNCTION provision.find_foreign_code() IS 'Triggers on our tables that somebody made or may make.';
