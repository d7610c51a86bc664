-- The role of plan functions, and all that it may do. Whoever writes a workflow has these functions run by the worker, which is a superuser:
-- they run as provision_planner (src/planner.c), which may call the functions below and has no other right in this schema.

-- None of them reads a table; run_plan() runs another plan with the same rights. What a plan function of yours calls or reads beyond these is for you to grant.
CREATE OR REPLACE FUNCTION provision.planner_functions()
    RETURNS text[]
    LANGUAGE sql IMMUTABLE
    RETURN '{
        setting, setting_json, setting_list, fact, fact_known, optional_fact,
        answered, answer, answer_value, answer_rows, found, listed, difference, same,
        document_path, list_path, method_path, url_encode, parse_json,
        look, look_list, create_document, change_document, remove_document, ensure_document, may_be_refused, with_auth, with_seals, seals_are_valid,
        ask_again, give_up, wait_for_signal,

        remote_key, job_key, bench_path, site_path, agent_look, named_secret, remote_number, wait_for_job, submit_job, remote_end,
        give_up_unless_done, is_to_be_cancelled, cancel_overdue, cancel_job, never_began, submission_end, plan_submission, plan_withdrawal,
        plan_agent_check, site_is_ours, archive_body, look_for_site, site_found, look_for_earlier_jobs, wait_for_left_jobs, give_up_unless_ours, give_up_if_still_there, plan_archive,
        new_site_body, check_site_name, new_site_problem, reserved_subdomains, is_reserved_site, is_host_name,
        earlier_site_job, plan_new_site, plan_site, plan_site_answers, undo_site, plan_site_removal, plan_backup, keep_backups, plan_credentials,
        plan_cancellation, upstream_path, plan_proxy_site, plan_proxy_removal, undo_proxy_site,
        plan_site_session, api_user, by_session, try_credentials, roles_to_give, plan_api_user, generate_keys, plan_keys, plan_site_keys,

        plan_of_kind, cloud_call, cloud_look, cloud_list, cloud_change, cloud_wait, cloud_site_name, look_at_cloud_site, wait_for_cloud_site, cloud_status, cloud_may_change,
        cloud_site_is_ours, give_up_unless_cloud_site_is_ours, look_for_cloud_name,
        look_for_cloud_jobs, wait_for_cloud_job, cloud_jobs_at_work, give_up_on_cloud_job, plan_cloud_work, plan_cloud_reason,
        plan_cloud_check, plan_cloud_archive, new_cloud_site_body, own_cloud_deploy, plan_new_cloud_site, give_up_on_idle_cloud_site,
        plan_cloud_site, plan_cloud_answers, plan_cloud_session, undo_cloud_site, plan_cloud_removal, row_since, conclude_cloud_backup, plan_cloud_backup,

        plan_undo_documents, plan_finding, plan_removal, judge_undo, undo_results, undo_label,
        created, is_to_be_undone, finding_call, documents_to_undo, names_in,
        refusal, frappe_message, server_messages, plain_text, decode_entities,

        plan_engine_check, check_versions, check_roles, required_roles, look_time_zone,
        plan_platform_setup, plan_wizard, wizard_arguments, plan_tree, of_the_site, tenant_today, fiscal_year_start,
        plan_stock_fixtures, plan_first_price_list, plan_money_fixtures, plan_fiscal_year, fiscal_year_name,
        plan_own_keys, keyed_doctypes, plan_global_defaults, demo_items, units_needed,
        plan_company, check_company, company_facts, is_half_made, plan_company_repair,
        plan_chart_of_accounts, check_accounts, account_fields, plan_bank_account, takes_bank_payments,
        plan_payment_method, payment_account, payment_accounts, payment_row,
        plan_warehouses, look_warehouses, warehouse_row, warehouse_facts, plan_settings, plan_single,
        plan_items, tenant_items, item_document, plan_batches, create_batch, plan_opening_stock, provision_key,
        ensure_price_list, price_list_name, plan_customer, customer_name, is_extra_customer, plan_extra_customer,
        plan_pos_profile, check_pos_profile, pos_profile_document, pos_profile_name, pos_payments, pos_payment_missing, pos_user, pos_warehouse,
        plan_pos_session, opening_balances, site_now, plan_post_sale_updates, check_readiness, plan_company_bank,
        undo_platform_setup, look_key_in_use, undo_company, undo_chart_of_accounts, undo_payment_row,
        undo_items, plan_ledger_removal, plan_deletion_record,

        conclude, only_looks, run_plan, planned_calls, possible_calls, would_create,
        plan_verify, looks_and_changes, all_answered, await_answers, refused_looks, drift, builds_on_drift,
        plan_preflight, plan_permissions, rights_needed, calls_of_workflow, rights_of_call, document_rights, url_decode,
        ask_right, is_allowed, early_plans, plan_site_check, plan_roles_check, plan_seller_check, version_problems,
        right_problems, preflight_code, preflight_detail
    }'::text[];
COMMENT ON FUNCTION provision.planner_functions() IS 'Names of the functions in schema provision that plan functions may call.';

