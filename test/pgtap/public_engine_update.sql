-- Given options change, others stay, null sets back to the default; what results is judged as a whole.
BEGIN;
SELECT plan(6);
SELECT provision_engine_create('main', 'https://erp.example.com', options => '{"max_concurrent": 9, "site": "a.example.com", "burst": 4}');
SELECT provision_engine_update('main', '{"max_concurrent": null, "burst": 7}');
SELECT is(ROW(max_concurrent, site, burst)::text, '(5,a.example.com,7)', 'null: default; not given: as before') FROM provision.engine WHERE name = 'main';
SELECT throws_ok($$ SELECT provision_engine_update('main', '{"base_url": "http://erp.example.com"}') $$, '22023', NULL, 'plain http is refused here too');
SELECT lives_ok($$ SELECT provision_engine_update('main', '{"base_url": "http://erp.example.com/", "allow_http": true}') $$, 'unless it is allowed with it');
SELECT throws_ok($$ SELECT provision_engine_update('main', '{"allow_http": false}') $$, '22023', NULL, 'then it cannot be forbidden while the address needs it');
SELECT throws_ok($$ SELECT provision_engine_update('main', '[1]') $$, '22023', 'options must be a JSON object', 'only an object will do');
SELECT throws_ok($$ SELECT provision_engine_update('nowhere', '{}') $$, '42704', 'engine "nowhere" does not exist', 'an engine that is not there');
SELECT * FROM finish();
ROLLBACK;
