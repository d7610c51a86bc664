-- Time limits, conditions and the pause of everything as a user sees them.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
DELETE FROM provision.job; DELETE FROM provision.tenant; DELETE FROM provision.engine;
SELECT provision_engine_create('bench', 'http://127.0.0.1:1/');
SELECT provision_tenant_create('acme', 'bench', '{"company_name": "Acme Ltd", "country": "Germany"}');

-- A job may have a deadline and a longest wait; status and why() show them.
SELECT provision_start('acme', options => '{"deadline": "2 hours", "max_wait": "15 minutes"}') AS job \gset
SELECT expires_at - created_at BETWEEN '14 minutes' AND '15 minutes' AS may_wait_that_long FROM provision.job_status;
SELECT provision_status('acme') ->> 'expires_at' IS NOT NULL AS is_shown;
SELECT reason, regexp_replace(detail, '\d{4}-\S+ \S+', 'T') AS detail FROM provision_why('acme') WHERE reason = 'time limit';
UPDATE provision.job SET expires_at = now() - interval '1 second';      -- time passes
SELECT provision.expire_jobs();
SELECT state, error_code, error_message, expires_at FROM provision.job_status;
SELECT regexp_replace(regexp_replace(error_hint, '\d{4}-\S+ \S+', 'T.'), '\(\d+\)', '(N)') AS error_hint FROM provision.job_status;
SELECT step, state, error_code FROM provision.step_status ORDER BY ordinal LIMIT 2;
SELECT state, expires_at > now() AS has_time_again FROM provision_retry('acme');
SELECT state FROM provision_cancel('acme');

-- What is no time, with everything else that is wrong.
\set VERBOSITY default
SELECT provision_start('acme', options => '{"deadline": "-1 s", "max_wait": "10 years", "what": 1}');
\set VERBOSITY terse
UPDATE provision.workflow SET deadline_ms = 0;
UPDATE provision.workflow SET max_wait_ms = 31536000001;
UPDATE provision.step SET deadline_ms = -1;
UPDATE provision.step SET on_cancel = 'forget';
\set VERBOSITY default

-- Steps have conditions. What could never run is refused as a whole.
INSERT INTO provision.workflow (name) VALUES ('greeting');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, requires, condition)
SELECT workflow_id, ordinal, step.name, 'app.greet', requires, condition
  FROM provision.workflow,
       (VALUES (1, 'hello', '{bye}'::text[], '$.settings.country'::jsonpath), (2, 'bye', '{hello,bye,nobody}', NULL)) AS step (ordinal, name, requires, condition)
 WHERE workflow.name = 'greeting';
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, condition)
SELECT workflow_id, 1, 'hello', 'app.greet', '$.settings.country == "Germany"' FROM provision.workflow WHERE name = 'greeting';
DELETE FROM provision.workflow WHERE name = 'greeting';

-- Everything is paused, with a reason.
SELECT provision_pause_all('moving house');
SELECT provision_start('acme') AS job \gset
SELECT reason, regexp_replace(detail, '^\S+ (.*) \d{4}-\S+ \S+', 'U \1 T') AS detail, fix FROM provision_why('acme') WHERE reason = 'everything paused';
SELECT value ->> 'check' AS check, value ->> 'status' AS status, value ->> 'fix' AS fix
  FROM jsonb_array_elements(provision_health() -> 'checks') WHERE value ->> 'check' = 'pause';
SELECT provision_resume_all();
SELECT count(*) FROM provision_why('acme') WHERE reason = 'everything paused';
SELECT event, detail FROM provision.event_log WHERE event LIKE 'all%' ORDER BY event_id;
SELECT state FROM provision_cancel('acme');
