-- Step 8: the POS Profile, from facts, and without what an earlier step could not make.
BEGIN;
SELECT plan(10);
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
      FROM provision.plan_pos_profile(job) WITH ORDINALITY AS call
     WHERE wanted IS NOT false AND NOT job -> 'answers' ? name
$$;
CREATE FUNCTION pg_temp.call(job jsonb, call text) RETURNS provision.call LANGUAGE sql AS $$
    SELECT ROW(planned.*)::provision.call FROM provision.plan_pos_profile(job) AS planned WHERE planned.name = $2
$$;
CREATE FUNCTION pg_temp.profile(answers jsonb DEFAULT '{}', settings jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.job(pg_temp.said('look price list', '{"data": {"name": "Selling - ACME", "currency": "USD"}}') || answers,
        '{"api_user": "ops@example.com", "write_off_account": "5218 - Write Off - ACME", "cost_center": "Main - ACME", "income_account": "4110 - Sales - ACME", "expense_account": "COGS - ACME"}', settings)
$$;
CREATE FUNCTION pg_temp.absent(warehouses jsonb, others jsonb DEFAULT '[]') RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.said('look pos profile', NULL) || pg_temp.said('look warehouses', jsonb_build_object('data', warehouses)) || pg_temp.said('look other profiles', jsonb_build_object('data', others))
$$;
CREATE FUNCTION pg_temp.stores() RETURNS jsonb LANGUAGE sql AS $$ SELECT '[{"name": "All - ACME", "is_group": 1}, {"name": "Transit - ACME", "is_group": 0, "warehouse_type": "Transit"}, {"name": "Lager - ACME", "is_group": 0}]'::jsonb $$;
SELECT is(pg_temp.outlook(pg_temp.job()), 'look price list, create price list?, look pos profile, look warehouses?, look other profiles?, create pos profile?, add payment methods?', 'first look');
SELECT is((pg_temp.call(pg_temp.profile(pg_temp.absent(pg_temp.stores() || '[{"name": "POS Store - ACME", "warehouse_name": "POS Store", "is_group": 0}]')), 'create pos profile')).body,
    '{"name": "POS - ACME", "company": "Acme Trading", "warehouse": "POS Store - ACME", "currency": "USD", "selling_price_list": "Selling - ACME", "write_off_account": "5218 - Write Off - ACME",
      "write_off_cost_center": "Main - ACME", "cost_center": "Main - ACME", "income_account": "4110 - Sales - ACME", "expense_account": "COGS - ACME",
      "payments": [{"mode_of_payment": "Cash", "default": 1}], "applicable_for_users": [{"user": "ops@example.com", "default": 1}]}'::jsonb, 'accounts as they were read, no customer where there is none');
SELECT is((pg_temp.call(pg_temp.profile(pg_temp.absent(pg_temp.stores())), 'create pos profile')).body ->> 'warehouse', 'Lager - ACME', 'ERPNext''s own store where step 4 failed');
SELECT throws_ok($$SELECT * FROM provision.plan_pos_profile(pg_temp.profile(pg_temp.absent('[{"name": "All - ACME", "is_group": 1}]')))$$, 'PV200', 'WAREHOUSE_MISSING', 'no store at all');
SELECT is((pg_temp.call(pg_temp.profile(pg_temp.absent(pg_temp.stores(), '[{"name": "Other"}]')), 'create pos profile')).body #> '{applicable_for_users,0,default}', '0', 'default in one profile of a company only');
SELECT is(pg_temp.outlook(pg_temp.profile(pg_temp.said('look pos profile', '{"data": {"name": "POS - ACME", "company": "Acme Trading", "payments": [{"mode_of_payment": "Cash", "default": 1}]}}'))), NULL, 'found: nothing to do');
SELECT is((pg_temp.call(pg_temp.profile(pg_temp.said('look pos profile', '{"data": {"name": "POS - ACME", "company": "Acme Trading", "payments": [{"name": "r1", "mode_of_payment": "Cash", "default": 1}]}}'),
    '{"payment_methods": ["Card", "Cash"]}'), 'add payment methods')).body, '{"payments": [{"name": "r1", "mode_of_payment": "Cash", "default": 1}, {"mode_of_payment": "Card", "default": 0}]}'::jsonb, 'a payment method that came later is added');
SELECT throws_ok($$SELECT * FROM provision.plan_pos_profile(pg_temp.profile(pg_temp.said('look pos profile', '{"data": {"name": "POS - ACME", "company": "Other"}}')))$$, 'PV200', 'POS_PROFILE_TAKEN', 'another company''s');
SELECT throws_ok($$SELECT * FROM provision.plan_pos_profile(pg_temp.profile(pg_temp.said('look pos user', NULL), '{"pos_user": "nobody@example.com"}'))$$, 'PV200', 'POS_USER_MISSING', 'a user who does not exist');
SELECT is((pg_temp.call(pg_temp.profile('{}', '{"pos_user": "till@example.com"}'), 'create pos profile')).body #>> '{applicable_for_users,0,user}', 'till@example.com', 'the user the tenant names');
SELECT * FROM finish();
ROLLBACK;
