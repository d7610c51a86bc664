-- Step 6: items, prices and opening stock, each made once.
BEGIN;
SELECT plan(13);
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
      FROM provision.plan_items(job) WITH ORDINALITY AS call
     WHERE wanted IS NOT false AND NOT job -> 'answers' ? name
$$;
CREATE FUNCTION pg_temp.call(job jsonb, call text) RETURNS provision.call LANGUAGE sql AS $$
    SELECT ROW(planned.*)::provision.call FROM provision.plan_items(job) AS planned WHERE planned.name = $2
$$;
CREATE FUNCTION pg_temp.items(answers jsonb DEFAULT '{}', number integer DEFAULT 2, facts jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.job(answers, '{"item_group": "Products", "stock_uom": "Nos", "pos_warehouse": "POS Store - ACME", "stock_entry_type": "Material Receipt"}'::jsonb || facts,
        jsonb_build_object('demo_items', (SELECT jsonb_agg(jsonb_build_object('item_code', 'D' || place, 'item_name', 'Demo ' || place, 'rate', place, 'opening_qty', 2 - place) ORDER BY place)
                                            FROM generate_series(1, number) AS place)))
$$;
SELECT is(pg_temp.outlook(pg_temp.job(settings => '{"demo_items": []}')), NULL, 'no items, no calls');
SELECT is(pg_temp.outlook(pg_temp.items()), 'look price list, create price list?, look items 1 to 2, create items 1 to 2?, look prices 1 to 2, create prices 1 to 2?, look opening stock, receive opening stock?', 'look before each');
SELECT is((pg_temp.call(pg_temp.items(), 'create price list')).body, '{"price_list_name": "Selling - ACME", "currency": "USD", "selling": 1, "enabled": 1}'::jsonb, 'a price list of the tenant''s own');
SELECT is((pg_temp.call(pg_temp.items(), 'create items 1 to 2')).body #> '{docs,0}', '{"doctype": "Item", "item_code": "ACME-D1", "item_name": "Demo 1", "item_group": "Products", "stock_uom": "Nos",
    "is_stock_item": 1, "item_defaults": [{"company": "Acme Trading", "default_warehouse": "POS Store - ACME"}]}'::jsonb, 'the code carries the abbreviation, no price in a foreign list');
SELECT is(jsonb_path_query_array((pg_temp.call(pg_temp.items(pg_temp.said('look items 1 to 2', '{"data": [{"item_code": "acme-d1"}]}')), 'create items 1 to 2')).body, '$.docs[*].item_code'),
    '["ACME-D2"]'::jsonb, 'only the missing ones');
SELECT is((pg_temp.call(pg_temp.items(pg_temp.said('look items 1 to 2', '{"data": [{"item_code": "ACME-D1"}, {"item_code": "ACME-D2"}]}')), 'create items 1 to 2')).wanted, false, 'all there: none');
SELECT is((pg_temp.call(pg_temp.items(), 'create prices 1 to 2')).body #> '{docs,1}', '{"doctype": "Item Price", "item_code": "ACME-D2", "price_list": "Selling - ACME", "price_list_rate": 2}'::jsonb, 'a price');
SELECT is((pg_temp.call(pg_temp.items(), 'receive opening stock')).body, '{"stock_entry_type": "Material Receipt", "company": "Acme Trading", "provision_key": "acme/opening_stock", "docstatus": 1,
    "items": [{"item_code": "ACME-D1", "qty": 1, "basic_rate": 1, "t_warehouse": "POS Store - ACME", "allow_zero_valuation_rate": 0}]}'::jsonb, 'opening stock under our key');
SELECT is((pg_temp.call(pg_temp.items(pg_temp.said('look opening stock', '{"data": [{"name": "MAT-STE-1", "docstatus": 2}]}')), 'receive opening stock')).wanted, false, 'never twice, not even after it was cancelled');
SELECT is((SELECT string_agg(name, ', ') FROM provision.plan_items(pg_temp.items('{}', 45)) WHERE name LIKE 'create items%'), 'create items 1 to 20, create items 21 to 40, create items 41 to 45', 'twenty at a time');
SELECT is_empty($$SELECT name FROM provision.plan_items(pg_temp.items('{}', 200)) WHERE length(path) > 4000$$, 'no request line is too long');
SELECT is_empty($$SELECT name FROM provision.plan_items(pg_temp.items()) WHERE method = 'POST' AND guard IS NULL$$, 'nothing is created without a look');
SELECT throws_ok($$SELECT * FROM provision.plan_items(pg_temp.items(pg_temp.said('look price list', '{"data": {"name": "Selling - ACME", "currency": "KES"}}')))$$, 'PV200', 'PRICE_LIST_MISMATCH', 'a list in another currency');
SELECT * FROM finish();
ROLLBACK;
