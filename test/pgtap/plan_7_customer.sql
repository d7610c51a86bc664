-- Step 7: one customer, found by our key or by its name; an extra one is removed.
BEGIN;
SELECT plan(9);
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
      FROM provision.plan_customer(job) WITH ORDINALITY AS call
     WHERE wanted IS NOT false AND NOT job -> 'answers' ? name
$$;
CREATE FUNCTION pg_temp.call(job jsonb, call text) RETURNS provision.call LANGUAGE sql AS $$
    SELECT ROW(planned.*)::provision.call FROM provision.plan_customer(job) AS planned WHERE planned.name = $2
$$;
SELECT is(pg_temp.outlook(pg_temp.job()), 'look customer, look customer by name?, create customer?, remove extra customer?, look customer again?', 'first look');
SELECT is((pg_temp.call(pg_temp.job(facts => '{"customer_group": "Privat", "territory": "Hier"}'), 'create customer')).body,
    '{"customer_name": "Walk-in Customer - ACME", "customer_type": "Individual", "customer_group": "Privat", "territory": "Hier", "provision_key": "acme/customer"}'::jsonb, 'what is sent');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.said('look customer', '{"data": [{"name": "C-1"}]}'))), NULL, 'found by our key');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.said('look customer', '{"data": []}'))), 'look customer by name, create customer?, remove extra customer?, look customer again?', 'else by name');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.said('look customer', '{"data": []}') || pg_temp.said('look customer by name', '{"data": [{"name": "C-2"}]}'))), NULL, 'and adopted');
CREATE FUNCTION pg_temp.created(name text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.job(pg_temp.said('look customer', '{"data": []}') || pg_temp.said('look customer by name', '{"data": []}')
        || pg_temp.said('create customer', jsonb_build_object('data', jsonb_build_object('name', name))))
$$;
SELECT is(pg_temp.outlook(pg_temp.created('Walk-in Customer - ACME')), NULL, 'created under its name');
SELECT is(pg_temp.outlook(pg_temp.created('CUST-2026-00001')), NULL, 'a naming series is no reason to delete');
SELECT is(pg_temp.outlook(pg_temp.created('Walk-in Customer - ACME - 1')), 'remove extra customer, look customer again', 'a second one is removed');
SELECT is((pg_temp.call(pg_temp.created('Walk-in Customer - ACME - 1'), 'remove extra customer')).path, '/api/resource/Customer/Walk-in%20Customer%20-%20ACME%20-%201', 'that one');
SELECT * FROM finish();
ROLLBACK;
