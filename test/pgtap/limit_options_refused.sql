-- Time limits that are none are refused with everything else that is wrong, and nothing is started.
BEGIN;
SELECT plan(14);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT throws_ok(format('SELECT provision_start(%L, options => jsonb_build_object(%L, %s))', 'acme', 'deadline', value), '22023', 'options are not valid', 'deadline ' || value)
  FROM unnest(ARRAY[$$'0'$$, $$'-5 min'$$, $$'366 days'$$, $$'200 years'$$, $$'soon'$$, $$''$$, '5', 'NULL::text', 'true', $$'1 microsecond'$$, $$'99999999999999999999 years'$$]) AS value;
CREATE FUNCTION pg_temp.detail() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    given_detail text;
BEGIN
    PERFORM provision_start('acme', options => '{"deadline": "0 s", "max_wait": "2 years", "skip_steps": ["step_2_company"], "colour": "red", "traceparent": "x"}');
    RETURN 'accepted';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS given_detail = PG_EXCEPTION_DETAIL;
    RETURN given_detail;
END;
$$;
SELECT is(regexp_split_to_array(pg_temp.detail(), E'\n'), ARRAY[
    'Option "colour" is not known.', 'Step "step_2_company" is not an optional step of workflow "tenant_setup".',
    'Option "traceparent" must have the form of a W3C trace context.',
    'Option "deadline" must be an interval from 1 millisecond to 365 days, such as "15 minutes".',
    'Option "max_wait" must be an interval from 1 millisecond to 365 days, such as "15 minutes".'], 'all at once');
SELECT is(count(*), 0::bigint, 'nothing was started') FROM provision.job;
SELECT isnt(provision_start('acme', options => '{"deadline": "365 days", "max_wait": "1 ms"}'), NULL, 'the longest and the shortest');
SELECT * FROM finish();
ROLLBACK;
