-- The workflow tenant_setup: eleven steps that make a company on an ERPNext site able to sell at a point of sale.
-- A step requires only what it cannot do without, so that one failure costs as little as possible; runs_after orders the rest.

INSERT INTO provision.workflow (name, version, activates, is_builtin, needs, description) VALUES
    ('tenant_setup', 1, true, true, '{company_name,country}', 'A company on an ERPNext site, from the checks of the server to an open point of sale.')
ON CONFLICT (name, version) DO UPDATE SET description = EXCLUDED.description, activates = EXCLUDED.activates, needs = EXCLUDED.needs;

-- Weights are durations measured on ERPNext v15, in tenths of a second. Exclusive words name what deadlocked or lost updates there
-- when two tenants did it at once: companies always, trees (the Warehouse tree is numbered through all companies), rows of a shared
-- Mode of Payment, site-wide settings, the number series of sessions.
INSERT INTO provision.step (workflow_id, ordinal, name, title, plan_function, critical, optional, weight, requires, runs_after,
                            condition, exclusive, max_attempts, patience_ms, undo_function)
SELECT workflow.workflow_id, step.*
  FROM provision.workflow,
       (VALUES
        (0, 'step_0_engine_check', 'Check the server', 'provision.plan_engine_check',
            true, false, 1, '{}'::text[], '{}'::text[], NULL::jsonpath, NULL, 3, 5000, NULL),
        -- The wizard works for half a minute after a caller has gone.
        (1, 'step_1_platform_setup', 'Prepare the site', 'provision.plan_platform_setup',
            false, false, 6, '{step_0_engine_check}', '{}', NULL, 'platform', 3, 30000, 'provision.undo_platform_setup'),
        -- The first company of a country with a regional setup takes 15 seconds and is visible half-made meanwhile.
        (2, 'step_2_company', 'Create the company', 'provision.plan_company',
            true, false, 20, '{step_0_engine_check}', '{step_1_platform_setup}', NULL, 'company', 5, 20000, 'provision.undo_company'),
        (3, 'step_3_chart_of_accounts', 'Verify the chart of accounts', 'provision.plan_chart_of_accounts',
            true, false, 1, '{step_2_company}', '{}', NULL, 'payment_mode', 3, 5000, 'provision.undo_chart_of_accounts'),
        (4, 'step_4_warehouses', 'Create the warehouses', 'provision.plan_warehouses',
            false, false, 2, '{step_3_chart_of_accounts}', '{}', NULL, 'warehouse', 5, 5000, 'provision.plan_undo_documents'),
        (5, 'step_5_settings', 'Adjust selling and stock settings', 'provision.plan_settings',
            false, false, 5, '{step_0_engine_check}', '{step_1_platform_setup,step_3_chart_of_accounts}', NULL, 'settings', 3, 10000, NULL),
        (6, 'step_6_items', 'Create the demo items', 'provision.plan_items',
            false, true, 8, '{step_1_platform_setup,step_3_chart_of_accounts}', '{step_4_warehouses,step_5_settings}', '$.settings.demo_items.type() == "array"', NULL, 5, 5000, 'provision.undo_items'),
        (7, 'step_7_customer', 'Create the walk-in customer', 'provision.plan_customer',
            false, false, 2, '{step_1_platform_setup}', '{step_3_chart_of_accounts}', NULL, NULL, 3, 5000, 'provision.plan_undo_documents'),
        (8, 'step_8_pos_profile', 'Create the point of sale', 'provision.plan_pos_profile',
            true, false, 6, '{step_3_chart_of_accounts}', '{step_4_warehouses,step_5_settings,step_6_items,step_7_customer}', NULL, NULL, 3, 5000, 'provision.plan_undo_documents'),
        (9, 'step_9_pos_session', 'Open the point of sale', 'provision.plan_pos_session',
            false, false, 3, '{step_1_platform_setup,step_8_pos_profile}', '{}', NULL, 'session', 3, 5000, 'provision.plan_undo_documents'),
        (10, 'step_10_post_sale_updates', 'Verify that it is ready', 'provision.plan_post_sale_updates',
            false, false, 1, '{step_8_pos_profile}', '{step_9_pos_session}', NULL, NULL, 3, 5000, NULL)
       ) AS step (ordinal, name, title, plan_function, critical, optional, weight, requires, runs_after,
                  condition, exclusive, max_attempts, patience_ms, undo_function)
 WHERE workflow.name = 'tenant_setup'
   AND workflow.version = 1
ON CONFLICT (workflow_id, ordinal) DO UPDATE
    SET title = EXCLUDED.title,
        weight = EXCLUDED.weight,
        max_attempts = EXCLUDED.max_attempts,
        patience_ms = EXCLUDED.patience_ms;
