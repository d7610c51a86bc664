-- A tenant needs a name, an engine and a valid config; its settings are complete from the start.
BEGIN;
SELECT plan(8);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT lives_ok($$ SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}', 'enterprise') $$, 'the minimal config will do');
SELECT is(ROW(provisioning_status, lifecycle, plan, progress)::text, '(NOT_STARTED,pending,enterprise,0)', 'not started') FROM provision.tenant_status WHERE tenant = 'acme';
SELECT is(settings ->> 'currency', 'KES', 'defaults come from the country') FROM provision.tenant WHERE name = 'acme';
SELECT throws_ok($$ SELECT provision_tenant_create('acme', 'main', '{"company_name": "B", "country": "Kenya"}') $$, '42710', NULL, 'a name is given once');
SELECT throws_ok($$ SELECT provision_tenant_create('b', 'nowhere', '{"company_name": "B", "country": "Kenya"}') $$, '42704', NULL, 'the engine must be there');
SELECT throws_ok($$ SELECT provision_tenant_create('b', 'main', '{"country": "Kenia"}') $$, 'PV003', 'config cannot be used: 2 problems found', 'the config must be valid');
SELECT throws_ok($$ SELECT provision_tenant_create('b/c', 'main', '{"company_name": "B", "country": "Kenya"}') $$, '42602', NULL, 'a name of other characters');
SELECT throws_ok($$ SELECT provision_tenant_create('b', 'main', '{"company_name": "B", "country": "Kenya"}', 'Gold!') $$, '22023', NULL, 'a plan that is no word');
SELECT * FROM finish();
ROLLBACK;
