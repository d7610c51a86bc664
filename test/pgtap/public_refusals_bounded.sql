-- What is refused is told in a message of a few lines, however much was given: it goes to the log, too.
BEGIN;
SELECT plan(13);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
CREATE FUNCTION pg_temp.length_of_error(statement text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN length(concat(message, detail, hint));
END $$;
SELECT cmp_ok(pg_temp.length_of_error(format(statement, repeat('x', 1000000), :job)), '<', 20000, statement)
  FROM unnest(ARRAY[
       $$SELECT provision_start('%1$s')$$,
       $$SELECT provision_start_many('{%1$s,y%1$s,z%1$s}')$$,
       $$SELECT provision_start('acme', '%1$s')$$,
       $$SELECT provision_start('acme', options => '{"%1$s": 1}')$$,
       $$SELECT provision_start('acme', options => '{"skip_steps": ["%1$s"]}')$$,
       $$SELECT provision_start('acme', options => (SELECT jsonb_object_agg('k' || n, 1) FROM generate_series(1, 10000) AS n))$$,
       $$SELECT provision_tenant_update('acme', '{"%1$s": 1}')$$,
       $$SELECT provision_engine_create('other', 'https://%1$s', '%1$s', '{"%1$s": 1, "site": "%1$s"}')$$,
       $$SELECT * FROM provision_validate('{}', '%1$s')$$,
       $$SELECT provision_skip_step(%2$s, '%1$s')$$,
       $$SELECT provision_signal(%2$s, '%1$s')$$,
       $$SELECT provision_status('%1$s')$$]) AS statement;
CREATE ROLE r_bounded;
DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO r_bounded', (SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'provision')); END $$;
GRANT EXECUTE ON FUNCTION provision_status(text) TO r_bounded;
SET ROLE r_bounded;
SELECT cmp_ok(pg_temp.length_of_error(format($$SELECT provision_status('%s')$$, repeat('x', 1000000))), '<', 20000, 'nor is more told to whoever may see nothing');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
