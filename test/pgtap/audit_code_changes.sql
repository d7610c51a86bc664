-- Whoever changes a workflow, a step or a rule for answers changes what runs: each statement that does is an event with who and what, whatever it is.
BEGIN;
SELECT plan(13);
CREATE ROLE r_author SUPERUSER;
CREATE ROLE r_granted;
GRANT USAGE ON SCHEMA provision TO r_granted;
GRANT ALL ON provision.workflow, provision.step, provision.answer_rule TO r_granted;
CREATE FUNCTION public.guard_plan(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS 'SELECT NULL::provision.call WHERE false';
CREATE FUNCTION pg_temp.written(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before bigint := (SELECT coalesce(max(event_id), 0) FROM provision.event);
BEGIN
    SET LOCAL ROLE r_author;
    EXECUTE statement;
    RESET ROLE;
    RETURN (SELECT string_agg(concat_ws(' ', event, detail ->> 'change', detail ->> 'rows', detail #> '{changes,0}',
                                        CASE WHEN actor <> 'r_author' THEN 'by ' || actor END), '; ' ORDER BY event_id)
              FROM provision.event WHERE event_id > before);
END;
$$;
SELECT matches(pg_temp.written($$ INSERT INTO provision.workflow (name) VALUES ('own') $$), '^workflow_changed insert 1 \{.*"name": "own".*\}$', 'a new workflow');
SELECT matches(pg_temp.written($$ INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) SELECT workflow_id, n, 'step_' || n, 'public.guard_plan' FROM provision.workflow, generate_series(1, 30) AS n WHERE name = 'own' $$),
    '^step_changed insert 30 \{.*"plan_function": "public.guard_plan".*\}$', 'its steps: one event');
SELECT is(jsonb_array_length(detail -> 'changes'), 20, 'which shows 20 of them') FROM provision.event WHERE event = 'step_changed' ORDER BY event_id DESC LIMIT 1;
SELECT matches(pg_temp.written($$ UPDATE provision.step SET plan_function = 'provision.plan_company', weight = 1 WHERE name = 'step_7' AND plan_function = 'public.guard_plan' $$),
    '^step_changed update 1 \{"ordinal": 7, "workflow_id": [0-9]+, "plan_function": \{"to": "provision.plan_company", "from": "public.guard_plan"\}\}$', 'a change: what it was and is');
SELECT is(pg_temp.written($$ UPDATE provision.step SET weight = weight $$), NULL, 'what changes nothing is none');
SELECT is(pg_temp.written($$ DELETE FROM provision.step WHERE false $$), NULL, 'nor what finds nothing');
SELECT matches(pg_temp.written($$ UPDATE provision.step SET title = repeat('x', 100000) WHERE name = 'step_8' AND plan_function = 'public.guard_plan' $$), '"to": "x{200}\.\.\."', 'long values are cut');
SELECT matches(pg_temp.written($$ DELETE FROM provision.workflow WHERE name = 'own' $$), 'step_changed delete 30 .*workflow_changed delete 1|workflow_changed delete 1 .*step_changed delete 30', 'a removal, with what goes with it');
SELECT matches(pg_temp.written($$ INSERT INTO provision.answer_rule (ordinal, verdict) VALUES (1, 'success') $$), '^answer_rule_changed insert 1 \{.*"verdict": "success".*\}$', 'a rule');
SELECT matches(pg_temp.written($$ UPDATE provision.answer_rule SET ordinal = 2 WHERE ordinal = 1 $$), '^answer_rule_changed update 2 ', 'a rule that gets another number: the old one goes, a new one comes');
SET LOCAL ROLE r_granted;
SELECT throws_ok($$ INSERT INTO provision.workflow (name) VALUES ('theirs') $$, '42501', NULL, 'a grant is not enough to write workflows');
TRUNCATE provision.answer_rule;
RESET ROLE;
SELECT is(ROW(event, actor, detail)::text, '(answer_rule_changed,r_granted,"{""change"": ""truncate""}")', 'nor to remove all unseen') FROM provision.event ORDER BY event_id DESC LIMIT 1;
SELECT is_empty($$ SELECT event_id FROM provision.event WHERE event ~ '_changed$' AND actor NOT IN ('r_author', 'r_granted') $$, 'no such event is of the installation');
SELECT * FROM finish();
ROLLBACK;
