-- tenant_setup, step 1 continued: the single fixtures of a site whose setup wizard never ran, fiscal years, our own keys.

-- The DocTypes whose documents ERPNext would create a second time on a repeated call.
CREATE OR REPLACE FUNCTION provision.keyed_doctypes()
    RETURNS TABLE (doctype text, insert_after text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    VALUES ('Customer', 'customer_name'), ('POS Opening Entry', 'user'), ('Stock Entry', 'company');
END;
COMMENT ON FUNCTION provision.keyed_doctypes() IS 'DocTypes that get a field provision_key of ours, and the field it stands behind.';

CREATE OR REPLACE FUNCTION provision.demo_items(job jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    SELECT item
      FROM jsonb_array_elements(CASE jsonb_typeof(job -> 'settings' -> 'demo_items') WHEN 'array' THEN job -> 'settings' -> 'demo_items' ELSE '[]' END)
             AS item;
END;
COMMENT ON FUNCTION provision.demo_items(jsonb) IS 'The tenant''s demo items, in their order.';

CREATE OR REPLACE FUNCTION provision.units_needed(job jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_agg(unit ORDER BY unit <> 'Nos', unit)
      FROM (SELECT DISTINCT ON (lower(unit)) unit          -- "kg" and "Kg" are one unit for ERPNext
              FROM (SELECT 'Nos' AS unit
                     UNION ALL
                    SELECT item ->> 'uom'
                      FROM provision.demo_items(job) AS item
                     WHERE item ->> 'uom' <> '') AS named
             ORDER BY lower(unit), unit <> 'Nos', unit) AS needed;
END;
COMMENT ON FUNCTION provision.units_needed(jsonb) IS 'Units of measure that the tenant''s items are counted in.';

CREATE OR REPLACE FUNCTION provision.plan_stock_fixtures(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unit text;
    units jsonb := provision.units_needed(job);
BEGIN
    -- Without this one ERPNext cannot create a company.
    RETURN QUERY SELECT * FROM provision.ensure_document(job, 'warehouse type', 'Warehouse Type', 'Transit', '{"name": "Transit"}',
        creates => provision.of_the_site());
    RETURN QUERY SELECT * FROM provision.plan_first_price_list(job, 'selling', 'Standard Selling');
    RETURN QUERY SELECT * FROM provision.plan_first_price_list(job, 'buying', 'Standard Buying');
    RETURN NEXT provision.look_list('look units', 'UOM', jsonb_build_array(jsonb_build_array('name', 'in', units)));
    FOR unit IN SELECT jsonb_array_elements_text(units) LOOP
        RETURN NEXT provision.create_document('create unit ' || unit, 'UOM',
            jsonb_build_object('uom_name', unit, 'enabled', 1, 'must_be_whole_number', CASE unit WHEN 'Nos' THEN 1 END),
            NOT provision.listed(job, 'look units', 'name', unit), 'look units', creates => provision.of_the_site());
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.plan_stock_fixtures(jsonb) IS 'Warehouse type, price lists and units of a site that lacks them.';

-- A site needs one list of each kind, whatever its name and currency; the tenant sells by a list of its own (step 8).
CREATE OR REPLACE FUNCTION provision.plan_first_price_list(job jsonb, kind text, name text)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    look text := format('look %s price list', kind);
BEGIN
    RETURN NEXT provision.look_list(look, 'Price List', jsonb_build_array(jsonb_build_array(kind, '=', 1)), max_rows => 1);
    RETURN NEXT provision.create_document(format('create %s price list', kind), 'Price List',
        jsonb_build_object('price_list_name', name, 'currency', provision.setting(job, 'currency'), kind, 1, 'enabled', 1),
        NOT provision.found(job, look), look, creates => provision.of_the_site());
END;
$$;
COMMENT ON FUNCTION provision.plan_first_price_list(jsonb, text, text) IS 'The first price list for selling or buying of a site that has none.';

CREATE OR REPLACE FUNCTION provision.plan_money_fixtures(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    method text;
BEGIN
    RETURN NEXT provision.look_list('look payment methods', 'Mode of Payment',
        jsonb_build_array(jsonb_build_array('name', 'in', provision.setting_json(job, 'payment_methods'))), '["name", "type"]');
    FOR method IN SELECT * FROM provision.setting_list(job, 'payment_methods') LOOP
        RETURN NEXT provision.create_document('create payment method ' || method, 'Mode of Payment',
            jsonb_build_object('mode_of_payment', method, 'type', CASE lower(method) WHEN 'cash' THEN 'Cash' ELSE 'Bank' END, 'enabled', 1),
            NOT provision.listed(job, 'look payment methods', 'name', method), 'look payment methods', creates => provision.of_the_site());
    END LOOP;
    RETURN NEXT provision.look_list('look stock entry type', 'Stock Entry Type', '[["purpose", "=", "Material Receipt"]]',
        learn => '{"stock_entry_type": "$.*[0].name"}');
    RETURN NEXT provision.create_document('create stock entry type', 'Stock Entry Type', '{"name": "Material Receipt", "purpose": "Material Receipt"}',
        NOT provision.found(job, 'look stock entry type'), 'look stock entry type', '{"stock_entry_type": "$.data.name"}',
        creates => provision.of_the_site());
    RETURN QUERY SELECT * FROM provision.ensure_document(job, 'party type', 'Party Type', 'Customer',
        '{"party_type": "Customer", "account_type": "Receivable"}', creates => provision.of_the_site());
END;
$$;
COMMENT ON FUNCTION provision.plan_money_fixtures(jsonb) IS 'Payment methods, stock entry type and party type of a site that lacks them.';

-- ERPNext refuses overlapping years, so the tenant's year is cut where the site's neighbouring years begin and end.
CREATE OR REPLACE FUNCTION provision.plan_fiscal_year(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    today date := provision.tenant_today(job);
    full_start date := provision.fiscal_year_start(coalesce(provision.setting(job, 'fiscal_year_start'), '01-01'), today);
    full_end date := (full_start + interval '1 year')::date - 1;
    year_start date;
    year_end date;
    covered boolean;
BEGIN
    SELECT greatest(full_start, max((known ->> 'year_end_date')::date) FILTER (WHERE (known ->> 'year_end_date')::date < today) + 1),
           least(full_end, min((known ->> 'year_start_date')::date) FILTER (WHERE (known ->> 'year_start_date')::date > today) - 1),
           coalesce(bool_or(today BETWEEN (known ->> 'year_start_date')::date AND (known ->> 'year_end_date')::date
                            AND coalesce(known ->> 'disabled', '0') = '0'), false)
      INTO year_start, year_end, covered
      FROM provision.answer_rows(job, 'look fiscal years') AS known;
    RETURN NEXT provision.look_list('look fiscal years', 'Fiscal Year',
        jsonb_build_array(jsonb_build_array('year_start_date', '<=', full_end), jsonb_build_array('year_end_date', '>=', full_start)),
        '["name", "year_start_date", "year_end_date", "disabled"]', order_by => 'year_start_date asc');
    RETURN NEXT provision.create_document('create fiscal year', 'Fiscal Year',
        jsonb_build_object('year', provision.fiscal_year_name(year_start, year_end), 'year_start_date', year_start, 'year_end_date', year_end,
                           'is_short_year', CASE WHEN (year_start, year_end) <> (full_start, full_end) THEN 1 END),
        CASE WHEN provision.answered(job, 'look fiscal years') THEN NOT covered END, 'look fiscal years',
        creates => provision.of_the_site());
END;
$$;
COMMENT ON FUNCTION provision.plan_fiscal_year(jsonb) IS 'A fiscal year that holds today, unless the site has one: found by its dates, whatever its name.';

CREATE OR REPLACE FUNCTION provision.fiscal_year_name(year_start date, year_end date)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN (year_start + interval '1 year')::date - 1 <> year_end THEN year_start || ' to ' || year_end
                WHEN extract(year FROM year_start) = extract(year FROM year_end) THEN extract(year FROM year_start)::text
                ELSE extract(year FROM year_start) || '-' || extract(year FROM year_end) END;
COMMENT ON FUNCTION provision.fiscal_year_name(date, date) IS 'What ERPNext itself would call it: 2026, 2026-2027; a short year by its days.';

-- A unique field makes ERPNext refuse what it would otherwise do twice. no_copy: a document that a person duplicates must not carry it.
-- ERPNext answers a repeat with an error that says nothing, so each field is looked for by its own name once more before it is made.
CREATE OR REPLACE FUNCTION provision.plan_own_keys(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keyed record;
    look text;
    missing boolean;
BEGIN
    RETURN NEXT provision.look_list('look own keys', 'Custom Field', '[["fieldname", "=", "provision_key"]]', '["name", "dt"]');
    FOR keyed IN SELECT * FROM provision.keyed_doctypes() LOOP
        look := 'look own key of ' || keyed.doctype;
        missing := NOT provision.listed(job, 'look own keys', 'name', keyed.doctype || '-provision_key');
        RETURN NEXT provision.look(look, provision.document_path('Custom Field', keyed.doctype || '-provision_key'), wanted => missing);
        RETURN NEXT provision.create_document('create own key of ' || keyed.doctype, 'Custom Field',
            jsonb_build_object('dt', keyed.doctype, 'fieldname', 'provision_key', 'label', 'Provision Key', 'fieldtype', 'Data',
                               'unique', 1, 'no_copy', 1, 'read_only', 1, 'insert_after', keyed.insert_after),
            missing AND NOT provision.found(job, look), look, effort => 'settings',
            creates => provision.of_the_site());
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.plan_own_keys(jsonb) IS 'The unique custom fields that make our creations visible when a call is repeated.';

-- A site where nobody chose anything counts in INR and then asks for exchange rates. What somebody chose is never touched.
CREATE OR REPLACE FUNCTION provision.plan_global_defaults(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NEXT provision.look('look global defaults', provision.document_path('Global Defaults', 'Global Defaults'));
    RETURN NEXT provision.change_document('set global defaults', 'Global Defaults', 'Global Defaults',
        jsonb_build_object('default_currency', provision.setting(job, 'currency'), 'country', provision.setting(job, 'country')),
        provision.same(job, 'look global defaults', '{"country": null, "default_company": null}'),
        'look global defaults', effort => 'settings');
END;
$$;
COMMENT ON FUNCTION provision.plan_global_defaults(jsonb) IS 'Country and currency of a site that has neither a country nor a default company.';
