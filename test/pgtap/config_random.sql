-- Random configs, of good values and of odd ones: judging never raises, and what passes is planned to the last step without an error of the plan.
BEGIN;
SELECT plan(6);
SELECT setseed(0.42);
CREATE TEMPORARY TABLE pool (key text, value jsonb);
INSERT INTO pool
SELECT key, value
  FROM (VALUES ('company_name', '["Acme", "Ünï / 100% ? # & + \"Söhne\"", "株式会社", " New York Pizza ", "Joe''s \\ Bar", "{}", "%s %I", "a - b"]'::jsonb),
               ('country', '["KE", "Germany", "usa", "AE", "SL"]'), ('abbr', '["A", "AB - C", "ش", "x%y", "''", "New"]'), ('currency', '["USD", "kes", "AOA", "SLE"]'),
               ('chart_of_accounts', '["Standard", "SKR03 / 04"]'), ('time_zone', '["UTC", "Africa/Nairobi", "Etc/GMT+12"]'), ('language', '["en", "pt-BR"]'),
               ('fiscal_year_start', '["01-01", "07-01", "12-31"]'), ('email', '["a@example.com"]'), ('site', '["erp.example.com"]'),
               ('warehouses', '[["Main"], ["Läger / 1", "100% + ?", "倉庫"], ["[a-z]*(", "^$", "\\"], ["Stores", "Main - A"]]'),
               ('demo_items', '[true, false, [], [{"item_code": "a b/c", "opening_qty": 3, "rate": 0.000000001}, {"item_code": "é", "uom": "kg", "opening_qty": 0.5}, {"item_code": "f", "uom": "Kg"}]]'),
               ('customer', '["Walk-in", "نقد & Co", "a - 1"]'), ('price_list', '["Standard Selling", "100% list"]'), ('payment_methods', '[["Cash"], ["cash", "M-Pesa"], ["Card / Visa", "\"x\""]]'),
               ('pos_user', '["till@example.com", "Administrator"]'), ('opening_amount', '[0, 12.5, 999999999999.999999999]'), ('run_wizard', '[true, false]')) AS good (key, choice),
       jsonb_array_elements(choice) AS value;
CREATE TEMPORARY TABLE odd AS
SELECT value
  FROM jsonb_array_elements('[null, true, 0, -1, 1e300, 1e-300, "", " ", "x", "{?abbr}", "<b>", "a\u202eb", "e\u0301", [], {}, [[]], [null], [""], ["a", "A"], [{"item_code": null}], [{"item_code": "a", "rate": "1"}]]') AS value
UNION ALL
SELECT to_jsonb(repeat('é', 141));
CREATE TEMPORARY TABLE given AS
SELECT n, (SELECT jsonb_object_agg(drawn.key, drawn.value)
             FROM (SELECT DISTINCT ON (pool.key) pool.key,
                          CASE WHEN n % 2 = 0 AND random() < 0.1 THEN (SELECT odd.value FROM odd WHERE pool.key IS NOT NULL ORDER BY random() LIMIT 1) ELSE pool.value END AS value
                     FROM pool
                    WHERE n > 0 AND (pool.key IN ('company_name', 'country') OR random() < 0.5)
                    ORDER BY pool.key, random()) AS drawn) AS config
  FROM generate_series(1, 200) AS n;
CREATE TEMPORARY TABLE judged AS
SELECT n, config, (SELECT count(*) FROM provision.config_problems(config, 'tenant_setup')) AS problems FROM given;
SELECT is(count(*), 200::bigint, 'each is judged') FROM judged;
SELECT ok(count(*) FILTER (WHERE problems = 0) > 100 AND count(*) FILTER (WHERE problems > 0) > 20, 'some pass, some do not') FROM judged;
SELECT is_empty($$SELECT n FROM judged WHERE n % 2 = 1 AND problems > 0
                     AND NOT (config -> 'warehouses' ? 'Main - A' AND config ->> 'abbr' = 'A')$$, 'all that are made of good values pass');
CREATE TEMPORARY TABLE planned AS
SELECT n, step.name, config, settings,
       provision.next_call(step.plan_function, jsonb_build_object('job_id', CASE WHEN n % 3 = 0 THEN 1 END, 'tenant', 'acme', 'key', '0123456789', 'engine', 'main',
           'settings', settings, 'facts', '{}'::jsonb, 'answers', '{}'::jsonb, 'options', '{}'::jsonb)) AS next
  FROM judged
 CROSS JOIN LATERAL (SELECT provision.tenant_settings(config) AS settings) AS complete
  JOIN provision.workflow ON workflow.name = 'tenant_setup' AND workflow.is_current
  JOIN provision.step USING (workflow_id)
 WHERE problems = 0;
SELECT is_empty($$SELECT n, name, config, (next).error_code, (next).detail FROM planned WHERE (next).error_code IN ('PLAN_FAILED', 'PLAN_STUCK')$$, 'every step of those can be planned');
SELECT is_empty($$SELECT n, name FROM planned WHERE (next).call.path !~ '^/api/(resource|method)/([A-Za-z0-9_.~/%=&?-])+$'$$, 'with paths that hold nothing strange');
SELECT is_empty($$SELECT n, name.whole FROM planned,
                         LATERAL (SELECT w || ' - ' || (settings ->> 'abbr') FROM jsonb_array_elements_text(settings -> 'warehouses') AS w
                                   UNION ALL SELECT settings ->> 'company_name' || ' - ' || (settings ->> 'abbr')
                                   UNION ALL SELECT settings ->> 'customer' || ' - ' || (settings ->> 'abbr')
                                   UNION ALL SELECT settings ->> 'price_list') AS name (whole)
                   WHERE length(name.whole) > 140 OR name.whole IS DISTINCT FROM normalize(name.whole, NFC)$$, 'and names that ERPNext keeps whole, in one form');
SELECT * FROM finish();
ROLLBACK;
