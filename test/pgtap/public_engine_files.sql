-- Files of certificates can be used when they are given, and are named only by who may read the server's files; what goes missing later keeps
-- nothing else from being changed.
BEGIN;
SELECT plan(16);
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
SELECT is(pg_temp.problem($$ SELECT provision_engine_create('main', 'https://a.example', options => '{"ca_file": "/nowhere/ca.pem"}') $$),
    'The file of the certificate authorities cannot be used. It cannot be opened: No such file or directory.', 'authorities that are not there');
SELECT is(pg_temp.problem($$ SELECT provision_engine_create('main', 'https://a.example', options => '{"ca_file": "/etc/passwd"}') $$),
    'The file of the certificate authorities holds no certificate in PEM form.', 'and what is none, of which nothing is shown');
SELECT is(pg_temp.problem($$ SELECT provision_engine_create('trusting', 'https://a.example', options => '{"ca_file": "/etc/ssl/certs/ca-certificates.crt"}') $$), 'none', 'authorities');
SELECT provision_engine_create('main', 'https://a.example');
SELECT matches(pg_temp.problem($$ SELECT provision_engine_update('main', '{"client_key_file": "/a.key"}') $$), 'belong together', 'a key without a certificate');
UPDATE provision.engine SET client_certificate_file = '/gone.pem', client_key_file = '/gone.key' WHERE name = 'main';
SELECT is(pg_temp.problem($$ SELECT provision_engine_update('main', '{"max_concurrent": 3}') $$), 'none', 'other options can be changed while the files are gone');
SELECT matches((SELECT detail FROM provision_doctor() WHERE finding = 'client certificate not usable'),
    'Engine "main": The file of the client certificate cannot be used', 'which provision_doctor() finds');
SELECT is(pg_temp.problem($$ SELECT provision_engine_update('main', '{"client_certificate_file": null, "client_key_file": null}') $$), 'none', 'and it can be taken away');

-- A platform administrator who may not read files learns nothing of them: not whether they are there, nor what they hold.
CREATE ROLE r_admin;
GRANT EXECUTE ON FUNCTION provision_engine_create, provision_engine_update TO r_admin;
SELECT provision_member_add('*', 'r_admin', 'admin');
SET LOCAL ROLE r_admin;
SELECT throws_ok(format('SELECT provision_engine_update(''main'', %L)', jsonb_build_object(key, path)), '42501', 'permission denied to name files of the database server', key || ' ' || path)
  FROM (VALUES ('ca_file', '/nowhere/ca.pem'), ('ca_file', '/etc/passwd'), ('client_key_file', '/etc/passwd')) AS given (key, path);
SELECT is(pg_temp.problem($$ SELECT provision_engine_update('trusting', '{"max_concurrent": 3, "ca_file": null}') $$), 'none', 'it can do without them');
RESET ROLE;
GRANT pg_read_server_files TO r_admin;
SET LOCAL ROLE r_admin;
SELECT is(pg_temp.problem($$ SELECT provision_engine_update('main', '{"ca_file": "/etc/ssl/certs/ca-certificates.crt"}') $$), 'none', 'whoever may read them names them');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
