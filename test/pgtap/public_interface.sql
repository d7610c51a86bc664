-- The interface that applications are written against: names, arguments with their defaults, results, and the first columns of each view.
-- It may grow at the end; what stands here stays.
BEGIN;
SELECT plan(4);
CREATE TEMP TABLE wanted (name text, arguments text, result text);
INSERT INTO wanted VALUES
    ('provision_act_as',             'member name, client_address inet DEFAULT NULL::inet', 'void'),
    ('provision_adopt',              '', 'boolean'),
    ('provision_backup_site',        'tenant text, with_files boolean DEFAULT true', 'bigint'),
    ('provision_create_site',        'tenant text', 'bigint'),
    ('provision_delete_site',        'tenant text', 'bigint'),
    ('provision_doctor',             '', 'TABLE(severity text, finding text, detail text, fix text)'),
    ('provision_engine_create',      'name text, base_url text, kind text DEFAULT ''erpnext''::text, options jsonb DEFAULT ''{}''::jsonb', 'void'),
    ('provision_engine_drop',        'name text', 'void'),
    ('provision_engine_pause',       'name text, reason text DEFAULT NULL::text', 'void'),
    ('provision_engine_reset',       'name text', 'boolean'),
    ('provision_engine_resume',      'name text', 'void'),
    ('provision_engine_secret',      'name text, api_key text, api_secret text', 'void'),
    ('provision_engine_update',      'name text, options jsonb', 'void'),
    ('provision_health',             '', 'jsonb'),
    ('provision_jobs',               'tenant text DEFAULT NULL::text, state text DEFAULT NULL::text, page integer DEFAULT 1, size integer DEFAULT 20', 'SETOF provision.job_status'),
    ('provision_member_add',         'tenant text, member name, role text DEFAULT ''member''::text', 'void'),
    ('provision_member_remove',      'tenant text, member name', 'void'),
    ('provision_onboard',            'tenant text, engine text, config jsonb, plan text DEFAULT ''starter''::text', 'bigint'),
    ('provision_pause_all',          'reason text DEFAULT NULL::text', 'void'),
    ('provision_plan',               'tenant text, workflow text DEFAULT ''tenant_setup''::text', 'TABLE(ordinal integer, step text, call text, method text, url text, body jsonb)'),
    ('provision_purge',              'older_than interval', 'bigint'),
    ('provision_resume_all',         '', 'void'),
    ('provision_rotate_secrets',     '', 'bigint'),
    ('provision_signal',             'job_id bigint, name text, payload jsonb DEFAULT ''{}''::jsonb', 'SETOF provision.job_status'),
    ('provision_skip_step',          'job_id bigint, step text, reason text DEFAULT NULL::text', 'SETOF provision.job_status'),
    ('provision_start',              'tenant text, workflow text DEFAULT ''tenant_setup''::text, options jsonb DEFAULT ''{}''::jsonb, priority integer DEFAULT NULL::integer, '
                                     'run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, idempotency_key text DEFAULT NULL::text', 'bigint'),
    ('provision_start_many',         'tenants text[], workflow text DEFAULT ''tenant_setup''::text, options jsonb DEFAULT ''{}''::jsonb, priority integer DEFAULT NULL::integer, '
                                     'run_at timestamp with time zone DEFAULT NULL::timestamp with time zone', 'SETOF bigint'),
    ('provision_tenant_create',      'tenant text, engine text, config jsonb, plan text DEFAULT ''starter''::text', 'void'),
    ('provision_tenant_secret',      'tenant text, api_key text, api_secret text', 'void'),
    ('provision_tenant_update',      'tenant text, config jsonb', 'void'),
    ('provision_validate',           'config jsonb, workflow text DEFAULT ''tenant_setup''::text', 'TABLE(field text, code text, message text, hint text)'),
    ('provision_verify',             'tenant text', 'bigint'),
    ('provision_wait',               'IN job_id bigint, IN timeout interval DEFAULT ''00:10:00''::interval', NULL),
    ('provision_worker_start',       '', 'boolean'),
    ('provision_worker_stop',        '', 'integer');
-- What takes the number of a job takes the name of a tenant as well, and then means its newest job.
INSERT INTO wanted
SELECT of_job.name, whose || of_job.arguments, of_job.result
  FROM (VALUES ('provision_cancel',         ', reason text DEFAULT NULL::text, rollback boolean DEFAULT false', 'SETOF provision.job_status'),
               ('provision_continue',       '', 'SETOF provision.job_status'),
               ('provision_logs',           ', after_event bigint DEFAULT 0, max_rows integer DEFAULT 100', 'SETOF provision.event_log'),
               ('provision_pause',          '', 'SETOF provision.job_status'),
               ('provision_queue_position', '', 'TABLE(queue_position bigint, jobs_ahead bigint, estimated_start_at timestamp with time zone, estimated_finish_at timestamp with time zone)'),
               ('provision_resume',         '', 'SETOF provision.job_status'),
               ('provision_retry',          '', 'SETOF provision.job_status'),
               ('provision_rollback',       '', 'SETOF provision.job_status'),
               ('provision_status',         '', 'jsonb'),
               ('provision_why',            '', 'TABLE(reason text, detail text, fix text)')) AS of_job (name, arguments, result)
 CROSS JOIN unnest('{job_id bigint,tenant text}'::text[]) AS whose;

