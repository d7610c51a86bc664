-- tenant_setup as a whole: eleven steps that can be planned before anything is known, and nothing is created blindly.
BEGIN;
SELECT plan(11);
CREATE TEMPORARY TABLE step AS
SELECT step.* FROM provision.step JOIN provision.workflow USING (workflow_id) WHERE workflow.name = 'tenant_setup' AND workflow.is_current;
CREATE TEMPORARY TABLE planned (step text, name text, method text, path text, body jsonb, wanted boolean, guard text, repeatable boolean, effort text, learn jsonb, creates jsonb, refusable boolean, seals jsonb, auth text, ordinality bigint);
DO $$
DECLARE
    step record;
BEGIN
    FOR step IN SELECT * FROM pg_temp.step LOOP
        EXECUTE format('INSERT INTO planned SELECT %L, * FROM %s($1) WITH ORDINALITY', step.name, step.plan_function) USING
            '{"job_id": null, "tenant": "acme", "engine": "main", "facts": {}, "answers": {}, "options": {},
              "settings": {"company_name": "Acme", "country": "Kenya", "abbr": "A", "currency": "KES", "chart_of_accounts": "Standard", "time_zone": "Africa/Nairobi",
                           "fiscal_year_start": "07-01", "warehouses": ["Main Store", "POS Store"], "customer": "Walk-in Customer", "payment_methods": ["Cash", "M-Pesa"],
                           "demo_items": [{"item_code": "D", "rate": 1, "opening_qty": 1}], "pos_user": "till@example.com", "opening_amount": 0, "run_wizard": true}}'::jsonb;
    END LOOP;
END;
$$;
SELECT is((SELECT string_agg(name, ' ' ORDER BY ordinal) FROM step),
    'step_0_engine_check step_1_platform_setup step_2_company step_3_chart_of_accounts step_4_warehouses step_5_settings step_6_items step_7_customer '
    'step_8_pos_profile step_9_pos_session step_10_post_sale_updates', 'the eleven steps');
SELECT is((SELECT string_agg(ordinal::text, ' ' ORDER BY ordinal) FROM step WHERE critical), '0 2 3 8', 'the critical ones');
SELECT is((SELECT string_agg(name, ' ') FROM step WHERE optional), 'step_6_items', 'the optional one');
SELECT is_empty($$SELECT name, needed FROM step, unnest(requires || runs_after) AS needed
                   WHERE NOT EXISTS (SELECT FROM step AS other WHERE other.name = needed AND other.ordinal < step.ordinal)$$, 'a step needs earlier ones only');
SELECT is_empty($$SELECT name FROM step WHERE name NOT IN (SELECT step FROM planned)$$, 'each can be planned before anything is known');
SELECT is_empty($$SELECT step, name FROM planned GROUP BY 1, 2 HAVING count(*) > 1$$, 'names of calls are unique within their step');
SELECT is_empty($$SELECT step, name FROM planned WHERE method = 'POST' AND NOT repeatable AND guard IS NULL$$, 'nothing is created without a look');
SELECT is_empty($$SELECT step, name FROM planned WHERE guard IS NOT NULL
                   AND NOT EXISTS (SELECT FROM planned AS look WHERE look.step = planned.step AND look.name = planned.guard AND look.ordinality < planned.ordinality)$$, 'the look comes first');
SELECT is_empty($$SELECT step, name FROM planned WHERE effort NOT IN (SELECT effort FROM provision.effort)$$, 'each has a time limit that exists');
SELECT is_empty($$SELECT step, name FROM planned WHERE length(path) > 4000 OR path !~ '^/api/(resource|method)/([A-Za-z0-9_.~/%=&?-]|\{\?[a-z0-9_]+\})+$'$$, 'paths are encoded and fit a request line');
SELECT is_empty($$SELECT code FROM (SELECT DISTINCT captured[1] AS code FROM pg_catalog.pg_proc, regexp_matches(prosrc, 'give_up\(''([A-Z_]+)''', 'g') AS captured
                                     WHERE pronamespace = 'provision'::regnamespace) AS raised
                   WHERE code NOT IN (SELECT error_code FROM provision.failure)$$, 'every refusal is explained');
SELECT * FROM finish();
ROLLBACK;
