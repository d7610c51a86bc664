-- No jsonb makes the judge raise, nor the defaults: every key with every kind of value, and no object at all.
BEGIN;
SELECT plan(4);
CREATE TEMPORARY TABLE odd (value jsonb);
INSERT INTO odd VALUES (NULL), ('null'), ('true'), ('0'), ('-1e300'), ('1e-300'), ('""'), ('"x"'), ('"\t\n\u0001"'), ('"\\"'), ('[]'), ('{}'), ('[[]]'), ('[{}]'), ('[null]'), ('[1, "a", {}]'),
    ('[{"item_code": null}]'), ('[{"item_code": {}, "rate": [], "opening_qty": "x"}]'), ('{"a": {"b": []}}'), (to_jsonb(repeat('%', 5000))), (to_jsonb(repeat('a b ', 5000)));
SELECT lives_ok($$SELECT count(*) FROM odd, provision.config_problems(value, 'tenant_setup')$$, 'as the whole config');
SELECT lives_ok($$SELECT count(*) FROM odd, provision.config_keys() AS known, provision.config_problems(jsonb_build_object('company_name', 'A', 'country', 'KE', known.key, value), 'tenant_setup')$$,
                'as the value of each key');
SELECT lives_ok($$SELECT count(provision.tenant_settings(value)) FROM odd$$, 'defaults of the whole config');
SELECT lives_ok($$SELECT count(provision.tenant_settings(jsonb_build_object('company_name', 'A', 'country', 'KE', known.key, value))) FROM odd, provision.config_keys() AS known$$,
                'defaults around the value of each key');
SELECT * FROM finish();
ROLLBACK;
