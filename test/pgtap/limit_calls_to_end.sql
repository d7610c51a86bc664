-- Which calls in flight are ended when their job is cancelled or its deadline passes.
BEGIN;
SELECT plan(10);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE TABLE app.kind (method text, is_guarded boolean, repeatable boolean, effort text);
GRANT SELECT ON app.kind TO provision_planner;
INSERT INTO app.kind VALUES ('GET', false, NULL, NULL);
CREATE FUNCTION app.a_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
    SELECT 'it', method, '/b', NULL::jsonb, true, NULL, repeatable, effort, NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text FROM app.kind;
$$;
INSERT INTO provision.workflow (name) VALUES ('w') RETURNING workflow_id \gset
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) VALUES (:workflow_id, 1, 's', 'app.a_call');
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
CREATE FUNCTION pg_temp.is_ended(call text, on_cancel text, wish text DEFAULT 'cancel') RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    worker bigint := (SELECT max(incarnation) FROM provision.worker);
    sent bigint;
    ended bigint[];
BEGIN
    DELETE FROM provision.job;
    EXECUTE 'UPDATE app.kind SET (method, is_guarded, repeatable, effort) = (' || call || ')';
    UPDATE provision.step SET on_cancel = is_ended.on_cancel WHERE plan_function = 'app.a_call';
    PERFORM provision_start('acme', 'w');
    PERFORM provision.claim_jobs(worker, 1);
    SELECT b.attempt_id INTO sent FROM provision.begin_calls(worker, ARRAY(SELECT job_id FROM provision.job WHERE owner = worker)) AS b;
    UPDATE provision.attempt SET guard = 'look' FROM app.kind WHERE attempt.attempt_id = sent AND kind.is_guarded;
    ASSERT provision.calls_to_end(worker) = '{}';
    PERFORM provision.wish_for(job, is_ended.wish, NULL) FROM provision.job;
    SELECT r.calls_to_end INTO ended FROM provision.end_round(worker) AS r;
    RETURN ended = ARRAY[sent];
END;
$$;
SELECT ok(pg_temp.is_ended($$'GET', false, NULL, NULL$$, 'await'), 'a GET, always');
SELECT ok(pg_temp.is_ended($$'POST', false, true, 'read'$$, 'await'), 'a repeatable POST that reads, always');
SELECT ok(NOT pg_temp.is_ended($$'PUT', false, NULL, NULL$$, 'await'), 'not a PUT');
SELECT ok(pg_temp.is_ended($$'PUT', false, NULL, NULL$$, 'end'), 'unless the step says so');
SELECT ok(pg_temp.is_ended($$'POST', true, NULL, 'write'$$, 'end'), 'or a creation that can be looked for');
SELECT ok(NOT pg_temp.is_ended($$'POST', true, NULL, 'write'$$, 'await'), 'which is awaited by default');
SELECT ok(NOT pg_temp.is_ended($$'POST', false, NULL, 'write'$$, 'end'), 'never what can neither be repeated nor looked for');
SELECT ok(NOT pg_temp.is_ended($$'POST', false, NULL, 'read'$$, 'end'), 'whatever its effort');
SELECT ok(pg_temp.is_ended($$'GET', false, NULL, NULL$$, 'await', 'expire'), 'also when a deadline has passed');
SELECT ok(NOT pg_temp.is_ended($$'GET', false, NULL, NULL$$, 'end', 'pause'), 'not for a pause');
SELECT * FROM finish();
ROLLBACK;
