-- An engine goes with its credentials, but never while tenants live on it.
BEGIN;
SELECT plan(4);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT throws_ok($$ SELECT provision_engine_drop('main') $$, '2BP01', 'engine "main" has tenants', 'tenants hold it');
DELETE FROM provision.tenant WHERE name = 'acme';
SELECT lives_ok($$ SELECT provision_engine_drop('main') $$, 'without them it goes');
SELECT is((SELECT count(*) FROM provision.engine WHERE name = 'main') + (SELECT count(*) FROM provision.secret), 0::bigint, 'with its credentials');
SELECT is(count(*), 1::bigint, 'its events stay') FROM provision.event_log WHERE engine = 'main' AND event = 'engine_dropped';
SELECT * FROM finish();
ROLLBACK;
