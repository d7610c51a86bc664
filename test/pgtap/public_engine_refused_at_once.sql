-- Everything that is wrong with an engine is said in one error, and an address that may hold a password is not repeated.
BEGIN;
SELECT plan(4);
CREATE FUNCTION pg_temp.refusal(statement text, OUT code text, OUT message text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
END;
$$;
CREATE TEMPORARY TABLE refused AS
    SELECT * FROM pg_temp.refusal($$ SELECT provision_engine_create('main', 'http://user:hunter2@erp.example.com/?a=b', 'odoo',
        '{"max_concurent": 3, "burst": -1, "rate_per_second": "fast", "allow_http": 1, "timeout_ms": 1.5, "site": "a b", "max_queue_depth": 1e30}') $$);
SELECT is(ROW(code, message)::text, '(22023,"engine settings are not valid: 9 problems")', 'one error counts them') FROM refused;
SELECT is(detail, 'base_url must not hold a user or password; provision_engine_secret() sets the credentials.
kind must be "erpnext", "frappe_agent" or "frappe_cloud", not "odoo".
Option "allow_http" must be true or false.
Option "burst" must be a whole number from 1 to 100000.
Option "max_queue_depth" must be a whole number from 1 to 10000000.
Option "rate_per_second" must be a number from 0.001 to 100000.
Option "site" must be a host name, perhaps with a port.
Option "timeout_ms" must be a whole number from 1 to 3600000.
Option "max_concurent" is not known. Did you mean "max_concurrent"?', 'its detail names them all') FROM refused;
SELECT ok(refused::text !~ 'hunter2', 'no password is repeated') FROM refused;
SELECT is(count(*), 0::bigint, 'nothing was stored') FROM provision.engine WHERE name = 'main';
SELECT * FROM finish();
ROLLBACK;
