-- A workflow says which settings it needs: their absence is a problem of a config, and refuses a start.
BEGIN;
SELECT plan(5);
INSERT INTO provision.workflow (name, needs) VALUES ('welcome', '{email,colour}');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) SELECT workflow_id, 0, 'step_0', 'provision.plan_engine_check' FROM provision.workflow WHERE name = 'welcome';
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "KE"}');
SELECT results_eq($$SELECT field, code FROM provision_validate('{"company_name": "Acme", "country": "KE"}', 'welcome')$$,
                  $$VALUES ('email', 'MISSING_EMAIL'), ('colour', 'MISSING_COLOUR')$$, 'both are named');
SELECT throws_ok($$SELECT provision_start('acme', 'welcome')$$, 'PV003', 'workflow "welcome" cannot be started for tenant "acme": settings are missing', 'no start without them');
SELECT is_empty($$SELECT * FROM provision_validate('{"email": "a@example.com", "colour": "red"}', 'welcome')$$, 'with both it is complete');
SELECT provision_tenant_update('acme', '{"email": "a@example.com"}');
UPDATE provision.workflow SET needs = '{email}' WHERE name = 'welcome';
SELECT lives_ok($$SELECT provision_start('acme', 'welcome')$$, 'and starts');
SELECT results_eq($$SELECT code FROM provision_validate('{"email": 5}', 'welcome')$$, $$VALUES ('WRONG_TYPE')$$, 'what is there in the wrong form is not missing too');
SELECT * FROM finish();
ROLLBACK;
