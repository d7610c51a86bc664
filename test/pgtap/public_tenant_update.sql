-- Given keys replace, others stay, null removes; the whole is validated and the settings follow.
BEGIN;
SELECT plan(5);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya", "email": "a@example.com"}');
SELECT provision_tenant_update('acme', '{"currency": "USD", "email": null}');
SELECT is(config, '{"company_name": "Acme", "country": "Kenya", "currency": "USD"}', 'merged') FROM provision.tenant WHERE name = 'acme';
SELECT is(settings ->> 'currency', 'USD', 'the settings follow') FROM provision.tenant WHERE name = 'acme';
SELECT throws_ok($$ SELECT provision_tenant_update('acme', '{"company_name": null}') $$, 'PV003', NULL, 'what is required cannot be removed');
SELECT throws_ok($$ SELECT provision_tenant_update('acme', '7') $$, 'PV003', 'config must be a JSON object', 'only an object will do');
SELECT throws_ok($$ SELECT provision_tenant_update('nobody', '{}') $$, '42704', NULL, 'a tenant that is not there');
SELECT * FROM finish();
ROLLBACK;
