-- What is done to an engine once it is there: credentials, pause, removal.

-- Checked here, because a violated constraint would print the row. No message repeats a value.
CREATE OR REPLACE FUNCTION provision.refuse_invalid_secret(api_key text, api_secret text)
    RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    problem text := concat_ws(E'\n',
        CASE WHEN coalesce(refuse_invalid_secret.api_key !~ '^[!-9;-~]+$' OR length(refuse_invalid_secret.api_key) > 256, true)
             THEN 'api_key must be 1 to 256 visible ASCII characters without a colon.' END,
        CASE WHEN coalesce(refuse_invalid_secret.api_secret !~ '^[!-~]+$' OR length(refuse_invalid_secret.api_secret) > 256, true)
             THEN 'api_secret must be 1 to 256 visible ASCII characters.' END);
BEGIN
    IF problem <> '' THEN
        RAISE EXCEPTION 'credentials are not valid'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = problem,
                  HINT = 'In ERPNext: User, Settings, API Access, Generate Keys.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_secret(text, text) IS 'Error 22023 for what cannot be sent as credentials.';

-- The identity is that of the row, which refuses to be opened as another's.
CREATE OR REPLACE FUNCTION provision.secret_identity(engine_id bigint, tenant_id bigint, name text, webhook_id bigint DEFAULT NULL)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN coalesce('engine/' || secret_identity.engine_id, 'tenant/' || secret_identity.tenant_id, 'webhook/' || secret_identity.webhook_id) || '/' || secret_identity.name;
COMMENT ON FUNCTION provision.secret_identity(bigint, bigint, text, bigint) IS 'Whose secret it is, as provision.secret has it; one of the three ids is given.';

CREATE OR REPLACE FUNCTION provision.keep_secret(engine_id bigint, tenant_id bigint, name text, new_value bytea)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM provision.engine AS holder WHERE holder.engine_id = keep_secret.engine_id FOR NO KEY UPDATE;
    UPDATE provision.secret AS kept
       SET sealed = new_value,
           set_at = clock_timestamp(),
           sealed_at = clock_timestamp()
     WHERE kept.name = keep_secret.name
       AND (kept.engine_id = keep_secret.engine_id OR kept.tenant_id = keep_secret.tenant_id);
    IF NOT FOUND THEN
        INSERT INTO provision.secret (engine_id, tenant_id, name, sealed)
        VALUES (keep_secret.engine_id, keep_secret.tenant_id, keep_secret.name, new_value);
    END IF;
    PERFORM provision.end_key_waits(true);
    PERFORM provision.wake_workers();
END;
$$;
COMMENT ON FUNCTION provision.keep_secret(bigint, bigint, text, bytea) IS 'Keeps a sealed value instead of the one there was; who waits for it goes on. The caller holds the row of the tenant.';

CREATE OR REPLACE FUNCTION provision.keep_credentials(engine_id bigint, tenant_id bigint, api_key text, api_secret text)
    RETURNS void
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT provision.keep_secret(engine_id, tenant_id, 'credentials',
               provision.seal_credentials(api_key, api_secret, provision.secret_identity(engine_id, tenant_id, 'credentials'), provision.may_make_key()));
END;
COMMENT ON FUNCTION provision.keep_credentials(bigint, bigint, text, text) IS 'Seals credentials and keeps them instead of those there were. The caller holds the row of the tenant.';

