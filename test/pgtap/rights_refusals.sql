-- A refusal does not tell whether there is such a tenant, job, engine or key: for one of others and for none it is the same in every field.
BEGIN;
SELECT plan(16);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'abbr', name, 'country', 'US')) FROM unnest('{own,hid}'::text[]) AS name;
SELECT setval('provision.job_job_id_seq', 777000);
SELECT provision_start('hid', idempotency_key => 'order 7') AS hidden_job \gset
SELECT provision_start('own') AS own_job \gset
CREATE ROLE r_owner;
SELECT provision_member_add('own', 'r_owner', 'owner');
GRANT ALL ON SCHEMA provision TO PUBLIC;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO PUBLIC;

CREATE FUNCTION pg_temp.words(role name, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; hint text; context text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE statement;
    RAISE SQLSTATE 'YES00';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws(E'\n', SQLSTATE, message, detail, hint, context);
END;
$$;
-- <x> is one of others or none; each pair of names has the same length.
CREATE TEMP TABLE asked (what text, statement text, of_others text, missing text);
INSERT INTO asked
SELECT 'a tenant, by ' || statement, statement, 'hid', 'nix'
  FROM unnest(ARRAY['SELECT provision_start(''<x>'')', 'SELECT provision_status(''<x>'')', 'SELECT * FROM provision_jobs(''<x>'')', 'SELECT * FROM provision_plan(''<x>'')',
                    'SELECT provision_tenant_update(''<x>'', ''{}'')', 'SELECT provision_member_add(''<x>'', ''r_owner'')',
                    'SELECT provision_start(''<x>'', idempotency_key => ''order 7'')', 'SELECT provision_start_many(''{own,<x>,<x>}'')', 'SELECT * FROM provision_cancel(''<x>'')']) AS statement;
INSERT INTO asked
SELECT 'a job, by ' || statement, replace(statement, '<job>', '<x>'), :'hidden_job', '999999'
  FROM unnest(ARRAY['SELECT provision_status(<job>)', 'SELECT * FROM provision_cancel(<job>)', 'SELECT * FROM provision_skip_step(<job>, ''nonsense'')']) AS statement;
INSERT INTO asked VALUES
    ('an engine',       'SELECT provision_engine_pause(''<x>'')', 'main', 'none'),
    ('an engine, by its drop', 'SELECT provision_engine_drop(''<x>'')', 'main', 'none'),
    ('an engine, for a new tenant', 'SELECT provision_tenant_create(''new'', ''<x>'', ''{}'')', 'main', 'none');
-- The first call of a session is told in other words of its context.
SELECT count(pg_temp.words('r_owner', replace(statement, '<x>', missing))) FROM asked;
SELECT is(replace(pg_temp.words('r_owner', replace(statement, '<x>', of_others)), of_others, missing), pg_temp.words('r_owner', replace(statement, '<x>', missing)), what)
  FROM asked ORDER BY what COLLATE "C";
SELECT alike(pg_temp.words('r_owner', 'SELECT provision_start_many(''{own,nix,hid}'')'),
             '42501%tenant "hid" does not exist, or you are no member of it%role "r_owner"%hid, nix.%', 'in bulk they are named together, and not the own one');
SELECT * FROM finish();
ROLLBACK;
