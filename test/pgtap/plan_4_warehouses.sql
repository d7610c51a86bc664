-- Step 4: the tenants warehouses under the companys own group, whatever its name.
BEGIN;
SELECT plan(11);
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
      FROM provision.plan_warehouses(job) WITH ORDINALITY AS call
     WHERE wanted IS NOT false AND NOT job -> 'answers' ? name
$$;
CREATE FUNCTION pg_temp.call(job jsonb, call text) RETURNS provision.call LANGUAGE sql AS $$
    SELECT ROW(planned.*)::provision.call FROM provision.plan_warehouses(job) AS planned WHERE planned.name = $2
$$;
CREATE FUNCTION pg_temp.list(rows jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.said('look warehouses', jsonb_build_object('data', '[{"name": "Alle Lager - ACME", "warehouse_name": "Alle Lager", "is_group": 1, "parent_warehouse": null}]'::jsonb || rows))
$$;
SELECT is(pg_temp.outlook(pg_temp.job()), 'look warehouses, create warehouse Main Store?, create warehouse POS Store?', 'first look');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.list('[]'))), 'create warehouse Main Store, create warehouse POS Store', 'then create');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.list('[]')), 'create warehouse Main Store')).body,
    '{"warehouse_name": "Main Store", "company": "Acme Trading", "parent_warehouse": "Alle Lager - ACME"}'::jsonb, 'under the group that was read');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.list('[{"name": "Main Store - ACME", "warehouse_name": "main store", "is_group": 0}]'))), 'create warehouse POS Store', 'case does not matter');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.list('[{"name": "POS - ACME", "warehouse_name": "POS - ACME", "is_group": 0}]'), settings => '{"warehouses": ["POS - ACME"]}')), NULL, 'nor does the suffix');
SELECT is(jsonb_path_query_first(pg_temp.list(jsonb_build_array(jsonb_build_object('name', 'X', 'warehouse_name', name))) #> '{look warehouses,body}',
                                 (provision.warehouse_facts(ARRAY[lower(name)]) ->> 'pos_warehouse')::jsonpath) #>> '{}', 'X', 'learnt: ' || name)
  FROM unnest(ARRAY['Stores', 'A.B (x) "q" \ $1 *', 'Lager [Süd] + {2}^', 'متجر']) AS name;
SELECT is(jsonb_path_query_first(pg_temp.list('[{"name": "Y", "warehouse_name": "Stores 2"}]') #> '{look warehouses,body}',
                                 (provision.warehouse_facts(ARRAY['Stores']) ->> 'pos_warehouse')::jsonpath) #>> '{}', NULL, 'a longer name is another warehouse');
SELECT throws_ok($$SELECT * FROM provision.plan_warehouses(pg_temp.job(pg_temp.said('look warehouses', '{"data": []}')))$$, 'PV200', 'WAREHOUSE_MISSING', 'a company without a group');
SELECT * FROM finish();
ROLLBACK;
