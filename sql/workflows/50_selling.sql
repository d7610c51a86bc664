-- tenant_setup, steps 7 to 10: the customer, the point of sale, its session, and the proof that it is ready.

-- Step 7 ----------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.customer_name(job jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.setting(job, 'customer') || ' - ' || provision.setting(job, 'abbr');
COMMENT ON FUNCTION provision.customer_name(jsonb) IS 'Customers belong to the site: the abbreviation keeps tenants apart.';

-- ERPNext names a second customer of the same name "... - 1". Under a naming series the name is another one from the start, and no sign.
CREATE OR REPLACE FUNCTION provision.is_extra_customer(wanted text, returned text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN left(returned, length(wanted) + 3) = wanted || ' - ' AND substr(returned, length(wanted) + 4) ~ '^[0-9]+$';
COMMENT ON FUNCTION provision.is_extra_customer(text, text) IS 'Whether ERPNext made a second customer instead of the wanted one; null while nothing was returned.';

CREATE OR REPLACE FUNCTION provision.plan_customer(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name text := provision.customer_name(job);
    key text := provision.provision_key(job, 'customer');
    absent boolean := NOT provision.found(job, 'look customer');
BEGIN
    RETURN NEXT provision.look_list('look customer', 'Customer', jsonb_build_array(jsonb_build_array('provision_key', '=', key)),
        '["name", "customer_name"]', '{"customer": "$.*[0].name"}');
    RETURN NEXT provision.look_list('look customer by name', 'Customer', jsonb_build_array(jsonb_build_array('customer_name', '=', name)),
        '["name", "customer_name"]', '{"customer": "$.*[0].name"}', absent);
    absent := absent AND NOT provision.found(job, 'look customer by name');
    RETURN NEXT provision.create_document('create customer', 'Customer',
        jsonb_build_object('customer_name', name, 'customer_type', 'Individual', 'customer_group', provision.fact(job, 'customer_group'),
                           'territory', provision.fact(job, 'territory'), 'provision_key', key),
        absent, 'look customer', '{"customer": "$.data.name"}');
    RETURN QUERY SELECT * FROM provision.plan_extra_customer(job, name, absent);
END;
$$;
COMMENT ON FUNCTION provision.plan_customer(jsonb) IS 'Step 7 of tenant_setup: the customer of sales without a name, found by our key or by its name, or created.';

CREATE OR REPLACE FUNCTION provision.plan_extra_customer(job jsonb, name text, created boolean)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    returned text := provision.answer_value(job, 'create customer') ->> 'name';
    is_extra boolean := created AND CASE WHEN provision.answered(job, 'create customer')
                                         THEN coalesce(provision.is_extra_customer(name, returned), false) END;
BEGIN
    RETURN NEXT provision.remove_document('remove extra customer', 'Customer', coalesce(returned, '{?extra_customer}'), is_extra);
    RETURN NEXT provision.look_list('look customer again', 'Customer', jsonb_build_array(jsonb_build_array('customer_name', '=', name)),
        '["name", "customer_name"]', '{"customer": "$.*[0].name"}', is_extra);
END;
$$;
COMMENT ON FUNCTION provision.plan_extra_customer(jsonb, text, boolean)
    IS 'Removes the second customer that ERPNext makes when somebody else created the first one between our look and our call.';

-- Step 8 ----------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.price_list_name(job jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(provision.setting(job, 'price_list'), 'Selling - ' || provision.setting(job, 'abbr'));
COMMENT ON FUNCTION provision.price_list_name(jsonb) IS 'The price list the tenant sells by: the one it names, or one of its own.';

-- With a list in another currency a sale waits for an exchange rate, and ERPNext only warns of it.
CREATE OR REPLACE FUNCTION provision.ensure_price_list(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name text := provision.price_list_name(job);
    currency text := provision.answer_value(job, 'look price list') ->> 'currency';
BEGIN
    IF currency <> provision.setting(job, 'currency') THEN
        PERFORM provision.give_up('PRICE_LIST_MISMATCH', format('"%s" is in %s, the company in %s', name, currency, provision.setting(job, 'currency')));
    END IF;
    RETURN QUERY SELECT * FROM provision.ensure_document(job, 'price list', 'Price List', name,
        jsonb_build_object('price_list_name', name, 'currency', provision.setting(job, 'currency'), 'selling', 1, 'enabled', 1),
        '{"price_list": "$.data.name"}');
END;
$$;
COMMENT ON FUNCTION provision.ensure_price_list(jsonb) IS 'The price list the tenant sells by, in its own currency.';

CREATE OR REPLACE FUNCTION provision.pos_profile_name(job jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'POS - ' || provision.setting(job, 'abbr');
COMMENT ON FUNCTION provision.pos_profile_name(jsonb) IS 'Name of the tenant''s POS Profile.';

CREATE OR REPLACE FUNCTION provision.pos_user(job jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(provision.setting(job, 'pos_user'), provision.fact(job, 'api_user'));
COMMENT ON FUNCTION provision.pos_user(jsonb) IS 'Who sells: the user the tenant names, or the one the engine''s credentials belong to.';

-- The last of the tenant's warehouses, or the first one ERPNext itself made for the company (Stores, in whatever language).
CREATE OR REPLACE FUNCTION provision.pos_warehouse(job jsonb)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := provision.setting_json(job, 'warehouses') ->> -1;
    chosen text;
BEGIN
    IF NOT provision.answered(job, 'look warehouses') THEN
        RETURN provision.fact(job, 'pos_warehouse');
    END IF;
    SELECT coalesce(provision.warehouse_row(job, wanted) ->> 'name',
                    (SELECT warehouse ->> 'name'
                       FROM provision.answer_rows(job, 'look warehouses') AS warehouse
                      WHERE warehouse ->> 'is_group' = '0' AND coalesce(warehouse ->> 'warehouse_type', '') = ''
                      LIMIT 1))
      INTO chosen;
    IF chosen IS NULL THEN
        PERFORM provision.give_up('WAREHOUSE_MISSING', 'the company has none to sell from');
    END IF;
    RETURN chosen;
END;
$$;
COMMENT ON FUNCTION provision.pos_warehouse(jsonb) IS 'The warehouse the point of sale sells from.';

CREATE OR REPLACE FUNCTION provision.check_pos_profile(job jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    profile jsonb := provision.answer_value(job, 'look pos profile');
BEGIN
    IF NOT provision.found(job, 'look pos user') THEN
        PERFORM provision.give_up('POS_USER_MISSING', provision.setting(job, 'pos_user'));
    END IF;
    IF profile ->> 'company' <> provision.setting(job, 'company_name') THEN
        PERFORM provision.give_up('POS_PROFILE_TAKEN', format('"%s" belongs to the company "%s"', profile ->> 'name', profile ->> 'company'));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.check_pos_profile(jsonb) IS 'Gives up where the user who shall sell does not exist, or the profile belongs to another company.';

CREATE OR REPLACE FUNCTION provision.plan_pos_profile(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name text := provision.pos_profile_name(job);
    absent boolean := NOT provision.found(job, 'look pos profile');
BEGIN
    PERFORM provision.check_pos_profile(job);
    RETURN QUERY SELECT * FROM provision.ensure_price_list(job);
    IF provision.setting(job, 'pos_user') IS NOT NULL THEN
        RETURN NEXT provision.look('look pos user', provision.document_path('User', provision.setting(job, 'pos_user')));
    END IF;
    RETURN NEXT provision.look('look pos profile', provision.document_path('POS Profile', name), '{"pos_profile": "$.data.name"}');
    RETURN NEXT provision.look_warehouses(job, wanted => absent);
    RETURN NEXT provision.look_list('look other profiles', 'POS Profile',
        jsonb_build_array(jsonb_build_array('company', '=', provision.setting(job, 'company_name')), jsonb_build_array('disabled', '=', 0)),
        '["name", "disabled"]', wanted => absent);
    RETURN NEXT provision.create_document('create pos profile', 'POS Profile', provision.pos_profile_document(job, name), absent,
        'look pos profile', '{"pos_profile": "$.data.name"}');
    RETURN NEXT provision.change_document('add payment methods', 'POS Profile', name,
        jsonb_build_object('payments', provision.pos_payments(job)), provision.pos_payment_missing(job), 'look pos profile');
END;
$$;
COMMENT ON FUNCTION provision.plan_pos_profile(jsonb) IS 'Step 8 of tenant_setup: the POS Profile with its payment methods.';

-- A user may be default in one profile of a company only; where the company has others, a person has chosen already.
CREATE OR REPLACE FUNCTION provision.pos_profile_document(job jsonb, name text)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_object(
        'name', name,
        'company', provision.setting(job, 'company_name'),
        'warehouse', provision.pos_warehouse(job),
        'customer', provision.optional_fact(job, 'customer'),
        'currency', provision.setting(job, 'currency'),
        'selling_price_list', provision.price_list_name(job),
        'write_off_account', provision.fact(job, 'write_off_account'),
        'write_off_cost_center', provision.fact(job, 'cost_center'),
        'cost_center', provision.fact(job, 'cost_center'),
        'income_account', provision.fact(job, 'income_account'),
        'expense_account', provision.fact(job, 'expense_account'),
        'payments', provision.pos_payments(job),
        'applicable_for_users', jsonb_build_array(jsonb_build_object('user', provision.pos_user(job),
            'default', CASE WHEN provision.found(job, 'look other profiles') THEN 0 ELSE 1 END)));
END;
$$;
COMMENT ON FUNCTION provision.pos_profile_document(jsonb, text) IS 'The POS Profile as it is created: without the customer, where step 7 has none.';

-- One default is required. What the profile has stays, and keeps its default.
CREATE OR REPLACE FUNCTION provision.pos_payments(job jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH present AS (
        SELECT coalesce(provision.answer_value(job, 'look pos profile') -> 'payments', '[]') AS payments
    )
    SELECT payments || coalesce((SELECT jsonb_agg(jsonb_build_object('mode_of_payment', method,
                                            'default', CASE WHEN place = 1 AND payments = '[]' THEN 1 ELSE 0 END) ORDER BY place)
                                   FROM jsonb_array_elements_text(provision.setting_json(job, 'payment_methods')) WITH ORDINALITY AS wanted (method, place)
                                  WHERE NOT payments @> jsonb_build_array(jsonb_build_object('mode_of_payment', method))), '[]')
      FROM present;
END;
COMMENT ON FUNCTION provision.pos_payments(jsonb) IS 'The payment methods of the POS Profile: those it has, and those the tenant''s settings add.';

CREATE OR REPLACE FUNCTION provision.pos_payment_missing(job jsonb)
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN provision.found(job, 'look pos profile')
       AND jsonb_array_length(provision.pos_payments(job))
           > jsonb_array_length(coalesce(provision.answer_value(job, 'look pos profile') -> 'payments', '[]'));
COMMENT ON FUNCTION provision.pos_payment_missing(jsonb) IS 'Whether the POS Profile is there and lacks a payment method. Null while it was not read.';
