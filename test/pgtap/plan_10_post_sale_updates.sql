-- Step 10: proof by reading; the companys bank account only where it has none.
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
      FROM provision.plan_post_sale_updates(job) WITH ORDINALITY AS call
     WHERE wanted IS NOT false AND NOT job -> 'answers' ? name
$$;
CREATE FUNCTION pg_temp.call(job jsonb, call text) RETURNS provision.call LANGUAGE sql AS $$
    SELECT ROW(planned.*)::provision.call FROM provision.plan_post_sale_updates(job) AS planned WHERE planned.name = $2
$$;
CREATE FUNCTION pg_temp.state(disabled integer, sessions integer, settings jsonb DEFAULT '{}', bank text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.job(pg_temp.said('read company', jsonb_build_object('message', jsonb_build_object('name', 'Acme Trading', 'round_off_account', 'R', 'default_bank_account', bank)))
        || pg_temp.said('read pos profile', jsonb_build_object('data', jsonb_build_object('name', 'POS - ACME', 'disabled', disabled)))
        || pg_temp.said('count open sessions', jsonb_build_object('message', sessions)),
        '{"pos_profile": "POS - ACME", "pos_warehouse": "POS Store - ACME", "bank_account": "Bank - ACME"}', settings)
$$;
SELECT is(pg_temp.outlook(pg_temp.job()), 'read company, read pos profile, count open sessions, count stocked items', 'four reads, the last of which needs no judgement');
SELECT is(pg_temp.outlook(pg_temp.state(0, 1)), 'count stocked items', 'ready');
SELECT throws_ok($$SELECT * FROM provision.plan_post_sale_updates(pg_temp.state(1, 1))$$, 'PV200', 'POS_PROFILE_DISABLED', 'a disabled profile');
SELECT throws_ok($$SELECT * FROM provision.plan_post_sale_updates(pg_temp.state(0, 0))$$, 'PV200', 'SESSION_MISSING', 'no open session');
SELECT is(pg_temp.outlook(pg_temp.state(0, 1, '{"payment_methods": ["Cash", "Card"]}')), 'set bank account, count stocked items', 'card payments: the company gets its bank account');
SELECT is(pg_temp.outlook(pg_temp.state(0, 1, '{"payment_methods": ["Cash", "Card"]}', 'Giro - ACME')), 'count stocked items', 'unless it has one');
SELECT * FROM finish();
ROLLBACK;
