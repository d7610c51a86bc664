-- Waiting for signals. A job that waits is scheduled for the end of its time: it holds no worker and no slot, and nobody looks at it meanwhile.

-- What opens the tenant's site: its own credentials, or those of the engine where it lives on the engine's site.
CREATE OR REPLACE FUNCTION provision.has_credentials(tenant_id bigint)
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT
                     FROM provision.tenant
                     JOIN provision.engine ON engine.engine_id = tenant.engine_id
                     JOIN provision.secret ON secret.tenant_id = tenant.tenant_id
                                           OR secret.engine_id = engine.engine_id AND tenant.settings ->> 'site' IS NOT DISTINCT FROM engine.site
                    WHERE tenant.tenant_id = has_credentials.tenant_id
                      AND secret.name = 'credentials');
END;
COMMENT ON FUNCTION provision.has_credentials(bigint) IS 'There is something to log in with at the tenant''s site.';

CREATE OR REPLACE FUNCTION provision.signal_context(job_id bigint)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_object(
        'has_credentials', (SELECT provision.has_credentials(job.tenant_id) FROM provision.job WHERE job.job_id = signal_context.job_id),
        'signals', (SELECT coalesce(jsonb_object_agg(signal.name, signal.payload || coalesce(
                               (SELECT jsonb_object_agg(secret.key, provision.named_secret('signal_' || secret.key))
                                  FROM unnest(signal.secrets) AS secret (key)
                                 WHERE secret.key NOT IN ('api_key', 'api_secret')), '{}')), '{}')
                      FROM provision.signal
                     WHERE signal.job_id = signal_context.job_id
                       AND signal.received_at IS NOT NULL));
END;
$$;
COMMENT ON FUNCTION provision.signal_context(bigint)
    IS 'What the plan of a step with signals is told beside: signals, the payloads of those that have come, and has_credentials, whether there is something to log in with at the tenant''s site.';

-- How long it may take is settled when the step first waits, and a pause or a crash does not change it.
CREATE OR REPLACE FUNCTION provision.await_signal(job_id bigint, ordinal smallint, signals jsonb, name text)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_late boolean;
BEGIN
    IF await_signal.signals ? await_signal.name THEN
        INSERT INTO provision.signal (job_id, name, asked_at, expires_at)
        VALUES (await_signal.job_id, await_signal.name, clock_timestamp(),
                clock_timestamp() + provision.ms(provision.interval_ms(await_signal.signals -> await_signal.name ->> 'timeout')))
        ON CONFLICT ON CONSTRAINT signal_pkey DO NOTHING;
        is_late := (SELECT signal.expires_at <= clock_timestamp() FROM provision.signal
                     WHERE signal.job_id = await_signal.job_id AND signal.name = await_signal.name);
    END IF;
    IF NOT is_late THEN
        PERFORM provision.hold_step(await_signal.job_id, await_signal.ordinal, 'signal ' || await_signal.name);
        RETURN false;
    END IF;
    PERFORM provision.end_step(await_signal.job_id, await_signal.ordinal, 'failed',
                CASE WHEN is_late THEN 'SIGNAL_TIMED_OUT' ELSE 'PLAN_FAILED' END,
                CASE WHEN is_late THEN await_signal.name ELSE format('it waits for signal "%s", which its row does not declare', left(await_signal.name, 100)) END);
    PERFORM provision.mark_flaws(ARRAY[await_signal.job_id]);
    RETURN true;
END;
$$;
COMMENT ON FUNCTION provision.await_signal(bigint, smallint, jsonb, text) IS 'A step whose plan waits for a signal is held, or fails when the time for it has passed: then true.';

CREATE OR REPLACE FUNCTION provision.note_used_signals(job_id bigint, signals jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.signal
       SET used_at = clock_timestamp()
     WHERE signal.job_id = note_used_signals.job_id
       AND signals ? signal.name
       AND signal.received_at IS NOT NULL
       AND signal.used_at IS NULL;
END;
$$;
COMMENT ON FUNCTION provision.note_used_signals(bigint, jsonb) IS 'The plan of the step that declares these signals has been told those that have come.';

CREATE OR REPLACE FUNCTION provision.signal_wait_ends_at(job_id bigint)
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT min(least(signal.expires_at, provision.step_ends_by(job_step.job_id, job_step.ordinal)))
              FROM provision.job_step
              JOIN provision.signal ON signal.job_id = job_step.job_id AND 'signal ' || signal.name = job_step.waits_for
             WHERE job_step.job_id = signal_wait_ends_at.job_id);
END;
$$;
COMMENT ON FUNCTION provision.signal_wait_ends_at(bigint) IS 'When the first step of a job that waits for a signal fails, if the signal does not come.';

-- The caller holds the row of the job.
CREATE OR REPLACE FUNCTION provision.wake_for_signal(job_id bigint, name text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.job
       SET due_at = '-infinity'
     WHERE job.job_id = wake_for_signal.job_id
       AND job.state IN ('scheduled', 'running', 'paused')
       AND EXISTS (SELECT FROM provision.job_step WHERE job_step.job_id = job.job_id AND job_step.waits_for = 'signal ' || wake_for_signal.name);
    PERFORM provision.wake_workers() WHERE FOUND;
END;
$$;
COMMENT ON FUNCTION provision.wake_for_signal(bigint, text) IS 'The job goes on at once if it is this signal that it waits for; a paused one, when it is resumed.';

-- Plans that wait may be content with what the tenant has now.
CREATE OR REPLACE FUNCTION provision.wake_for_secrets(tenant_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.wake_for_signal(waiting.job_id, substr(waiting.waits_for, 8))
       FROM (SELECT job.job_id, job_step.waits_for
               FROM provision.job
               JOIN provision.job_step ON job_step.job_id = job.job_id AND starts_with(job_step.waits_for, 'signal ')
              WHERE job.tenant_id = wake_for_secrets.tenant_id
                AND job.state IN ('scheduled', 'running', 'paused')
              ORDER BY job.job_id
                FOR NO KEY UPDATE OF job SKIP LOCKED) AS waiting;
END;
$$;
COMMENT ON FUNCTION provision.wake_for_secrets(bigint) IS 'Jobs of a tenant that wait for signals look whether they need to.';

-- What was told in confidence for a job is of no use when what the job made is gone.
CREATE OR REPLACE FUNCTION provision.forget_signal_secrets(job_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM provision.secret
     USING provision.job, provision.signal
     WHERE job.job_id = forget_signal_secrets.job_id
       AND signal.job_id = job.job_id
       AND secret.tenant_id = job.tenant_id
       AND secret.set_at <= signal.received_at
       AND secret.name = ANY (provision.sealed_names(signal.secrets));
END;
$$;
COMMENT ON FUNCTION provision.forget_signal_secrets(bigint) IS 'Removes the secrets that came to the tenant by signals of this job and were not replaced since.';
