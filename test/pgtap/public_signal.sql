-- provision_signal: what is refused, what comes twice, and that secrets are sealed at once.
BEGIN;
SELECT plan(30);
CREATE FUNCTION pg_temp.error(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END;
$$;
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "US"}');
INSERT INTO provision.workflow (name) VALUES ('asks'), ('other');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, signals)
SELECT workflow_id, step.*
  FROM provision.workflow,
       (VALUES (0, 'approved', 'app.waits', '{"approval": {"timeout": "1 day"}}'::jsonb),
               (1, 'keys', 'app.waits', '{"keys": {"timeout": "1 day", "secrets": ["api_key", "api_secret", "pin"]}}')) AS step
 WHERE workflow.name = 'asks';

-- What a row of a step may say.
CREATE FUNCTION pg_temp.store(signals jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.error(format('INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, signals) SELECT workflow_id, 1, ''s'', ''app.f'', %L FROM provision.workflow WHERE name = ''other''', signals));
$$;
SELECT alike(pg_temp.store('{}'), '23514 %signals_are_named%', 'no signals are null');
SELECT alike(pg_temp.store('{"Go": {"timeout": "1 day"}}'), 'PV003 %Signal "Go" of step "s": its name must be a word%', 'a name');
SELECT alike(pg_temp.store('{"go": "1 day"}'), 'PV003 %it must be an object%', 'an object');
SELECT alike(pg_temp.store('{"go": {}}'), 'PV003 %its timeout must be an interval%', 'a time limit');
SELECT alike(pg_temp.store('{"go": {"timeout": "2 years"}}'), 'PV003 %its timeout must be an interval%', 'of a year at most');
SELECT alike(pg_temp.store('{"go": {"timeout": "1 day", "secret": []}}'), 'PV003 %nothing else%', 'no other key');
SELECT alike(pg_temp.store('{"go": {"timeout": "1 day", "secrets": "pin"}}'), 'PV003 %its secrets must be an array%', 'secrets');
SELECT alike(pg_temp.store('{"go": {"timeout": "1 day", "secrets": ["api_key"]}}'), 'PV003 %only together%', 'credentials are two');
SELECT alike(pg_temp.error('INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, signals) SELECT workflow_id, 2, ''s'', ''app.f'', ''{"keys": {"timeout": "1 h"}}'' FROM provision.workflow WHERE name = ''asks'''),
    'PV003 %Signal "keys" of step "s": step "keys" waits for one of this name, too.%', 'a name is of one step');

-- What is refused.
SELECT provision_start('acme', 'asks') AS job \gset
CREATE FUNCTION pg_temp.send(job bigint, name text, payload text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.error(format('SELECT provision_signal(%L, %L, %L)', job, name, payload)) $$;
SELECT alike(pg_temp.send(:job, 'rain', '{}'), format('42704 no step of job %s waits for signal "rain" | Its steps may still wait for: approval, keys.', :job), 'what nobody waits for');
SELECT alike(pg_temp.send(0, 'approval', '{}'), '42704 job 0 does not exist%', 'a job that does not exist');
SELECT alike(pg_temp.send(:job, 'approval', '[]'), '22023 %must be a JSON object', 'an array');
SELECT alike(pg_temp.send(:job, 'approval', NULL), '22023 %must be a JSON object', 'nothing');
SELECT alike(pg_temp.send(:job, 'approval', format('{"text": "%s"}', repeat('x', 70000))), '22023 %larger than 64 kB', 'too much');
SELECT is(pg_temp.send(:job, 'approval', '{"by": "alice", "password": "hunter2"}'),
    '22023 payload of signal "approval" is not valid | password seems to be a secret, and the step does not declare it as one. | Secrets are declared in provision.step.signals.', 'a secret that is not declared');
SELECT is(pg_temp.send(:job, 'keys', '{"api_key": "a:b", "pin": 7}'),
    E'22023 payload of signal "keys" is not valid | api_key must be a text of 1 to 256 visible ASCII characters without a colon.\napi_secret must be a text of 1 to 256 visible ASCII characters.\n'
    'pin must be a text of 1 to 256 visible ASCII characters. | Its secrets are api_key, api_secret, pin.', 'secrets that are missing, or none, all at once');

-- Secrets are sealed.
SELECT is(pg_temp.send(:job, 'keys', '{"api_key": "the-key", "api_secret": "the-word", "pin": "4711", "note": "hello"}'), 'accepted', 'a signal with secrets');
SELECT is(payload || jsonb_build_object('secrets', secrets), '{"note": "hello", "secrets": ["api_key", "api_secret", "pin"]}', 'without them it is kept') FROM provision.signal WHERE job_id = :job;
SELECT is(string_agg(name, ' ' ORDER BY name), 'credentials signal_pin', 'they are secrets of the tenant') FROM provision.secret WHERE tenant_id IS NOT NULL;
SELECT is(provision.signal_context(:job) - 'has_credentials', '{"signals": {"keys": {"note": "hello", "pin": {"$secret": "signal_pin"}}}}', 'a plan is told their names');
SELECT is(detail, '{"keys": ["pin", "note", "api_key", "api_secret"], "signal": "keys"}', 'an event tells that it came, and what it held') FROM provision.event WHERE event = 'signal_received';

-- The same once more, and another.
SELECT sealed AS sealed FROM provision.secret WHERE name = 'credentials' \gset
SET client_min_messages = warning;
SELECT is(pg_temp.send(:job, 'keys', '{"api_key": "the-key", "api_secret": "another-word", "pin": "4711", "note": "hello"}'), 'accepted', 'the same with other secrets');
SELECT isnt(sealed, :'sealed'::bytea, 'until they are used, the last ones count') FROM provision.secret WHERE name = 'credentials';
SELECT alike(pg_temp.send(:job, 'keys', '{"api_key": "the-key", "api_secret": "the-word", "pin": "4711", "note": "bye"}'), 'PV001 %with another payload%It can be replaced when the step%', 'another one is refused');
UPDATE provision.job_step SET state = 'failed', error_code = 'NOT_READY', finished_at = now() WHERE job_id = :job AND name = 'keys';
SELECT is(pg_temp.send(:job, 'keys', '{"api_key": "the-key", "api_secret": "the-word", "pin": "4711", "note": "bye"}'), 'accepted', 'unless its step has failed');
-- One that rolls back is never retried.
SELECT sealed AS sealed FROM provision.secret WHERE name = 'credentials' \gset
UPDATE provision.job SET direction = 'back' WHERE job_id = :job;
SELECT is(pg_temp.send(:job, 'keys', '{"api_key": "the-key", "api_secret": "a-late-word", "pin": "4711", "note": "bye"}'),
    'PV001 signal "keys" is not waited for any more | None of the steps of its job waits for any signal any more.', 'nor when its job rolls back');
SELECT is(sealed, :'sealed'::bytea, 'and nothing of it is sealed') FROM provision.secret WHERE name = 'credentials';
SELECT alike(pg_temp.send(:job, 'rain', '{}'), '42704 %None of its steps waits for any signal, or none does any more.', 'no hint names what is undone');
UPDATE provision.job SET direction = 'forward' WHERE job_id = :job;
UPDATE provision.job_step SET state = 'completed', error_code = NULL, finished_at = now() WHERE job_id = :job;
SELECT is(pg_temp.send(:job, 'keys', '{"api_key": "the-key", "api_secret": "the-word", "pin": "4711", "note": "bye"}'), 'accepted', 'once more when the step is over: nothing happens');
SELECT alike(pg_temp.send(:job, 'approval', '{}'), 'PV001 signal "approval" is not waited for any more | None of the steps%', 'what comes too late');
SELECT * FROM finish();
ROLLBACK;
