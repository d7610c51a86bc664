-- Every public function that changes anything writes an event with who, when and why; which functions there are, the catalogs say.
BEGIN;
CREATE TEMPORARY TABLE action (position serial, function text, prepare text, statement text, event text, reason text);
INSERT INTO action (function, prepare, statement, event, reason) VALUES
    ('provision_engine_create(text,text,text,jsonb)', NULL, 'provision_engine_create(''main'', ''https://erp.example.com'')', 'engine_created', NULL),
    ('provision_engine_update(text,jsonb)', NULL, 'provision_engine_update(''main'', ''{"burst": 3}'')', 'engine_updated', NULL),
    ('provision_engine_secret(text,text,text)', NULL, 'provision_engine_secret(''main'', ''key'', ''word'')', 'engine_secret_set', NULL),
    ('provision_engine_pause(text,text)', NULL, 'provision_engine_pause(''main'', ''because'')', 'engine_paused', 'because'),
    ('provision_engine_resume(text)', NULL, 'provision_engine_resume(''main'')', 'engine_resumed', NULL),
    ('provision_engine_reset(text)', 'UPDATE provision.engine_state SET failures_in_a_row = 1', 'provision_engine_reset(''main'')', 'breaker_reset', NULL),
    ('provision_engine_drop(text)', 'SELECT provision_engine_create(''other'', ''https://erp.example.com'')', 'provision_engine_drop(''other'')', 'engine_dropped', NULL),
    ('provision_rotate_secrets()', NULL, 'provision_rotate_secrets()', 'secrets_rotated', NULL),
    ('provision_tenant_create(text,text,jsonb,text)', NULL, 'provision_tenant_create(''acme'', ''main'', ''{"company_name": "Acme", "country": "Kenya"}'')', 'tenant_created', NULL),
    ('provision_tenant_update(text,jsonb)', NULL, 'provision_tenant_update(''acme'', ''{"email": "a@example.com"}'')', 'tenant_updated', NULL),
    ('provision_tenant_secret(text,text,text)', NULL, 'provision_tenant_secret(''acme'', ''key'', ''word'')', 'tenant_secret_set', NULL),
    ('provision_start(text,text,jsonb,integer,timestamp with time zone,text)', 'UPDATE provision.step SET signals = ''{"go": {"timeout": "1 day"}}'' WHERE name = ''step_6_items''', 'provision_start(''acme'')', 'job_enqueued', NULL),
    ('provision_signal(bigint,text,jsonb)', NULL, 'provision_signal(%s, ''go'')', 'signal_received', NULL),
    ('provision_skip_step(bigint,text,text)', NULL, 'provision_skip_step(%s, ''step_6_items'', ''because'')', 'step_skipped', 'because'),
    ('provision_pause(bigint)', NULL, 'provision_pause(%s)', 'job_paused', NULL),
    ('provision_resume(bigint)', NULL, 'provision_resume(%s)', 'job_resumed', NULL),
    ('provision_pause(text)', NULL, 'provision_pause(''acme'')', 'job_paused', NULL),
    ('provision_resume(text)', NULL, 'provision_resume(''acme'')', 'job_resumed', NULL),
    ('provision_cancel(bigint,text,boolean)', NULL, 'provision_cancel(%s, ''because'')', 'job_cancelled', 'because'),
    ('provision_retry(bigint)', NULL, 'provision_retry(%s)', 'job_retried', NULL),
    ('provision_cancel(text,text,boolean)', NULL, 'provision_cancel(''acme'', ''because'')', 'job_cancelled', 'because'),
    ('provision_retry(text)', NULL, 'provision_retry(''acme'')', 'job_retried', NULL),
    ('provision_continue(bigint)', 'SELECT provision_cancel(''acme'')', 'provision_continue(%s)', 'job_continued', NULL),
    ('provision_continue(text)', 'SELECT provision_cancel(''acme'')', 'provision_continue(''acme'')', 'job_continued', NULL),
    ('provision_retry_all(text,text,text,timestamp with time zone,timestamp with time zone,integer)',
     'UPDATE provision.job SET state = ''failed'', error_code = ''INTERNAL_ERROR'', finished_at = now()', 'provision_retry_all()', 'job_retried', NULL),
    ('provision_rollback(bigint)', 'SELECT provision_cancel(''acme'')', 'provision_rollback(%s)', 'job_rolling_back', NULL),
    ('provision_rollback(text)', 'SELECT provision_cancel(''acme'')', 'provision_rollback(''acme'')', 'job_rolling_back', NULL),
    ('provision_start_many(text[],text,jsonb,integer,timestamp with time zone)', 'SELECT provision_cancel(''acme'')', 'provision_start_many(''{acme}'')', 'job_enqueued', NULL),
    ('provision_verify(text)', 'SELECT provision_cancel(''acme'')', 'provision_verify(''acme'')', 'job_enqueued', NULL),
    ('provision_schedule(text,text,text,text,jsonb,text,text,integer)', NULL, 'provision_schedule(''acme'', ''tenant_verify'', ''@daily'')', 'schedule_created', NULL),
    ('provision_schedule_pause(bigint,text)', NULL, 'provision_schedule_pause((SELECT max(schedule_id) FROM provision.schedule), ''because'')', 'schedule_paused', 'because'),
    ('provision_schedule_resume(bigint)', NULL, 'provision_schedule_resume((SELECT max(schedule_id) FROM provision.schedule))', 'schedule_resumed', NULL),
    ('provision_schedule_pause(text,text,text)', NULL, 'provision_schedule_pause(''acme'', ''tenant_verify'', ''because'')', 'schedule_paused', 'because'),
    ('provision_schedule_resume(text,text)', NULL, 'provision_schedule_resume(''acme'', ''tenant_verify'')', 'schedule_resumed', NULL),
    ('provision_unschedule(bigint)', NULL, 'provision_unschedule((SELECT max(schedule_id) FROM provision.schedule))', 'schedule_removed', NULL),
    ('provision_unschedule(text,text)', 'SELECT provision_schedule(''acme'', ''tenant_verify'', ''@daily'')', 'provision_unschedule(''acme'', ''tenant_verify'')', 'schedule_removed', NULL),
    ('provision_engine_secret_set(text,text,text)', 'SELECT provision_engine_create(''maker'', ''https://agent.example.com'', ''frappe_agent'', ''{"bench": "bench", "domain": "example.com"}'')',
     'provision_engine_secret_set(''maker'', ''mariadb_root_password'', ''word'')', 'engine_secret_set', NULL),
    ('provision_create_site(text)', 'SELECT provision_engine_update(''main'', ''{"agent": "maker"}''), provision_tenant_update(''acme'', ''{"site": "acme-inc.example.com"}'')',
     'provision_create_site(''acme'')', 'job_enqueued', NULL),
    ('provision_backup_site(text,boolean)', NULL, 'provision_backup_site(''acme'')', 'job_enqueued', NULL),
    ('provision_delete_site(text)', NULL, 'provision_delete_site(''acme'')', 'job_enqueued', NULL),
    ('provision_webhook_create(text,text[],text,jsonb)', NULL, 'provision_webhook_create(''https://hooks.example.com'')', 'webhook_created', NULL),
    ('provision_webhook_update(bigint,jsonb)', NULL, 'provision_webhook_update((SELECT max(webhook_id) FROM provision.webhook), ''{"timeout_ms": 500}'')', 'webhook_updated', NULL),
    ('provision_webhook_rotate(bigint,interval)', NULL, 'provision_webhook_rotate((SELECT max(webhook_id) FROM provision.webhook))', 'webhook_secret_rotated', NULL),
    ('provision_webhook_pause(bigint,text)', NULL, 'provision_webhook_pause((SELECT max(webhook_id) FROM provision.webhook), ''because'')', 'webhook_paused', 'because'),
    ('provision_webhook_resume(bigint)', NULL, 'provision_webhook_resume((SELECT max(webhook_id) FROM provision.webhook))', 'webhook_resumed', NULL),
    ('provision_webhook_test(bigint)', NULL, 'provision_webhook_test((SELECT max(webhook_id) FROM provision.webhook))', 'webhook_tested', NULL),
    ('provision_webhook_redeliver(bigint,bigint)', 'UPDATE provision.webhook_delivery SET state = ''dead'', next_at = NULL, finished_at = now()',
     'provision_webhook_redeliver((SELECT max(webhook_id) FROM provision.webhook))', 'webhook_redelivered', NULL),
    ('provision_webhook_drop(bigint)', NULL, 'provision_webhook_drop((SELECT max(webhook_id) FROM provision.webhook))', 'webhook_dropped', NULL),
    ('provision_onboard(text,text,jsonb,text,text)', NULL, 'provision_onboard(''third-inc'', ''main'', ''{"company_name": "Third", "country": "US"}'')', 'job_enqueued', NULL),
    ('provision_pause_all(text)', NULL, 'provision_pause_all(''because'')', 'all_paused', 'because'),
    ('provision_resume_all()', NULL, 'provision_resume_all()', 'all_resumed', NULL),
    ('provision_worker_stop()', NULL, 'provision_worker_stop()', 'workers_stopped', NULL),
    ('provision_worker_start()', NULL, 'provision_worker_start()', 'workers_started', NULL),
    ('provision_adopt()', 'UPDATE provision.control SET system_identifier = NULL, timeline = NULL, database_oid = NULL', 'provision_adopt()', 'copy_adopted', 'Its tables come out of a dump.'),
    ('provision_member_add(text,name,text)', NULL, 'provision_member_add(''acme'', ''alice'', ''owner'')', 'member_added', NULL),
    ('provision_member_remove(text,name)', NULL, 'provision_member_remove(''acme'', ''alice'')', 'member_removed', NULL),
    ('provision_purge(interval)', 'INSERT INTO provision.event (event, at) VALUES (''old'', now() - interval ''2 hours'')', 'provision_purge(''1 hour'')', 'history_purged', NULL);

