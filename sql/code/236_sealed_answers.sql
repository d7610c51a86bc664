-- Secrets that an answer tells. The worker takes them out and seals them before anything of the answer comes here (src/answer_seals.c);
-- what arrives is a line for each, "identity sealed in hexadecimal digits".

CREATE OR REPLACE FUNCTION provision.seals_are_valid(seals jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_typeof(seals) = 'object'
       AND NOT EXISTS (SELECT
                         FROM jsonb_each(CASE jsonb_typeof(seals) WHEN 'object' THEN seals ELSE '{}' END) AS sealed (secret, template)
                        WHERE secret !~ '^[a-z][a-z0-9_]{0,62}$'
                           OR template <> 'null'
                              AND (jsonb_typeof(template) <> 'string' OR length(template #>> '{}') > 200
                                   OR template #>> '{}' !~ '^([!-z|~]|\{\?[a-z0-9_]+\})*\{[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*\}$'));
END;
COMMENT ON FUNCTION provision.seals_are_valid(jsonb) IS 'It has the form of call.seals; a fact that is not known yet may stand in the text.';

CREATE OR REPLACE FUNCTION provision.seal_note(tenant_id bigint, seals jsonb)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT coalesce(string_agg(provision.secret_identity(NULL, seal_note.tenant_id, secret) || ' ' || template, E'\n' ORDER BY secret), '')
              FROM jsonb_each_text(seals) AS sealed (secret, template)
             WHERE template IS NOT NULL);
END;
$$;
COMMENT ON FUNCTION provision.seal_note(bigint, jsonb) IS 'What the worker is told of call.seals: "identity template", a line for each secret; empty where none is to be kept.';

CREATE OR REPLACE FUNCTION provision.log_secret(job_id bigint, step text, event text, secret text)
    RETURNS void
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    INSERT INTO provision.event (job_id, tenant, step, event, detail, correlation_id)
    SELECT job.job_id, tenant.name, log_secret.step, log_secret.event, jsonb_build_object('name', log_secret.secret), job.correlation_id
      FROM provision.job
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
     WHERE job.job_id = log_secret.job_id;
END;
COMMENT ON FUNCTION provision.log_secret(bigint, text, text, text) IS 'One event about a secret of the tenant that a job has made or forgotten.';

CREATE OR REPLACE FUNCTION provision.keep_sealed(outcomes provision.outcome[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    told record;
BEGIN
    FOR told IN
        SELECT outcome.job_id, outcome.step, job.tenant_id, declared.secret, declared.template,
               provision.secret_identity(NULL, job.tenant_id, declared.secret) AS identity, outcome.sealed
          FROM unnest(outcomes) AS outcome
          JOIN provision.job ON job.job_id = outcome.job_id
         CROSS JOIN LATERAL jsonb_each_text(outcome.seals) AS declared (secret, template)
         WHERE outcome.verdict = 'success'
         ORDER BY job.tenant_id, declared.secret
    LOOP
        IF told.template IS NULL THEN
            DELETE FROM provision.secret WHERE secret.tenant_id = told.tenant_id AND secret.name = told.secret;
            PERFORM provision.log_secret(told.job_id, told.step, 'tenant_secret_forgotten', told.secret) WHERE FOUND;
        ELSE
            PERFORM provision.keep_secret(NULL, told.tenant_id, told.secret,
                        decode(substring(told.sealed FROM '(?n)^' || told.identity || ' ([0-9a-f]+)$'), 'hex'));
            PERFORM provision.log_secret(told.job_id, told.step, 'tenant_secret_set', told.secret);
        END IF;
        -- Also when one is forgotten: who was locked by its own round when the credentials came is found when their session has gone.
        PERFORM provision.wake_for_secrets(told.tenant_id);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.keep_sealed(provision.outcome[]) IS 'Keeps and forgets the secrets of tenants that the answers have told; jobs that wait for signals look whether they need to. The rows of the tenants are locked.';
