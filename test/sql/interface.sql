-- The interface as a user sees it: engines, tenants, starting, looking, stopping.
\set VERBOSITY terse
DELETE FROM provision.job; DELETE FROM provision.tenant; DELETE FROM provision.engine;
SELECT provision_engine_create('bench', 'http://127.0.0.1:1/', options => '{"max_concurrent": 2}');
SELECT engine, kind, paused, breaker, in_flight, max_concurrent FROM provision.engine_status;
SELECT provision_engine_secret('bench', 'key', 'secret');
SELECT provision_tenant_create('acme', 'bench', '{"company_name": "Acme Ltd", "country": "Germany"}');
SELECT tenant, engine, provisioning_status, lifecycle, progress FROM provision.tenant_status;

-- The plan can be seen before anything is sent.
SELECT step, count(*) > 1 AS has_calls FROM provision_plan('acme') GROUP BY step ORDER BY min(ordinal);
SELECT step, call, method, url, body FROM provision_plan('acme') WHERE call = 'create company' OR step = 'step_0_engine_check';

-- Starting is idempotent.
SELECT provision_start('acme') AS job \gset
SELECT provision_start('acme') = :job AS same_job;
SELECT provision_start('acme', idempotency_key => 'order-1') = :job AS same_job;
SELECT tenant, workflow, state, progress, current_step, steps_done, steps_total, attempt_count, error_code FROM provision_jobs();
SELECT tenant, provisioning_status, lifecycle FROM provision.tenant_status;
SELECT ordinal, step, state, critical, optional FROM provision.step_status WHERE job_id = :job ORDER BY ordinal;
SELECT queue_position, tenant, engine, priority FROM provision.queue;
SELECT s ->> 'state' AS state, s ->> 'progress' AS progress, jsonb_array_length(s -> 'steps') AS steps FROM provision_status('acme') AS s;
SELECT event, from_state, to_state, actor = session_user AS by_me FROM provision_logs(:job);

-- What a person may do.
SELECT state FROM provision_pause('acme');
SELECT state FROM provision_pause(:job);
SELECT state FROM provision_resume('acme');
SELECT state FROM provision_cancel('acme', 'moved away');
SELECT state FROM provision_retry('acme');
SELECT state FROM provision_cancel(:job);
SELECT event, from_state, to_state, detail ->> 'reason' AS reason FROM provision_logs(:job) WHERE event LIKE 'job%';
SELECT provisioning_status FROM provision.tenant_status;

-- Later, and more of them.
SELECT provision_start('acme', priority => 5, run_at => now() + interval '1 day') AS job \gset
SELECT state, priority, due_at > now() AS later FROM provision.job WHERE job_id = :job;
SELECT state FROM provision_cancel('acme');
SELECT count(*) FROM provision_start_many(ARRAY['acme', 'acme']);
SELECT count(*) AS active FROM provision.job WHERE finished_at IS NULL;
