-- Telling the caller what is wrong with a config: as rows, or as one error.

CREATE OR REPLACE FUNCTION provision.require_workflow(workflow text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM provision.workflow AS known WHERE known.name = require_workflow.workflow) THEN
        RAISE EXCEPTION 'workflow "%" does not exist', left(require_workflow.workflow, 100)
            USING ERRCODE = 'undefined_object', HINT = 'The table provision.workflow lists the workflows of this database.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.require_workflow(text) IS 'Raises undefined_object when there is no such workflow.';

CREATE OR REPLACE FUNCTION @extschema@.provision_validate(config jsonb, workflow text DEFAULT 'tenant_setup')
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_workflow(provision_validate.workflow);
    RETURN QUERY SELECT * FROM provision.config_problems(provision_validate.config, provision_validate.workflow);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_validate(jsonb, text) IS
    'Everything that is wrong with a tenant''s config, at once, with what to do about it; no row: it can be used.';

CREATE OR REPLACE FUNCTION provision.refuse_invalid_config(config jsonb, workflow text, tenant text DEFAULT NULL, company bytea DEFAULT NULL, abbr bytea DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    problem_count bigint;
    problem_lines text;
BEGIN
    SELECT count(*), string_agg(concat_ws(': ', problem.field, problem.code, problem.message || ' ' || problem.hint), chr(10))
      INTO problem_count, problem_lines
      FROM (SELECT * FROM provision.config_problems(refuse_invalid_config.config, refuse_invalid_config.workflow)
            UNION ALL
            SELECT * FROM provision.duplicate_problems(refuse_invalid_config.tenant, refuse_invalid_config.company, refuse_invalid_config.abbr)) AS problem;
    IF problem_count > 0 THEN
        RAISE EXCEPTION 'config cannot be used: % found', CASE problem_count WHEN 1 THEN '1 problem' ELSE problem_count || ' problems' END
            USING ERRCODE = 'PV003', DETAIL = problem_lines, HINT = 'provision_validate(config) shows the problems as rows.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_config(jsonb, text, text, bytea, bytea)
    IS 'Raises PV003 with every problem of the config in its DETAIL, one line each, what the tenant with these claims may not have included; silent when there is none.';

-- A tenant's config is complete for tenant_setup when it is stored; another workflow may need more.
CREATE OR REPLACE FUNCTION provision.refuse_missing_settings(tenants text[], chosen provision.workflow)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lacking text;
    problem_lines text;
BEGIN
    SELECT min(tenant.name), string_agg(format('%s: %s: %s: %s %s', tenant.name, problem.field, problem.code, problem.message, problem.hint), chr(10)
                                        ORDER BY tenant.name, problem.field)
      INTO lacking, problem_lines
      FROM provision.tenant
     CROSS JOIN LATERAL provision.missing_problems(jsonb_strip_nulls(tenant.settings), (chosen).needs) AS problem
     WHERE tenant.name = ANY (tenants);
    IF lacking IS NOT NULL THEN
        RAISE EXCEPTION 'workflow "%" cannot be started for tenant "%": settings are missing', (chosen).name, lacking
            USING ERRCODE = 'PV003', DETAIL = left(problem_lines, 10000), HINT = 'Add them with provision_tenant_update(tenant, config).';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_missing_settings(text[], provision.workflow) IS 'Error PV003 naming every setting that a workflow needs and these tenants do not have.';
