-- A client certificate has two files, which the server can use when they are given; what goes missing later keeps nothing else from being changed.
BEGIN;
SELECT plan(8);
CREATE FUNCTION pg_temp.problem(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'none';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN detail;
END;
$$;
SELECT matches(pg_temp.problem($$ SELECT provision_engine_create('main', 'https://a.example', options => '{"client_certificate_file": "/a.pem"}') $$),
    '^Options "client_certificate_file" and "client_key_file" belong together: both are given, or neither.$', 'a certificate without a key');
SELECT matches(pg_temp.problem($$ SELECT provision_engine_create('main', 'https://a.example', options => '{"client_certificate_file": "a.pem", "client_key_file": "/a.key"}') $$),
    '^Option "client_certificate_file" must be the absolute path of a file on the database server.$', 'a relative path');
SELECT matches(pg_temp.problem($$ SELECT provision_engine_create('main', 'https://a.example', options => '{"client_certificate_file": 1, "client_key_file": "/a.key"}') $$),
    '^Option "client_certificate_file" must be a string.$', 'no string');
SELECT matches(pg_temp.problem($$ SELECT provision_engine_create('main', 'https://a.example', options => '{"client_certificate_file": "/nowhere/a.pem", "client_key_file": "/nowhere/a.key"}') $$),
    '^The file of the client certificate cannot be used. It cannot be opened: No such file or directory.$', 'a file that is not there');
SELECT provision_engine_create('main', 'https://a.example');
SELECT matches(pg_temp.problem($$ SELECT provision_engine_update('main', '{"client_key_file": "/a.key"}') $$), 'belong together', 'a key without a certificate');
UPDATE provision.engine SET client_certificate_file = '/gone.pem', client_key_file = '/gone.key';
SELECT is(pg_temp.problem($$ SELECT provision_engine_update('main', '{"max_concurrent": 3}') $$), 'none', 'other options can be changed while the files are gone');
SELECT matches((SELECT detail FROM provision_doctor() WHERE finding = 'client certificate not usable'),
    'Engine "main": The file of the client certificate cannot be used', 'which provision_doctor() finds');
SELECT is(pg_temp.problem($$ SELECT provision_engine_update('main', '{"client_certificate_file": null, "client_key_file": null}') $$), 'none', 'and it can be taken away');
SELECT * FROM finish();
ROLLBACK;
