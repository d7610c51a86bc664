-- Starting twice gives the active job; a key gives its job even when that has ended, and belongs to one tenant and workflow.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'country', 'Kenya')) FROM unnest('{acme,beta}'::text[]) AS name;
SELECT provision_start('acme', idempotency_key => 'order 17') AS job \gset
SELECT is(provision_start('acme'), :job::bigint, 'the active job');
SELECT is(provision_start('acme', idempotency_key => 'order 17'), :job::bigint, 'the job of the key');
SELECT is(count(*), 1::bigint, 'one job was made') FROM provision_jobs('acme');
SELECT is(count(*), 11::bigint, 'with its eleven steps') FROM provision.step_status WHERE job_id = :job AND state = 'waiting';
SELECT provision_cancel(:job);
SELECT is(provision_start('acme', idempotency_key => 'order 17'), :job::bigint, 'the ended job of the key');
SELECT isnt(provision_start('acme'), :job::bigint, 'without key a new one');
SELECT throws_ok($$ SELECT provision_start('beta', idempotency_key => 'order 17') $$, 'PV001', 'idempotency_key belongs to another job', 'a key of another tenant');
SELECT * FROM finish();
ROLLBACK;
