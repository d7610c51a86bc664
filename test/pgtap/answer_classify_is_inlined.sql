-- Used over all answers of a worker's round it must not cost a function call for each.
BEGIN;
SELECT plan(1);
CREATE FUNCTION pg_temp.explained() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE
        'EXPLAIN SELECT given.verdict FROM generate_series(200, 599) AS status
           CROSS JOIN LATERAL provision.classify(''erpnext'', ''answered'', ''GET'', ''/x'', status, true, '''', 0) AS given';
END;
$$;
SELECT ok(NOT bool_or(line LIKE '%Function Scan on classify%'), 'classify is inlined') FROM pg_temp.explained() AS line;
SELECT * FROM finish();
ROLLBACK;
