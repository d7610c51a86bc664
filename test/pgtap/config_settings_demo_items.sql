-- demo_items true means sample items; a list gets names and rates; false and an empty list mean none.
BEGIN;
SELECT plan(6);
SELECT is(provision.tenant_settings(jsonb_build_object('demo_items', given::jsonb)) -> 'demo_items', expected::jsonb, given)
  FROM (VALUES ('false', 'false'), ('null', 'false'), ('[]', 'false'),
               ('[{"item_code": "A"}]', '[{"item_code": "A", "item_name": "A", "rate": 0}]'),
               ('[{"item_code": "A", "item_name": "B", "rate": 2, "uom": null, "opening_qty": 3}]', '[{"item_code": "A", "item_name": "B", "rate": 2, "opening_qty": 3}]'))
           AS demo (given, expected);
SELECT is((SELECT count(*) FROM provision.config_problems(jsonb_build_object('company_name', 'A', 'country', 'KE', 'demo_items', provision.sample_items()), 'tenant_setup')),
          0::bigint, 'the sample items are valid');
SELECT * FROM finish();
ROLLBACK;
