-- tenant_setup, steps 2 and 3: the company with its chart of accounts, and the accounts behind its payment methods.

-- Step 2 ----------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.company_facts()
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '{"company": "$.data.name", "abbr": "$.data.abbr", "currency": "$.data.default_currency"}'::jsonb;
COMMENT ON FUNCTION provision.company_facts() IS 'What is learnt from a Company document.';

-- An interrupted creation leaves a company without these three; a person who clears a default leaves the others.
CREATE OR REPLACE FUNCTION provision.is_half_made(company jsonb)
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN provision.difference(company, '{"default_cash_account": null, "round_off_account": null, "write_off_account": null}') = '{}';
COMMENT ON FUNCTION provision.is_half_made(jsonb) IS 'Whether a Company document has none of the default accounts that are set last.';

-- A company that is there is ours only if it is what we would have made: names compare without case on the server, and abbreviation and
-- currency can never be changed.
CREATE OR REPLACE FUNCTION provision.check_company(job jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    different jsonb;
    -- Our own company may have come between the two looks: its creation is then refused as a duplicate, and it is looked at again.
    other text := (SELECT company ->> 'name' FROM provision.answer_rows(job, 'look abbreviation') AS company
                    WHERE lower(company ->> 'name') <> lower(provision.setting(job, 'company_name')) LIMIT 1);
BEGIN
    IF provision.found(job, 'look company') THEN
        different := provision.difference(provision.answer_value(job, 'look company'), jsonb_build_object(
            'name', provision.setting(job, 'company_name'), 'abbr', provision.setting(job, 'abbr'),
            'default_currency', provision.setting(job, 'currency'), 'country', provision.setting(job, 'country')));
        IF different <> '{}' THEN
            PERFORM provision.give_up('COMPANY_MISMATCH', (SELECT string_agg(format('%s is %s, not %s', key,
                coalesce(provision.answer_value(job, 'look company') ->> key, 'empty'), value #>> '{}'), '; ' ORDER BY key) FROM jsonb_each(different)));
        END IF;
    ELSIF other IS NOT NULL THEN
        PERFORM provision.give_up('DUPLICATE_ABBR', format('%s belongs to the company "%s"', provision.setting(job, 'abbr'), other));
    ELSIF provision.answered(job, 'look charts')
          AND NOT coalesce(provision.answer_value(job, 'look charts') ? provision.setting(job, 'chart_of_accounts'), false) THEN
        PERFORM provision.give_up('CHART_UNKNOWN', (
            SELECT string_agg(chart, ', ') FROM jsonb_array_elements_text(provision.answer_value(job, 'look charts')) AS chart));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.check_company(jsonb) IS 'Gives up where the company on the server is another one, its abbreviation is taken, or the chart does not exist.';

CREATE OR REPLACE FUNCTION provision.plan_company(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name text := provision.setting(job, 'company_name');
    absent boolean := NOT provision.found(job, 'look company');
    body jsonb := jsonb_build_object('company_name', name, 'abbr', provision.setting(job, 'abbr'),
        'default_currency', provision.setting(job, 'currency'), 'country', provision.setting(job, 'country'),
        'chart_of_accounts', provision.setting(job, 'chart_of_accounts'));
BEGIN
    PERFORM provision.check_company(job);
    RETURN NEXT provision.look('look company', provision.document_path('Company', name), provision.company_facts());
    RETURN NEXT provision.look_list('look abbreviation', 'Company',
        jsonb_build_array(jsonb_build_array('abbr', '=', provision.setting(job, 'abbr'))), '["name", "abbr"]', wanted => absent);
    -- ERPNext dies of an IndexError on a chart that it does not have.
    RETURN NEXT provision.look('look charts', provision.method_path(
        'erpnext.accounts.doctype.account.chart_of_accounts.chart_of_accounts.get_charts_for_country',
        jsonb_build_object('country', provision.setting(job, 'country'))), wanted => absent);
    RETURN NEXT provision.create_document('create company', 'Company', body, absent, 'look company', provision.company_facts(), 'company');
    RETURN QUERY SELECT * FROM provision.plan_company_repair(job, name, body,
        provision.found(job, 'look company') AND provision.is_half_made(coalesce(provision.answer_value(job, 'look company'), '{}')));
END;
$$;
COMMENT ON FUNCTION provision.plan_company(jsonb) IS 'Step 2 of tenant_setup: the company, found and compared, or created.';

-- ERPNext refuses to delete a company that has postings, a point of sale or permissions: only an unused one goes. Step 3 judges the result.
CREATE OR REPLACE FUNCTION provision.plan_company_repair(job jsonb, name text, body jsonb, half_made boolean)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NEXT provision.remove_document('remove half-made company', 'Company', name, half_made);
    RETURN NEXT provision.look('look removed company', provision.document_path('Company', name), provision.company_facts(), half_made);
    RETURN NEXT provision.create_document('create company again', 'Company', body,
        half_made AND NOT provision.found(job, 'look removed company'), 'look removed company', provision.company_facts(), 'company');
END;
$$;
COMMENT ON FUNCTION provision.plan_company_repair(jsonb, text, jsonb, boolean) IS 'Removes a company whose creation was interrupted, and creates it again.';

-- Step 3 ----------------------------------------------------------------------------------------------------------------

-- Names of accounts hold numbers and translations: they are read, never composed. The fields of Company, and what they are called here.
CREATE OR REPLACE FUNCTION provision.account_fields()
    RETURNS TABLE (field text, fact text, needed boolean)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    VALUES ('default_cash_account', 'cash_account', true),
           ('default_receivable_account', 'receivable_account', true),
           ('default_payable_account', 'payable_account', true),
           ('default_income_account', 'income_account', true),
           ('default_expense_account', 'expense_account', true),
           ('write_off_account', 'write_off_account', true),
           ('round_off_account', 'round_off_account', true),
           ('cost_center', 'cost_center', true),
           ('round_off_cost_center', 'round_off_cost_center', false),
           ('default_bank_account', 'default_bank_account', false),
           ('default_inventory_account', 'inventory_account', false),
           ('stock_adjustment_account', 'stock_adjustment_account', false),
           ('exchange_gain_loss_account', 'exchange_gain_loss_account', false);
END;
COMMENT ON FUNCTION provision.account_fields() IS 'Default accounts of a company: the field, the fact it becomes, whether selling needs it.';

CREATE OR REPLACE FUNCTION provision.check_accounts(job jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    defaults jsonb := coalesce(provision.answer_value(job, 'look default accounts'), '{}');
    missing text;
BEGIN
    IF NOT provision.answered(job, 'look default accounts') THEN
        RETURN;
    END IF;
    IF provision.is_half_made(defaults) THEN
        PERFORM provision.give_up('COMPANY_HALF_MADE', provision.setting(job, 'company_name'));
    END IF;
    SELECT string_agg(field, ', ') INTO missing FROM provision.account_fields() WHERE needed AND coalesce(defaults ->> field, '') = '';
    IF missing IS NOT NULL THEN
        PERFORM provision.give_up('ACCOUNTS_INCOMPLETE', missing);
    END IF;
    IF NOT provision.found(job, 'count accounts') THEN
        PERFORM provision.give_up('ACCOUNTS_INCOMPLETE', 'the company has no accounts');
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.check_accounts(jsonb) IS 'Gives up where a default account that selling needs is not set.';

CREATE OR REPLACE FUNCTION provision.plan_chart_of_accounts(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    company text := provision.setting(job, 'company_name');
BEGIN
    PERFORM provision.check_accounts(job);
    RETURN NEXT provision.look('look default accounts', provision.method_path('frappe.client.get_value', jsonb_build_object(
            'doctype', 'Company', 'filters', jsonb_build_object('name', company),
            'fieldname', (SELECT jsonb_agg(field) FROM provision.account_fields()))),
        (SELECT jsonb_object_agg(fact, '$.message.' || field) FROM provision.account_fields()));
    RETURN NEXT provision.look('count accounts', provision.method_path('frappe.client.get_count', jsonb_build_object(
            'doctype', 'Account', 'filters', jsonb_build_object('company', company))), '{"account_count": "$.message"}');
    RETURN QUERY SELECT * FROM provision.plan_bank_account(job, company);
    RETURN QUERY SELECT call.*
                   FROM provision.setting_list(job, 'payment_methods') AS method,
                        LATERAL provision.plan_payment_method(job, company, method) AS call;
END;
$$;
COMMENT ON FUNCTION provision.plan_chart_of_accounts(jsonb)
    IS 'Step 3 of tenant_setup: the default accounts of the company are complete and known, each payment method has its account.';

CREATE OR REPLACE FUNCTION provision.takes_bank_payments(job jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN EXISTS (SELECT FROM provision.setting_list(job, 'payment_methods') AS method WHERE lower(method) <> 'cash');
COMMENT ON FUNCTION provision.takes_bank_payments(jsonb) IS 'Whether the tenant is paid in other ways than cash.';

-- ERPNext gives a company a cash account but no bank account; other methods than cash need one.
CREATE OR REPLACE FUNCTION provision.plan_bank_account(job jsonb, company text)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    look constant text := 'look bank accounts';
    has_default boolean := CASE WHEN provision.answered(job, 'look default accounts')
                                THEN coalesce(provision.answer_value(job, 'look default accounts') ->> 'default_bank_account', '') <> '' END;
    parent text;
BEGIN
    IF NOT provision.takes_bank_payments(job) THEN
        RETURN;
    END IF;
    SELECT account ->> 'name' INTO parent FROM provision.answer_rows(job, look) AS account WHERE account ->> 'is_group' = '1' LIMIT 1;
    RETURN NEXT provision.look_list(look, 'Account',
        jsonb_build_array(jsonb_build_array('company', '=', company), jsonb_build_array('account_type', '=', 'Bank')),
        '["name", "is_group"]', '{"bank_account": "$.*[*] ? (@.is_group == 0).name"}', NOT has_default);
    RETURN NEXT provision.create_document('create bank account', 'Account',
        jsonb_build_object('account_name', 'Bank', 'account_type', 'Bank', 'company', company, 'parent_account', coalesce(parent, '{?bank_accounts}')),
        CASE WHEN has_default THEN false
             WHEN provision.answered(job, look) THEN parent IS NOT NULL AND NOT provision.listed(job, look, 'is_group', '0') END,
        look, '{"bank_account": "$.data.name"}', creates => '{"goes_with": "Company"}');
END;
$$;
COMMENT ON FUNCTION provision.plan_bank_account(jsonb, text) IS 'The company''s bank account, found by its type or made under the chart''s group of bank accounts.';

-- The table of accounts is shared by all companies of the site and replaced as a whole: rows that were read are written back, and
-- "modified" makes ERPNext refuse them when another company got its row in between; then all is read again. Thousands of rows on a large site: the whole is
-- read only where our row is missing. "parent" gives users other than Administrator the right to list rows of a table.
CREATE OR REPLACE FUNCTION provision.plan_payment_method(job jsonb, company text, method text)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    look text := 'look account of ' || method;
    read text := 'read payment method ' || method;
    document jsonb := provision.answer_value(job, read);
    change provision.call;
BEGIN
    IF provision.answered(job, read) AND document IS NULL THEN
        PERFORM provision.give_up('PAYMENT_METHOD_MISSING', method);
    END IF;
    RETURN NEXT provision.look(look, provision.method_path('frappe.client.get_list', jsonb_build_object(
        'doctype', 'Mode of Payment Account', 'parent', 'Mode of Payment', 'fields', '["default_account"]'::jsonb,
        'filters', jsonb_build_object('parent', method, 'company', company), 'limit_page_length', 1)));
    RETURN NEXT provision.look(read, provision.document_path('Mode of Payment', method), wanted => NOT provision.found(job, look));
    change := provision.change_document('add account to ' || method, 'Mode of Payment', method,
        jsonb_strip_nulls(jsonb_build_object('modified', document -> 'modified', 'accounts',
            provision.payment_accounts(document) || jsonb_build_object('company', company,
                'default_account', provision.payment_account(job, method, document)))),
        NOT provision.found(job, look) AND CASE WHEN provision.answered(job, read)
            THEN NOT coalesce(document -> 'accounts' @> jsonb_build_array(jsonb_build_object('company', company)), false) END,
        read);
    change.creates := provision.payment_row(company);
    RETURN NEXT change;
END;
$$;
COMMENT ON FUNCTION provision.plan_payment_method(jsonb, text, text) IS 'A payment method''s account for the company, added to those of the other companies.';

-- Before, the document that is read has no row of the company; afterwards it has: then the row is ours.
CREATE OR REPLACE FUNCTION provision.payment_row(company text)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('kind', 'Mode of Payment Account', 'goes_with', 'Company', 'name', '$.data.name',
                              'look', format('$.data.accounts[*] ? (@.company == %s).parent', to_jsonb(company)));
COMMENT ON FUNCTION provision.payment_row(text) IS 'What the account of a company is that was added to a Mode of Payment: a row named after the method, which goes when the company does.';

CREATE OR REPLACE FUNCTION provision.payment_accounts(document jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', account -> 'name', 'company', account -> 'company',
                                                 'default_account', account -> 'default_account') ORDER BY place), '[]')
      FROM jsonb_array_elements(coalesce(document -> 'accounts', '[]')) WITH ORDINALITY AS known (account, place);
END;
COMMENT ON FUNCTION provision.payment_accounts(jsonb) IS 'The rows of a Mode of Payment as they are written back.';

CREATE OR REPLACE FUNCTION provision.payment_account(job jsonb, method text, document jsonb)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN coalesce(document ->> 'type', CASE lower(method) WHEN 'cash' THEN 'Cash' END) = 'Cash'
                     OR (provision.answered(job, 'look bank accounts') AND NOT provision.found(job, 'look bank accounts'))
                THEN provision.fact(job, 'cash_account')
                ELSE coalesce(job -> 'facts' ->> 'default_bank_account', provision.fact(job, 'bank_account')) END;
COMMENT ON FUNCTION provision.payment_account(jsonb, text, jsonb)
    IS 'Where the money of a payment method goes: cash to the cash account, the rest to the bank; to cash where the chart knows no bank.';
