-- Credentials are replaced on a second call, refused without being repeated, and appear in no view or event.
BEGIN;
SELECT plan(8);
CREATE FUNCTION pg_temp.everything_said(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text[] := '{}';
    part text;
BEGIN
    EXECUTE statement;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS part = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, SQLERRM, part);
END;
$$;
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_engine_secret('main', 'key-one', 'hunter1');
SELECT provision_engine_secret('main', 'key-two', 'hunter2');
SELECT provision_tenant_secret('acme', 'key-three', 'hunter3');
SELECT is(array_agg(identity ~ '^(engine|tenant)/[0-9]+/credentials$'), '{t,t}', 'the second replaces the first') FROM provision.secret;
SELECT is(count(*), 0::bigint, 'the table holds nothing in clear') FROM provision.secret WHERE encode(sealed, 'escape') ~ 'hunter|key-';
SELECT ok(has_credentials, 'that there are some is shown') FROM provision.engine_status WHERE engine = 'main';
SELECT is(count(*), 0::bigint, 'no event has them') FROM provision.event WHERE event::text ~ 'hunter|key-';
SELECT alike(pg_temp.everything_said(statement), '22023 credentials are not valid%', 'refused') FROM (VALUES ($$ SELECT provision_engine_secret('main', 'hunter4', E'hun\nter4') $$)) AS given (statement);
SELECT unalike(pg_temp.everything_said(statement), '%hun%', 'and not repeated') FROM (VALUES ($$ SELECT provision_engine_secret('main', 'hunter:4', NULL) $$)) AS given (statement);
SELECT alike(pg_temp.everything_said(format('SELECT provision_tenant_secret(%L, %L, %L)', 'acme', 'k', repeat('x', 257))), '22023%', 'too long');
SELECT ok(NOT has_table_privilege(rolname, 'provision.secret', 'SELECT'), 'the table is closed to other roles') FROM pg_roles WHERE rolname = 'pg_monitor';
SELECT * FROM finish();
ROLLBACK;
