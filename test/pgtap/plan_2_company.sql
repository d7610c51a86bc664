-- Step 2: the company is found and compared, or created; a half-made one is removed and created again.
BEGIN;
SELECT plan(19);
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
      FROM provision.plan_company(job) WITH ORDINALITY AS call
     WHERE wanted IS NOT false AND NOT job -> 'answers' ? name
$$;
CREATE FUNCTION pg_temp.call(job jsonb, call text) RETURNS provision.call LANGUAGE sql AS $$
    SELECT ROW(planned.*)::provision.call FROM provision.plan_company(job) AS planned WHERE planned.name = $2
$$;
CREATE FUNCTION pg_temp.company(change jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.said('look company', jsonb_build_object('data', jsonb_strip_nulls('{"name": "Acme Trading", "abbr": "ACME", "default_currency": "USD", "country": "United States",
        "default_cash_account": "Cash - ACME", "round_off_account": "Round Off - ACME", "write_off_account": "Write Off - ACME"}'::jsonb || change)))
$$;
CREATE FUNCTION pg_temp.half_made() RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.company('{"default_cash_account": null, "round_off_account": null, "write_off_account": null, "default_receivable_account": "Debtors - ACME"}')
$$;
SELECT is(pg_temp.outlook(pg_temp.job()),
    'look company, look abbreviation?, look charts?, create company?, remove half-made company?, look removed company?, create company again?', 'first look, the rest depends');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.said('look company', NULL))), 'look abbreviation, look charts, create company', 'absent: check and create');
SELECT is((pg_temp.call(pg_temp.job(), 'create company')).body, '{"company_name": "Acme Trading", "abbr": "ACME", "default_currency": "USD", "country": "United States",
    "chart_of_accounts": "Standard"}'::jsonb, 'what is sent');
SELECT is((pg_temp.call(pg_temp.job(), 'create company')).guard, 'look company', 'and looked for before it is repeated');
SELECT is((pg_temp.call(pg_temp.job(), 'create company')).effort, 'company', 'it may take a minute');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.company('{}'))), NULL, 'our own is adopted');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.company('{"write_off_account": null}'))), NULL, 'a default that a person cleared is no reason to delete');
SELECT throws_ok(format($$SELECT * FROM provision.plan_company(pg_temp.job(pg_temp.company(%L)))$$, change), 'PV200', 'COMPANY_MISMATCH', 'another company: ' || change)
  FROM unnest(ARRAY['{"name": "ACME trading"}', '{"abbr": "AT"}', '{"default_currency": "EUR"}', '{"country": "Kenya"}', '{"country": null}']) AS change;
SELECT throws_ok($$SELECT * FROM provision.plan_company(pg_temp.job(pg_temp.said('look company', NULL) || pg_temp.said('look abbreviation', '{"data": [{"name": "Other", "abbr": "acme"}]}')))$$,
    'PV200', 'DUPLICATE_ABBR', 'an abbreviation in use');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.said('look company', NULL) || pg_temp.said('look abbreviation', '{"data": [{"name": "Acme Trading", "abbr": "ACME"}]}'))),
    'look charts, create company', 'by our own company, which came between the two looks: its creation will tell');
SELECT throws_ok($$SELECT * FROM provision.plan_company(pg_temp.job(pg_temp.said('look company', NULL) || pg_temp.said('look abbreviation', '{"data": []}')
    || pg_temp.said('look charts', '{"message": ["SKR03"]}')))$$, 'PV200', 'CHART_UNKNOWN', 'a chart that the country does not have');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.half_made())), 'remove half-made company, look removed company, create company again?', 'half-made: remove it');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.half_made() || pg_temp.said('remove half-made company', '{"data": "ok"}') || pg_temp.said('look removed company', NULL))),
    'create company again', 'and create it again');
SELECT is((pg_temp.call(pg_temp.job(settings => '{"company_name": "A/S & Co 50%?#"}'), 'look company')).path, '/api/resource/Company/A%2FS%20%26%20Co%2050%25%3F%23', 'names are encoded');
SELECT is((pg_temp.call(pg_temp.job(settings => '{"company_name": ""}'), 'look company')).path, '/api/resource/Company/{?name}', 'an empty name never becomes the list');
SELECT * FROM finish();
ROLLBACK;
