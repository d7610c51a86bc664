-- tenant_setup, steps 4 to 6: warehouses, site-wide settings, demo items.

-- Step 4 ----------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.look_warehouses(job jsonb, learn jsonb DEFAULT NULL, wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN provision.look_list('look warehouses', 'Warehouse',
        jsonb_build_array(jsonb_build_array('company', '=', provision.setting(job, 'company_name'))),
        '["name", "warehouse_name", "is_group", "parent_warehouse", "warehouse_type"]', learn, wanted);
COMMENT ON FUNCTION provision.look_warehouses(jsonb, jsonb, boolean)
    IS 'A call that lists the company''s warehouses, oldest first: ERPNext''s own before the tenant''s.';

-- ERPNext appends " - ABBR" unless the name ends so already; either way the row is recognised.
CREATE OR REPLACE FUNCTION provision.warehouse_row(job jsonb, wanted text)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT warehouse
      FROM provision.answer_rows(job, 'look warehouses') AS warehouse
     WHERE lower(wanted) IN (lower(warehouse ->> 'warehouse_name'), lower(warehouse ->> 'name'))
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.warehouse_row(jsonb, text) IS 'The company''s warehouse of this name; null when there is none, or none known yet.';

CREATE OR REPLACE FUNCTION provision.plan_warehouses(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text[] := ARRAY(SELECT provision.setting_list(job, 'warehouses'));
    root text;
BEGIN
    SELECT warehouse ->> 'name' INTO root
      FROM provision.answer_rows(job, 'look warehouses') AS warehouse
     WHERE warehouse ->> 'is_group' = '1' AND coalesce(warehouse ->> 'parent_warehouse', '') = ''
     LIMIT 1;
    IF root IS NULL AND provision.answered(job, 'look warehouses') THEN
        PERFORM provision.give_up('WAREHOUSE_MISSING', 'the company has no group to put its warehouses under');
    END IF;
    RETURN NEXT provision.look_warehouses(job, provision.warehouse_facts(wanted)
        || '{"warehouse_group": "$.*[*] ? (@.is_group == 1 && (@.parent_warehouse == null || @.parent_warehouse == \"\")).name"}');
    FOR place IN 1 .. coalesce(cardinality(wanted), 0) LOOP
        RETURN NEXT provision.create_document('create warehouse ' || wanted[place], 'Warehouse',
            jsonb_build_object('warehouse_name', wanted[place], 'company', provision.setting(job, 'company_name'),
                               'parent_warehouse', coalesce(root, provision.fact(job, 'warehouse_group'))),
            CASE WHEN provision.answered(job, 'look warehouses') THEN provision.warehouse_row(job, wanted[place]) IS NULL END, 'look warehouses',
            jsonb_strip_nulls(jsonb_build_object('main_warehouse', CASE place WHEN 1 THEN '$.data.name' END,
                                                 'pos_warehouse', CASE place WHEN cardinality(wanted) THEN '$.data.name' END)),
            creates => '{"goes_with": "Company"}');
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.plan_warehouses(jsonb) IS 'Step 4 of tenant_setup: the tenant''s warehouses under the company''s own group.';

-- Compared without regard to case, as ERPNext and warehouse_row() do: the settings' "stores" is ERPNext's own "Stores".
CREATE OR REPLACE FUNCTION provision.warehouse_facts(wanted text[])
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(jsonb_object_agg(fact, format('$.*[*] ? (@.warehouse_name like_regex %1$s flag "i" || @.name like_regex %1$s flag "i").name',
                                                  to_jsonb('^' || regexp_replace(name, '[^[:alnum:] ]', '\\\&', 'g') || '$'))), '{}')
      FROM (VALUES ('main_warehouse', wanted[1]), ('pos_warehouse', wanted[cardinality(wanted)])) AS learnt (fact, name)
     WHERE name IS NOT NULL;
END;
COMMENT ON FUNCTION provision.warehouse_facts(text[])
    IS 'How the names of the first and the last warehouse are learnt from the list: the store, and where the point of sale sells from.';

-- Step 5 ----------------------------------------------------------------------------------------------------------------

-- One record for all companies of the site, so nothing of one tenant goes in: no warehouse, price list or company.
-- Two values are written over others, because our looks rely on them: documents are found by the name they were created with.
-- The rest only where the site has none: what a cashier needs to add a customer or an item by its name alone.
-- allow_negative_stock and whatever else an operator may have decided stay as they are.
CREATE OR REPLACE FUNCTION provision.plan_settings(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM provision.plan_single(job, 'Selling Settings', '{"cust_master_name": "Customer Name"}',
        jsonb_build_object('customer_group', provision.optional_fact(job, 'customer_group'), 'territory', provision.optional_fact(job, 'territory')),
        NULL);
    RETURN QUERY SELECT * FROM provision.plan_single(job, 'Stock Settings', '{"item_naming_by": "Item Code"}',
        jsonb_build_object('item_group', provision.optional_fact(job, 'item_group'), 'stock_uom', 'Nos'),
        '{"stock_uom": "$.data.stock_uom"}');
END;
$$;
COMMENT ON FUNCTION provision.plan_settings(jsonb) IS 'Step 5 of tenant_setup: site-wide settings, written only where they differ.';

-- A save rewrites property setters and clears caches for seconds, also when nothing changes: read, compare, and mostly leave it.
CREATE OR REPLACE FUNCTION provision.plan_single(job jsonb, doctype text, required jsonb, fallback jsonb, learn jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    look text := 'look ' || lower(doctype);
    present jsonb := provision.answer_value(job, look);
    body jsonb := jsonb_strip_nulls(required || fallback);
BEGIN
    IF present IS NOT NULL THEN
        SELECT coalesce(jsonb_object_agg(key, value), '{}') INTO body
          FROM jsonb_each(provision.difference(present, body))
         WHERE required ? key OR coalesce(present ->> key, '') = '';
    END IF;
    RETURN NEXT provision.look(look, provision.document_path(doctype, doctype), learn);
    RETURN NEXT provision.change_document('set ' || lower(doctype), doctype, doctype, body,
        CASE WHEN provision.answered(job, look) THEN body <> '{}' END, look, learn, 'settings');
END;
$$;
COMMENT ON FUNCTION provision.plan_single(jsonb, text, jsonb, jsonb, jsonb)
    IS 'A single: required values are written where they differ, fallback values where it has none.';

-- Step 6 ----------------------------------------------------------------------------------------------------------------

-- Items belong to the site, not to a company: the abbreviation keeps tenants apart.
CREATE OR REPLACE FUNCTION provision.tenant_items(job jsonb)
    RETURNS TABLE (place integer, code text, item jsonb)
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT ordinality::integer, provision.setting(job, 'abbr') || '-' || (demo ->> 'item_code'), demo
      FROM provision.demo_items(job) WITH ORDINALITY AS demo (demo, ordinality);
END;
COMMENT ON FUNCTION provision.tenant_items(jsonb) IS 'The tenant''s demo items with the codes they get on the site.';

CREATE OR REPLACE FUNCTION provision.plan_items(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM provision.demo_items(job)) THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM provision.ensure_price_list(job);
    RETURN QUERY SELECT * FROM provision.plan_batches(job, 'items', 'Item', '[]',
        (SELECT jsonb_agg(provision.item_document(job, code, item) ORDER BY place) FROM provision.tenant_items(job)));
    RETURN QUERY SELECT * FROM provision.plan_batches(job, 'prices', 'Item Price',
        jsonb_build_array(jsonb_build_array('price_list', '=', provision.price_list_name(job))),
        (SELECT jsonb_agg(jsonb_build_object('doctype', 'Item Price', 'item_code', code, 'price_list', provision.price_list_name(job),
                                             'price_list_rate', item -> 'rate') ORDER BY place)
           FROM provision.tenant_items(job)));
    RETURN QUERY SELECT * FROM provision.plan_opening_stock(job);
END;
$$;
COMMENT ON FUNCTION provision.plan_items(jsonb) IS 'Step 6 of tenant_setup: demo items, their prices in the tenant''s list, their opening stock.';

-- standard_rate is not sent: it would make a price in the site's default list, whose currency may be another one.
CREATE OR REPLACE FUNCTION provision.item_document(job jsonb, code text, item jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'doctype', 'Item',
        'item_code', code,
        'item_name', coalesce(item ->> 'item_name', code),
        'item_group', coalesce(item ->> 'item_group', provision.fact(job, 'item_group')),
        'stock_uom', coalesce(item ->> 'uom', provision.optional_fact(job, 'stock_uom'), 'Nos'),
        'is_stock_item', 1,
        'item_defaults', jsonb_build_array(jsonb_build_object(
            'company', provision.setting(job, 'company_name'), 'default_warehouse', provision.optional_fact(job, 'pos_warehouse')))));
COMMENT ON FUNCTION provision.item_document(jsonb, text, jsonb) IS 'An Item as it is created.';

-- Documents with an item_code are created 20 at a time: one transaction, one short answer. A batch has fixed members, of which those
-- that are there already are left out, so that it stays the same batch when its list is read again after a lost answer.
CREATE OR REPLACE FUNCTION provision.plan_batches(job jsonb, label text, doctype text, filters jsonb, documents jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    batch record;
BEGIN
    FOR batch IN SELECT format('%s %s to %s', label, min(place), max(place)) AS name,
                        jsonb_agg(document ORDER BY place) AS documents, jsonb_agg(document -> 'item_code' ORDER BY place) AS codes
                   FROM jsonb_array_elements(documents) WITH ORDINALITY AS wanted (document, place)
                  GROUP BY (place - 1) / 20
                  ORDER BY min(place) LOOP
        RETURN NEXT provision.look_list('look ' || batch.name, doctype,
            jsonb_build_array(jsonb_build_array('item_code', 'in', batch.codes)) || filters, '["name", "item_code"]');
        RETURN NEXT provision.create_batch(job, batch.name, doctype, batch.documents);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.plan_batches(jsonb, text, text, jsonb, jsonb) IS 'Creates those of many documents that the lists do not show.';

CREATE OR REPLACE FUNCTION provision.create_batch(job jsonb, name text, doctype text, documents jsonb)
    RETURNS provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    look text := 'look ' || create_batch.name;
    present text[] := ARRAY(SELECT lower(known ->> 'item_code') FROM provision.answer_rows(job, look) AS known);
    missing jsonb := (SELECT jsonb_agg(document ORDER BY place)
                        FROM jsonb_array_elements(documents) WITH ORDINALITY AS wanted (document, place)
                       WHERE lower(document ->> 'item_code') <> ALL (present));
BEGIN
    RETURN ROW('create ' || create_batch.name, 'POST', '/api/method/frappe.client.insert_many', jsonb_build_object('docs', coalesce(missing, '[]')),
               CASE WHEN provision.answered(job, look) THEN missing IS NOT NULL END, look, false, 'settings', NULL,
               jsonb_build_object('kind', doctype, 'name', '$.message[*]', 'look', '$.*.name'), NULL, NULL, NULL)::provision.call;
END;
$$;
COMMENT ON FUNCTION provision.create_batch(jsonb, text, text, jsonb) IS 'A call that creates those documents of a batch that its list does not show.';

CREATE OR REPLACE FUNCTION provision.provision_key(job jsonb, thing text)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN concat_ws('-', job ->> 'tenant', left(job ->> 'key', 8)) || '/' || thing;
COMMENT ON FUNCTION provision.provision_key(jsonb, text) IS 'The key by which a document that ERPNext would create twice is recognised.';

-- A second receipt would double the stock; the key makes ERPNext refuse it, and the look finds the first, also a cancelled one.
-- No cost is known, so the goods are valued at the price they are sold for.
CREATE OR REPLACE FUNCTION provision.plan_opening_stock(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key text := provision.provision_key(job, 'opening_stock');
    goods jsonb := (SELECT jsonb_agg(jsonb_build_object('item_code', code, 'qty', item -> 'opening_qty', 'basic_rate', item -> 'rate',
                                                        't_warehouse', provision.fact(job, 'pos_warehouse'),
                                                        'allow_zero_valuation_rate', CASE WHEN item ->> 'rate' = '0' THEN 1 ELSE 0 END) ORDER BY place)
                      FROM provision.tenant_items(job)
                     WHERE (item ->> 'opening_qty')::numeric > 0);
BEGIN
    IF goods IS NULL THEN
        RETURN;
    END IF;
    RETURN NEXT provision.look_list('look opening stock', 'Stock Entry', jsonb_build_array(jsonb_build_array('provision_key', '=', key)),
        '["name", "docstatus"]', '{"opening_stock": "$.*[0].name"}');
    RETURN NEXT provision.create_document('receive opening stock', 'Stock Entry',
        jsonb_build_object('stock_entry_type', provision.fact(job, 'stock_entry_type'), 'company', provision.setting(job, 'company_name'),
                           'provision_key', key, 'items', goods, 'docstatus', 1),
        NOT provision.found(job, 'look opening stock'), 'look opening stock', '{"opening_stock": "$.data.name"}', 'settings');
END;
$$;
COMMENT ON FUNCTION provision.plan_opening_stock(jsonb) IS 'Receives the opening quantities of the demo items into the point of sale''s warehouse, once.';