CREATE OR REPLACE FUNCTION @extschema@.provision_engine_secret(name text, api_key text, api_secret text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET log_min_error_statement = panic         -- an error must not write the statement, and with it the secret, to the log
AS $$
DECLARE
    engine provision.engine := provision.open_engine(provision_engine_secret.name);
BEGIN
    PERFORM provision.refuse_invalid_secret(provision_engine_secret.api_key, provision_engine_secret.api_secret);
    PERFORM provision.keep_credentials(engine.engine_id, NULL, provision_engine_secret.api_key, provision_engine_secret.api_secret);
    PERFORM provision.log_engine_event(engine.name, 'engine_secret_set', NULL, NULL);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_engine_secret(text, text, text) IS
    'Sets or replaces the credentials of an engine. They are sealed, sent as Authorization header and shown nowhere. Pass them as parameters, so that no log of statements has them. Errors: 22023, 42704 engine, F0000 no key to seal with, 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION @extschema@.provision_engine_secret_set(engine text, secret text, value text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET log_min_error_statement = panic         -- an error must not write the statement, and with it the secret, to the log
AS $$
DECLARE
    holder provision.engine := provision.open_engine(provision_engine_secret_set.engine);
    problems constant text := provision.root_password_problems(provision_engine_secret_set.value);
BEGIN
    IF holder.kind <> 'frappe_agent' OR provision_engine_secret_set.secret IS DISTINCT FROM 'mariadb_root_password' THEN
        RAISE EXCEPTION 'engine "%" has no secret "%"', holder.name, left(provision_engine_secret_set.secret, 63)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Engines of kind frappe_agent have the secret mariadb_root_password. Credentials of any engine are set with provision_engine_secret().';
    ELSIF problems IS NOT NULL THEN
        RAISE EXCEPTION 'value of secret "%" is not valid', provision_engine_secret_set.secret
            USING ERRCODE = 'invalid_parameter_value', DETAIL = problems, HINT = 'Give root another password in MariaDB, for example 24 letters and digits.';
    END IF;
    PERFORM provision.keep_secret(holder.engine_id, NULL, provision_engine_secret_set.secret,
                provision.seal_value(provision_engine_secret_set.value,
                    provision.secret_identity(holder.engine_id, NULL, provision_engine_secret_set.secret), provision.may_make_key()));
    PERFORM provision.log_engine_event(holder.name, 'engine_secret_set', NULL, NULL, jsonb_build_object('name', provision_engine_secret_set.secret));
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_engine_secret_set(text, text, text) IS
    'Sets or replaces what an engine of kind frappe_agent needs in the bodies of calls: mariadb_root_password, 1 to 256 ASCII letters, digits and @ % + = : , . / _ -. It is sealed, named in plans, and shown nowhere. Pass it as a parameter, so that no log of statements has it. Errors: 22023 secret or value, 42704 engine, F0000 no key to seal with, 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION @extschema@.provision_engine_pause(name text, reason text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    engine provision.engine := provision.open_engine(provision_engine_pause.name);
BEGIN
    UPDATE provision.engine_state
       SET paused_at = clock_timestamp(),
           paused_reason = left(provision_engine_pause.reason, 1000)
     WHERE engine_state.engine_id = engine.engine_id
       AND engine_state.paused_at IS NULL;
    IF FOUND THEN
        PERFORM provision.log_engine_event(engine.name, 'engine_paused', 'active', 'paused',
                    jsonb_build_object('reason', left(provision_engine_pause.reason, 1000)));
        PERFORM provision.wake_workers();
    END IF;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_engine_pause(name text, reason text) IS
    'No new call goes to the engine until provision_engine_resume(); calls in flight end normally, jobs wait in the queue. A second pause changes nothing. Errors: 42704 engine, 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION @extschema@.provision_engine_resume(name text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    engine provision.engine := provision.open_engine(provision_engine_resume.name);
    old provision.engine_state;
    was_paused boolean;
    was_held_back boolean;
BEGIN
    SELECT * INTO old FROM provision.engine_state WHERE engine_state.engine_id = engine.engine_id FOR NO KEY UPDATE;
    was_paused := old.paused_at IS NOT NULL;
    was_held_back := coalesce(old.not_before > clock_timestamp(), false);
    IF was_paused OR was_held_back THEN
        UPDATE provision.engine_state
           SET paused_at = NULL,
               paused_reason = NULL,
               not_before = NULL
         WHERE engine_state.engine_id = engine.engine_id;
        PERFORM provision.log_engine_event(engine.name, 'engine_resumed', CASE WHEN was_paused THEN 'paused' END, CASE WHEN was_paused THEN 'active' END,
                    CASE WHEN was_held_back THEN jsonb_build_object('held_back_until', old.not_before) END);
        PERFORM provision.wake_workers();
    END IF;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_engine_resume(text) IS
    'Ends a pause, also one that the server asked for with Retry-After; otherwise it changes nothing. The circuit breaker keeps its state. Errors: 42704 engine, 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION @extschema@.provision_engine_reset(name text)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    engine provision.engine := provision.open_engine(provision_engine_reset.name);
    old provision.engine_state;
BEGIN
    SELECT * INTO old FROM provision.engine_state WHERE engine_state.engine_id = engine.engine_id FOR NO KEY UPDATE;
    IF old.breaker = 'closed' AND old.failures_in_a_row = 0 THEN
        RETURN false;
    END IF;
    UPDATE provision.engine_state
       SET breaker = 'closed', breaker_since = NULL, breaker_until = NULL, probe_job_id = NULL, failures_in_a_row = 0
     WHERE engine_state.engine_id = engine.engine_id;
    PERFORM provision.log_engine_event(engine.name, 'breaker_reset', old.breaker, 'closed', jsonb_build_object('failures_in_a_row', old.failures_in_a_row));
    PERFORM provision.wake_workers();
    RETURN true;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_engine_reset(text) IS
    'Closes the circuit breaker of an engine that is back and forgets its failures: calls are made at once, as far as the engine is not paused. To keep all calls from it, pause it. True when there was something to forget. Errors: 42704 engine, 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION @extschema@.provision_engine_drop(name text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    engine  provision.engine := provision.open_engine(provision_engine_drop.name);
    tenants text[];     -- or engines, or jobs, that need it
BEGIN
    PERFORM FROM provision.engine AS locked WHERE locked.engine_id = engine.engine_id FOR UPDATE;
    tenants := ARRAY(SELECT tenant.name FROM provision.tenant WHERE tenant.engine_id = engine.engine_id ORDER BY tenant.name LIMIT 21);
    IF tenants <> '{}' THEN
        RAISE EXCEPTION 'engine "%" has tenants', engine.name
            USING ERRCODE = 'dependent_objects_still_exist',
                  DETAIL = format('Tenants: %s%s.', array_to_string(tenants[1:20], ', '), CASE WHEN cardinality(tenants) > 20 THEN ', ...' END),
                  HINT = 'provision_engine_pause() keeps all calls from it.';
    END IF;
    tenants := ARRAY(SELECT user_of_it.name FROM provision.engine AS user_of_it WHERE engine.name IN (user_of_it.agent, user_of_it.proxy) ORDER BY user_of_it.name LIMIT 20);
    IF tenants <> '{}' THEN
        RAISE EXCEPTION 'engine "%" is needed by others', engine.name
            USING ERRCODE = 'dependent_objects_still_exist', DETAIL = format('Engines: %s.', array_to_string(tenants, ', ')),
                  HINT = 'Set their options agent, or proxy and upstream, to null with provision_engine_update().';
    END IF;
    tenants := ARRAY(SELECT job.job_id FROM provision.job WHERE job.engine_id = engine.engine_id ORDER BY job.finished_at DESC NULLS FIRST, job.job_id LIMIT 21);
    IF tenants <> '{}' THEN     -- of tenants that live elsewhere: without it they could neither end, nor be seen, nor rolled back
        RAISE EXCEPTION 'engine "%" has jobs', engine.name
            USING ERRCODE = 'dependent_objects_still_exist',
                  DETAIL = format('Jobs: %s%s.', array_to_string(tenants[1:20], ', '), CASE WHEN cardinality(tenants) > 20 THEN ', ...' END),
                  HINT = 'provision_engine_pause() keeps all calls from it.';
    END IF;
    DELETE FROM provision.engine AS dropped WHERE dropped.engine_id = engine.engine_id;
    PERFORM provision.log_engine_event(engine.name, 'engine_dropped', NULL, NULL);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_engine_drop(text) IS
    'Forgets an engine with its credentials. Errors: 2BP01 while it has tenants or jobs, or is the agent or proxy of other engines (DETAIL names them), 42704 engine, 42501 not a platform administrator.';
