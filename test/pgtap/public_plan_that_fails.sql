-- A plan function that raises is named with its step.
BEGIN;
SELECT plan(1);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
CREATE FUNCTION provision.plan_of_test(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE division_by_zero; END; $$;
INSERT INTO provision.workflow (name) VALUES ('broken');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function)
SELECT workflow_id, 0, 'step_broken', 'provision.plan_of_test' FROM provision.workflow WHERE name = 'broken';
SELECT throws_like($$ SELECT * FROM provision_plan('acme', 'broken') $$, 'step "step_broken" cannot be planned: %', 'which step');
SELECT * FROM finish();
ROLLBACK;
