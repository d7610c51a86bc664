-- A running job is its worker's: cancel and pause are wishes, written with who asked, that wake the worker.
BEGIN;
SELECT plan(9);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
UPDATE provision.job SET state = 'running', owner = :incarnation, slots = 1, started_at = now() WHERE job_id = :job;
SELECT is(ROW(state, wish)::text, '(running,pause)', 'asked to pause') FROM provision_pause('acme');
SELECT is(ROW(wish_actor = session_user, due_at)::text, '(t,-infinity)', 'by whom, and to be looked at now') FROM provision.job WHERE job_id = :job;
SELECT is(ROW(state, wish)::text, '(running,)', 'the wish is withdrawn') FROM provision_resume('acme');
SELECT is(ROW(state, wish)::text, '(running,cancel)', 'asked to cancel') FROM provision_cancel('acme', 'because');
SELECT is(ROW(state, wish)::text, '(running,cancel)', 'twice is once') FROM provision_cancel('acme');
SELECT is(count(*), 1::bigint, 'one event') FROM provision_logs('acme') WHERE event = 'job_cancel_requested';
SELECT throws_ok($$ SELECT provision_pause('acme') $$, 'PV001', NULL, 'not paused while it is being cancelled');
SELECT ok(bool_or(reason = 'cancel asked for'), 'why() tells it') FROM provision_why('acme');
SELECT provision.settle_jobs(ARRAY[:job]);
SELECT is(state, 'cancelled', 'granted when nothing is in flight') FROM provision.job_status WHERE job_id = :job;
SELECT * FROM finish();
ROLLBACK;
