-- Jobs whose credentials cannot be opened wait for the key, and what may be done about it.

-- What was planned and not committed yet is taken back, as if it had never been: no attempt is made, and none is used up.
CREATE OR REPLACE FUNCTION provision.take_back_calls(attempt_ids bigint[], reasons text[])
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    jobs jsonb;
BEGIN
    WITH undone AS (
        DELETE FROM provision.attempt
         WHERE attempt.attempt_id = ANY (take_back_calls.attempt_ids)
        RETURNING attempt.job_id, attempt.ordinal, attempt.attempt_id
    ), step AS (
        UPDATE provision.job_step
           SET state = 'ready',
               attempt_id = NULL,
               attempt_count = job_step.attempt_count - 1
          FROM undone
         WHERE job_step.job_id = undone.job_id
           AND job_step.ordinal = undone.ordinal
    ), never_made AS (
        DELETE FROM provision.creation
         USING undone
         WHERE creation.job_id = undone.job_id
           AND creation.ordinal = undone.ordinal
           AND creation.attempt_id = undone.attempt_id
    )
    SELECT jsonb_object_agg(undone.job_id, take_back_calls.reasons[array_position(take_back_calls.attempt_ids, undone.attempt_id)])
      INTO jobs
      FROM undone;
    RETURN jobs;
END;
$$;
COMMENT ON FUNCTION provision.take_back_calls(bigint[], text[]) IS 'Takes back calls that were planned in this transaction and cannot be sent: {"job id": "reason"}.';

-- A job with other calls in flight goes on with them and comes here again. The hour is only for the case that nobody wakes it.
CREATE OR REPLACE FUNCTION provision.wait_for_keys(attempt_ids bigint[], reasons text[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    jobs jsonb;
    halted record;
BEGIN
    jobs := provision.take_back_calls(attempt_ids, reasons);
    FOR halted IN
        SELECT job_step.job_id, jobs ->> job_step.job_id::text AS reason, count(job_step.attempt_id) AS calls_in_flight
          FROM provision.job_step
         WHERE job_step.job_id IN (SELECT key::bigint FROM jsonb_object_keys(jobs) AS key)
         GROUP BY job_step.job_id
         ORDER BY job_step.job_id
    LOOP
        IF halted.calls_in_flight > 0 THEN
            UPDATE provision.job SET slots = halted.calls_in_flight WHERE job.job_id = halted.job_id;
        ELSE
            PERFORM provision.give_back_job(halted.job_id, 'scheduled', clock_timestamp() + interval '1 hour' * (0.5 + random()), '{"for": "key"}');
            INSERT INTO provision.key_wait AS waiting (job_id, reason)
            VALUES (halted.job_id, halted.reason)
            ON CONFLICT ON CONSTRAINT key_wait_pkey DO UPDATE SET reason = EXCLUDED.reason;
        END IF;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.wait_for_keys(bigint[], text[]) IS 'Calls whose credentials do not open are taken back, and their jobs wait until the keys change.';

CREATE OR REPLACE FUNCTION provision.end_key_waits(keys_have_changed boolean)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH free AS MATERIALIZED (
        SELECT job.job_id, job.state IN ('scheduled', 'paused') AS was_waiting
          FROM provision.key_wait
          JOIN provision.job ON job.job_id = key_wait.job_id
         WHERE end_key_waits.keys_have_changed
            OR job.state NOT IN ('scheduled', 'paused')
         ORDER BY job.job_id
           FOR NO KEY UPDATE OF job SKIP LOCKED
    ), due AS (
        UPDATE provision.job
           SET due_at = '-infinity'
          FROM free
         WHERE job.job_id = free.job_id
           AND free.was_waiting
    )
    DELETE FROM provision.key_wait
     USING free
     WHERE key_wait.job_id = free.job_id;
    PERFORM provision.end_waits_for_signing_keys() WHERE keys_have_changed;
    RETURN (SELECT count(*) FROM provision.webhook WHERE webhook.key_problem IS NOT NULL)
         + (SELECT count(*)
              FROM (SELECT
                      FROM provision.key_wait
                      JOIN provision.job ON job.job_id = key_wait.job_id
                     WHERE job.state = 'scheduled'
                     LIMIT 1) AS waiting);
END;
$$;
COMMENT ON FUNCTION provision.end_key_waits(boolean) IS 'When keys have changed, the jobs and webhooks that wait for one are due; those that wait no more are forgotten. More than 0: some still wait.';

-- A new key beside secrets whose key is lost would hide that they are lost.
CREATE OR REPLACE FUNCTION provision.may_make_key()
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT NOT EXISTS (SELECT FROM provision.secret);
END;
COMMENT ON FUNCTION provision.may_make_key() IS 'Nothing is sealed yet in this database, so the key file in the data directory may be made.';

CREATE OR REPLACE FUNCTION provision.key_fix()
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT 'Bring the key back to the key file; jobs go on by themselves. What was sealed with a lost key, or never set, is to be set with provision_engine_secret(), provision_engine_secret_set() and provision_tenant_secret().'::text;
END;
COMMENT ON FUNCTION provision.key_fix() IS 'What to do about a missing key.';
