-- What a step may say about signals in its row.

CREATE OR REPLACE FUNCTION provision.signal_names(signals jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_object_agg(signal.key, signal.value - 'timeout') FROM jsonb_each(signals) AS signal;
END;
COMMENT ON FUNCTION provision.signal_names(jsonb) IS 'The signals of a step with all but their time limits, which may change.';

CREATE OR REPLACE FUNCTION provision.signal_secrets(signal jsonb)
    RETURNS text[]
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT coalesce(array_agg(named.key ORDER BY named.key), '{}')
      FROM jsonb_array_elements_text(CASE jsonb_typeof(signal -> 'secrets') WHEN 'array' THEN signal -> 'secrets' ELSE '[]' END) AS named (key);
END;
COMMENT ON FUNCTION provision.signal_secrets(jsonb) IS 'Keys of the payload of a signal that are secrets.';

CREATE OR REPLACE FUNCTION provision.sealed_names(secrets text[])
    RETURNS text[]
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT coalesce(array_agg(DISTINCT CASE WHEN secret.key IN ('api_key', 'api_secret') THEN 'credentials' ELSE 'signal_' || secret.key END), '{}')
      FROM unnest(secrets) AS secret (key);
END;
COMMENT ON FUNCTION provision.sealed_names(text[]) IS 'Names of the tenant''s secrets (provision.secret) under which these secrets of a signal are sealed.';

-- interval_ms() comes with a later file, which PL/pgSQL does not mind.
CREATE OR REPLACE FUNCTION provision.signal_problem(name text, signal jsonb)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    secrets constant text[] := provision.signal_secrets(signal);
BEGIN
    RETURN CASE
        WHEN name !~ '^[a-z][a-z0-9_]{0,54}$' THEN 'its name must be a word of up to 55 lower-case letters, digits and underscores'
        WHEN jsonb_typeof(signal) <> 'object' THEN 'it must be an object with its timeout'
        WHEN signal - '{timeout,secrets}'::text[] <> '{}' THEN 'it has timeout and secrets, and nothing else'
        WHEN coalesce(provision.interval_ms(signal ->> 'timeout'), 0) NOT BETWEEN 1 AND 31536000000
        THEN 'its timeout must be an interval from 1 millisecond to 365 days, such as "1 day"'
        WHEN jsonb_typeof(signal -> 'secrets') <> 'array' OR (SELECT bool_or(coalesce(secret !~ '^[a-z][a-z0-9_]{0,54}$', true)) FROM unnest(secrets) AS secret)
        THEN 'its secrets must be an array of words of up to 55 lower-case letters, digits and underscores'
        WHEN ('api_key' = ANY (secrets)) <> ('api_secret' = ANY (secrets)) THEN 'api_key and api_secret are secrets only together'
    END;
END;
$$;
COMMENT ON FUNCTION provision.signal_problem(text, jsonb) IS 'What is wrong with a signal in the row of a step; null: nothing.';

CREATE OR REPLACE FUNCTION provision.signal_problems(step provision.step)
    RETURNS SETOF text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT format('Signal "%s" of step "%s": %s.', left(given.name, 100), step.name, found.problem)
      FROM jsonb_each(step.signals) AS given (name, signal)
     CROSS JOIN LATERAL (
           SELECT coalesce(provision.signal_problem(given.name, given.signal),
                           (SELECT format('step "%s" waits for one of this name, too', other.name)
                              FROM provision.step AS other
                             WHERE other.workflow_id = step.workflow_id
                               AND other.ordinal < step.ordinal
                               AND other.signals ? given.name
                             LIMIT 1)) AS problem) AS found
     WHERE found.problem IS NOT NULL;
END;
COMMENT ON FUNCTION provision.signal_problems(provision.step) IS 'Everything that is wrong with the signals of a step, a sentence each.';
