-- Each kind of engine takes its own options, and says which it needs.
BEGIN;
SELECT plan(11);
CREATE FUNCTION pg_temp.problems(kind text, options jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    told text;
BEGIN
    PERFORM provision_engine_create('e' || md5(random()::text), 'https://e.example.com', kind, options);
    RETURN 'none';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS told = PG_EXCEPTION_DETAIL;
    RETURN told;
END;
$$;
SELECT is(pg_temp.problems('frappe_cloud', '{"team": "5c1d0e8a2b", "plan": "USD 10", "domain": "frappe.cloud", "cluster": "Mumbai", "release_group": "bench-0001", "apps": ["erpnext"]}'), 'none', 'all of Frappe Cloud');
SELECT is(pg_temp.problems('frappe_cloud', '{"team": "5c1d0e8a2b", "plan": "USD 25", "domain": "frappe.cloud"}'), 'none', 'what it needs');
SELECT is(pg_temp.problems('frappe_cloud', '{"plan": null}'), E'An engine of kind frappe_cloud needs the option "domain".\nAn engine of kind frappe_cloud needs the option "plan".\nAn engine of kind frappe_cloud needs the option "team".', 'and says so');
SELECT is(pg_temp.problems('frappe_cloud', '{"team": "t", "plan": "p", "domain": "d.example", "bench": "b", "site": "s", "agent": null}'),
          E'Option "bench" is for engines of kind frappe_agent.\nOption "site" is for engines of kind erpnext.', 'what others have');
SELECT is(pg_temp.problems('frappe_cloud', '{"team": "a\r\nX: b", "plan": " p", "domain": "d.example"}'),
          E'Option "plan" must be a name of at most 140 visible ASCII characters.\nOption "team" must be the name of a team of Frappe Cloud, such as 5c1d0e8a2b.', 'a team goes into a header');
SELECT is(pg_temp.problems('frappe_agent', '{"bench": "b", "domain": "d.example", "team": "t"}'), 'Option "team" is for engines of kind frappe_cloud.', 'Frappe Agent has no team');
SELECT is(pg_temp.problems('frappe_agent', '{"domain": "d.example"}'), 'An engine of kind frappe_agent that makes sites needs the options "bench" and "domain"; that of a proxy server has neither, and no "proxy".', 'it needs a bench');
SELECT is(pg_temp.problems('erpnext', '{"domain": "d.example", "cluster": "c"}'),
          E'Option "cluster" is for engines of kind frappe_cloud.\nOption "domain" is for engines of kind frappe_agent or frappe_cloud.', 'ERPNext has neither');
SELECT is(pg_temp.problems('frappe_cloud', '{"team": "t", "plan": "p", "domain": "d.example", "teem": 1}') LIKE 'Option "teem" is not known. %', true, 'unknown ones are refused');
SELECT provision_engine_create('cloud', 'https://frappecloud.com', 'frappe_cloud', '{"team": "t", "plan": "p", "domain": "d.example"}');
SELECT is(pg_temp.problems('erpnext', '{"agent": "cloud"}'), 'none', 'it may make the sites of an ERPNext');
SELECT throws_ok($$ SELECT provision_engine_update('cloud', '{"plan": null}') $$, '22023', NULL, 'what it needs is not taken away');
SELECT * FROM finish();
ROLLBACK;