CREATE TEMP TABLE installed AS
SELECT proname AS name, pg_get_function_arguments(oid) AS arguments, pg_get_function_result(oid) AS result, prokind AS kind
  FROM pg_proc
 WHERE proname LIKE 'provision\_%'
   AND pronamespace = (SELECT extnamespace FROM pg_extension WHERE extname = 'provision');
SELECT is(array_agg(format('%s(%s) %s', name, arguments, result) ORDER BY name, arguments), NULL, 'every function is there, or one that only adds to its end')
  FROM wanted
 WHERE NOT EXISTS (SELECT FROM installed
                    WHERE installed.name = wanted.name
                      AND (installed.arguments = wanted.arguments OR starts_with(installed.arguments, nullif(wanted.arguments, '') || ', ') AND installed.arguments LIKE '%DEFAULT%')
                      AND (installed.result IS NOT DISTINCT FROM wanted.result OR starts_with(installed.result, 'TABLE') AND starts_with(installed.result, rtrim(wanted.result, ')') || ', ')));
SELECT is(array_agg(name::text), '{provision_wait}', 'one of them is a procedure') FROM installed WHERE kind = 'p';

CREATE TEMP TABLE wanted_view (name text, columns text);
INSERT INTO wanted_view VALUES
    ('job_status',        'job_id,tenant,workflow,state,progress,current_step,steps_done,steps_total,priority,attempt_count,error_code,error_message,error_hint,eta,created_at,started_at,finished_at,duration'),
    ('tenant_status',     'tenant,engine,provisioning_status,lifecycle,job_id,progress'),
    ('step_status',       'job_id,tenant,ordinal,step,state,critical,optional,weight,attempt_count,calls_done,calls_total,next_attempt_at,error_code,error_message,started_at,finished_at,duration'),
    ('queue',             'queue_position,job_id,tenant,engine,priority,waiting_since,estimated_start_at'),
    ('onboarding_status', 'job_id,tenant,status,queue_position,jobs_ahead,estimated_wait'),
    ('engine_status',     'engine,kind,paused,breaker,breaker_until,in_flight,max_concurrent,rate_per_second,failures_in_a_row,success_rate_1h,p50_ms,p95_ms'),
    ('worker_status',     'worker,pid,incarnation,database,alive,started_at,last_round_at,jobs_owned,calls_in_flight,rounds,calls,memory_bytes'),
    ('dead_letter',       'job_id,tenant,workflow,state,step,error_code,error_message,error_hint,failed_at,attempt_count'),
    ('call_log',          'attempt_id,job_id,step,call,method,url,http_status,delivery,verdict,duration_ms,request_body,response_excerpt,at'),
    ('event_log',         'event_id,at,job_id,tenant,actor,event,from_state,to_state,detail,correlation_id'),
    ('step_stats',        'workflow,step,runs,success_rate,p50_ms,p95_ms,p99_ms');
SELECT is(array_agg(wanted_view.name || ': ' || coalesce(present.columns, 'missing') ORDER BY wanted_view.name), NULL, 'every view begins with its columns, in this order')
  FROM wanted_view
  LEFT JOIN LATERAL (SELECT string_agg(attname::text, ',' ORDER BY attnum) AS columns
                       FROM pg_attribute
                      WHERE attrelid = to_regclass('provision.' || wanted_view.name) AND attnum > 0) AS present ON true
 WHERE NOT coalesce(starts_with(present.columns || ',', wanted_view.columns || ','), false);

SELECT is((SELECT array_agg(word ORDER BY word) FROM (
              SELECT DISTINCT constraint_name || ': ' || word[1] AS word
                FROM (VALUES ('job'), ('job_step')) AS on_table (constraint_name),
                     LATERAL (SELECT pg_get_constraintdef(oid) AS words FROM pg_constraint
                               WHERE conname = 'state_is_known' AND conrelid = to_regclass('provision.' || constraint_name)) AS definition,
                     LATERAL regexp_matches(words, '''([a-z_]+)''', 'g') AS word) AS states),
          ARRAY['job: cancelled', 'job: completed', 'job: failed', 'job: partial', 'job: paused', 'job: pending', 'job: rolled_back', 'job: running', 'job: scheduled',
                'job_step: blocked', 'job_step: completed', 'job_step: failed', 'job_step: ready', 'job_step: retrying', 'job_step: running', 'job_step: skipped',
                'job_step: undone', 'job_step: waiting'],
          'the states of jobs and steps');
SELECT * FROM finish();
ROLLBACK;