-- What they write, when they are called one after the other. A line for each that does not do as it should.
CREATE FUNCTION pg_temp.act(action pg_temp.action) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    written provision.event_log;
BEGIN
    EXECUTE coalesce((action).prepare, 'SELECT');
    before := (SELECT coalesce(max(event_id), 0) FROM provision.event);
    EXECUTE format('SELECT * FROM ' || (action).statement, (SELECT max(job_id) FROM provision.job));
    SELECT * INTO written FROM provision.event_log WHERE event_id > before AND event = (action).event;
    RETURN CASE WHEN written.event_id IS NULL THEN 'no event'
                WHEN written.actor IS DISTINCT FROM session_user THEN 'no actor'
                WHEN abs(extract(epoch FROM written.at - clock_timestamp())) > 60 THEN 'no time'
                WHEN written.detail ->> 'reason' IS DISTINCT FROM (action).reason THEN 'no reason'
                WHEN written.job_id IS NOT NULL AND written.correlation_id IS NULL THEN 'no correlation id' END;
END;
$$;
SELECT plan((count(*) + 1)::integer) FROM action;
SELECT is(array_agg(changing.name ORDER BY changing.name), NULL, 'functions that are not tested here')
  FROM (SELECT pg_proc.oid::regprocedure::text AS name
          FROM pg_proc
         WHERE pg_proc.proname LIKE 'provision\_%'
           AND pg_proc.pronamespace = 'public'::regnamespace
           AND pg_proc.provolatile = 'v'
           -- Two only look, one only says who acts, one writes the chain, one lets a worker look sooner.
           AND pg_proc.proname NOT IN ('provision_wait', 'provision_doctor', 'provision_act_as', 'provision_audit_seal', 'provision_agent_callback')) AS changing
 WHERE changing.name NOT IN (SELECT function FROM action);
SELECT is(pg_temp.act(action), NULL, function) FROM action ORDER BY position;
SELECT * FROM finish();
ROLLBACK;
