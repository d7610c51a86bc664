-- The reference data hold together: every country can be found by each of its names and lives in a time zone that exists.
BEGIN;
SELECT plan(7);
SELECT is(count(*), 249::bigint, 'the countries of ISO 3166-1') FROM provision.country;
SELECT is(count(erpnext_name), 149::bigint, 'the currencies of a fresh ERPNext v15 site') FROM provision.currency;
SELECT is_empty($$SELECT code2 FROM provision.country, unnest(ARRAY[code2, lower(code2), code3, name, upper(name)] || other_names) AS word
                   WHERE (provision.find_country(word)).code2 IS DISTINCT FROM code2$$, 'each name finds its country');
SELECT is_empty($$SELECT code2, time_zone FROM provision.country WHERE NOT provision.is_time_zone(time_zone)$$, 'time zones exist');
SELECT is_empty($$SELECT code2, fiscal_year_start FROM provision.country WHERE NOT provision.is_month_and_day(fiscal_year_start)$$, 'years start on days that exist');
SELECT is_empty($$SELECT code FROM provision.currency WHERE (provision.find_currency(lower(code))).code IS DISTINCT FROM code$$, 'each code finds its currency');
SELECT is((provision.find_currency('KZ')).code, 'AOA', 'ERPNext''s own name for the Kwanza');
SELECT * FROM finish();
ROLLBACK;
