-- A misspelt word gets the nearest one for a hint, a strange one none.
BEGIN;
SELECT plan(9);
SELECT is(hint, expected, field)
  FROM (VALUES ('{"comapny_name": 1}', 'Did you mean "company_name"?'), ('{"abr": 1}', 'Did you mean "abbr"?'), ('{"warehouse": 1}', 'Did you mean "warehouses"?'),
               ('{"paymentMethods": 1}', 'Did you mean "payment_methods"?'), ('{"timezone": 1}', 'Did you mean "time_zone"?'),
               ('{"xqz": 1}', 'Remove it; doc/reference.md lists the settings.'))
           AS given (config, expected),
       provision.config_problems(given.config::jsonb, 'tenant_setup') AS problem
 WHERE code = 'UNKNOWN_KEY';
SELECT is(provision.nearest(given, (SELECT array_agg(name) FROM provision.country)), expected, given)
  FROM (VALUES ('Germny', 'Germany'), ('Untied States', 'United States'), ('zzzz', NULL)) AS word (given, expected);
SELECT * FROM finish();
ROLLBACK;
