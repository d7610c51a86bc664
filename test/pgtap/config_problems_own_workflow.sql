-- A workflow of one's own may have settings of its own and need no company; what it shares with the others is judged all the same.
BEGIN;
SELECT plan(5);
INSERT INTO provision.workflow (name) VALUES ('our_own_workflow');
SELECT is_empty($$SELECT * FROM provision.config_problems('{"colour": "red"}', 'our_own_workflow')$$, 'nothing is missing and nothing too much');
SELECT results_eq($$SELECT field, code FROM provision.config_problems('{"currency": "XXX"}', 'our_own_workflow')$$, $$VALUES ('currency', 'UNKNOWN_CURRENCY')$$, 'a known key is judged');
SELECT results_eq($$SELECT code FROM provision.config_problems('[]', 'our_own_workflow')$$, $$VALUES ('WRONG_TYPE')$$, 'it is an object');
-- Where a plan passes a value on, the worker would put the secret in its place.
SELECT results_eq($$SELECT field, code FROM provision.config_problems('{"note": [{"of": {"$secret": "mariadb_root_password"}}]}', 'our_own_workflow')$$,
    $$VALUES ('note', 'MARKER_REFUSED')$$, 'nobody names a secret in a config');
SELECT is_empty($$SELECT * FROM provision.config_problems('{"note": "{\"$secret\": \"mariadb_root_password\"}"}', 'our_own_workflow')$$, 'a text is a text');
SELECT * FROM finish();
ROLLBACK;
