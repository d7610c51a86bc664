-- A start that cannot be is refused with its SQLSTATE, and nothing is left of it.
BEGIN;
SELECT plan(10);
SELECT provision_engine_create('main', 'https://erp.example.com', options => '{"max_queue_depth": 1}');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'country', 'Kenya')) FROM unnest('{acme,beta}'::text[]) AS name;
SELECT throws_ok($$ SELECT provision_start('nobody') $$, '42704', 'tenant "nobody" does not exist', 'tenant');
SELECT throws_ok($$ SELECT provision_start(NULL) $$, '42704', NULL, 'no tenant');
SELECT throws_ok($$ SELECT provision_start('acme', 'nothing') $$, '42704', 'workflow "nothing" does not exist', 'workflow');
SELECT throws_ok($$ SELECT provision_start('acme', options => '{"skip": 1}') $$, '22023', 'options are not valid', 'options');
SELECT throws_ok($$ SELECT provision_start('acme', options => '{"skip_steps": ["step_2_company"]}') $$, '22023', NULL, 'a step that is not optional');
SELECT throws_ok($$ SELECT provision_start('acme', priority => 101) $$, '22003', NULL, 'priority');
SELECT throws_ok($$ SELECT provision_start('acme', run_at => 'infinity') $$, '22023', NULL, 'never');
SELECT throws_ok($$ SELECT provision_start_many('{acme,nobody,noone}') $$, '42704', NULL, 'one of many');
SELECT throws_ok($$ SELECT provision_start_many('{acme,beta}') $$, 'PV004', 'queue of engine "main" is full', 'more than the queue takes');
SELECT is(count(*), 0::bigint, 'nothing was started') FROM provision.job_status WHERE tenant IN ('acme', 'beta');
SELECT * FROM finish();
ROLLBACK;
