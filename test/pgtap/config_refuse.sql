-- One error holds all problems, a line each; a good config passes in silence.
BEGIN;
SELECT plan(4);
CREATE FUNCTION pg_temp.refusal(config jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text;
    message text;
    detail text;
    hint text;
BEGIN
    PERFORM provision.refuse_invalid_config(config, 'tenant_setup');
    RETURN 'accepted';
EXCEPTION
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RETURN concat_ws('|', state, message, detail, hint);
END;
$$;
SELECT is(pg_temp.refusal('{"company_name": "Acme", "country": "KE"}'), 'accepted', 'a good config');
SELECT is(pg_temp.refusal('{"company_name": "Acme"}'),
          'PV003|config cannot be used: 1 problem found|country: MISSING_COUNTRY: The country is missing. Add "country": an ISO code such as "KE", or a name.|provision_validate(config) shows the problems as rows.',
          'one problem');
SELECT alike(pg_temp.refusal('{}'), 'PV003|config cannot be used: 2 problems found|%company_name: MISSING_COMPANY_NAME: %' || chr(10) || 'country: MISSING_COUNTRY: %', 'two problems, two lines');
SELECT alike(pg_temp.refusal(NULL), 'PV003|config cannot be used: 1 problem found|WRONG_TYPE: %', 'no config at all');
SELECT * FROM finish();
ROLLBACK;
