-- The dry run names every call in order, marks what is not known yet, and leaves disabled steps out.
BEGIN;
SELECT plan(8);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT is(array_agg(ordinal), array_agg(place::integer), 'numbered from 1') FROM provision_plan('acme') WITH ORDINALITY AS planned (ordinal, step, call, method, url, body, place);
SELECT is(ROW(step, call, method, url)::text, '(step_0_engine_check,ping,GET,https://erp.example.com/api/method/ping)', 'the first call') FROM provision_plan('acme') WHERE ordinal = 1;
SELECT ok(bool_or(call LIKE 'create %(depends on an earlier answer)'), 'what depends on an answer is marked') FROM provision_plan('acme');
SELECT ok(bool_or(url LIKE '%{?%}%'), 'a fact that is not known stands in its place') FROM provision_plan('acme');
SELECT is(count(*), 0::bigint, 'no demo items') FROM provision_plan('acme') WHERE step = 'step_6_items';
SELECT provision_tenant_update('acme', '{"demo_items": true}');
SELECT ok(count(*) > 0, 'unless they are wanted') FROM provision_plan('acme') WHERE step = 'step_6_items';
SELECT throws_ok($$ SELECT provision_plan('nobody') $$, '42704', NULL, 'no such tenant');
SELECT throws_ok($$ SELECT provision_plan('acme', 'nothing') $$, '42704', NULL, 'no such workflow');
SELECT * FROM finish();
ROLLBACK;
