-- A second layer under the views: whoever was granted SELECT on a table sees rows of its tenants only, and nobody writes. Not forced upon
-- the owner, who is the worker and every public function. A table without a policy shows nothing; provision.secret never gets one.
-- Only what is missing is done, so that a replay takes no lock.

DO $$
DECLARE
    of_platform constant text := '(SELECT provision.sees_everything())';
    of_tenant   constant text := of_platform || ' OR tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[])';
    of_job      constant text := of_platform || ' OR job_id = ANY ((SELECT provision.visible_jobs())::bigint[])';
    of_nobody   constant text := 'true';        -- holds nothing of anybody's
    policy record;
BEGIN
    FOR policy IN
        SELECT pg_class.relname, shown.condition, pg_class.relrowsecurity AS is_secured,
               EXISTS (SELECT FROM pg_catalog.pg_policy WHERE pg_policy.polrelid = pg_class.oid) AS has_policy
          FROM pg_catalog.pg_class
          LEFT JOIN (VALUES
                ('answer_rule', of_nobody), ('attempt', of_job), ('audit_horizon', of_platform), ('audit_seal', of_platform), ('caller', of_platform),
                ('control', of_platform), ('country', of_nobody), ('country_name', of_nobody),
                ('creation', of_job), ('currency', of_nobody),
                ('effort', of_nobody), ('engine', of_platform), ('engine_gauge', of_platform), ('engine_state', of_platform),
                ('event', of_job), ('exclusion', of_job), ('failure', of_nobody), ('job', of_tenant), ('job_step', of_job), ('key_wait', of_job),
                ('member', of_tenant), ('pace', of_platform), ('remote_job', of_job), ('remote_kind', of_nobody), ('schedule', of_tenant), ('signal', of_job), ('step', of_nobody), ('step_pace', of_platform), ('tenant', of_tenant),
                ('webhook', of_platform), ('webhook_delivery', of_platform), ('webhook_event', of_nobody), ('worker', of_platform), ('workflow', of_nobody)
               ) AS shown (relname, condition) ON shown.relname = pg_class.relname
         WHERE pg_class.relnamespace = 'provision'::pg_catalog.regnamespace
           AND pg_class.relkind IN ('r', 'p')
    LOOP
        IF NOT policy.is_secured THEN
            EXECUTE pg_catalog.format('ALTER TABLE provision.%I ENABLE ROW LEVEL SECURITY', policy.relname);
        END IF;
        IF policy.condition IS NOT NULL AND NOT policy.has_policy THEN
            EXECUTE pg_catalog.format('CREATE POLICY rows_of_own_tenants ON provision.%I FOR SELECT USING (%s)', policy.relname, policy.condition);
        END IF;
    END LOOP;
END;
$$;
