-- What a rolled back job leaves of its tenant: nothing, unless another job stands that set it up.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com');
INSERT INTO provision.workflow (name, activates) VALUES ('setup', true), ('setup_more', true), ('extra', false), ('extra_more', false);
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) SELECT workflow_id, 1, 'step', 'provision.plan_nothing' FROM provision.workflow WHERE name ~ '^(setup|extra)';
SELECT count(provision_tenant_create('t' || n, 'main', jsonb_build_object('company_name', 'T' || n, 'country', 'Kenya'))) FROM generate_series(1, 6) AS n;
UPDATE provision.tenant SET lifecycle = 'active', metadata = '{"company": "T"}';

-- The tenant after its jobs of these workflows ended well and that of the last was rolled back.
CREATE FUNCTION pg_temp.after_rollback(tenant text, workflows text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    started bigint;
BEGIN
    FOR turn IN 1 .. cardinality(workflows) LOOP
        started := provision_start(tenant, workflows[turn]);
        UPDATE provision.job SET state = 'completed', finished_at = now() WHERE job_id = started;
    END LOOP;
    UPDATE provision.job SET state = 'running', owner = 1, slots = 1, finished_at = NULL, direction = 'back' WHERE job_id = started;
    PERFORM provision.end_rollback(started, 'rolled_back');
    RETURN (SELECT named.lifecycle || ' ' || named.metadata FROM provision.tenant AS named WHERE named.name = tenant);
END;
$$;
SELECT is(pg_temp.after_rollback('t1', '{setup}'), 'pending {}', 'its only job');
SELECT is(pg_temp.after_rollback('t2', '{extra,setup}'), 'pending {}', 'what set it up, beside a job that did not');
SELECT is(pg_temp.after_rollback('t3', '{setup,extra}'), 'active {"company": "T"}', 'another one, while what set it up stands');
SELECT is(pg_temp.after_rollback('t4', '{setup,setup_more}'), 'active {"company": "T"}', 'one of two that set it up');
SELECT is(pg_temp.after_rollback('t5', '{extra,extra_more}'), 'active {"company": "T"}', 'one of two that did not: what was learnt stays');
SELECT is(pg_temp.after_rollback('t6', '{extra}'), 'pending {}', 'a single one that did not');
SELECT is(provisioning_status, 'NOT_STARTED', 'the status says the same') FROM provision.tenant_status WHERE tenant = 't2';
SELECT * FROM finish();
ROLLBACK;
