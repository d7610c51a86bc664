-- Names are trimmed as Python does, kept composed, and compared as ERPNext's database compares them.
BEGIN;
SELECT plan(5);
SELECT is(provision.trimmed(E'\u00a0\u3000 Cafe\u0301 \t\u2009'), 'Café', 'trimmed and composed');
SELECT is(provision.tenant_settings(jsonb_build_object('company_name', E'Cafe\u0301\u00a0', 'demo_items', jsonb_build_array(jsonb_build_object('item_code', E' A\u00a0'))))
              #> '{demo_items,0}', '{"item_code": "A", "item_name": "A", "rate": 0}', 'in items too');
SELECT ok(provision.collation_key(a) = provision.collation_key(b), 'one name: ' || a)
  FROM (VALUES ('STRASSE', 'straße'), (E'\uff21\uff22', 'ab')) AS pair (a, b);
SELECT isnt(provision.collation_key('Main'), provision.collation_key('Mains'), 'two names');
SELECT * FROM finish();
ROLLBACK;
