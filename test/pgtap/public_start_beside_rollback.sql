-- A tenant that is being rolled back cannot be started: the active job is not the one that was asked for.
BEGIN;
SELECT plan(8);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'country', 'Kenya')) FROM unnest('{acme,beta,gamma}'::text[]) AS name;
SELECT provision_start('acme', idempotency_key => 'order 17') AS job \gset
UPDATE provision.job SET started_at = now() WHERE job_id = :job;
SELECT is(state || ' ' || direction, 'pending back', 'a job turns round') FROM provision_cancel('acme', rollback => true);
SELECT throws_ok($$ SELECT provision_start('acme') $$, 'PV001', 'tenant "acme" is being rolled back', 'no job is returned');
SELECT throws_ok($$ SELECT provision_start_many('{beta,acme,gamma}') $$, 'PV001', 'tenant "acme" is being rolled back', 'nor many');
SELECT is(count(*), 0::bigint, 'none of them') FROM provision_jobs('beta');
SELECT is(provision_start('acme', idempotency_key => 'order 17'), :job::bigint, 'who asks for this one by its key gets it');
SELECT state FROM provision_pause('acme');
SELECT throws_ok($$ SELECT provision_start('acme') $$, 'PV001', NULL, 'nor while it pauses on its way back');
SELECT state FROM provision_cancel('acme');
SELECT isnt(provision_start('acme'), :job::bigint, 'once it has ended a new one starts');
SELECT is(array_length(array_agg(started), 1), 4, 'an active one that goes forward is as good as a new one') FROM provision_start_many('{acme,beta,acme,gamma}') AS started;
SELECT * FROM finish();
ROLLBACK;
