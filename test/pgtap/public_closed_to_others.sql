-- Without a grant another role may call and see nothing; EXECUTE and a membership are all that an application needs.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
CREATE ROLE provision_test_application;
GRANT EXECUTE ON FUNCTION provision_start, provision_jobs, provision_status(text) TO provision_test_application;
SET LOCAL ROLE provision_test_application;
SELECT throws_ok($$ SELECT provision_start('acme') $$, '42501', 'tenant "acme" does not exist, or you are no member of it', 'granted, but no member');
RESET ROLE;
SELECT provision_member_add('*', 'provision_test_application', 'admin');
SET LOCAL ROLE provision_test_application;
SELECT lives_ok($$ SELECT provision_start('acme') $$, 'granted');
SELECT is(provision_status('acme') ->> 'state', 'pending', 'granted too');
SELECT is(tenant, 'acme', 'rows of a view that it may not read') FROM provision_jobs();
SELECT throws_ok($$ SELECT provision_cancel('acme') $$, '42501', 'permission denied for function provision_cancel', 'not granted');
SELECT throws_ok('SELECT * FROM provision.job_status', '42501', NULL, 'no view');
SELECT throws_ok('SELECT * FROM provision.secret', '42501', NULL, 'least of all secrets');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
