-- Objects of the caller that have the names of ours or of the server's change nothing.
BEGIN;
SELECT plan(3);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT n.nspname AS home FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE p.proname = 'provision_start' \gset
CREATE SCHEMA trap;
CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END; $$;
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END; $$;
CREATE FUNCTION trap.format(text, VARIADIC "any") RETURNS text LANGUAGE internal AS 'text_format';
CREATE TABLE trap.job (job_id bigint);
SET LOCAL search_path = trap, pg_catalog, public, :"home";
SELECT lives_ok(format('SELECT %I.provision_cancel(''acme''), %1$I.provision_retry(''acme''), %1$I.provision_pause(''acme''), %1$I.provision_resume(''acme'')', :'home'), 'actions');
SELECT lives_ok(format('SELECT * FROM %I.provision_why(''acme''), %1$I.provision_health(), %1$I.provision_jobs()', :'home'), 'looking');
SELECT lives_ok(format('CALL %I.provision_wait(%s)', :'home', :job), 'waiting') FROM (SELECT provision.finish_job(:job, 'completed')) AS ended;
SELECT * FROM finish();
ROLLBACK;