-- What src/planner.c looks at before each plan.
CREATE OR REPLACE FUNCTION provision.planner_problem()
    RETURNS TABLE (detail text, fix text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'Plan functions run as role "provision_planner", which ' || CASE
               WHEN role.oid IS NULL THEN 'does not exist.'
               WHEN role.rolsuper THEN 'is a superuser.'
               ELSE 'has no right to use schema provision.' END,
           CASE WHEN role.rolsuper THEN 'ALTER ROLE provision_planner NOSUPERUSER;' ELSE 'SELECT provision.prepare_planner();' END
      FROM (SELECT) AS one
      LEFT JOIN pg_roles AS role ON role.rolname = 'provision_planner'
     WHERE role.oid IS NULL
        OR role.rolsuper
        OR NOT has_schema_privilege(role.oid, 'provision', 'USAGE');
END;
COMMENT ON FUNCTION provision.planner_problem() IS 'Why no plan function can run, and what to do; no row when they can.';

CREATE OR REPLACE FUNCTION provision.planner_attributes()
    RETURNS TABLE (detail text, fix text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT format('It has the attribute %s.', attribute.name), format('ALTER ROLE provision_planner NO%s;', attribute.name)
      FROM pg_roles AS role
     CROSS JOIN LATERAL (VALUES ('SUPERUSER', role.rolsuper), ('LOGIN', role.rolcanlogin), ('CREATEDB', role.rolcreatedb), ('CREATEROLE', role.rolcreaterole),
                                ('REPLICATION', role.rolreplication), ('BYPASSRLS', role.rolbypassrls)) AS attribute (name, is_set)
     WHERE role.rolname = 'provision_planner'
       AND attribute.is_set
    UNION ALL
    SELECT format('It is a member of role "%s".', pg_get_userbyid(membership.roleid)), format('REVOKE %I FROM provision_planner;', pg_get_userbyid(membership.roleid))
      FROM pg_auth_members AS membership
     WHERE pg_get_userbyid(membership.member) = 'provision_planner';
END;
COMMENT ON FUNCTION provision.planner_attributes() IS 'What the role provision_planner is beyond a name for rights, and the statement that ends it.';

-- A role is shared by the databases of a server, so another one may have made it: under this name nobody expects one that can do more.
CREATE OR REPLACE FUNCTION provision.require_planner_role()
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    attributes record;
BEGIN
    BEGIN
        CREATE ROLE provision_planner;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    SELECT string_agg(found.detail, ' ') AS detail, string_agg(found.fix, ' ') AS fix INTO attributes FROM provision.planner_attributes() AS found;
    IF attributes.detail IS NOT NULL THEN
        RAISE EXCEPTION 'role "provision_planner" exists and is not fit to run plan functions'
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = attributes.detail,
                  HINT = format('If it was made for something else, rename it: ALTER ROLE provision_planner RENAME TO ...; otherwise: %s', attributes.fix);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.require_planner_role() IS 'Makes the role provision_planner unless it exists. Error: 55000 it exists with attributes or memberships.';

CREATE OR REPLACE FUNCTION provision.planner_grants()
    RETURNS TABLE (object text, kind text, privilege text, is_meant boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT pg_proc.oid::regprocedure::text, 'ROUTINE', acl.privilege_type, pg_proc.proname = ANY (provision.planner_functions()) AND NOT acl.is_grantable
      FROM pg_proc
     CROSS JOIN LATERAL aclexplode(pg_proc.proacl) AS acl
     WHERE pg_proc.pronamespace = 'provision'::regnamespace
       AND pg_get_userbyid(acl.grantee) = 'provision_planner'
    UNION ALL
    SELECT pg_class.oid::regclass::text, CASE pg_class.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, acl.privilege_type, false
      FROM pg_class
     CROSS JOIN LATERAL (SELECT * FROM aclexplode(pg_class.relacl)
                         UNION ALL
                         SELECT column_acl.* FROM pg_attribute, aclexplode(pg_attribute.attacl) AS column_acl WHERE pg_attribute.attrelid = pg_class.oid) AS acl
     WHERE pg_class.relnamespace = 'provision'::regnamespace
       AND pg_get_userbyid(acl.grantee) = 'provision_planner'
    UNION ALL
    SELECT 'provision', 'SCHEMA', acl.privilege_type, acl.privilege_type = 'USAGE' AND NOT acl.is_grantable
      FROM pg_namespace
     CROSS JOIN LATERAL aclexplode(pg_namespace.nspacl) AS acl
     WHERE pg_namespace.oid = 'provision'::regnamespace
       AND pg_get_userbyid(acl.grantee) = 'provision_planner';
END;
COMMENT ON FUNCTION provision.planner_grants() IS 'What the role provision_planner was granted in schema provision. is_meant: it belongs to what planner_functions() lists.';

CREATE OR REPLACE FUNCTION provision.prepare_planner()
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    surplus record;
    functions text;
BEGIN
    PERFORM provision.require_planner_role();
    FOR surplus IN SELECT DISTINCT granted.kind, granted.object FROM provision.planner_grants() AS granted WHERE NOT granted.is_meant LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM provision_planner CASCADE', surplus.kind, surplus.object);     -- names come quoted
    END LOOP;
    SELECT string_agg(pg_proc.oid::regprocedure::text, ', ') INTO functions
      FROM pg_proc
     WHERE pg_proc.pronamespace = 'provision'::regnamespace
       AND pg_proc.proname = ANY (provision.planner_functions());
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO provision_planner', functions);
    GRANT USAGE ON SCHEMA provision TO provision_planner;
END;
$$;
COMMENT ON FUNCTION provision.prepare_planner() IS
    'Makes the role provision_planner unless it exists, and gives it exactly the rights that plan functions need in schema provision. Done by CREATE EXTENSION; again when the role was dropped. Error: 55000 the role exists with attributes or memberships.';
