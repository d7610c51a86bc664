-- Names, apps and passwords outside of the rules, a site that is being deleted, an engine that makes none: refused at once with a reason, and nothing is started.
BEGIN;
SELECT plan(22);
SELECT provision_engine_create('maker', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench", "domain": "example.com"}');
SELECT provision_engine_create('plain', 'https://erp.example.com');
SELECT provision_tenant_create(name, 'maker', '{"company_name": "A", "country": "Kenya"}') FROM unnest('{www,abc,right,Strange_one,a-name-that-is-longer-than-the-32-letters}'::text[]) AS name;
SELECT provision_tenant_create('elsewhere', 'maker', '{"company_name": "A", "country": "Kenya", "site": "elsewhere.example.org"}');
SELECT provision_tenant_create('agentless', 'plain', '{"company_name": "A", "country": "Kenya"}');
-- SQLSTATE, message and detail of a refusal.
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, SQLERRM, nullif(detail, ''));
END;
$$;

SELECT alike(pg_temp.refusal(format('SELECT provision_create_site(%L)', name)), 'PV003 % no site can be named "' || lower(name) || '.example.com"%', name)
  FROM unnest('{www,abc,Strange_one,a-name-that-is-longer-than-the-32-letters}'::text[]) AS name;
SELECT alike(pg_temp.refusal($$ SELECT provision_create_site('elsewhere') $$), 'PV003 % no site can be named "elsewhere.example.org"%', 'another domain');
SELECT alike(pg_temp.refusal($$ SELECT provision_create_site('agentless') $$), 'PV003 %', 'nobody who makes sites');
SELECT alike(pg_temp.refusal($$ SELECT provision_start_many('{right,www}', 'create_site') $$), 'PV003 %www%', 'one of several');
SELECT is((SELECT count(*)::integer FROM provision.job), 0, 'nothing is started');
SELECT is((SELECT count(*)::integer FROM provision.secret), 0, 'and no password is made');

SELECT alike(pg_temp.refusal(format('SELECT provision_engine_update(''maker'', %L)', jsonb_build_object('apps', apps::jsonb))), '22023 %apps%', 'apps ' || apps)
  FROM unnest(ARRAY['["erp next"]', '["erpnext; reboot"]', '["erpnext", "erpnext"]', '["erpnext", "frappe"]', '"erpnext"']) AS apps;
SELECT alike(pg_temp.refusal(format('SELECT provision_engine_secret_set(''maker'', ''mariadb_root_password'', %L)', value)), '22023 value of secret "mariadb_root_password" is not valid It must%', 'a password')
  FROM unnest(ARRAY['', NULL, 'two words', E'two\nlines']) AS value;
SELECT is(string_agg(letter, '' ORDER BY letter COLLATE "C") FILTER (WHERE provision.root_password_problems('a' || letter) IS NULL), '%+,-./0123456789:=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz',
          'of all that can be typed it takes what a shell leaves as it is') FROM (SELECT chr(code) AS letter FROM generate_series(1, 255) AS code) AS typed;
SELECT is(pg_temp.refusal($$ SELECT provision_engine_secret_set('maker', 'mariadb_root_password', repeat('$(id)', 60)) $$), E'22023 value of secret "mariadb_root_password" is not valid It must have 1 to 256 characters.\n'
          'It must hold nothing but ASCII letters, digits and @ % + = : , . / _ -, because Frappe Agent writes it into a shell command.', 'and all that is wrong is told at once, without any of it');
SELECT is(pg_temp.refusal($$ SELECT provision_engine_secret_set('maker', 'mariadb_root_password', 'Root-password_4711') $$), NULL, 'one that is right is taken');
DELETE FROM provision.secret;

SELECT provision_delete_site('right') AS deletion \gset
SELECT alike(pg_temp.refusal($$ SELECT provision_create_site('right') $$), 'PV001 % it is being deleted%', 'what is being deleted is not made');
SELECT * FROM finish();
ROLLBACK;
