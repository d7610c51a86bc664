-- Step 0: reach the server, know the user, refuse the wrong version and missing roles by name.
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
      FROM provision.plan_engine_check(job) WITH ORDINALITY AS call
     WHERE wanted IS NOT false AND NOT job -> 'answers' ? name
$$;
CREATE FUNCTION pg_temp.call(job jsonb, call text) RETURNS provision.call LANGUAGE sql AS $$
    SELECT ROW(planned.*)::provision.call FROM provision.plan_engine_check(job) AS planned WHERE planned.name = $2
$$;
CREATE FUNCTION pg_temp.site(versions jsonb, roles jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.job(pg_temp.said('versions', jsonb_build_object('message', versions)) || pg_temp.said('roles', jsonb_build_object('message', roles)))
$$;
SELECT is(pg_temp.outlook(pg_temp.job()), 'ping, user, versions, roles, time zone', 'five reads');
SELECT is((pg_temp.call(pg_temp.job(), 'roles')).path, '/api/method/frappe.core.doctype.user.user.get_roles?uid={?api_user}', 'whose roles is not known yet');
SELECT is((pg_temp.call(pg_temp.job(facts => '{"api_user": "ops@example.com"}'), 'roles')).path,
          '/api/method/frappe.core.doctype.user.user.get_roles?uid=ops%40example.com', 'then it is');
SELECT throws_ok($$SELECT * FROM provision.plan_engine_check(pg_temp.site('{"frappe": {"version": "15.44.2"}}', NULL))$$, 'PV200', 'ERPNEXT_MISSING', 'Frappe alone is refused');
SELECT throws_ok(format($$SELECT * FROM provision.plan_engine_check(pg_temp.site('{"erpnext": {"version": "%s"}}', NULL))$$, version), 'PV200', 'VERSION_UNSUPPORTED', version || ' is refused')
  FROM unnest(ARRAY['13.54.0', '17.0.0-dev', 'nightly']) AS version;
SELECT is(pg_temp.outlook(pg_temp.site('{"erpnext": {"version": "16.0.0-beta.1"}}', to_jsonb(provision.required_roles()))), 'ping, user, time zone', 'all roles are enough');
SELECT is(pg_temp.outlook(pg_temp.site('{"erpnext": {"version": "15.65.1"}}', '["Administrator"]')), 'ping, user, time zone', 'so is Administrator');
PREPARE system_manager AS SELECT * FROM provision.plan_engine_check(pg_temp.site('{"erpnext": {"version": "15.65.1"}}', '["System Manager", "Stock User", "All"]'));
SELECT throws_ok('system_manager', 'PV200', 'ROLES_MISSING', 'System Manager alone is refused');
DO $$
DECLARE
    named text;
BEGIN
    PERFORM provision.plan_engine_check(pg_temp.site('{"erpnext": {"version": "15.65.1"}}', '["System Manager", "Stock User"]'));
EXCEPTION WHEN SQLSTATE 'PV200' THEN
    GET STACKED DIAGNOSTICS named = PG_EXCEPTION_DETAIL;
    PERFORM set_config('test.named', named, true);
END;
$$;
SELECT is(current_setting('test.named'), 'Accounts Manager, Accounts User, Item Manager, Sales Manager, Sales Master Manager, Sales User, Stock Manager', 'the missing ones are named');
SELECT * FROM finish();
ROLLBACK;
