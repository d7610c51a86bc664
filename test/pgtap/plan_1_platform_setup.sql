-- Step 1: a site that went through its wizard gets our keys and nothing else; a bare one gets its fixtures; what is there is used.
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
      FROM provision.plan_platform_setup(job) WITH ORDINALITY AS call
     WHERE wanted IS NOT false AND NOT job -> 'answers' ? name
$$;
CREATE FUNCTION pg_temp.call(job jsonb, call text) RETURNS provision.call LANGUAGE sql AS $$
    SELECT ROW(planned.*)::provision.call FROM provision.plan_platform_setup(job) AS planned WHERE planned.name = $2
$$;
CREATE FUNCTION pg_temp.list(call text, VARIADIC names text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.said(call, jsonb_build_object('data', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', name)), '[]') FROM unnest(names) AS name WHERE name <> '')))
$$;
CREATE FUNCTION pg_temp.tree(call text, rows jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT pg_temp.said(call, jsonb_build_object('data', rows)) $$;
CREATE FUNCTION pg_temp.year(first date, last date, disabled integer DEFAULT 0) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.said('look fiscal years', jsonb_build_object('data', jsonb_build_array(
        jsonb_build_object('name', 'Y', 'year_start_date', first, 'year_end_date', last, 'disabled', disabled))))
$$;
CREATE FUNCTION pg_temp.autumn() RETURNS jsonb LANGUAGE sql AS $$        -- a year that began long enough ago, whatever today is
    SELECT jsonb_build_object('fiscal_year_start', to_char(now() - interval '100 days', 'MM-"01"'))
$$;
CREATE FUNCTION pg_temp.wizard_site() RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.said('look warehouse type', '{"data": {"name": "Transit"}}') || pg_temp.list('look selling price list', 'Standard-Vertrieb')
        || pg_temp.list('look buying price list', 'Standard-Einkauf') || pg_temp.list('look units', 'Nos') || pg_temp.list('look payment methods', 'Cash')
        || pg_temp.tree('look item group', '[{"name": "Alle Artikelgruppen", "is_group": 1, "parent_item_group": null}, {"name": "Produkte", "is_group": 0, "parent_item_group": "Alle Artikelgruppen"}]')
        || pg_temp.tree('look customer group', '[{"name": "Alle Kunden", "is_group": 1, "parent_customer_group": ""}, {"name": "Privat", "is_group": 0, "parent_customer_group": "Alle Kunden"}]')
        || pg_temp.tree('look territory', '[{"name": "Alle Regionen", "is_group": 1}]')
        || pg_temp.list('look stock entry type', 'Material Receipt') || pg_temp.said('look party type', '{"data": {"name": "Customer"}}')
        || pg_temp.year(current_date - 100, current_date + 200)
        || pg_temp.said('look global defaults', '{"data": {"default_company": "Platform Co", "country": "Germany", "default_currency": "EUR"}}')
$$;
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.wizard_site())),
    'look own keys, look own key of Customer?, create own key of Customer?, look own key of POS Opening Entry?, create own key of POS Opening Entry?, look own key of Stock Entry?, create own key of Stock Entry?',
    'a site in another language is complete but for our keys');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.wizard_site() || pg_temp.list('look own keys', 'Customer-provision_key', 'POS Opening Entry-provision_key', 'Stock Entry-provision_key'))),
    NULL, 'with them nothing is left');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.wizard_site() || pg_temp.list('look own keys', 'Customer-provision_key', 'Stock Entry-provision_key')
        || pg_temp.said('look own key of POS Opening Entry', NULL))), 'create own key of POS Opening Entry', 'a missing key is made');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.wizard_site()), 'look item group')).learn, '{"item_group": "$.*[*] ? (@.is_group == 0).name"}'::jsonb, 'names of groups are learnt');
SELECT is(pg_temp.outlook(pg_temp.job(pg_temp.wizard_site() || pg_temp.list('look own keys', 'Customer-provision_key', 'POS Opening Entry-provision_key', 'Stock Entry-provision_key')
        || pg_temp.said('look warehouse type', NULL) || pg_temp.list('look selling price list', '') || pg_temp.list('look buying price list', '') || pg_temp.list('look units', '')
        || pg_temp.list('look payment methods', '') || pg_temp.tree('look item group', '[]') || pg_temp.tree('look customer group', '[]') || pg_temp.tree('look territory', '[]')
        || pg_temp.list('look stock entry type', '') || pg_temp.said('look party type', NULL) || pg_temp.list('look fiscal years', '')
        || pg_temp.said('look global defaults', '{"data": {"default_currency": "INR"}}'))),
    'create warehouse type, create selling price list, create buying price list, create unit Nos, create root item group, create item group, create root customer group, create customer group, '
    'create root territory, create payment method Cash, create stock entry type, create party type, create fiscal year, set global defaults', 'a bare site gets its fixtures in order');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.tree('look item group', '[{"name": "Alles", "is_group": 1, "parent_item_group": null}]')), 'create item group')).body,
    '{"item_group_name": "Products", "parent_item_group": "Alles", "is_group": 0}'::jsonb, 'a leaf goes under the root that is there');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.said('look global defaults', '{"data": {"country": "Kenya", "default_currency": "KES"}}')), 'set global defaults')).wanted, false,
    'what somebody chose for the site stays');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.year(current_date - 9, current_date + 9)), 'create fiscal year')).wanted, false, 'a year is known by its dates, not by its name');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.year(current_date - 9, current_date + 9, 1)), 'create fiscal year')).wanted, true, 'a disabled one does not count');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.year(current_date - 1000, provision.tenant_today(pg_temp.job()) - 1), settings => pg_temp.autumn()), 'create fiscal year')).body ->> 'year_start_date',
    provision.tenant_today(pg_temp.job())::text, 'a new year begins after the site''s last one');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.year(current_date - 1000, provision.tenant_today(pg_temp.job()) - 1), settings => pg_temp.autumn()), 'create fiscal year')).body -> 'is_short_year', '1', 'and is a short one');
SELECT is(provision.fiscal_year_start(month_day, day::date)::text, expected, month_day || ' of ' || day)
  FROM (VALUES ('01-01', '2026-11-22', '2026-01-01'), ('07-01', '2026-06-30', '2025-07-01'), ('07-01', '2026-07-01', '2026-07-01'), ('02-29', '2027-02-28', '2026-03-01'))
           AS year (month_day, day, expected);
SELECT is(provision.fiscal_year_name('2026-07-01', '2027-06-30'), '2026-2027', 'a year over two is named after both');
SELECT is((pg_temp.call(pg_temp.job(settings => '{"run_wizard": true}'), 'run wizard')).body #>> '{args,company_abbr}', 'ACME', 'the wizard makes the tenant''s company');
SELECT is((pg_temp.call(pg_temp.job(pg_temp.said('look wizard', '{"message": 1}'), settings => '{"run_wizard": true}'), 'run wizard')).wanted, false, 'a wizard runs once');
SELECT throws_ok($$SELECT * FROM provision.plan_platform_setup(pg_temp.job(pg_temp.said('run wizard', '{"message": {"status": "registered"}}'), settings => '{"run_wizard": true}'))$$,
    'PV200', 'WIZARD_IN_BACKGROUND', 'a wizard in the background is not waited for');
SELECT * FROM finish();
ROLLBACK;
