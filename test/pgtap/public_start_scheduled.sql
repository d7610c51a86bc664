-- A job for later is scheduled, not queued, and options of the start are kept.
BEGIN;
SELECT plan(4);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme', options => '{"skip_steps": ["step_6_items"], "correlation_id": "order-17"}', run_at => now() + interval '1 day') AS job \gset
SELECT is(ROW(state, due_at = now() + interval '1 day', correlation_id, steps_done)::text, '(scheduled,t,order-17,1)', 'scheduled') FROM provision.job_status WHERE job_id = :job;
SELECT is(count(*), 0::bigint, 'it is not in the queue') FROM provision.queue WHERE job_id = :job;
SELECT is(state, 'skipped', 'the step is skipped') FROM provision.step_status WHERE job_id = :job AND step = 'step_6_items';
SELECT is(array_agg(reason ORDER BY reason) @> '{scheduled}', true, 'and why() says so') FROM provision_why(:job);
SELECT * FROM finish();
ROLLBACK;
