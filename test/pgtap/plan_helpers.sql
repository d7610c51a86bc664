-- What plan functions are written with: not known yet is null, and an empty name is never a path.
BEGIN;
SELECT plan(38);
CREATE FUNCTION pg_temp.job(answer jsonb, facts jsonb DEFAULT '{}', job_id bigint DEFAULT 7) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('job_id', job_id, 'tenant', 'acme', 'settings', '{"abbr": "ACME", "warehouses": ["A", "B"], "email": null, "opening_amount": 5}'::jsonb,
                              'facts', facts, 'answers', CASE WHEN answer IS NULL THEN '{}' ELSE jsonb_build_object('look', answer) END)
$$;
CREATE FUNCTION pg_temp.said(body jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT pg_temp.job(jsonb_build_object('verdict', 'success', 'status', 200, 'body', body)) $$;

SELECT is(provision.setting(pg_temp.job(NULL), 'abbr'), 'ACME', 'a setting');
SELECT is(provision.setting(pg_temp.job(NULL), 'email'), NULL, 'one without a value');
SELECT is(provision.setting_json(pg_temp.job(NULL), 'opening_amount'), '5', 'a number');
SELECT set_eq($$SELECT provision.setting_list(pg_temp.job(NULL), 'warehouses')$$, ARRAY['A', 'B'], 'a list');
SELECT is_empty($$SELECT provision.setting_list(pg_temp.job(NULL), 'abbr')$$, 'a setting that is no list has no values');

SELECT is(provision.fact(pg_temp.job(NULL, '{"a": "x"}'), 'a'), 'x', 'a fact');
SELECT is(provision.fact(pg_temp.job(NULL, '{"a": null}'), 'a'), '{?a}', 'its marker while it is not known');
SELECT is(provision.fact_known(pg_temp.job(NULL, '{"a": null}'), 'a'), false, 'null is not known');
SELECT is(provision.optional_fact(pg_temp.job(NULL), 'a'), NULL, 'a job goes on without an optional fact');
SELECT is(provision.optional_fact(pg_temp.job(NULL, '{}', NULL), 'a'), '{?a}', 'a dry run shows it');

SELECT is(provision.found(pg_temp.job(NULL), 'look'), NULL, 'not asked: not known');
SELECT is(provision.found(pg_temp.job('{"verdict": "absent", "status": 404, "body": {"exc_type": "DoesNotExistError"}}'), 'look'), false, 'absent');
SELECT is(provision.found(pg_temp.said(body::jsonb), 'look'), expected, body)
  FROM (VALUES ('{"data": {"name": "X"}}', true), ('{"data": [{"name": "X"}]}', true), ('{"data": []}', false), ('{"message": {}}', false),
               ('{"message": 0}', false), ('{"message": 3}', true), ('{}', false), ('null', false)) AS answer (body, expected);
SELECT is(provision.listed(pg_temp.job(NULL), 'look', 'name', 'x'), NULL, 'a list that was not asked for');
SELECT is(provision.listed(pg_temp.said('{"data": [{"name": "Große"}]}'), 'look', 'name', 'große'), true, 'names compare without case');
SELECT is(provision.listed(pg_temp.said('{"message": [{"name": "X"}]}'), 'look', 'name', 'Y'), false, 'and whole');
SELECT is(provision.listed(pg_temp.said('{"data": "odd"}'), 'look', 'name', 'Y'), false, 'an answer that is no list has no rows');
SELECT is(provision.difference('{"a": 1, "b": "x", "c": null}', '{"a": 1.0, "b": "y", "c": "", "d": null}'), '{"a": 1.0, "b": "y"}'::jsonb, 'what is left to write');
SELECT is(provision.same(pg_temp.job(NULL), 'look', '{"a": 1}'), NULL, 'not read: not known');
SELECT is(provision.same(pg_temp.said('{"data": {"a": 1, "b": 2}}'), 'look', '{"a": 1}'), true, 'the same');

SELECT is(provision.document_path('POS Profile', 'A/B & C?%#+é'), '/api/resource/POS%20Profile/A%2FB%20%26%20C%3F%25%23%2B%C3%A9', 'a name in a path');
SELECT is(provision.document_path('Item', ''), '/api/resource/Item/{?name}', 'an empty one would be the list');
SELECT is(provision.document_path('Item', NULL), '/api/resource/Item/{?name}', 'so would none');
SELECT is(provision.method_path('ping'), '/api/method/ping', 'a method');
SELECT is(provision.method_path('m', '{"b": [1], "a": "x y"}'), '/api/method/m?a=x%20y&b=%5B1%5D', 'with arguments');
SELECT matches(provision.list_path('Item', '[]'), 'order_by=creation%20asc&limit_page_length=0$', 'a list has an order and no limit');
SELECT is((provision.look_list('l', 'Item', '[["name", "=", "x"]]')).method, 'GET', 'a short list is read by GET');
SELECT is((provision.look_list('l', 'Item', jsonb_build_array(jsonb_build_array('name', '=', repeat('é', 1000))))).path, '/api/method/frappe.client.get_list', 'a long one by POST');
SELECT is((provision.look_list('l', 'Item', jsonb_build_array(jsonb_build_array('name', '=', repeat('é', 1000))))).repeatable, true, 'which may be repeated');
SELECT is((provision.create_document('c', 'Item', '{"a": 1, "b": null}', true, 'look')).body, '{"a": 1}'::jsonb, 'fields without a value are not sent');
SELECT throws_ok($$SELECT provision.give_up('CHART_UNKNOWN', 'because')$$, 'PV200', 'CHART_UNKNOWN', 'giving up carries the code');
SELECT * FROM finish();
ROLLBACK;
