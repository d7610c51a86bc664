-- A country may be given by code or name in any case; country and currency become ERPNext's names.
BEGIN;
SELECT plan(12);
SELECT is(concat_ws('/', settings ->> 'country', settings ->> 'currency', settings ->> 'fiscal_year_start'), expected, given)
  FROM (VALUES ('US', 'United States/USD/01-01'), ('usa', 'United States/USD/01-01'), (' united states ', 'United States/USD/01-01'),
               ('gbr', 'United Kingdom/GBP/04-01'), ('India', 'India/INR/04-01'), ('Türkiye', 'Turkey/TRY/01-01'), ('tr', 'Turkey/TRY/01-01'),
               ('South Korea', 'Korea, Republic of/KRW/01-01'), ('CIV', 'Ivory Coast/XOF/01-01'), ('ao', 'Angola/KZ/01-01'),
               ('Croatia', 'Croatia/EUR/01-01'), ('Atlantis', 'Atlantis/01-01'))
           AS country (given, expected),
       provision.tenant_settings(jsonb_build_object('company_name', 'A', 'country', given)) AS settings;
SELECT * FROM finish();
ROLLBACK;
