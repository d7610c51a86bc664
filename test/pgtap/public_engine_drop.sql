-- An engine goes with its credentials, but never while tenants live on it, or jobs of others have worked at it.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT throws_ok($$ SELECT provision_engine_drop('main') $$, '2BP01', 'engine "main" has tenants', 'tenants hold it');
DELETE FROM provision.tenant WHERE name = 'acme';
SELECT lives_ok($$ SELECT provision_engine_drop('main') $$, 'without them it goes');
SELECT is((SELECT count(*) FROM provision.engine WHERE name = 'main') + (SELECT count(*) FROM provision.secret), 0::bigint, 'with its credentials');
SELECT is(count(*), 1::bigint, 'its events stay') FROM provision.event_log WHERE engine = 'main' AND event = 'engine_dropped';
SELECT provision_engine_create('maker', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench-1", "domain": "example.com"}');
SELECT provision_engine_secret_set('maker', 'mariadb_root_password', 'word');
SELECT provision_engine_create('sites', 'https://erp.example.com', options => '{"agent": "maker"}');
SELECT provision_tenant_create('tennis', 'sites', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_create_site('tennis') AS job \gset
SELECT provision_engine_update('sites', '{"agent": null}');
SELECT throws_ok($$ SELECT provision_engine_drop('maker') $$, '2BP01', 'engine "maker" has jobs', 'an active job holds it, though no engine names it any more');
SELECT is(state, 'cancelled', 'which can still be ended') FROM provision_cancel(:job);
SELECT throws_ok($$ SELECT provision_engine_drop('maker') $$, '2BP01', 'engine "maker" has jobs', 'so does one that has ended: it may be looked at, retried or rolled back');
SELECT * FROM finish();
ROLLBACK;
