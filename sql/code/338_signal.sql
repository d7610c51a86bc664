-- provision_signal: what a step waits for has come. It is kept when it comes before its step is reached.

CREATE OR REPLACE FUNCTION provision.awaited_signals(job_id bigint)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT string_agg(awaited.name, ', ' ORDER BY job_step.ordinal, awaited.name)
      FROM provision.job
      JOIN provision.job_step ON job_step.job_id = job.job_id AND job_step.state NOT IN ('completed', 'skipped', 'undone')
      JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = job_step.ordinal
     CROSS JOIN LATERAL jsonb_object_keys(step.signals) AS awaited (name)
     WHERE job.job_id = awaited_signals.job_id
       AND job.direction = 'forward';       -- nothing that was undone waits again
END;
COMMENT ON FUNCTION provision.awaited_signals(bigint) IS 'Names of the signals that unfinished steps of a job declare; null: none, or the job has turned back.';

-- What has failed may be tried again, so its signal is taken too.
CREATE OR REPLACE FUNCTION provision.step_for_signal(job provision.job, name text, OUT step text, OUT state text, OUT secrets text[])
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    awaited constant text := provision.awaited_signals((job).job_id);
BEGIN
    SELECT declared.name, job_step.state, provision.signal_secrets(declared.signals -> step_for_signal.name) INTO step, state, secrets
      FROM provision.step AS declared
      JOIN provision.job_step ON job_step.job_id = (step_for_signal.job).job_id AND job_step.ordinal = declared.ordinal
     WHERE declared.workflow_id = (step_for_signal.job).workflow_id
       AND declared.signals ? step_for_signal.name;
    IF state IS NULL THEN
        RAISE EXCEPTION 'no step of job % waits for signal "%"', (step_for_signal.job).job_id, left(step_for_signal.name, 100)
            USING ERRCODE = 'undefined_object', HINT = coalesce('Its steps may still wait for: ' || awaited || '.', 'None of its steps waits for any signal, or none does any more.');
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.step_for_signal(provision.job, text) IS 'The step of a job that declares this signal, its state and the secrets of the signal; error 42704 when there is none.';

-- No message repeats a value.
CREATE OR REPLACE FUNCTION provision.refuse_invalid_payload(name text, payload jsonb, secrets text[])
    RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    problem text;
BEGIN
    IF jsonb_typeof(payload) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'payload of signal "%" must be a JSON object', refuse_invalid_payload.name USING ERRCODE = 'invalid_parameter_value';
    ELSIF octet_length((payload - secrets)::text) > 65536 THEN
        RAISE EXCEPTION 'payload of signal "%" is larger than 64 kB', refuse_invalid_payload.name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT string_agg(found.words, E'\n' ORDER BY found.words) INTO problem
      FROM (SELECT format('%s must be a text of 1 to 256 visible ASCII characters%s.', secret.key, CASE secret.key WHEN 'api_key' THEN ' without a colon' ELSE '' END) AS words
              FROM unnest(secrets) AS secret (key)
             WHERE jsonb_typeof(payload -> secret.key) IS DISTINCT FROM 'string'
                OR payload ->> secret.key !~ CASE secret.key WHEN 'api_key' THEN '^[!-9;-~]+$' ELSE '^[!-~]+$' END
                OR length(payload ->> secret.key) > 256
            UNION ALL
            SELECT format('%s seems to be a secret, and the step does not declare it as one.', left(given.key, 100))
              FROM jsonb_each(payload - secrets) AS given
             WHERE provision.redact(jsonb_build_object(given.key, given.value)) <> jsonb_build_object(given.key, given.value)
            UNION ALL
            SELECT 'It holds an object with the key "$secret", in whose place a secret would be put.'
             WHERE strpos(payload::text, '{"$secret"') > 0) AS found;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'payload of signal "%" is not valid', refuse_invalid_payload.name
            USING ERRCODE = 'invalid_parameter_value', DETAIL = problem,
                  HINT = CASE WHEN secrets <> '{}' THEN format('Its secrets are %s.', array_to_string(secrets, ', ')) ELSE 'Secrets are declared in provision.step.signals.' END;
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_payload(text, jsonb, text[]) IS 'Error 22023 for a payload that is no object, too large, lacks one of these secrets, holds others or names one.';

