-- onboarding: a customer from the request to an open point of sale, as one job: the steps of create_site at who makes sites, those of site_credentials,
-- the steps of tenant_setup at the site. The steps are those of the three workflows, so that there is one way to do a thing.

-- Where keys were made nobody is waited for.
CREATE OR REPLACE FUNCTION provision.plan_credentials(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.wait_for_signal(job, 'credentials') WHERE job -> 'has_credentials' IS DISTINCT FROM 'true';
END;
$$;
COMMENT ON FUNCTION provision.plan_credentials(jsonb) IS 'Waits until somebody hands over an API key and secret for the tenant''s site, unless there are some.';

INSERT INTO provision.workflow (name, version, activates, is_builtin, needs, works_at, description) VALUES
    ('onboarding', 1, true, true, '{company_name,country}', 'site_maker', 'A customer from the request to an open point of sale: site, credentials, setup.')
ON CONFLICT (name, version) DO UPDATE SET description = EXCLUDED.description;

-- Weights are tenths of a second, about; those of create_site and site_credentials are seconds. A site that was there before us is not made, nor are keys for it.
INSERT INTO provision.step (workflow_id, ordinal, name, title, plan_function, undo_function, critical, optional, weight, requires, runs_after, condition, exclusive,
                            max_attempts, backoff_ms, backoff_max_ms, patience_ms, deadline_ms, on_cancel, only_looks, works_at, signals)
WITH source AS (
    SELECT step.*, workflow.name AS workflow
      FROM provision.step
      JOIN provision.workflow ON workflow.workflow_id = step.workflow_id AND workflow.version = 1 AND workflow.name IN ('create_site', 'site_credentials', 'tenant_setup')
), of_site AS (
    SELECT (source).*, regexp_replace((source).name, '^step_', 'site_') AS new_name,
           -- What requires a skipped step is blocked; and when one that is critical fails, nothing follows in any case.
           ARRAY(SELECT regexp_replace(awaited, '^step_', 'site_') FROM unnest((source).requires || (source).runs_after) AS awaited) AS new_runs_after
      FROM source
     WHERE source.workflow = 'create_site'
), of_keys AS (
    SELECT (source).*, regexp_replace((source).name, '^step_', 'keys_') AS new_name,
           ARRAY(SELECT regexp_replace(awaited, '^step_', 'keys_') FROM unnest((source).requires || (source).runs_after) AS awaited)
               || (SELECT array_agg(new_name ORDER BY ordinal) FROM of_site) AS new_runs_after
      FROM source
     WHERE source.workflow = 'site_credentials'
), joined AS (
    SELECT ordinal, new_name AS name, title, plan_function, undo_function, critical, optional, weight * 10 AS weight, '{}'::text[] AS requires, new_runs_after AS runs_after,
           concat_ws(' && ', '!($.facts.given_site == $.settings.site)', '(' || condition::text || ')')::jsonpath AS condition, exclusive,
           max_attempts, backoff_ms, backoff_max_ms, patience_ms, deadline_ms, on_cancel, only_looks, works_at, signals
      FROM of_site
    UNION ALL
    SELECT 40 + ordinal, new_name, title, plan_function, undo_function, critical, optional, weight * 10, '{}', new_runs_after,
           '!($.facts.given_site == $.settings.site) && !($.options.credentials == "handed_over")', exclusive,
           max_attempts, backoff_ms, backoff_max_ms, patience_ms, deadline_ms, on_cancel, only_looks, works_at, signals
      FROM of_keys
    UNION ALL
    SELECT 50, 'credentials', 'Receive the credentials', 'provision.plan_credentials', NULL, true, false, 100, '{}',
           (SELECT array_agg(new_name ORDER BY ordinal) FROM of_site) || (SELECT array_agg(new_name ORDER BY ordinal) FROM of_keys), NULL, NULL,
           3, 2000, 10000, 5000, NULL, 'await', false, 'home', '{"credentials": {"timeout": "7 days", "secrets": ["api_key", "api_secret"]}}'
    UNION ALL
    SELECT 100 + ordinal, name, title, plan_function, undo_function, critical, optional, weight, requires,
           CASE WHEN requires = '{}' THEN runs_after || '{credentials}' ELSE runs_after END, condition, exclusive,
           max_attempts, backoff_ms, backoff_max_ms, patience_ms, deadline_ms, on_cancel, only_looks, 'home', signals
      FROM source
     WHERE source.workflow = 'tenant_setup'
)
SELECT workflow.workflow_id, joined.*
  FROM provision.workflow, joined
 WHERE workflow.name = 'onboarding'
   AND workflow.version = 1
ON CONFLICT (workflow_id, ordinal) DO UPDATE
    SET title = EXCLUDED.title,
        weight = EXCLUDED.weight,
        max_attempts = EXCLUDED.max_attempts,
        patience_ms = EXCLUDED.patience_ms;
