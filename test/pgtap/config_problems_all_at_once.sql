-- All problems come in one go, each with something to do about it.
BEGIN;
SELECT plan(2);
SELECT set_eq($$SELECT field, code FROM provision.config_problems('{"abr": "x", "country": "Keny", "currency": "XXY", "opening_amount": -1, "run_wizard": "no"}', 'tenant_setup')$$,
              $$VALUES ('abr', 'UNKNOWN_KEY'), ('country', 'UNKNOWN_COUNTRY'), ('currency', 'UNKNOWN_CURRENCY'), ('opening_amount', 'NEGATIVE_AMOUNT'),
                       ('run_wizard', 'WRONG_TYPE'), ('company_name', 'MISSING_COMPANY_NAME')$$, 'six mistakes, six rows');
SELECT is_empty($$SELECT * FROM provision.config_problems('{"abr": "x", "country": "Keny", "currency": "XXY", "opening_amount": -1, "run_wizard": "no"}', 'tenant_setup')
                   WHERE message !~ '[.]$' OR hint !~ '[.?]$' OR hint IS NULL$$, 'each in whole sentences');
SELECT * FROM finish();
ROLLBACK;
