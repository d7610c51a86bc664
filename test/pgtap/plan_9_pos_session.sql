-- Step 9: one open session; an open one is used, a draft of ours submitted.
BEGIN;
SELECT plan(8);
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
      FROM provision.plan_pos_session(job) WITH ORDINALITY AS call
     WHERE wanted IS NOT false AND NOT job -> 'answers' ? name
$$;
CREATE FUNCTION pg_temp.call(job jsonb, call text) RETURNS provision.call LANGUAGE sql AS $$
    SELECT ROW(planned.*)::provision.call FROM provision.plan_pos_session(job) AS planned WHERE planned.name = $2
$$;
CREATE FUNCTION pg_temp.sessions(rows jsonb, settings jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.job(pg_temp.said('look sessions', jsonb_build_object('data', rows)),
        '{"pos_profile": "POS - ACME", "api_user": "ops@example.com", "site_time_zone": "Asia/Tokyo"}', settings)
$$;
SELECT is(pg_temp.outlook(pg_temp.job()), 'look sessions, submit draft session?, open session?', 'first look');
SELECT is(pg_temp.outlook(pg_temp.sessions('[{"name": "S1", "status": "Open", "docstatus": 1, "user": "somebody"}]')), NULL, 'an open session is enough, whoever opened it');
SELECT is(pg_temp.outlook(pg_temp.sessions('[{"name": "S1", "status": "Draft", "docstatus": 0, "provision_key": "acme/5/session"}]')), 'submit draft session', 'a draft of ours is submitted');
SELECT is((pg_temp.call(pg_temp.sessions('[{"name": "S1", "status": "Draft", "docstatus": 0, "provision_key": "acme/5/session"}]'), 'submit draft session')).path, '/api/resource/POS%20Opening%20Entry/S1', 'that one');
SELECT is(pg_temp.outlook(pg_temp.sessions('[{"name": "S1", "status": "Draft", "docstatus": 0, "provision_key": null}, {"name": "S2", "status": "Draft", "docstatus": 0, "provision_key": "acme2/5/session"}]')),
    'open session', 'a draft of others is theirs');
SELECT is((pg_temp.call(pg_temp.sessions('[]', '{"payment_methods": ["Cash", "Card"], "opening_amount": 50}'), 'open session')).body - 'period_start_date',
    '{"company": "Acme Trading", "pos_profile": "POS - ACME", "user": "ops@example.com", "docstatus": 1, "provision_key": "acme/7/session",
      "balance_details": [{"mode_of_payment": "Cash", "opening_amount": 50}, {"mode_of_payment": "Card", "opening_amount": 0}]}'::jsonb, 'opened and submitted in one call, under our key');
SELECT is((pg_temp.call(pg_temp.sessions('[]'), 'open session')).body ->> 'period_start_date', to_char(now() AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD HH24:MI:SS'), 'in the site''s time');
SELECT is(provision.site_now(pg_temp.job(facts => '{"site_time_zone": "Mars/Olympus"}')), to_char(now() AT TIME ZONE 'America/New_York', 'YYYY-MM-DD HH24:MI:SS'), 'a time zone that PostgreSQL does not know');
SELECT * FROM finish();
ROLLBACK;
