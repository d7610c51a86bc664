-- tenant_setup, steps 9 and 10: the session of the point of sale, and the proof that it is ready.

-- Step 9 ----------------------------------------------------------------------------------------------------------------

-- Frappe's own default where a site has no time zone yet. PostgreSQL may not know a zone that the site knows.
CREATE OR REPLACE FUNCTION provision.site_now(job jsonb)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF provision.optional_fact(job, 'site_time_zone') = '{?site_time_zone}' THEN
        RETURN '{?site_time_zone}';
    END IF;
    RETURN to_char(now() AT TIME ZONE coalesce(job -> 'facts' ->> 'site_time_zone', 'Asia/Kolkata'), 'YYYY-MM-DD HH24:MI:SS');
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN to_char(now() AT TIME ZONE coalesce(provision.setting(job, 'time_zone'), 'UTC'), 'YYYY-MM-DD HH24:MI:SS');
END;
$$;
COMMENT ON FUNCTION provision.site_now(jsonb) IS 'Now, as the site writes it: in its time zone, without offset.';

-- The settings' opening amount lies in the first drawer; the others begin empty.
CREATE OR REPLACE FUNCTION provision.opening_balances(job jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_agg(jsonb_build_object('mode_of_payment', method,
                                        'opening_amount', CASE place WHEN 1 THEN coalesce(provision.setting_json(job, 'opening_amount'), '0') ELSE '0' END)
                     ORDER BY place)
      FROM jsonb_array_elements_text(provision.setting_json(job, 'payment_methods')) WITH ORDINALITY AS wanted (method, place);
END;
COMMENT ON FUNCTION provision.opening_balances(jsonb) IS 'What is in the till when the session opens, for each payment method.';

-- Nothing on the server prevents a second open session. An open one, whoever opened it, is what we want; a draft with a key of ours
-- was left by something that stopped half way, and is submitted; a draft without is somebody's work.
CREATE OR REPLACE FUNCTION provision.plan_pos_session(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    profile text := provision.fact(job, 'pos_profile');
    is_open boolean := CASE WHEN provision.answered(job, 'look sessions')
                            THEN EXISTS (SELECT FROM provision.answer_rows(job, 'look sessions') AS session
                                          WHERE session @> '{"status": "Open", "docstatus": 1}') END;
    draft text := (SELECT min(session ->> 'name')
                     FROM provision.answer_rows(job, 'look sessions') AS session
                    WHERE session ->> 'docstatus' = '0' AND starts_with(session ->> 'provision_key', provision.provision_key(job, '')));
    has_draft boolean := CASE WHEN provision.answered(job, 'look sessions') THEN draft IS NOT NULL END;
BEGIN
    RETURN NEXT provision.look_list('look sessions', 'POS Opening Entry',
        jsonb_build_array(jsonb_build_array('pos_profile', '=', profile), jsonb_build_array('status', 'in', '["Open", "Draft"]'::jsonb)),
        '["name", "status", "docstatus", "user", "provision_key"]',
        '{"pos_session": "$.*[*] ? (@.status == \"Open\" && @.docstatus == 1).name"}');
    RETURN NEXT provision.change_document('submit draft session', 'POS Opening Entry', coalesce(draft, '{?draft_session}'), '{"docstatus": 1}',
        NOT is_open AND has_draft, 'look sessions', '{"pos_session": "$.data.name"}');
    RETURN NEXT provision.create_document('open session', 'POS Opening Entry', jsonb_build_object(
            'company', provision.setting(job, 'company_name'), 'pos_profile', profile, 'user', provision.pos_user(job),
            'period_start_date', provision.site_now(job), 'balance_details', provision.opening_balances(job), 'docstatus', 1,
            'provision_key', provision.provision_key(job, coalesce(job ->> 'job_id', '{?job_id}') || '/session')),
        NOT is_open AND NOT has_draft, 'look sessions', '{"pos_session": "$.data.name"}');
END;
$$;
COMMENT ON FUNCTION provision.plan_pos_session(jsonb) IS 'Step 9 of tenant_setup: one open session of the point of sale.';

-- Step 10 ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.check_readiness(job jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF provision.same(job, 'read company', '{"round_off_account": null}') THEN
        PERFORM provision.give_up('COMPANY_HALF_MADE', provision.setting(job, 'company_name'));
    END IF;
    IF NOT provision.found(job, 'read pos profile') OR provision.answer_value(job, 'read pos profile') ->> 'disabled' = '1' THEN
        PERFORM provision.give_up('POS_PROFILE_DISABLED', provision.fact(job, 'pos_profile'));
    END IF;
    IF NOT provision.found(job, 'count open sessions') THEN
        PERFORM provision.give_up('SESSION_MISSING', provision.fact(job, 'pos_profile'));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.check_readiness(jsonb) IS 'Gives up where the point of sale could not sell.';

CREATE OR REPLACE FUNCTION provision.plan_post_sale_updates(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    company text := provision.setting(job, 'company_name');
BEGIN
    PERFORM provision.check_readiness(job);
    RETURN NEXT provision.look('read company', provision.method_path('frappe.client.get_value', jsonb_build_object('doctype', 'Company',
        'filters', jsonb_build_object('name', company), 'fieldname', '["name", "round_off_account", "default_bank_account"]'::jsonb)));
    RETURN NEXT provision.look('read pos profile', provision.document_path('POS Profile', provision.fact(job, 'pos_profile')),
        '{"pos_warehouse": "$.data.warehouse", "pos_customer": "$.data.customer", "price_list": "$.data.selling_price_list"}');
    RETURN NEXT provision.look('count open sessions', provision.method_path('frappe.client.get_count', jsonb_build_object(
        'doctype', 'POS Opening Entry',
        'filters', jsonb_build_object('pos_profile', provision.fact(job, 'pos_profile'), 'status', 'Open', 'docstatus', 1))),
        '{"open_sessions": "$.message"}');
    RETURN QUERY SELECT * FROM provision.plan_company_bank(job, company);
    RETURN NEXT provision.look('count stocked items', provision.method_path('frappe.client.get_count', jsonb_build_object(
        'doctype', 'Bin',
        'filters', jsonb_build_array(jsonb_build_array('warehouse', '=', provision.fact(job, 'pos_warehouse')), '["actual_qty", ">", 0]'::jsonb))),
        '{"stocked_items": "$.message"}');
END;
$$;
COMMENT ON FUNCTION provision.plan_post_sale_updates(jsonb) IS 'Step 10 of tenant_setup: proof by reading that the point of sale is ready; what it can sell is learnt last.';

-- The account that step 3 found or made behind the payment methods, unless a person chose one.
CREATE OR REPLACE FUNCTION provision.plan_company_bank(job jsonb, company text)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF provision.optional_fact(job, 'bank_account') IS NULL OR NOT provision.takes_bank_payments(job) THEN
        RETURN;
    END IF;
    RETURN NEXT provision.change_document('set bank account', 'Company', company,
        jsonb_build_object('default_bank_account', provision.optional_fact(job, 'bank_account')),
        provision.same(job, 'read company', '{"default_bank_account": null}'), 'read company');
END;
$$;
COMMENT ON FUNCTION provision.plan_company_bank(jsonb, text) IS 'The company''s default bank account, where its payment methods need one and it has none.';
