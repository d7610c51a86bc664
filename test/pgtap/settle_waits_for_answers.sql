-- A job with a call in flight that can do nothing else waits for the answer: a time that has passed would have its worker look again at once,
-- round after round, as long as the call lasts.
BEGIN;
SELECT plan(6);
SELECT provision_engine_create('main', 'https://erp.example.com', options => '{"max_concurrent": 3}');
SELECT provision_engine_create('narrow', 'https://narrow.example.com', options => '{"max_concurrent": 1}');
CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
    SELECT 'ping', 'GET', '/x', NULL::jsonb, true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text;
$$;
INSERT INTO provision.workflow (name) VALUES ('w') RETURNING workflow_id \gset
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical)
VALUES (:workflow_id, 1, 'fails', 'app.one_call', true), (:workflow_id, 2, 'lasts', 'app.one_call', false), (:workflow_id, 3, 'retries', 'app.one_call', false);
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset

-- A job with the second step's call in flight and the third to be tried again; what its worker is told to do next.
CREATE FUNCTION app.in_flight(tenant text, engine text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    started bigint;
    worker bigint := (SELECT max(incarnation) FROM provision.worker);
BEGIN
    PERFORM provision_tenant_create(tenant, engine, jsonb_build_object('company_name', tenant, 'country', 'Kenya'));
    started := provision_start(tenant, 'w');
    PERFORM provision.claim_jobs(worker, 1);
    PERFORM count(*) FROM provision.begin_calls(worker, ARRAY[started]);
    UPDATE provision.job_step SET state = 'running', attempt_id = coalesce(attempt_id, -1) WHERE job_id = started AND name = 'lasts';
    UPDATE provision.job_step SET state = 'completed', attempt_id = NULL, finished_at = now() WHERE job_id = started AND name = 'fails';
    UPDATE provision.job_step SET state = 'retrying', attempt_id = NULL, next_attempt_at = now() - interval '1 s' WHERE job_id = started AND name = 'retries';
    UPDATE provision.job SET slots = 1 WHERE job_id = started;
    RETURN started;
END $$;
CREATE FUNCTION app.due_at(looked_at bigint) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count(*) FROM provision.begin_calls((SELECT owner FROM provision.job WHERE job_id = looked_at), ARRAY[looked_at]);
    RETURN (SELECT due_at FROM provision.job WHERE job_id = looked_at);
END $$;

SELECT app.in_flight('later', 'main') AS later \gset
UPDATE provision.job_step SET next_attempt_at = 'tomorrow' WHERE job_id = :later AND name = 'retries';
SELECT is(app.due_at(:later), 'tomorrow'::timestamptz, 'a retry beside a call comes at its time');
UPDATE provision.job_step SET next_attempt_at = 'yesterday' WHERE job_id = :later AND name = 'retries';
SELECT is(app.due_at(:later), NULL, 'when the retry is sent, both answers are waited for');
UPDATE provision.engine SET max_concurrent = 10 WHERE name = 'main';

SELECT app.in_flight('hopeless', 'main') AS hopeless \gset
UPDATE provision.job_step SET state = 'failed', error_code = 'INTERNAL_ERROR' WHERE job_id = :hopeless AND name = 'fails';
UPDATE provision.job SET has_flaw = true WHERE job_id = :hopeless;
SELECT is(app.due_at(:hopeless), NULL, 'a job that has failed for good tries nothing again');

SELECT app.in_flight('cancelled', 'main') AS cancelled \gset
UPDATE provision.job SET wish = 'cancel' WHERE job_id = :cancelled;
SELECT is(app.due_at(:cancelled), NULL, 'nor does one that is being cancelled');

SELECT app.in_flight('paused', 'main') AS paused \gset
UPDATE provision.job SET wish = 'pause' WHERE job_id = :paused;
SELECT is(app.due_at(:paused), NULL, 'or paused');

SELECT app.in_flight('crowded', 'narrow') AS crowded \gset
SELECT is(app.due_at(:crowded), NULL, 'a retry for which the engine takes no call beside waits for the call in flight');
SELECT * FROM finish();
ROLLBACK;
