-- Names may hold any script, quotes and the characters that mean something in a URL.
BEGIN;
SELECT plan(2);
SELECT is_empty($$SELECT * FROM provision.config_problems('{"company_name": "Ünï / 100% ? # & + \"Söhne\" ''x'' 株式会社 \ud83d\ude80", "country": "ci", "abbr": "Ab - ش",
                                     "warehouses": ["Läger / 1", "100% + ?", "倉庫"], "customer": "Laufkunde & Co", "payment_methods": ["نقد"]}', 'tenant_setup')$$, 'all of them are taken');
SELECT is(provision.tenant_settings('{"company_name": "Ünï / 100% ? # & +"}') ->> 'company_name', 'Ünï / 100% ? # & +', 'and kept as they are');
SELECT * FROM finish();
ROLLBACK;
