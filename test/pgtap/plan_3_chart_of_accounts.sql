-- Step 3: accounts are read, never composed, and each payment method has its account.
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
      FROM provision.plan_chart_of_accounts(job) WITH ORDINALITY AS call
     WHERE wanted IS NOT false AND NOT job -> 'answers' ? name
$$;
CREATE FUNCTION pg_temp.call(job jsonb, call text) RETURNS provision.call LANGUAGE sql AS $$
    SELECT ROW(planned.*)::provision.call FROM provision.plan_chart_of_accounts(job) AS planned WHERE planned.name = $2
$$;
CREATE FUNCTION pg_temp.accounts(change jsonb DEFAULT '{}', number integer DEFAULT 84) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.said('look default accounts', jsonb_build_object('message', (SELECT jsonb_object_agg(field, '1110 - ' || fact) FROM provision.account_fields() WHERE needed)
                                                                                || '{"default_bank_account": null}' || change))
        || pg_temp.said('count accounts', jsonb_build_object('message', number))
$$;
SELECT is(pg_temp.outlook(pg_temp.job()), 'look default accounts, count accounts, look account of Cash, read payment method Cash?, add account to Cash?', 'what is asked');
SELECT is((pg_temp.call(pg_temp.job(), 'look default accounts')).learn ->> 'cash_account', '$.message.default_cash_account', 'names are learnt');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.accounts() || pg_temp.said('look account of Cash', '{"message": [{"default_account": "1110 - Cash - ACME"}]}'))), NULL, 'Cash has its row by itself');
SELECT throws_ok($$SELECT * FROM provision.plan_chart_of_accounts(pg_temp.job(pg_temp.accounts('{"default_income_account": null}')))$$, 'PV200', 'ACCOUNTS_INCOMPLETE', 'a missing account');
SELECT throws_ok($$SELECT * FROM provision.plan_chart_of_accounts(pg_temp.job(pg_temp.accounts('{}', 0)))$$, 'PV200', 'ACCOUNTS_INCOMPLETE', 'no accounts at all');
SELECT throws_ok($$SELECT * FROM provision.plan_chart_of_accounts(pg_temp.job(pg_temp.accounts('{"default_cash_account": null, "round_off_account": null, "write_off_account": null}')))$$,
    'PV200', 'COMPANY_HALF_MADE', 'still half-made');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.accounts(), settings => '{"payment_methods": ["Card"]}')),
    'look bank accounts, create bank account?, look account of Card, read payment method Card?, add account to Card?', 'other methods need a bank account');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.accounts('{"default_bank_account": "Bank - ACME"}'), settings => '{"payment_methods": ["Card"]}'), 'look bank accounts')).wanted, false, 'unless the company names one');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.accounts() || pg_temp.said('look bank accounts', '{"data": [{"name": "Bank Accounts - ACME", "is_group": 1}]}'),
        settings => '{"payment_methods": ["Card"]}'), 'create bank account')).body,
    '{"account_name": "Bank", "account_type": "Bank", "company": "Acme Trading", "parent_account": "Bank Accounts - ACME"}'::jsonb, 'made under the chart''s own group');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.accounts() || pg_temp.said('look bank accounts', '{"data": [{"name": "Giro - ACME", "is_group": 0}]}'),
        settings => '{"payment_methods": ["Card"]}'), 'create bank account')).wanted, false, 'a leaf that is there is used');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.accounts() || pg_temp.said('look account of Card', '{"message": []}')
        || pg_temp.said('read payment method Card', '{"data": {"name": "Card", "type": "Bank", "modified": "2026-11-21 20:50:23.605573",
                "accounts": [{"name": "r1", "owner": "x", "company": "Other", "default_account": "Bank - OTH"}]}}'),
        '{"bank_account": "Bank - ACME"}', '{"payment_methods": ["Card"]}'), 'add account to Card')).body,
    '{"modified": "2026-11-21 20:50:23.605573", "accounts": [{"name": "r1", "company": "Other", "default_account": "Bank - OTH"}, {"company": "Acme Trading", "default_account": "Bank - ACME"}]}'::jsonb,
    'rows of other companies are kept, and a change in between is noticed');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.said('look account of Cash', '{"message": []}')
        || pg_temp.said('read payment method Cash', '{"data": {"name": "Cash", "accounts": [{"company": "Acme Trading", "default_account": "Cash - ACME"}]}}')), 'add account to Cash')).wanted,
    false, 'a row that came in between is enough');
SELECT throws_ok($$SELECT * FROM provision.plan_chart_of_accounts(pg_temp.job(pg_temp.said('look account of Cash', '{"message": []}') || pg_temp.said('read payment method Cash', NULL)))$$,
    'PV200', 'PAYMENT_METHOD_MISSING', 'a method that the site lacks');
SELECT * FROM finish();
ROLLBACK;
