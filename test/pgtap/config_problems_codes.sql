-- Each mistake has its code and names its place.
BEGIN;
CREATE TEMPORARY TABLE mistake (field text, code text, change jsonb);
INSERT INTO mistake VALUES
    ('company_name', 'MISSING_COMPANY_NAME', '{"company_name": null}'),
    ('company_name', 'MISSING_COMPANY_NAME', '{"company_name": "  "}'),
    ('company_name', 'COMPANY_NAME_TOO_LONG', jsonb_build_object('company_name', repeat('é', 101))),
    ('company_name', 'COMPANY_NAME_ILLEGAL', '{"company_name": "<b>Acme</b>"}'),
    ('company_name', 'COMPANY_NAME_ILLEGAL', '{"company_name": "A\nB"}'),
    ('company_name', 'COMPANY_NAME_ILLEGAL', '{"company_name": "New Company 1"}'),
    ('company_name', 'WRONG_TYPE', '{"company_name": 5}'),
    ('country', 'MISSING_COUNTRY', '{"country": ""}'),
    ('country', 'UNKNOWN_COUNTRY', '{"country": "Keny"}'),
    ('country', 'WRONG_TYPE', '{"country": ["KE"]}'),
    ('currency', 'UNKNOWN_CURRENCY', '{"currency": "XXX"}'),
    ('abbr', 'INVALID_ABBR', '{"abbr": "ABCDEFGHIJK"}'),
    ('abbr', 'INVALID_ABBR', '{"abbr": "A<B"}'),
    ('email', 'INVALID_EMAIL_FORMAT', '{"email": "a at b"}'),
    ('email', 'INVALID_EMAIL_FORMAT', '{"email": "a@b"}'),
    ('time_zone', 'INVALID_TIME_ZONE', '{"time_zone": "Mars/Olympus"}'),
    ('time_zone', 'INVALID_TIME_ZONE', '{"time_zone": "+03"}'),
    ('fiscal_year_start', 'INVALID_FISCAL_YEAR_START', '{"fiscal_year_start": "02-29"}'),
    ('fiscal_year_start', 'INVALID_FISCAL_YEAR_START', '{"fiscal_year_start": "13-01"}'),
    ('fiscal_year_start', 'INVALID_FISCAL_YEAR_START', '{"fiscal_year_start": "1 April"}'),
    ('site', 'INVALID_SITE', '{"site": "https://a.example"}'),
    ('warehouses', 'EMPTY_LIST', '{"warehouses": []}'),
    ('warehouses', 'WRONG_TYPE', '{"warehouses": "Main"}'),
    ('warehouses', 'WRONG_TYPE', '{"warehouses": [1]}'),
    ('warehouses[1]', 'EMPTY_NAME', '{"warehouses": ["A", " "]}'),
    ('warehouses[1]', 'DUPLICATE_NAME', '{"warehouses": ["A", "a"]}'),
    ('warehouses[0]', 'NAME_ILLEGAL', '{"warehouses": ["A<"]}'),
    ('payment_methods[0]', 'NAME_TOO_LONG', jsonb_build_object('payment_methods', jsonb_build_array(repeat('x', 141)))),
    ('payment_methods', 'TOO_MANY', jsonb_build_object('payment_methods', (SELECT jsonb_agg('m' || n) FROM generate_series(1, 51) AS n))),
    ('demo_items', 'WRONG_TYPE', '{"demo_items": "yes"}'),
    ('demo_items', 'WRONG_TYPE', '{"demo_items": [[1]]}'),
    ('demo_items', 'TOO_MANY', jsonb_build_object('demo_items', (SELECT jsonb_agg(jsonb_build_object('item_code', n::text)) FROM generate_series(1, 201) AS n))),
    ('demo_items[0].item_code', 'INVALID_ITEM', '{"demo_items": [{"rate": 1}]}'),
    ('demo_items[0].rate', 'NEGATIVE_AMOUNT', '{"demo_items": [{"item_code": "a", "rate": -1}]}'),
    ('demo_items[0].rate', 'WRONG_TYPE', '{"demo_items": [{"item_code": "a", "rate": "1"}]}'),
    ('demo_items[0].price', 'UNKNOWN_KEY', '{"demo_items": [{"item_code": "a", "price": 1}]}'),
    ('demo_items[1].item_code', 'DUPLICATE_NAME', '{"demo_items": [{"item_code": "a"}, {"item_code": "A"}]}'),
    ('opening_amount', 'NEGATIVE_AMOUNT', '{"opening_amount": -0.01}'),
    ('opening_amount', 'WRONG_TYPE', '{"opening_amount": "5"}'),
    ('run_wizard', 'WRONG_TYPE', '{"run_wizard": "yes"}'),
    ('customer', 'NAME_TOO_LONG', jsonb_build_object('customer', repeat('x', 121))),
    ('customer', 'NAME_ILLEGAL', '{"customer": "a>b"}'),
    ('customer', 'MARKER_REFUSED', '{"customer": "of {?abbr}"}'),
    ('comapny', 'UNKNOWN_KEY', '{"comapny": "x"}'),
    (NULL, 'CONFIG_TOO_LARGE', jsonb_build_object('customer', repeat('x', 66000)));
SELECT plan((SELECT count(*)::integer FROM mistake));
SELECT results_eq(
           format('SELECT field, code FROM provision.config_problems(%L, ''tenant_setup'')', '{"company_name": "Acme", "country": "KE"}'::jsonb || change),
           format('VALUES (%L::text, %L)', field, code),
           concat_ws(' ', code, left(change::text, 60)))
  FROM mistake;
SELECT * FROM finish();
ROLLBACK;
