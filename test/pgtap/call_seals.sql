-- Secrets that an answer tells: what a plan may declare, what the worker is told, what is kept of an answer, and that the rest is not.
BEGIN;
SELECT plan(29);
SELECT ok(provision.seals_are_valid(seals::jsonb), 'may be declared: ' || seals)
  FROM unnest(ARRAY['{}', '{"a": "{sid}"}', '{"a": "key:{message.api_secret}", "b": null}', '{"a": "{?key}:{message.api_secret}"}']) AS seals;
SELECT ok(NOT provision.seals_are_valid(seals::jsonb), 'may not: ' || seals)
  FROM unnest(ARRAY['[]', '"x"', '{"A": "{sid}"}', '{"a": "sid"}', '{"a": 1}', '{"a": "{sid} "}', '{"a": "{a}{b}"}', '{"a": "{a..b}"}']) AS seals;

SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'general-key', 'general-word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT tenant_id FROM provision.tenant WHERE name = 'acme' \gset
SELECT is(provision.seal_note(7, '{"b": "k:{x.y}", "a": "{sid}", "c": null}'), E'tenant/7/a {sid}\ntenant/7/b k:{x.y}', 'the worker is told identities and places');
SELECT is(provision.seal_note(7, '{"c": null}'), '', 'or that nothing is to be kept');

CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE FUNCTION app.ask(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN NEXT provision.with_auth(provision.with_seals(provision.look('ask', '/a', '{"taught": "$.taught"}'), '{"word": "{sid}", "old": null}'), 'own');
    RETURN NEXT provision.look('then', '/b');
END $$;
CREATE FUNCTION app.ask(seals jsonb, auth text) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
    SELECT 'ask', 'GET', '/a', NULL::jsonb, true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, true, seals, auth;
$$;
CREATE FUNCTION app.badly(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$ SELECT * FROM app.ask('{"a": "b"}', NULL) $$;
CREATE FUNCTION app.oddly(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$ SELECT * FROM app.ask(NULL, 'nobody') $$;
CREATE FUNCTION app.early(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$ SELECT * FROM app.ask('{"a": "{?fact}:{b}"}', NULL) $$;
SELECT is(next.detail, 'what call "ask" seals is not {"secret": "text{path.of.keys}"}', 'a wrong declaration fails its step') FROM provision.next_call('app.badly', '{"answers": {}}') AS next;
SELECT is(next.detail, 'auth of call "ask" is neither own nor session', 'so do unknown credentials') FROM provision.next_call('app.oddly', '{"answers": {}}') AS next;
SELECT is(next.error_code || ' ' || next.detail, 'FACT_MISSING fact', 'a fact is waited for') FROM provision.next_call('app.early', '{"answers": {}}') AS next;

INSERT INTO provision.workflow (name) VALUES ('w') RETURNING workflow_id \gset
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) VALUES (:workflow_id, 1, 's', 'app.ask');
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
SELECT provision.keep_secret(NULL, :tenant_id, 'old', provision.seal_value('an old value', 'tenant/' || :tenant_id || '/old', true));
CREATE FUNCTION pg_temp.answer(incarnation bigint, status integer, body text, sealed text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    given bigint;
BEGIN
    PERFORM provision_start('acme', 'w');
    PERFORM provision.claim_jobs(incarnation, 1);
    SELECT attempt_id INTO given FROM provision.begin_calls(incarnation, ARRAY(SELECT job_id FROM provision.job WHERE owner = incarnation));
    PERFORM provision.record_answers(incarnation, ARRAY[given], '{answered}', ARRAY[status], '{0}', ARRAY[body], ARRAY[body], '{NULL}', '{NULL}', '{"{1,1,1,1,1}"}', ARRAY[sealed]);
    PERFORM provision.begin_calls(incarnation, ARRAY(SELECT job_id FROM provision.job WHERE owner = incarnation));
    RETURN (SELECT concat_ws(' ', attempt.verdict, attempt.error_code, attempt.exc_type) FROM provision.attempt WHERE attempt.attempt_id = given);
END $$;

SELECT is(pg_temp.answer(:incarnation, 200, '{}', NULL), 'permanent SECRET_MISSING', 'an answer without it fails');
SELECT is(state || ' ' || error_code, 'failed SECRET_MISSING', 'and with it the step') FROM provision.job_step;
SELECT is(count(*), 0::bigint, 'nothing is kept of it') FROM provision.secret WHERE name = 'word';
SELECT is(pg_temp.answer(:incarnation, 417, '{"exc_type": "ValidationError", "exception": "told1234567"}', NULL), 'permanent VALIDATION_FAILED ValidationError', 'an error is judged as ever');
SELECT is(pg_temp.answer(:incarnation, 417, '{"exc_type": "told1234567", "exception": "told1234567"}', NULL), 'permanent VALIDATION_FAILED', 'its class is kept where it is one');
SELECT is(pg_temp.answer(:incarnation, 200, '{}', format(E'tenant/%s/word %s\n', :tenant_id, encode(provision.seal_value('told1234567', 'tenant/' || :tenant_id || '/word', true), 'hex'))), 'success', 'one that tells it is recorded');
SELECT is(array_agg(name), '{word}', 'the secret is kept, the other forgotten') FROM provision.secret WHERE tenant_id = :tenant_id;
SELECT is(string_agg(event || ' ' || (detail ->> 'name'), ', ' ORDER BY event_id), 'tenant_secret_forgotten old, tenant_secret_set word', 'both are events') FROM provision.event WHERE event LIKE 'tenant_secret%';
SELECT is(answers #> '{ask,body}', '{}', 'the plan learns that it was answered') FROM provision.job_step WHERE state = 'running';
SELECT is(count(*), 0::bigint, 'no text of an answer is anywhere')
  FROM (SELECT to_jsonb(attempt)::text FROM provision.attempt UNION ALL SELECT to_jsonb(step)::text FROM provision.job_step AS step
        UNION ALL SELECT to_jsonb(event)::text FROM provision.event UNION ALL SELECT metadata::text FROM provision.tenant) AS kept (line)
 WHERE line LIKE '%told1234567%';

-- A job that waits for what this makes may be content with it.
CREATE FUNCTION app.waits(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM provision.wait_for_signal(job, 'keys');
END $$;
INSERT INTO provision.workflow (name) VALUES ('waits') RETURNING workflow_id AS waits \gset
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, signals) VALUES (:waits, 1, 's', 'app.waits', '{"keys": {"timeout": "1 day"}}');
SELECT provision.finish_job(job_id, 'cancelled') FROM provision.job WHERE finished_at IS NULL;
SELECT provision_start('acme', 'waits') AS waiting \gset
SELECT FROM provision.claim_jobs(:incarnation, 1) AS claim CROSS JOIN LATERAL provision.begin_calls(:incarnation, claim.claimed_jobs);
SELECT is(state || ' ' || (due_at > now() + interval '23 h'), 'scheduled true', 'a job waits for somebody') FROM provision.job WHERE job_id = :waiting;
SELECT pg_temp.answer(:incarnation, 200, '{}', format(E'tenant/%s/word %s\n', :tenant_id, encode(provision.seal_value('told1234567', 'tenant/' || :tenant_id || '/word', true), 'hex')));
SELECT is(due_at, '-infinity', 'a secret that another job was told makes it look again') FROM provision.job WHERE job_id = :waiting;
SELECT * FROM finish();
ROLLBACK;
