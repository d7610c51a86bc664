-- The functions that are written in C.

CREATE OR REPLACE FUNCTION provision.url_encode(name text) RETURNS text
    AS 'MODULE_PATHNAME', 'provision_url_encode' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION provision.url_encode(text) IS 'Percent-encoded UTF-8 for one part of a path or query; markers {?fact} stay as they are.';

CREATE OR REPLACE FUNCTION provision.parse_json(candidate text) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'provision_parse_json' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION provision.parse_json(text) IS 'The JSON value, or null when the text is not JSON. Never raises.';

-- What seals cannot open for SQL: no function gives a secret back.
CREATE OR REPLACE FUNCTION provision.seal_credentials(api_key text, api_secret text, identity text, may_make_key boolean) RETURNS bytea
    AS 'MODULE_PATHNAME', 'provision_seal_credentials' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION provision.seal_credentials(text, text, text, boolean)
    IS 'Credentials, sealed for this identity with the current key. may_make_key: the key file in the data directory may be made. Error F0000 when there is no key.';

CREATE OR REPLACE FUNCTION provision.seal_value(value text, identity text, may_make_key boolean) RETURNS bytea
    AS 'MODULE_PATHNAME', 'provision_seal_value' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION provision.seal_value(text, text, boolean) IS 'A value, sealed as by seal_credentials().';

CREATE OR REPLACE FUNCTION provision.seal_password(identity text, may_make_key boolean) RETURNS bytea
    AS 'MODULE_PATHNAME', 'provision_seal_password' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION provision.seal_password(text, boolean) IS 'A new random password of 24 letters and digits, sealed as by seal_credentials(); nobody but the worker reads it.';

CREATE OR REPLACE FUNCTION provision.reseal_secrets(sealed bytea[], identities text[]) RETURNS bytea[]
    AS 'MODULE_PATHNAME', 'provision_reseal_secrets' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION provision.reseal_secrets(bytea[], text[])
    IS 'Each value under the current key: unchanged where it is already, null where it does not open. Error F0000 when there is no key.';

CREATE OR REPLACE FUNCTION provision.key_report(OUT key_ids text[], OUT problem text, OUT lies_with_data boolean)
    AS 'MODULE_PATHNAME', 'provision_key_report' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION provision.key_report()
    IS 'Ids of the keys in the key file, the current one first, or why there are none; neither when a command gives the keys. lies_with_data: the file is the one in the data directory.';

CREATE OR REPLACE FUNCTION provision.setting_number(name text) RETURNS integer
    AS 'MODULE_PATHNAME', 'provision_setting_number' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION provision.setting_number(text) IS 'Value of a number setting of provision in its own unit (pg_settings.unit).';

CREATE OR REPLACE FUNCTION provision.setting_ms(name text) RETURNS integer
    AS 'MODULE_PATHNAME', 'provision_setting_number' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION provision.setting_ms(text) IS 'setting_number() of a setting in milliseconds.';

CREATE OR REPLACE FUNCTION provision.setting_seconds(name text) RETURNS integer
    AS 'MODULE_PATHNAME', 'provision_setting_number' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION provision.setting_seconds(text) IS 'setting_number() of a setting in seconds.';

CREATE OR REPLACE FUNCTION provision.wake_workers() RETURNS void
    AS 'MODULE_PATHNAME', 'provision_wake_workers' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION provision.wake_workers() IS 'Wakes the workers of this database when the transaction commits.';

CREATE OR REPLACE FUNCTION provision.start_worker(even_without_launcher boolean DEFAULT true) RETURNS boolean
    AS 'MODULE_PATHNAME', 'provision_start_worker' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION provision.start_worker(boolean) IS 'Starts a worker for this database when the transaction commits; false when there is no launcher and none was wanted without.';

CREATE OR REPLACE FUNCTION provision.stop_workers() RETURNS integer
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.wake_workers();
    RETURN (SELECT count(*) FROM provision.worker WHERE worker.ended_at IS NULL AND provision.is_alive(worker.incarnation, worker.pid));
END;
$$;
COMMENT ON FUNCTION provision.stop_workers() IS 'Lets the workers look at provision.control when the transaction commits; returns how many there are.';

CREATE OR REPLACE FUNCTION provision.try_lock(class integer, key integer, for_session boolean) RETURNS boolean
    AS 'MODULE_PATHNAME', 'provision_try_lock' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION provision.try_lock(integer, integer, boolean) IS 'A lock that no SQL function but this one and wait_for_lock() can take, for the session or the transaction; false when somebody has it.';

CREATE OR REPLACE FUNCTION provision.wait_for_lock(class integer, key integer) RETURNS void
    AS 'MODULE_PATHNAME', 'provision_wait_for_lock' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION provision.wait_for_lock(integer, integer) IS 'A lock of try_lock() for the transaction; waits until nobody else has it. Not for workers.';

CREATE OR REPLACE FUNCTION provision.server_facts(
    OUT system_identifier bigint, OUT timeline integer, OUT started_from_backup boolean, OUT is_preloaded boolean, OUT lacks_processes boolean)
    AS 'MODULE_PATHNAME', 'provision_server_facts' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION provision.server_facts() IS 'What SQL cannot see of this server: its system identifier, the timeline of its WAL (null in recovery), whether it was started from a backup, whether the library is preloaded, whether a worker could not be started because all worker processes are in use.';

CREATE OR REPLACE FUNCTION provision.host_problem(base_url text) RETURNS text
    AS 'MODULE_PATHNAME', 'provision_host_problem' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION provision.host_problem(text) IS 'Why an engine must not have this address, judged by its host and by provision.allowed_hosts; null: it may.';

CREATE OR REPLACE FUNCTION provision.client_certificate_problem(certificate_file text, key_file text) RETURNS text
    AS 'MODULE_PATHNAME', 'provision_client_certificate_problem' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION provision.client_certificate_problem(text, text) IS 'Why the server cannot use these two PEM files; null: it can. Shows nothing of what is in them.';

CREATE OR REPLACE FUNCTION provision.authorities_problem(file text) RETURNS text
    AS 'MODULE_PATHNAME', 'provision_authorities_problem' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION provision.authorities_problem(text) IS 'Why the server cannot use this PEM file of certificate authorities; null: it can. Shows nothing of what is in it.';

CREATE OR REPLACE FUNCTION provision.next_transaction() RETURNS xid8
    AS 'MODULE_PATHNAME', 'provision_next_transaction' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION provision.next_transaction() IS 'The number of the next transaction that gets one.';
