-- A pause keeps the place in the queue and the time a job was scheduled for.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT rank FROM provision.job WHERE job_id = :job \gset
SELECT is(state, 'paused', 'paused') FROM provision_pause('acme');
SELECT is(state, 'paused', 'again: no change') FROM provision_pause('acme');
SELECT is(count(*), 1::bigint, 'and no event') FROM provision_logs('acme') WHERE event = 'job_paused';
SELECT is(state, 'pending', 'resumed') FROM provision_resume('acme');
SELECT is(rank, :'rank'::double precision, 'at its old place') FROM provision.job WHERE job_id = :job;
SELECT throws_ok($$ SELECT provision_resume('acme') $$, 'PV001', NULL, 'only what is paused can be resumed');
UPDATE provision.job SET state = 'scheduled', due_at = now() + interval '1 day' WHERE job_id = :job;
SELECT provision_pause('acme');
SELECT is(ROW(state, due_at = now() + interval '1 day')::text, '(scheduled,t)', 'a scheduled one goes back to its time') FROM provision_resume('acme');
SELECT * FROM finish();
ROLLBACK;
