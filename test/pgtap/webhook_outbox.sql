-- What is to be told is written with the event, for whoever subscribed to it, and for nobody else.
BEGIN;
SELECT plan(22);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'abbr', left(name, 3), 'country', 'US')) FROM unnest('{acme,other}'::text[]) AS name;
SELECT provision_start('acme') AS early \gset
SELECT is(count(*), 0::bigint, 'without a webhook nothing is written') FROM provision.webhook_delivery;
SELECT webhook_id AS everything FROM provision_webhook_create('https://hooks.example.com/all') \gset
SELECT webhook_id AS ends FROM provision_webhook_create('https://hooks.example.com/ends', '{job.failed,job.cancelled}', 'acme') \gset
SELECT webhook_id AS others FROM provision_webhook_create('https://hooks.example.com/others', NULL, 'other') \gset
CREATE FUNCTION pg_temp.told(hook bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(type || coalesce(' ' || tenant, ''), ', ' ORDER BY delivery_id)
      FROM (SELECT delivery_id, type, payload #>> '{data,tenant}' AS tenant FROM provision.webhook_delivery WHERE webhook_id = hook) AS d
$$;
SELECT provision_cancel('acme', 'because');
SELECT is(pg_temp.told(:everything), 'job.cancelled acme', 'the platform is told');
SELECT is(pg_temp.told(:ends), 'job.cancelled acme', 'the tenant is told');
SELECT is(pg_temp.told(:others), NULL, 'another tenant is not');
SELECT is(payload - 'timestamp' #- '{data,event_id}' #- '{data,correlation_id}',
          jsonb_build_object('type', 'job.cancelled', 'data', jsonb_build_object('job_id', :early, 'tenant', 'acme', 'workflow', 'tenant_setup', 'state', 'cancelled', 'direction', 'forward',
              'run', 1, 'progress', 0, 'step', NULL, 'step_state', NULL, 'error_code', NULL, 'error_message', NULL)), 'the payload')
  FROM provision.webhook_delivery WHERE webhook_id = :ends;
SELECT matches(payload ->> 'timestamp', '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$', 'its time is in UTC') FROM provision.webhook_delivery WHERE webhook_id = :ends;
SELECT is((SELECT (payload #>> '{data,event_id}')::bigint FROM provision.webhook_delivery WHERE webhook_id = :ends),
          (SELECT max(event_id) FROM provision.event WHERE event = 'job_cancelled'), 'it names the event');

-- What is rolled back is not told.
SAVEPOINT before;
SELECT provision_start('other');
SELECT is(pg_temp.told(:others), 'job.enqueued other', 'a start is told');
ROLLBACK TO before;
SELECT is(pg_temp.told(:others), NULL, 'unless it is rolled back');

-- Types that are made of more than one event, or not of each.
SELECT provision_start('other') AS job \gset
INSERT INTO provision.worker (pid) VALUES (0);
UPDATE provision.job SET state = 'running', owner = 1, slots = 1, started_at = now(), run_started_at = now() WHERE job_id = :job;
SELECT provision.log_job_event(ARRAY[:job]::bigint[], 'job_started', 'pending', 'running');
SELECT provision.log_job_event(ARRAY[:job]::bigint[], 'job_waits', 'running', 'pending');
SELECT provision.log_job_event(ARRAY[:job]::bigint[], 'job_started', 'pending', 'running');
UPDATE provision.job_step SET state = 'completed', started_at = now(), finished_at = now() WHERE job_id = :job AND ordinal = 0;
INSERT INTO provision.event (job_id, tenant, step, event) SELECT job_id, 'other', name, 'step_completed' FROM provision.job_step WHERE job_id = :job AND ordinal = 0;
SELECT is(pg_temp.told(:others), 'job.enqueued other, job.started other, step.completed other, job.progress other', 'one start for each run; a step and its progress');
SELECT is((SELECT (payload #>> '{data,progress}')::integer FROM provision.webhook_delivery WHERE webhook_id = :others AND type = 'job.progress'),
          (SELECT progress FROM provision.job_status WHERE job_id = :job), 'the progress is that of job_status');
SELECT is(payload #>> '{data,step}', 'step_0_engine_check', 'a step is named') FROM provision.webhook_delivery WHERE webhook_id = :others AND type = 'step.completed';
SELECT provision.end_step(:job, 1::smallint, 'failed', 'ENGINE_UNREACHABLE', 'nobody there');
SELECT is(payload #>> '{data,error_code}' || ' ' || (payload #>> '{data,step_state}'), 'ENGINE_UNREACHABLE failed', 'a failed step has its own error')
  FROM provision.webhook_delivery WHERE webhook_id = :others AND type = 'step.failed';
SELECT is(count(*), 0::bigint, 'a tenant is not told of engines') FROM provision.webhook_delivery WHERE webhook_id <> :everything AND job_id IS NULL;
SELECT provision.log_engine_event('main', 'breaker_open', 'closed', 'open');
SELECT is(payload #- '{data,event_id}' -> 'data', '{"engine": "main", "state": "open"}', 'the platform is told of engines')
  FROM provision.webhook_delivery WHERE webhook_id = :everything AND type = 'engine.breaker_opened';
SELECT is(count(*), 1::bigint, 'and nobody else is') FROM provision.webhook_delivery WHERE type = 'engine.breaker_opened';
SELECT is(max(pg_column_size(payload)) < 4000, true, 'payloads are small') FROM provision.webhook_delivery;

-- Paused and disabled ones go on collecting.
SELECT provision_webhook_pause(:others);
UPDATE provision.webhook SET disabled_at = now(), disabled_reason = 'because' WHERE webhook_id = :ends;
SELECT count(*) AS before FROM provision.webhook_delivery WHERE webhook_id = :others \gset
SELECT provision_start('acme') AS late \gset
SELECT provision_cancel('acme');
SELECT provision.log_job_event(ARRAY[:job]::bigint[], 'job_paused', 'running', 'paused');
SELECT is(count(*), :before + 1::bigint, 'a paused webhook is told later') FROM provision.webhook_delivery WHERE webhook_id = :others;
SELECT is(pg_temp.told(:ends), 'job.cancelled acme, job.cancelled acme', 'and so is a disabled one');
SELECT results_eq('SELECT type FROM provision.webhook_event WHERE position < 22 ORDER BY position',
                  $$ SELECT kind.type FROM provision.webhook_event AS kind WHERE events <> '{}' ORDER BY position $$, 'every type but the ping is made of an event');

-- While a dump is restored, the extension knows no home: events that come are not told again.
SELECT count(*) AS before FROM provision.webhook_delivery \gset
UPDATE provision.control SET system_identifier = NULL, database_oid = NULL, timeline = NULL;
SELECT provision.log_engine_event('main', 'breaker_open', 'closed', 'open');
SELECT is(count(*), :before::bigint, 'an event that is loaded queues nothing') FROM provision.webhook_delivery;
SELECT provision.settle_here();
SELECT provision.log_engine_event('main', 'breaker_open', 'closed', 'open');
SELECT is(count(*), :before + 1::bigint, 'after that events are told') FROM provision.webhook_delivery;
SELECT * FROM finish();
ROLLBACK;
