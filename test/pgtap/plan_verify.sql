-- tenant_verify sends the looks of tenant_setup alone, step by step, and concludes with the changes that its plans still want.
BEGIN;
SELECT plan(12);
CREATE FUNCTION pg_temp.job(answers jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('job_id', NULL, 'tenant', 'acme', 'key', '0123456789', 'engine', 'main', 'step', 'step_4_warehouses', 'facts', '{}'::jsonb, 'options', '{}'::jsonb,
        'answers', answers, 'settings', provision.tenant_settings('{"company_name": "Acme", "abbr": "AC", "country": "KE"}'))
        || provision.looking_context(NULL, (SELECT workflow_id FROM provision.workflow WHERE name = 'tenant_verify'))
$$;
CREATE FUNCTION pg_temp.warehouses(VARIADIC names text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('look warehouses', jsonb_build_object('verdict', 'success', 'status', 200, 'body', jsonb_build_object('data',
               (SELECT jsonb_agg(jsonb_build_object('name', name || ' - AC', 'warehouse_name', name, 'is_group', (name = 'All Warehouses')::integer)) FROM unnest(names) AS name))))
$$;
CREATE FUNCTION pg_temp.next(answers jsonb) RETURNS provision.next_call LANGUAGE sql AS $$ SELECT provision.next_call('provision.plan_verify', pg_temp.job(answers)) $$;
SELECT is((pg_temp.next('{}')).call.name, 'look warehouses', 'it begins with the look');
SELECT ok(NOT (pg_temp.next('{}')).is_last_call AND (pg_temp.next('{}')).call.learn IS NULL AND (pg_temp.next('{}')).call.refusable, 'which is not the last word, teaches nothing and may be refused');
SELECT is((pg_temp.next(pg_temp.warehouses('All Warehouses', 'Main Store', 'POS Store'))).outcome, 'complete', 'nothing is missing');
SELECT is((pg_temp.next(pg_temp.warehouses('All Warehouses', 'Main Store', 'POS Store'))).result, '[]', 'an empty result');
SELECT is((pg_temp.next(pg_temp.warehouses('All Warehouses', 'POS Store'))).result,
          '[{"step": "step_4_warehouses", "drift": "missing", "call": "create warehouse Main Store", "method": "POST", "path": "/api/resource/Warehouse",
             "wanted": {"company": "Acme", "warehouse_name": "Main Store", "parent_warehouse": "All Warehouses - AC"}}]'::jsonb, 'what is missing');
SELECT is((pg_temp.next(pg_temp.warehouses('POS Store'))).result, '[{"step": "step_4_warehouses", "drift": "refused", "code": "WAREHOUSE_MISSING",
             "detail": "the company has no group to put its warehouses under"}]'::jsonb, 'what the plan refuses');
SELECT is((pg_temp.next('{"look warehouses": {"verdict": "refused", "status": 417, "body": {"exc_type": "DataError", "exception": "x.DataError: Field not permitted"}}}')).result,
          '[{"step": "step_4_warehouses", "drift": "unjudged", "call": "look warehouses", "detail": "Field not permitted"}]'::jsonb, 'what the server does not show');
SELECT is_empty($$SELECT step.name FROM provision.workflow JOIN provision.step USING (workflow_id) WHERE workflow.name IN ('tenant_verify', 'preflight') AND NOT only_looks$$,
                'its steps may only look');
SELECT results_eq($$SELECT step.name FROM provision.workflow JOIN provision.step USING (workflow_id) WHERE workflow.name = 'tenant_verify' ORDER BY ordinal$$,
                  $$SELECT step.name FROM provision.workflow JOIN provision.step USING (workflow_id) WHERE workflow.name = 'tenant_setup' AND is_current ORDER BY ordinal$$, 'one for each of tenant_setup');
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT is_empty($$SELECT call FROM provision_plan('acme', 'tenant_verify') WHERE method <> 'GET' UNION ALL SELECT call FROM provision_plan('acme', 'preflight') WHERE method <> 'GET'$$, 'the dry run has only reads');
SELECT provision_start('acme') AS job \gset
SELECT throws_ok($$SELECT provision_verify('acme')$$, 'PV001', format('tenant "acme" cannot be verified now: job %s is still changing it', :job), 'not while a job changes the tenant');
SELECT throws_ok($$SELECT provision_verify('nobody')$$, '42704', 'tenant "nobody" does not exist', 'nor for nobody');
SELECT * FROM finish();
ROLLBACK;
