-- The doctor sees a role of plan functions that is missing, may do too much, or may not do what a workflow needs; the fix it names ends it.
BEGIN;
SELECT plan(24);
CREATE TEMPORARY TABLE healthy AS SELECT * FROM provision_doctor();
SELECT is_empty('SELECT * FROM provision.planner_problem()', 'the role can run plans');
SELECT is_empty($$ SELECT * FROM healthy WHERE finding LIKE '%plan%' OR finding LIKE '%in the worker' $$, 'an installation is healthy');

-- Two tests: what is found after the injection, and that the fix ends it.
CREATE FUNCTION pg_temp.finds(injection text, expected text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    found text;
    fixed bigint;
    fix text;
BEGIN
    BEGIN
        EXECUTE injection;
        SELECT string_agg(concat_ws(' | ', doctor.severity, doctor.finding, doctor.fix), ' & ') INTO found
          FROM (SELECT * FROM provision_doctor() EXCEPT SELECT * FROM healthy) AS doctor;
        FOR fix IN SELECT doctor.fix FROM provision_doctor() AS doctor EXCEPT SELECT healthy.fix FROM healthy LOOP
            EXECUTE fix;
        END LOOP;
        SELECT count(*) INTO fixed FROM (SELECT * FROM provision_doctor() EXCEPT SELECT * FROM healthy) AS doctor;
        RAISE EXCEPTION 'take it back' USING ERRCODE = 'P0123';
    EXCEPTION WHEN SQLSTATE 'P0123' THEN NULL;
    END;
    RETURN NEXT is(found, expected, expected);
    RETURN NEXT is(fixed, 0::bigint, 'the fix ends it');
END;
$$;
CREATE ROLE provision_test_other;
CREATE SCHEMA other;
CREATE FUNCTION other.plan(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS 'SELECT (NULL::provision.call).* LIMIT 0';
INSERT INTO provision.workflow (name) VALUES ('own');

SELECT pg_temp.finds('ALTER ROLE provision_planner RENAME TO provision_test_renamed', 'critical | no role to plan as | SELECT provision.prepare_planner();');
SELECT pg_temp.finds('REVOKE USAGE ON SCHEMA provision FROM provision_planner', 'critical | no role to plan as | SELECT provision.prepare_planner();');
SELECT pg_temp.finds('ALTER ROLE provision_planner LOGIN', 'warning | plan role may do too much | ALTER ROLE provision_planner NOLOGIN;');
SELECT pg_temp.finds('GRANT pg_read_all_data TO provision_planner', 'warning | plan role may do too much | REVOKE pg_read_all_data FROM provision_planner;');
SELECT pg_temp.finds('GRANT SELECT ON provision.secret TO provision_planner', 'warning | plan role may do too much | SELECT provision.prepare_planner();');
SELECT pg_temp.finds('GRANT SELECT (name) ON provision.tenant TO provision_planner', 'warning | plan role may do too much | SELECT provision.prepare_planner();');
SELECT pg_temp.finds('GRANT EXECUTE ON FUNCTION provision.settle_here() TO provision_planner', 'warning | plan role may do too much | SELECT provision.prepare_planner();');
SELECT pg_temp.finds('REVOKE EXECUTE ON FUNCTION provision.plan_company(jsonb) FROM provision_planner', 'warning | plan function cannot run | SELECT provision.prepare_planner();');
SELECT pg_temp.finds($$ INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, undo_function)
        SELECT workflow_id, 0, 'first', 'provision.plan_settings', 'other.plan' FROM provision.workflow WHERE name = 'own' $$,
    'warning | plan function cannot run | GRANT USAGE ON SCHEMA other TO provision_planner;');
SELECT pg_temp.finds($$ GRANT USAGE ON SCHEMA other TO provision_planner; ALTER FUNCTION other.plan(jsonb) VOLATILE;
        INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) SELECT workflow_id, 0, 'first', 'other.plan' FROM provision.workflow WHERE name = 'own' $$,
    'warning | plan function cannot run | ALTER FUNCTION other.plan(jsonb) STABLE;');
SELECT pg_temp.finds('GRANT TRIGGER ON provision.job TO provision_test_other', 'warning | somebody may run code in the worker | REVOKE TRIGGER ON provision.job FROM provision_test_other;');
SELECT * FROM finish();
ROLLBACK;
