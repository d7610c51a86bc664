-- What calls are about to make, written with the intent to send them.

-- The request is the one that was recorded, without what was redacted from it.
CREATE OR REPLACE FUNCTION provision.request_of_guard(job_id bigint, ordinal smallint, guard text, base_url text)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('method', attempt.method, 'body', attempt.request_body,
                              'path', CASE WHEN starts_with(attempt.url, base_url) THEN substr(attempt.url, length(base_url) + 1)
                                           ELSE regexp_replace(attempt.url, '^https?://[^/]+', '') END)
      FROM provision.attempt
     WHERE attempt.job_id = request_of_guard.job_id
       AND attempt.ordinal = request_of_guard.ordinal
       AND attempt.call = request_of_guard.guard
     ORDER BY attempt.attempt_id DESC
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.request_of_guard(bigint, smallint, text, text) IS 'How the guard of a call was asked last: {"method", "path", "body"}.';

CREATE OR REPLACE FUNCTION provision.expect_creations(intents provision.intent[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO provision.creation (job_id, ordinal, attempt_id, call, kind, creates, look, known_before)
    SELECT intent.job_id, intent.ordinal, intent.attempt_id, (intent.call).name, (intent.call).creates ->> 'kind', (intent.call).creates,
           provision.request_of_guard(intent.job_id, intent.ordinal, (intent.call).guard, engine.base_url),
           provision.names_in(job_step.answers #> ARRAY[(intent.call).guard, 'body'],
                              coalesce((intent.call).creates ->> 'look', (intent.call).creates ->> 'name'))
      FROM unnest(intents) AS intent
      JOIN provision.job_step ON job_step.job_id = intent.job_id AND job_step.ordinal = intent.ordinal
      JOIN provision.engine ON engine.engine_id = intent.engine_id
     WHERE (intent.call).creates IS NOT NULL;
END;
$$;
COMMENT ON FUNCTION provision.expect_creations(provision.intent[]) IS 'Writes what these calls may be about to make, before they are sent.';
