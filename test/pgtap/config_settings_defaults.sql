-- A company name and a country are enough: every other setting has a default.
BEGIN;
SELECT plan(2);
SELECT is(provision.tenant_settings('{"company_name": "Gamma Delta Works", "country": "Kenya"}'),
          '{"company_name": "Gamma Delta Works", "country": "Kenya", "abbr": "GDW", "currency": "KES", "chart_of_accounts": "Standard",
            "time_zone": "Africa/Nairobi", "language": "en", "fiscal_year_start": "01-01", "email": null, "site": null,
            "warehouses": ["Main Store", "POS Store"], "demo_items": false, "customer": "Walk-in Customer", "price_list": null,
            "payment_methods": ["Cash"], "pos_user": null, "opening_amount": 0, "run_wizard": false}'::jsonb, 'the minimal config');
SELECT is(provision.tenant_settings('{"company_name": " A ", "country": "de", "abbr": "ZZ", "currency": "usd", "chart_of_accounts": "SKR03",
            "time_zone": "UTC", "language": "de", "fiscal_year_start": "07-01", "email": "a@b.example", "site": "a.example", "warehouses": [" W "],
            "demo_items": [], "customer": "C", "price_list": "P", "payment_methods": ["Card"], "pos_user": "u", "opening_amount": 5, "run_wizard": true}'),
          '{"company_name": "A", "country": "Germany", "abbr": "ZZ", "currency": "USD", "chart_of_accounts": "SKR03",
            "time_zone": "UTC", "language": "de", "fiscal_year_start": "07-01", "email": "a@b.example", "site": "a.example", "warehouses": ["W"],
            "demo_items": false, "customer": "C", "price_list": "P", "payment_methods": ["Card"], "pos_user": "u", "opening_amount": 5, "run_wizard": true}'::jsonb,
          'what is given stays, normalised');
SELECT * FROM finish();
ROLLBACK;
