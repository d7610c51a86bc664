-- What jobs are known to have made: a row before the call is sent, its name when the answer tells it. Calls that make nothing never come here.

CREATE OR REPLACE FUNCTION provision.names_in(body jsonb, path text)
    RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT left(named.name #>> '{}', 1000)
                   FROM jsonb_path_query(body, path::jsonpath, '{}', true) WITH ORDINALITY AS named (name, position)
                  WHERE jsonb_typeof(named.name) IN ('string', 'number')
                    AND named.name <> '""'
                  ORDER BY named.position
                  LIMIT 1000);
EXCEPTION WHEN OTHERS THEN      -- a wrong path in one workflow must not stop the round
    RETURN '{}';
END;
$$;
COMMENT ON FUNCTION provision.names_in(jsonb, text) IS 'Names that a jsonpath finds in an answer, at most 1,000; none when it is no path.';

-- Nothing was made: it was not sent, or the server refused it. Anything else that is no success leaves the question open.
CREATE OR REPLACE FUNCTION provision.made_nothing(outcome provision.outcome)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT outcome.delivery = 'not_sent'
        OR outcome.delivery = 'answered' AND outcome.http_status >= 400 AND outcome.verdict <> 'ambiguous';
END;
COMMENT ON FUNCTION provision.made_nothing(provision.outcome) IS 'The answer says for certain that the call had no effect.';

CREATE OR REPLACE FUNCTION provision.settle_creations(outcomes provision.outcome[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM provision.creation
     USING unnest(outcomes) AS outcome
     WHERE outcome.creates IS NOT NULL
       AND provision.made_nothing(outcome)
       AND creation.job_id = outcome.job_id
       AND creation.attempt_id = outcome.attempt_id;
    WITH made AS MATERIALIZED (
        SELECT outcome.job_id, outcome.attempt_id,
               CASE WHEN outcome.creates ? 'name' THEN provision.names_in(outcome.body, outcome.creates ->> 'name')
                    ELSE ARRAY[outcome.creates ->> 'kind'] END AS names
          FROM unnest(outcomes) AS outcome
         WHERE outcome.creates IS NOT NULL
           AND outcome.verdict = 'success'
    ), named AS (
        UPDATE provision.creation
           SET name = made.names[1],
               made_at = clock_timestamp()
          FROM made
         WHERE creation.job_id = made.job_id
           AND creation.attempt_id = made.attempt_id
           AND made.names <> '{}'
        RETURNING creation.*, made.names
    )
    INSERT INTO provision.creation (job_id, ordinal, attempt_id, call, kind, name, creates, look, known_before, made_at)
    SELECT named.job_id, named.ordinal, named.attempt_id, named.call, named.kind, further.name, named.creates, named.look, named.known_before,
           named.made_at
      FROM named
     CROSS JOIN LATERAL unnest(named.names[2:]) AS further (name);
END;
$$;
COMMENT ON FUNCTION provision.settle_creations(provision.outcome[]) IS 'Names what these answers say was made, and forgets what was not.';
