-- tenant_setup, the way back: what its steps' undo functions know beside provision.plan_undo_documents.

-- Steps 1 --------------------------------------------------------------------------------------------------------------

-- A key of ours in a document of somebody else, perhaps of another database: then the field stays.
CREATE OR REPLACE FUNCTION provision.look_key_in_use(doctype text)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.look_list('look who uses the key of ' || doctype, doctype, '[["provision_key", "is", "set"]]', max_rows => 1);
COMMENT ON FUNCTION provision.look_key_in_use(text) IS 'A call that looks whether any document carries a key.';

CREATE OR REPLACE FUNCTION provision.undo_platform_setup(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keyed record;
    in_use boolean;
    call provision.call;
BEGIN
    FOR keyed IN SELECT known.doctype, 'remove Custom Field ' || known.doctype || '-provision_key' AS removal FROM provision.keyed_doctypes() AS known LOOP
        IF EXISTS (SELECT FROM provision.documents_to_undo(job) AS document
                    WHERE document.kind = 'Custom Field' AND document.name = keyed.doctype || '-provision_key') THEN
            RETURN NEXT provision.look_key_in_use(keyed.doctype);
        END IF;
    END LOOP;
    FOR call IN SELECT * FROM provision.plan_undo_documents(job) LOOP
        SELECT known.doctype INTO keyed FROM provision.keyed_doctypes() AS known
         WHERE call.name = 'remove Custom Field ' || known.doctype || '-provision_key';
        IF FOUND THEN
            call.wanted := call.wanted AND NOT provision.found(job, 'look who uses the key of ' || keyed.doctype);
        END IF;
        RETURN NEXT call;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.undo_platform_setup(jsonb)
    IS 'Undo of step 1 of tenant_setup: removes the fixtures it made, unless other tenants share the site, or somebody uses them.';

-- Step 2 ----------------------------------------------------------------------------------------------------------------

-- ERPNext deletes the default company of a site without a word; whoever made it the default meant it to stay.
CREATE OR REPLACE FUNCTION provision.undo_company(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    standard text := provision.answer_value(job, 'look default company') ->> 'default_company';
BEGIN
    IF EXISTS (SELECT FROM provision.documents_to_undo(job) AS document WHERE document.kind = 'Company' AND lower(document.name) = lower(standard)) THEN
        PERFORM provision.give_up('ROLLBACK_INCOMPLETE', format('Company "%s": it is the default company of the site', standard));
    END IF;
    RETURN NEXT provision.look('look default company', provision.document_path('Global Defaults', 'Global Defaults'));
    RETURN QUERY SELECT * FROM provision.plan_undo_documents(job);
END;
$$;
COMMENT ON FUNCTION provision.undo_company(jsonb)
    IS 'Undo of step 2 of tenant_setup: deletes the company, with which its accounts, warehouses and rows of payment methods go; never the default company of the site.';

-- Step 3 ----------------------------------------------------------------------------------------------------------------

-- Rows in tables of shared documents are not documents; they are taken out again by writing the others back. Where the company itself is
-- ours they go with it, and nothing is asked.
CREATE OR REPLACE FUNCTION provision.undo_chart_of_accounts(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rows_of text[] := ARRAY(SELECT document.name FROM provision.documents_to_undo(job) AS document
                             WHERE document.kind = 'Mode of Payment Account' ORDER BY document.place);
    of_documents jsonb := jsonb_set(job, '{created}', (SELECT coalesce(jsonb_agg(made ORDER BY place), '[]')
                                                         FROM jsonb_array_elements(job -> 'created') WITH ORDINALITY AS list (made, place)
                                                        WHERE made ->> 'kind' <> 'Mode of Payment Account'));
    method text;
BEGIN
    RETURN QUERY SELECT * FROM provision.plan_finding(job) AS finding
                  WHERE finding.name IN (SELECT provision.finding_call(made.creation_id, made.call) FROM provision.created(job) AS made
                                          WHERE made.kind = 'Mode of Payment Account');
    FOREACH method IN ARRAY rows_of LOOP
        RETURN QUERY SELECT * FROM provision.undo_payment_row(job, provision.setting(job, 'company_name'), method);
    END LOOP;
    RETURN QUERY SELECT * FROM provision.plan_undo_documents(of_documents);
END;
$$;
COMMENT ON FUNCTION provision.undo_chart_of_accounts(jsonb) IS 'Undo of step 3 of tenant_setup: the bank account and the rows of payment methods that it added to a company it did not make.';

CREATE OR REPLACE FUNCTION provision.undo_payment_row(job jsonb, company text, method text)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    read text := 'read payment method ' || method;
    document jsonb := provision.answer_value(job, read);
BEGIN
    RETURN NEXT provision.look(read, provision.document_path('Mode of Payment', method));
    RETURN NEXT provision.change_document('take account from ' || method, 'Mode of Payment', method,
        jsonb_strip_nulls(jsonb_build_object('modified', document -> 'modified', 'accounts',
            (SELECT coalesce(jsonb_agg(kept ORDER BY place), '[]')
               FROM jsonb_array_elements(provision.payment_accounts(document)) WITH ORDINALITY AS list (kept, place)
              WHERE kept ->> 'company' IS DISTINCT FROM undo_payment_row.company))),
        CASE WHEN provision.answered(job, read)
             THEN coalesce(document -> 'accounts' @> jsonb_build_array(jsonb_build_object('company', company)), false) END,
        read);
END;
$$;
COMMENT ON FUNCTION provision.undo_payment_row(jsonb, text, text) IS 'Takes the company''s account out of a payment method; the rows of other companies are written back as they were read.';

-- Step 6 ----------------------------------------------------------------------------------------------------------------

-- What was posted to a ledger stays there: ERPNext deletes neither a cancelled Stock Entry nor its items nor their company. Its way out
-- removes every transaction of a company, so it is taken only where the job made the company and nobody else has posted or sold anything.
CREATE OR REPLACE FUNCTION provision.undo_items(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    entries text[] := ARRAY(SELECT document.name FROM provision.documents_to_undo(job) AS document WHERE document.kind = 'Stock Entry');
BEGIN
    IF entries <> '{}' AND job -> 'made' ? 'Company' THEN
        RETURN QUERY SELECT * FROM provision.plan_ledger_removal(job, provision.setting(job, 'company_name'), entries);
    END IF;
    RETURN QUERY SELECT * FROM provision.plan_undo_documents(job);
END;
$$;
COMMENT ON FUNCTION provision.undo_items(jsonb) IS 'Undo of step 6 of tenant_setup: opening stock with its ledger rows, prices, items and price list.';

CREATE OR REPLACE FUNCTION provision.plan_ledger_removal(job jsonb, company text, entries text[])
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_company jsonb := jsonb_build_array(jsonb_build_array('company', '=', company));
    present boolean := provision.found(job, 'look for opening stock');
    is_unused boolean := present AND NOT provision.found(job, 'look for other postings') AND NOT provision.found(job, 'look for invoices')
                         AND NOT provision.found(job, 'look for sales invoices');
BEGIN
    IF NOT is_unused AND present THEN
        PERFORM provision.give_up('ROLLBACK_INCOMPLETE', format('Stock Entry "%s": others have posted or sold in the company since', entries[1]));
    END IF;
    RETURN NEXT provision.look_list('look for opening stock', 'Stock Entry', jsonb_build_array(jsonb_build_array('name', 'in', to_jsonb(entries))));
    RETURN NEXT provision.look_list('look for other postings', 'GL Entry',
        of_company || jsonb_build_array(jsonb_build_array('voucher_no', 'not in', to_jsonb(entries))), wanted => present, max_rows => 1);
    RETURN NEXT provision.look_list('look for invoices', 'POS Invoice', of_company, wanted => present, max_rows => 1);
    RETURN NEXT provision.look_list('look for sales invoices', 'Sales Invoice', of_company, wanted => present, max_rows => 1);
    RETURN QUERY SELECT * FROM provision.plan_deletion_record(job, company, is_unused);
END;
$$;
COMMENT ON FUNCTION provision.plan_ledger_removal(jsonb, text, text[]) IS 'Removes the ledger rows of opening stock where nothing else was ever posted in the company. Gives up where something was.';

-- Its work is a background job on the server, which is waited for. A record that an earlier try left is taken up again.
CREATE OR REPLACE FUNCTION provision.plan_deletion_record(job jsonb, company text, needed boolean)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind constant text := 'Transaction Deletion Record';
    open_record jsonb := (SELECT record FROM provision.answer_rows(job, 'look for deletion record') AS record WHERE record ->> 'status' <> 'Completed' LIMIT 1);
    is_open boolean := CASE WHEN provision.answered(job, 'look for deletion record') THEN open_record IS NOT NULL END;
    name text := coalesce(open_record ->> 'name', provision.answer_value(job, 'create deletion record') ->> 'name', '{?deletion_record}');
    status text := provision.answer_value(job, 'await deletion') ->> 'status';
    create_record provision.call := provision.create_document('create deletion record', kind, jsonb_build_object('company', company, 'docstatus', 1),
                                                              needed AND NOT is_open, 'look for deletion record');
BEGIN
    IF status = 'Failed' THEN
        PERFORM provision.give_up('ROLLBACK_INCOMPLETE', format('%s "%s": it failed', kind, name));
    ELSIF status <> 'Completed' THEN
        PERFORM provision.ask_again('await deletion');
    END IF;
    RETURN NEXT provision.look_list('look for deletion record', kind, jsonb_build_array(jsonb_build_array('company', '=', company), '["docstatus", "=", 1]'::jsonb),
        '["name", "status"]', wanted => needed, order_by => 'creation desc');
    create_record.creates := NULL;          -- it goes again below
    RETURN NEXT create_record;
    RETURN NEXT provision.may_be_refused(ROW('start deletion', 'POST', provision.document_path(kind, name), '{"run_method": "start_deletion_tasks"}',
        needed AND NOT coalesce(open_record ->> 'status' = 'Running', false), NULL, true, 'settings', NULL, NULL, NULL, NULL, NULL)::provision.call);
    RETURN NEXT provision.look('await deletion', provision.document_path(kind, name), wanted => needed);
    RETURN NEXT provision.may_be_refused(provision.change_document('cancel deletion record', kind, name, '{"docstatus": 2}', needed, 'await deletion'));
    RETURN NEXT provision.may_be_refused(provision.remove_document('remove deletion record', kind, name, needed));
END;
$$;
COMMENT ON FUNCTION provision.plan_deletion_record(jsonb, text, boolean) IS 'Lets ERPNext remove all transactions of a company, waits for it, and removes the record of it where ERPNext allows that.';
