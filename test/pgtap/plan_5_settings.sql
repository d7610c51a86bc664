-- Step 5: site-wide settings are compared first and never carry one tenants values.
BEGIN;
SELECT plan(6);
CREATE FUNCTION pg_temp.job(answers jsonb DEFAULT '{}', facts jsonb DEFAULT '{}', settings jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('job_id', 7, 'tenant', 'acme', 'engine', 'main', 'facts', facts, 'options', '{}'::jsonb, 'answers', coalesce(answers, '{}'),
        'settings', '{"company_name": "Acme Trading", "country": "United States", "abbr": "ACME", "currency": "USD", "chart_of_accounts": "Standard",
                      "time_zone": "America/New_York", "fiscal_year_start": "01-01", "warehouses": ["Main Store", "POS Store"], "demo_items": false,
                      "customer": "Walk-in Customer", "payment_methods": ["Cash"], "opening_amount": 0, "run_wizard": false}'::jsonb || settings)
$$;
CREATE FUNCTION pg_temp.said(call text, body jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(call, CASE WHEN body IS NULL THEN '{"verdict": "absent", "status": 404, "body": {"exc_type": "DoesNotExistError"}}'::jsonb
                                         ELSE jsonb_build_object('verdict', 'success', 'status', 200, 'body', body) END)
$$;
CREATE FUNCTION pg_temp.outlook(job jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(name || CASE WHEN wanted THEN '' ELSE '?' END, ', ' ORDER BY ordinality)
      FROM provision.plan_settings(job) WITH ORDINALITY AS call
     WHERE wanted IS NOT false AND NOT job -> 'answers' ? name
$$;
CREATE FUNCTION pg_temp.call(job jsonb, call text) RETURNS provision.call LANGUAGE sql AS $$
    SELECT ROW(planned.*)::provision.call FROM provision.plan_settings(job) AS planned WHERE planned.name = $2
$$;
CREATE FUNCTION pg_temp.settings(selling jsonb, stock jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.said('look selling settings', jsonb_build_object('data', selling)) || pg_temp.said('look stock settings', jsonb_build_object('data', stock))
$$;
SELECT is(pg_temp.outlook(pg_temp.job()), 'look selling settings, set selling settings?, look stock settings, set stock settings?', 'first look');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.settings('{"cust_master_name": "Customer Name", "customer_group": "Mine", "territory": "Here"}',
    '{"item_naming_by": "Item Code", "item_group": "Mine", "stock_uom": "Kg", "default_warehouse": "Stores - PLT", "allow_negative_stock": 0}'),
    '{"customer_group": "Individual", "territory": "All Territories", "item_group": "Products"}')), NULL, 'an operator''s own choices stay');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.settings('{"cust_master_name": "Naming Series", "territory": "Here"}', '{}'), '{"customer_group": "Individual", "territory": "All Territories"}'),
    'set selling settings')).body, '{"cust_master_name": "Customer Name", "customer_group": "Individual"}'::jsonb, 'only what differs or is empty is written');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.settings('{}', '{"item_naming_by": "Item Code"}')), 'set stock settings')).body, '{"stock_uom": "Nos"}'::jsonb, 'without what step 1 could not teach');
SELECT is((pg_temp.call(pg_temp.job(), 'set stock settings')).method, 'PUT', 'a single is never posted');
SELECT is_empty($$SELECT name FROM provision.plan_settings(pg_temp.job()) WHERE body::text ~ 'ACME|Acme|USD|warehouse|price_list'$$, 'nothing of the tenant');
SELECT * FROM finish();
ROLLBACK;
