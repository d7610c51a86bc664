-- Limits of zero or below and absurd durations: all of them in one error, nothing changed.
BEGIN;
SELECT plan(4);
CREATE FUNCTION pg_temp.problems(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'none';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN (SELECT string_agg(DISTINCT key, ' ' ORDER BY key)       -- one that is of another kind as well is named twice
              FROM regexp_split_to_table(detail, E'\n') AS line
             CROSS JOIN substring(line FROM 'Option "([a-z_]+)"') AS key);
END;
$$;
SELECT is(pg_temp.problems($$ SELECT provision_engine_create('main', 'https://erp.example.com', options =>
             jsonb_object_agg(key, 0)) FROM provision.engine_option_keys() WHERE kind IN ('integer', 'number') $$),
          (SELECT string_agg(key, ' ' ORDER BY key) FROM provision.engine_option_keys() WHERE kind IN ('integer', 'number')), 'zero');
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT is(pg_temp.problems($$ SELECT provision_engine_update('main', jsonb_object_agg(key, -1)) FROM provision.engine_option_keys() WHERE kind IN ('integer', 'number') $$),
          (SELECT string_agg(key, ' ' ORDER BY key) FROM provision.engine_option_keys() WHERE kind IN ('integer', 'number')), 'below zero');
SELECT is(pg_temp.problems($$ SELECT provision_engine_update('main', jsonb_object_agg(key, 1e300)) FROM provision.engine_option_keys() WHERE kind IN ('integer', 'number') $$),
          (SELECT string_agg(key, ' ' ORDER BY key) FROM provision.engine_option_keys() WHERE kind IN ('integer', 'number')), 'absurd');
SELECT is(ROW(max_concurrent, recovery_seconds, timeout_ms)::text, '(5,60,)', 'nothing was changed') FROM provision.engine WHERE name = 'main';
SELECT * FROM finish();
ROLLBACK;
