-- tenant_setup, steps 0 and 1: the server, and what every company needs on its site.

-- Step 0 ----------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.required_roles()
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['System Manager', 'Accounts Manager', 'Accounts User', 'Stock Manager', 'Stock User', 'Item Manager',
                 'Sales Manager', 'Sales User', 'Sales Master Manager'];
COMMENT ON FUNCTION provision.required_roles() IS 'Roles with which every call of tenant_setup was allowed; System Manager alone is refused by half of them.';

-- The two are released together; a site may have one of them upgraded alone.
CREATE OR REPLACE FUNCTION provision.version_problems(versions jsonb)
    RETURNS TABLE (code text, detail text)
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT 'ERPNEXT_MISSING',
           (SELECT string_agg(app, ', ' ORDER BY app) FROM jsonb_object_keys(CASE jsonb_typeof(versions) WHEN 'object' THEN versions ELSE '{}' END) AS app)
     WHERE versions #>> '{erpnext,version}' IS NULL
     UNION ALL
    SELECT 'VERSION_UNSUPPORTED', app || ' ' || left(version, 100)
      FROM (VALUES ('erpnext', versions #>> '{erpnext,version}'), ('frappe', versions #>> '{frappe,version}')) AS installed (app, version)
     WHERE version IS NOT NULL
       AND coalesce(substring(version FROM '^v?([0-9]{1,4})\.')::integer, 0) NOT BETWEEN 14 AND 16;
END;
COMMENT ON FUNCTION provision.version_problems(jsonb) IS 'What is wrong with the versions that a site reports: ERPNext is not there, or it or Frappe is not of 14 to 16.';

CREATE OR REPLACE FUNCTION provision.check_versions(job jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.give_up(problem.code, problem.detail)
       FROM provision.version_problems(provision.answer_value(job, 'versions')) AS problem
      WHERE provision.answered(job, 'versions');
END;
$$;
COMMENT ON FUNCTION provision.check_versions(jsonb) IS 'Gives up unless ERPNext 14 to 16 is installed on the site.';

CREATE OR REPLACE FUNCTION provision.check_roles(job jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing text;
BEGIN
    IF NOT provision.answered(job, 'roles') OR provision.answer_value(job, 'roles') ? 'Administrator' THEN
        RETURN;
    END IF;
    SELECT string_agg(role, ', ' ORDER BY role) INTO missing
      FROM unnest(provision.required_roles()) AS role
     WHERE NOT coalesce(provision.answer_value(job, 'roles') ? role, false);
    IF missing IS NOT NULL THEN
        PERFORM provision.give_up('ROLES_MISSING', missing);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.check_roles(jsonb) IS 'Gives up with the names of the roles that the API user lacks.';

-- The last call of a step is never judged (its success ends the step), so what needs no judgement comes last.
CREATE OR REPLACE FUNCTION provision.plan_engine_check(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.check_versions(job);
    PERFORM provision.check_roles(job);
    RETURN NEXT provision.look('ping', provision.method_path('ping'));
    RETURN NEXT provision.look('user', provision.method_path('frappe.auth.get_logged_user'), '{"api_user": "$.message"}');
    RETURN NEXT provision.look('versions', provision.method_path('frappe.utils.change_log.get_versions'),
        '{"frappe_version": "$.message.frappe.version", "erpnext_version": "$.message.erpnext.version"}');
    RETURN NEXT provision.look('roles', provision.method_path('frappe.core.doctype.user.user.get_roles',
        jsonb_build_object('uid', provision.fact(job, 'api_user'))));
    RETURN NEXT provision.look_time_zone();
END;
$$;
COMMENT ON FUNCTION provision.plan_engine_check(jsonb) IS 'Step 0 of tenant_setup: is the server there, are the credentials right, is it ERPNext, may we do what we shall.';

-- Times travel without offset, in the site's time zone.
CREATE OR REPLACE FUNCTION provision.look_time_zone(name text DEFAULT 'time zone', wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN provision.look(name, provision.method_path('frappe.client.get_single_value', '{"doctype": "System Settings", "field": "time_zone"}'),
                          '{"site_time_zone": "$.message"}', wanted);
COMMENT ON FUNCTION provision.look_time_zone(text, boolean) IS 'A call that learns the site''s time zone.';

-- Fixtures belong to all tenants of a site: a rollback removes them only when nobody else uses them.
CREATE OR REPLACE FUNCTION provision.of_the_site()
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '{"scope": "site"}'::jsonb;
COMMENT ON FUNCTION provision.of_the_site() IS 'What a call creates is shared by the tenants of the site; see provision.call.creates.';

-- Step 1 ----------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.plan_platform_setup(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM provision.plan_wizard(job);
    RETURN QUERY SELECT * FROM provision.plan_stock_fixtures(job);
    RETURN QUERY SELECT * FROM provision.plan_tree(job, 'Item Group', 'item_group', 'All Item Groups', 'Products');
    RETURN QUERY SELECT * FROM provision.plan_tree(job, 'Customer Group', 'customer_group', 'All Customer Groups', 'Individual');
    RETURN QUERY SELECT * FROM provision.plan_tree(job, 'Territory', 'territory', 'All Territories', NULL);
    RETURN QUERY SELECT * FROM provision.plan_money_fixtures(job);
    RETURN QUERY SELECT * FROM provision.plan_fiscal_year(job);
    RETURN QUERY SELECT * FROM provision.plan_own_keys(job);
    RETURN QUERY SELECT * FROM provision.plan_global_defaults(job);
END;
$$;
COMMENT ON FUNCTION provision.plan_platform_setup(jsonb) IS 'Step 1 of tenant_setup: what every company needs on the site. Creates only what the site lacks.';

CREATE OR REPLACE FUNCTION provision.tenant_today(job jsonb)
    RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (now() AT TIME ZONE coalesce(provision.setting(job, 'time_zone'), 'UTC'))::date;
COMMENT ON FUNCTION provision.tenant_today(jsonb) IS 'Today, where the tenant is.';

-- First day of the fiscal year that holds this day. February 29 is March 1 in other years.
CREATE OR REPLACE FUNCTION provision.fiscal_year_start(month_day text, day date)
    RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT max(make_date(year, left(month_day, 2)::integer, 1) + right(month_day, 2)::integer - 1)
      FROM (VALUES (extract(year FROM day)::integer), (extract(year FROM day)::integer - 1)) AS candidate (year)
     WHERE make_date(year, left(month_day, 2)::integer, 1) + right(month_day, 2)::integer - 1 <= day;
END;
COMMENT ON FUNCTION provision.fiscal_year_start(text, date) IS 'First day of the fiscal year, starting each MM-DD, that holds a day.';

CREATE OR REPLACE FUNCTION provision.wizard_arguments(job jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    year_start date := provision.fiscal_year_start(coalesce(provision.setting(job, 'fiscal_year_start'), '01-01'), provision.tenant_today(job));
BEGIN
    RETURN jsonb_build_object('args', jsonb_build_object(
        'language', 'English',          -- of the fixtures' names; the tenant's users choose their own
        'country', provision.setting(job, 'country'),
        'timezone', provision.setting(job, 'time_zone'),
        'currency', provision.setting(job, 'currency'),
        'company_name', provision.setting(job, 'company_name'),
        'company_abbr', provision.setting(job, 'abbr'),
        'chart_of_accounts', provision.setting(job, 'chart_of_accounts'),
        'fy_start_date', year_start,
        'fy_end_date', (year_start + interval '1 year')::date - 1,
        'setup_demo', 0,
        'enable_telemetry', 0));
END;
$$;
COMMENT ON FUNCTION provision.wizard_arguments(jsonb)
    IS 'What the setup wizard is told. No first user is named: that would need a password, and no secret may be in a call.';

-- The wizard makes a company: the tenant's own, which step 2 then finds. Meant for a site that belongs to one tenant.
CREATE OR REPLACE FUNCTION provision.plan_wizard(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    needed boolean;
BEGIN
    IF NOT coalesce(provision.setting_json(job, 'run_wizard') = 'true', false) THEN
        RETURN;
    END IF;
    IF provision.answer(job, 'run wizard') #>> '{message,status}' = 'registered' THEN
        PERFORM provision.give_up('WIZARD_IN_BACKGROUND', '');
    END IF;
    needed := NOT provision.found(job, 'look wizard');
    RETURN NEXT provision.look('look wizard',
        provision.method_path('frappe.client.get_single_value', '{"doctype": "System Settings", "field": "setup_complete"}'));
    RETURN NEXT ROW('run wizard', 'POST', '/api/method/frappe.desk.page.setup_wizard.setup_wizard.setup_complete',
                    provision.wizard_arguments(job), needed, 'look wizard', true, 'wizard', NULL, '{"kind": "Setup Wizard", "stays": "a setup wizard cannot be undone"}', NULL, NULL, NULL)::provision.call;
    RETURN NEXT provision.look_time_zone('time zone after wizard', needed);
END;
$$;
COMMENT ON FUNCTION provision.plan_wizard(jsonb) IS 'Runs the setup wizard of a site where the tenant''s settings ask for it and it never ran.';

-- The root is there or made; so is one leaf, where one is needed. Names are read, because a site in another language has others.
-- Rows come in the order of the tree, so that the root and the first leaf are among the first ones however large it is.
CREATE OR REPLACE FUNCTION provision.plan_tree(job jsonb, doctype text, field text, root text, leaf text)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    look text := 'look ' || lower(doctype);
    root_found text;
    leaf_path constant text := '$.*[*] ? (@.is_group == 0).name';
BEGIN
    SELECT coalesce((array_agg(node ->> 'name') FILTER (WHERE coalesce(node ->> ('parent_' || field), '') = ''))[1], root) INTO root_found
      FROM provision.answer_rows(job, look) AS node;
    RETURN NEXT provision.look_list(look, doctype, '[]', jsonb_build_array('name', 'is_group', 'parent_' || field),
        jsonb_build_object(field, CASE WHEN leaf IS NULL THEN '$.*[0].name' ELSE leaf_path END), order_by => 'lft asc', max_rows => 20);
    RETURN NEXT provision.create_document('create root ' || lower(doctype), doctype, jsonb_build_object(field || '_name', root, 'is_group', 1),
        NOT provision.found(job, look), look, CASE WHEN leaf IS NULL THEN jsonb_build_object(field, '$.data.name') END,
        creates => provision.of_the_site());
    IF leaf IS NOT NULL THEN
        RETURN NEXT provision.create_document('create ' || lower(doctype), doctype,
            jsonb_build_object(field || '_name', leaf, 'parent_' || field, root_found, 'is_group', 0),
            NOT provision.listed(job, look, 'is_group', '0'), look, jsonb_build_object(field, '$.data.name'),
            creates => provision.of_the_site());
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.plan_tree(jsonb, text, text, text, text) IS 'A tree of the site: its root, and a first leaf unless the root itself is used. Learns the name to use.';
