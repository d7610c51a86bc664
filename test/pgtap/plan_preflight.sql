-- preflight: the permissions are read off the plans, forward and back; what is missing comes all at once, with one code where it is of one kind.
BEGIN;
SELECT plan(15);
CREATE FUNCTION pg_temp.job(settings jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('job_id', NULL, 'tenant', 'acme', 'key', '0123456789', 'engine', 'main', 'step', 'step_1_preflight', 'facts', '{}'::jsonb, 'options', '{}'::jsonb,
        'answers', '{}'::jsonb, 'settings', provision.tenant_settings('{"company_name": "Acme", "country": "KE"}'::jsonb || settings))
        || provision.looking_context(NULL, (SELECT workflow_id FROM provision.workflow WHERE name = 'preflight'))
$$;
CREATE FUNCTION pg_temp.rights(settings jsonb DEFAULT '{}') RETURNS TABLE (needed text) LANGUAGE sql AS $$
    SELECT concat_ws(' ', direction, permission, doctype) FROM provision.rights_needed(pg_temp.job(settings))
$$;
CREATE FUNCTION pg_temp.call(method text, path text, body jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(permission || ' ' || doctype, ', ' ORDER BY permission)
      FROM provision.rights_of_call(ROW('c', method, path, body, true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::provision.call)
$$;
SELECT is(pg_temp.call(method, path, body::jsonb), rights, method || ' ' || path)
  FROM (VALUES ('GET', '/api/resource/POS%20Profile/a%2Fb', NULL, 'read POS Profile'), ('GET', '/api/resource/Item?filters=%5B%5D', NULL, 'read Item'),
               ('POST', '/api/resource/Stock%20Entry', '{"docstatus": 1}', 'create Stock Entry, submit Stock Entry'),
               ('PUT', '/api/resource/POS%20Opening%20Entry/x', '{"docstatus": 2}', 'cancel POS Opening Entry'), ('DELETE', '/api/resource/Company/Acme', NULL, 'delete Company'),
               ('POST', '/api/method/frappe.client.insert_many', '{"docs": [{"doctype": "Item"}, {"doctype": "Item"}]}', 'create Item'),
               ('GET', '/api/method/frappe.client.get_list?doctype=Mode%20of%20Payment%20Account&parent=Mode%20of%20Payment', NULL, 'read Mode of Payment'),
               ('GET', '/api/method/ping', NULL, NULL))
       AS given (method, path, body, rights);
SELECT set_has($$SELECT * FROM pg_temp.rights()$$, $$VALUES ('forward create Company'), ('forward delete Company'), ('back delete POS Profile'), ('forward write Stock Settings'), ('forward submit POS Opening Entry'),
                 ('back cancel POS Opening Entry'), ('forward read Bin'), ('back delete Custom Field')$$, 'what every tenant needs');
SELECT set_hasnt($$SELECT * FROM pg_temp.rights()$$, $$VALUES ('forward create Stock Entry'), ('forward create Account'), ('back cancel Company'), ('forward write System Settings')$$, 'and nothing more');
SELECT set_has($$SELECT * FROM pg_temp.rights('{"demo_items": true, "payment_methods": ["Card"], "run_wizard": true}')$$,
               $$VALUES ('forward submit Stock Entry'), ('forward create Account'), ('forward write System Settings'), ('back create Transaction Deletion Record')$$, 'the config adds to it');
CREATE FUNCTION pg_temp.conclusion(problems jsonb) RETURNS text LANGUAGE sql AS $$ SELECT concat_ws('|', provision.preflight_code(problems), provision.preflight_detail(problems)) $$;
SELECT is(pg_temp.conclusion('[{"code": "PERMISSION_MISSING", "doctype": "Company", "permission": "create", "for": "setup"},
                               {"code": "PERMISSION_MISSING", "doctype": "Company", "permission": "write", "for": "setup"},
                               {"code": "PERMISSION_MISSING", "doctype": "Item", "permission": "delete", "for": "rollback"}]'),
          'PERMISSION_MISSING|Company (create, write)', 'problems of one kind have its code');
SELECT is(pg_temp.conclusion('[{"code": "DUPLICATE_ABBR", "detail": "A"}, {"code": "PERMISSION_MISSING", "doctype": "Item", "permission": "read", "for": "setup"}]'),
          'PREFLIGHT_FAILED|DUPLICATE_ABBR: A; PERMISSION_MISSING: Item (read)', 'of several kinds, a common one');
SELECT is(pg_temp.conclusion('[{"code": "PERMISSION_MISSING", "doctype": "Item", "permission": "delete", "for": "rollback"}]'), '', 'what only a rollback lacks is no failure');
SELECT is_empty($$SELECT word FROM unnest(ARRAY['a b', 'é/%', '株式会社', '100% + ?&#']) AS word WHERE provision.url_decode(provision.url_encode(word)) <> word$$, 'names are read as they were written');
SELECT * FROM finish();
ROLLBACK;