CREATE OR REPLACE FUNCTION provision.seal_signal(tenant_id bigint, payload jsonb, secrets text[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM provision.tenant WHERE tenant.tenant_id = seal_signal.tenant_id AND seal_signal.secrets <> '{}' FOR NO KEY UPDATE;
    PERFORM provision.keep_credentials(NULL, seal_signal.tenant_id, payload ->> 'api_key', payload ->> 'api_secret') WHERE 'api_key' = ANY (secrets);
    PERFORM provision.keep_secret(NULL, seal_signal.tenant_id, 'signal_' || secret.key,
                provision.seal_value(payload ->> secret.key, provision.secret_identity(NULL, seal_signal.tenant_id, 'signal_' || secret.key), provision.may_make_key()))
       FROM unnest(secrets) AS secret (key)
      WHERE secret.key NOT IN ('api_key', 'api_secret');
END;
$$;
COMMENT ON FUNCTION provision.seal_signal(bigint, jsonb, text[]) IS 'Seals the secrets of a payload as those of the tenant: api_key and api_secret as its credentials, others as signal_KEY.';

CREATE OR REPLACE FUNCTION provision.keep_signal(job provision.job, step text, name text, payload jsonb, secrets text[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.seal_signal((job).tenant_id, keep_signal.payload, keep_signal.secrets);
    INSERT INTO provision.signal AS kept (job_id, name, payload, secrets, actor, received_at)
    VALUES ((job).job_id, keep_signal.name, keep_signal.payload - keep_signal.secrets, keep_signal.secrets, provision.actor(), clock_timestamp())
    ON CONFLICT ON CONSTRAINT signal_pkey DO UPDATE
       SET payload = EXCLUDED.payload, secrets = EXCLUDED.secrets, actor = EXCLUDED.actor, received_at = EXCLUDED.received_at, used_at = NULL;
    INSERT INTO provision.event (job_id, tenant, step, event, detail, correlation_id)
    SELECT (job).job_id, tenant.name, keep_signal.step, 'signal_received',
           jsonb_build_object('signal', keep_signal.name, 'keys', ARRAY(SELECT jsonb_object_keys(keep_signal.payload))), (job).correlation_id
      FROM provision.tenant
     WHERE tenant.tenant_id = (job).tenant_id;
    PERFORM provision.wake_for_signal((job).job_id, keep_signal.name);
END;
$$;
COMMENT ON FUNCTION provision.keep_signal(provision.job, text, text, jsonb, text[]) IS 'Keeps a signal and seals its secrets; the job goes on if it waits for it. The caller holds the row of the job.';

-- The same once more is what a caller sends that got no answer. Secrets cannot be compared; while the step has not used them, the last ones count.
CREATE OR REPLACE FUNCTION provision.is_repeated_signal(job provision.job, state text, name text, payload jsonb, secrets text[])
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_over constant boolean := state IN ('completed', 'skipped', 'undone') OR (job).direction = 'back';
    earlier provision.signal;
BEGIN
    SELECT * INTO earlier FROM provision.signal AS kept
     WHERE kept.job_id = (job).job_id AND kept.name = is_repeated_signal.name AND kept.received_at IS NOT NULL;
    IF is_over AND (earlier.payload IS NULL OR state = 'failed') THEN       -- replaced, it would be for a retry
        RAISE EXCEPTION 'signal "%" is not waited for any more', is_repeated_signal.name
            USING ERRCODE = 'PV001', HINT = coalesce('Its steps may still wait for: ' || provision.awaited_signals((job).job_id) || '.', 'None of the steps of its job waits for any signal any more.');
    ELSIF earlier.payload IS NULL OR state = 'failed' THEN
        RETURN false;
    ELSIF earlier.payload <> is_repeated_signal.payload - is_repeated_signal.secrets THEN
        RAISE EXCEPTION 'signal "%" has come already, with another payload', is_repeated_signal.name
            USING ERRCODE = 'PV001', DETAIL = format('%s sent it at %s.', earlier.actor, earlier.received_at),
                  HINT = 'It can be replaced when the step that waits for it has failed.';
    END IF;
    RAISE NOTICE 'signal "%" has come already', is_repeated_signal.name
        USING DETAIL = format('%s sent it at %s.', earlier.actor, earlier.received_at);
    RETURN is_over OR is_repeated_signal.secrets = '{}' OR earlier.used_at IS NOT NULL;
END;
$$;
COMMENT ON FUNCTION provision.is_repeated_signal(provision.job, text, text, jsonb, text[])
    IS 'This signal has come before, and there is nothing to do. Error PV001: with another payload, or nobody waits for it any more.';

CREATE OR REPLACE FUNCTION @extschema@.provision_signal(job_id bigint, name text, payload jsonb DEFAULT '{}')
    RETURNS SETOF provision.job_status
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET log_min_error_statement = panic         -- an error must not write the statement, and with it a secret, to the log
AS $$
DECLARE
    job     provision.job := provision.lock_job(provision_signal.job_id);
    waiting record;
BEGIN
    SELECT * INTO waiting FROM provision.step_for_signal(job, provision_signal.name);
    PERFORM provision.refuse_invalid_payload(provision_signal.name, provision_signal.payload, waiting.secrets);
    IF NOT provision.is_repeated_signal(job, waiting.state, provision_signal.name, provision_signal.payload, waiting.secrets) THEN
        PERFORM provision.keep_signal(job, waiting.step, provision_signal.name, provision_signal.payload, waiting.secrets);
    END IF;
    RETURN QUERY SELECT * FROM provision.status_of(job.job_id);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_signal(bigint, text, jsonb) IS
    'Brings what a step of the job waits for, or will wait for; also one that has failed, for its retry. The payload is an object of at most 64 kB; what the step declares as secrets is sealed at once and kept nowhere else, so pass it as a parameter. The same signal once more changes nothing, with a notice. Returns the job_status. Errors: 42501 not an owner or admin of its tenant, 42704 job (for platform members), or no step of it declares the signal; 22023 payload; PV001 it has come already with another payload, or is not waited for any more; F0000 no key to seal with.';
