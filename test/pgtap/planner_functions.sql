-- What plan functions may call in our schema: whatever those of the workflows need, nothing that reads a table or has an effect.
BEGIN;
SELECT plan(6);
CREATE TEMPORARY TABLE granted AS
SELECT pg_proc.* FROM pg_proc
 WHERE EXISTS (SELECT FROM aclexplode(proacl) AS acl WHERE acl.grantee = 'provision_planner'::regrole);
SELECT set_eq('SELECT DISTINCT proname::text FROM granted', 'SELECT unnest(provision.planner_functions())', 'the role may execute what is listed');
-- As the text of a function names them; a listed function may not name any that is not.
SELECT is_empty($$
    WITH body AS (SELECT proname, pg_get_functiondef(granted.oid) AS text FROM granted JOIN pg_language AS l ON l.oid = prolang WHERE l.lanname IN ('sql', 'plpgsql'))
    SELECT body.proname, called.name
      FROM body
     CROSS JOIN LATERAL (SELECT DISTINCT found[1] AS name FROM regexp_matches(body.text, 'provision\.(\w+)\(', 'g') AS found) AS called
     WHERE called.name <> ALL (provision.planner_functions()) AND called.name <> body.proname $$, 'what they call is listed too');
SELECT is_empty($$
    WITH body AS (SELECT proname, pg_get_functiondef(granted.oid) AS text FROM granted JOIN pg_language AS l ON l.oid = prolang WHERE l.lanname IN ('sql', 'plpgsql'))
    SELECT body.proname, relation.relname
      FROM body
      JOIN pg_class AS relation ON relation.relnamespace = 'provision'::regnamespace AND relation.relkind IN ('r', 'v', 'm', 'S', 'p')
     WHERE body.text ~ ('provision\.' || relation.relname || '\M(?!\()') $$, 'none names a table or view');
SELECT is_empty($$ SELECT proname FROM granted WHERE prosecdef $$, 'none has rights of its own');
SELECT is_empty($$ SELECT proname FROM granted WHERE provolatile = 'v' AND proname NOT IN ('ask_again', 'give_up', 'conclude', 'wait_for_signal') $$, 'none has an effect');
SELECT is_empty($$ SELECT granted FROM provision.planner_grants() AS granted WHERE NOT is_meant $$, 'there is no other right');
SELECT * FROM finish();
ROLLBACK;
