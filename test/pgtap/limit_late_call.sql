-- A call that may change something is not begun when its step's deadline leaves no time to reach the server; one that only looks is.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com', options => '{"connect_timeout_ms": 2000}');
SELECT count(provision_tenant_create('t' || n, 'main', jsonb_build_object('company_name', 'T' || n, 'country', 'Kenya'))) FROM generate_series(1, 4) AS n;
CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE FUNCTION app.make(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS
    $$ SELECT 'it', 'POST', '/x', '{}'::jsonb, true, NULL, false, 'write', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text $$;
CREATE FUNCTION app.look(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS
    $$ SELECT 'it', 'GET', '/x', NULL::jsonb, true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text $$;
INSERT INTO provision.workflow (name) VALUES ('makes'), ('looks'), ('hurries');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, deadline_ms)
SELECT workflow_id, 1, 's', CASE name WHEN 'looks' THEN 'app.look' ELSE 'app.make' END, CASE name WHEN 'hurries' THEN 1000 ELSE 60000 END
  FROM provision.workflow WHERE name IN ('makes', 'looks', 'hurries');
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
-- What is sent when so much of the deadline is over.
CREATE FUNCTION pg_temp.sent(tenant text, workflow text, incarnation bigint, begun interval) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    started bigint := provision_start(tenant, workflow);
BEGIN
    PERFORM provision.claim_jobs(incarnation, 1);
    UPDATE provision.job_step SET started_at = clock_timestamp() - begun WHERE job_id = started;
    RETURN (SELECT count(*) FROM provision.begin_calls(incarnation, ARRAY[started]));
END;
$$;
SELECT is(pg_temp.sent('t1', 'makes', :incarnation, '59 s'), 0::bigint, 'less than the time to connect: nothing is sent');
SELECT is(ROW(state, error_code)::text, '(partial,STEP_DEADLINE)', 'the step was too late') FROM provision.job_status WHERE tenant = 't1';
SELECT is(count(*), 0::bigint, 'no attempt is left open') FROM provision.attempt;
SELECT is(pg_temp.sent('t2', 'makes', :incarnation, '50 s'), 1::bigint, 'time enough: it is sent');
SELECT is(pg_temp.sent('t3', 'looks', :incarnation, '59 s'), 1::bigint, 'to look does no harm');
SELECT is(pg_temp.sent('t4', 'hurries', :incarnation, '0 s'), 1::bigint, 'a deadline shorter than the time to connect is not over before it began');
SELECT is(pg_temp.sent('t1', 'hurries', :incarnation, '0.8 s'), 0::bigint, 'but when three quarters of it are');
SELECT * FROM finish();
ROLLBACK;
