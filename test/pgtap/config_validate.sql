-- provision_validate shows the problems as rows and insists on a workflow that exists.
BEGIN;
SELECT plan(3);
INSERT INTO provision.workflow (name, is_builtin) SELECT 'tenant_setup', true
 WHERE NOT EXISTS (SELECT FROM provision.workflow WHERE name = 'tenant_setup');
SELECT results_eq($$SELECT field, code FROM provision_validate('{"company_name": "Acme"}')$$, $$VALUES ('country', 'MISSING_COUNTRY')$$, 'for tenant_setup unless told otherwise');
SELECT is_empty($$SELECT * FROM provision_validate('{"company_name": "Acme", "country": "Kenya"}', 'tenant_setup')$$, 'nothing to say');
SELECT throws_ok($$SELECT * FROM provision_validate('{}', 'no_such_workflow')$$, '42704', 'workflow "no_such_workflow" does not exist', 'another workflow is an error');
SELECT * FROM finish();
ROLLBACK;
