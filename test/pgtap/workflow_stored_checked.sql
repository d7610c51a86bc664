-- A workflow that could not run is refused when it is stored, with all that is wrong; so is a change that comes too late.
BEGIN;
SELECT plan(15);
CREATE FUNCTION pg_temp.problems(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    given_detail text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS given_detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(given_detail, ''));
END;
$$;
INSERT INTO provision.workflow (name) VALUES ('w') RETURNING workflow_id \gset
CREATE FUNCTION pg_temp.store(requires text, condition text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.problems(format('INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, requires, condition) '
        'SELECT workflow_id, ordinal, s.name, ''app.f'', req::text[], CASE WHEN ordinal = 1 THEN %L::jsonpath END FROM provision.workflow, '
        '(VALUES (1, ''a'', %L), (2, ''b'', ''{a}''), (3, ''c'', ''{b}'')) AS s (ordinal, name, req) WHERE workflow.name = ''w''', condition, requires));
$$;
SELECT is(pg_temp.store('{a}'), E'PV003 workflow "w" cannot be stored\nStep "a" cannot wait for "a": that is itself.', 'a step that waits for itself');
SELECT is(pg_temp.store('{nowhere}'), E'PV003 workflow "w" cannot be stored\nStep "a" cannot wait for "nowhere": this workflow has no such step.', 'for one that does not exist');
SELECT is(pg_temp.store('{c}'), E'PV003 workflow "w" cannot be stored\nStep "a" cannot wait for "c": each would wait for the other.', 'for one that waits for it by way of another');
SELECT is(pg_temp.store('{NULL}'), E'PV003 workflow "w" cannot be stored\nStep "a" cannot wait for "(null)": this workflow has no such step.', 'for null');
SELECT is(pg_temp.store('{a,x,c}', '$.settings.country'), E'PV003 workflow "w" cannot be stored\nStep "a" cannot wait for "a": that is itself.\nStep "a" cannot wait for "c": each would wait for the other.'
    '\nStep "a" cannot wait for "x": this workflow has no such step.\nThe condition of step "a" is no predicate: single boolean result is expected.', 'all at once');
SELECT alike(pg_temp.store('{}', '$.settings ??'), '42601 %', 'a condition that is no jsonpath');
SELECT is(pg_temp.store('{}', '$nothing == 1'), E'PV003 workflow "w" cannot be stored\nThe condition of step "a" is no predicate: could not find jsonpath variable "nothing".', 'a condition with a variable');
SELECT is(pg_temp.store('{}', '$.settings.country == "Kenya"'), 'accepted', 'a sound one');
SELECT is(pg_temp.problems('UPDATE provision.step SET ordinal = 9 WHERE name = ''a'' AND workflow_id = ' || :workflow_id),
    E'PV003 workflow "w" cannot be stored\nStep "b" cannot wait for "a": its ordinal 9 is not below 2.', 'one that others wait for is moved');
SELECT is(pg_temp.problems('UPDATE provision.step SET name = ''z'' WHERE name = ''a'' AND workflow_id = ' || :workflow_id),
    E'PV003 workflow "w" cannot be stored\nStep "b" cannot wait for "a": this workflow has no such step.', 'renamed');
SELECT is(pg_temp.problems('DELETE FROM provision.step WHERE name = ''a'' AND workflow_id = ' || :workflow_id),
    E'PV003 workflow "w" cannot be stored\nStep "b" cannot wait for "a": this workflow has no such step.', 'removed');
SELECT alike(pg_temp.problems('UPDATE provision.step SET deadline_ms = 0 WHERE workflow_id = ' || :workflow_id), '23514 %deadline_is_a_year_at_most%', 'a limit of nothing');
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme', 'w');
SELECT alike(pg_temp.problems('UPDATE provision.step SET condition = ''$.settings.country == "Chad"'' WHERE name = ''a'' AND workflow_id = ' || :workflow_id), 'PV001 step "a" cannot be changed%', 'too late');
SELECT alike(pg_temp.problems('INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) VALUES (' || :workflow_id || ', 4, ''d'', ''app.f'')'),
    'PV001 workflow "w" cannot get another step%', 'too late for another step');
SELECT is(pg_temp.problems('UPDATE provision.step SET deadline_ms = 5000, on_cancel = ''end'' WHERE workflow_id = ' || :workflow_id), 'accepted', 'limits may change');
SELECT * FROM finish();
ROLLBACK;
