-- The condition of a step is judged when it could start, over settings, facts and options; anything but true skips it.
BEGIN;
SELECT plan(12);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
CREATE FUNCTION pg_temp.meets(condition jsonpath) RETURNS boolean LANGUAGE sql AS $$
    SELECT provision.meets(condition, tenant, '{"skip_steps": ["x"]}') FROM provision.tenant WHERE name = 'acme';
$$;
SELECT ok(pg_temp.meets('$.settings.country == "Kenya"'), 'a setting');
SELECT ok(NOT pg_temp.meets('$.settings.country == "Chad"'), 'another value');
SELECT ok(NOT pg_temp.meets('$.settings.nothing == 1'), 'what is not there');
SELECT ok(NOT pg_temp.meets('$.settings.country > 5'), 'what cannot be compared');
SELECT ok(NOT pg_temp.meets('strict $.facts.nothing == 1'), 'what strict mode finds wrong');
SELECT ok(pg_temp.meets('$.options.skip_steps[*] == "x"'), 'an option');
SELECT ok(pg_temp.meets('!exists($.facts.warehouse) && $.settings.currency starts with "K"'), 'facts, and two of them');
SELECT is(count(*), 0::bigint, 'demo items are left out by default') FROM provision_plan('acme') WHERE step = 'step_6_items';
SELECT provision_tenant_update('acme', '{"demo_items": true}');
SELECT cmp_ok(count(*), '>', 0::bigint, 'and planned when wanted') FROM provision_plan('acme') WHERE step = 'step_6_items';

-- Once it has begun, what it learns does not stop it.
CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE FUNCTION app.two_calls(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
    VALUES ('one', 'GET', '/a', NULL::jsonb, true, NULL, true, 'read', '{"x": "$.message"}'::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text), ('two', 'GET', '/b', NULL, true, NULL, true, 'read', NULL, NULL, NULL, NULL, NULL);
$$;
INSERT INTO provision.workflow (name) VALUES ('w') RETURNING workflow_id \gset
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, condition) VALUES
    (:workflow_id, 1, 'once', 'app.two_calls', '!exists($.facts.x)'), (:workflow_id, 2, 'never', 'app.two_calls', '$.options.x == 1');
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
SELECT provision_start('acme', 'w') AS job \gset
SELECT provision.claim_jobs(:incarnation, 1);
SELECT attempt_id FROM provision.begin_calls(:incarnation, ARRAY(SELECT job_id FROM provision.job WHERE owner = :incarnation)) \gset
SELECT is(string_agg(name || ' ' || state, ', ' ORDER BY ordinal), 'once running, never skipped', 'one runs, one is skipped') FROM provision.job_step WHERE job_id = :job;
SELECT answered_jobs FROM provision.record_answers(:incarnation, ARRAY[:attempt_id]::bigint[], '{answered}', '{200}', '{0}', '{"{\"message\": 1}"}', '{NULL}', '{NULL}', '{NULL}', '{"{1,1,1,1,1}"}') \gset
SELECT is(count(*), 1::bigint, 'its second call is made although the condition is not met any more') FROM provision.begin_calls(:incarnation, :'answered_jobs');
SELECT is(metadata -> 'x', '1', 'for it has learnt it') FROM provision.tenant WHERE name = 'acme';
SELECT * FROM finish();
ROLLBACK;
