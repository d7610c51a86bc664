-- On one site a company belongs to one tenant. The steps adopt what is there already, so that they can be repeated: two tenants with one
-- company would adopt each other's documents, and one of them could do so on purpose.

CREATE OR REPLACE FUNCTION provision.company_claims(settings jsonb, home provision.engine, OUT company bytea, OUT abbr bytea)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT sha256(convert_to(place.words || provision.collation_key(settings ->> 'company_name'), 'UTF8')),
           sha256(convert_to(place.words || provision.collation_key(settings ->> 'abbr'), 'UTF8'))
      FROM (SELECT format('%s %s ', (home).base_url, lower(coalesce(settings ->> 'site', (home).site,
                       substring((home).base_url FROM '^https?://(\[[^]]*\]|[^/:]*)')))) AS words) AS place;
END;
COMMENT ON FUNCTION provision.company_claims(jsonb, provision.engine) IS 'What a tenant with these settings has for itself on its site: the company and its abbreviation, as ERPNext''s database compares names.';

-- Where sites are made for tenants, one without a site may yet get its own.
CREATE OR REPLACE FUNCTION provision.early_claims(settings jsonb, home provision.engine, OUT company bytea, OUT abbr bytea)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT claims.company, claims.abbr
      FROM provision.company_claims(settings, home) AS claims
     WHERE settings ->> 'site' IS NOT NULL
        OR (home).kind = 'erpnext' AND (home).agent IS NULL;
END;
COMMENT ON FUNCTION provision.early_claims(jsonb, provision.engine) IS 'company_claims() of a tenant that has not been set up; null while it is not known where it will live.';

CREATE OR REPLACE FUNCTION provision.duplicate_problems(tenant text, company bytea, abbr bytea)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT claim.field, claim.code, claim.message,
           'Choose another one' || CASE WHEN provision.sees_everything() THEN format(', or change the config of tenant "%s" first.', claim.holder) ELSE '.' END
      FROM (SELECT 'company_name' AS field, 'DUPLICATE_COMPANY' AS code, 'Another tenant has this company on the same site.' AS message, other.name AS holder
              FROM provision.tenant AS other
             WHERE other.company_claim = company
            UNION ALL
            SELECT 'abbr', 'DUPLICATE_ABBR', 'The company of another tenant on the same site has this abbreviation.', other.name
              FROM provision.tenant AS other
             WHERE other.abbr_claim = abbr) AS claim
     WHERE claim.holder IS DISTINCT FROM tenant;
END;
COMMENT ON FUNCTION provision.duplicate_problems(text, bytea, bytea) IS 'What of these claims another tenant has already. Whose it is, platform members are told.';

CREATE OR REPLACE FUNCTION provision.claim_company(owner provision.tenant, home provision.engine)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    claims record;
    problem_lines text;
BEGIN
    SELECT * INTO claims FROM provision.company_claims(owner.settings, home);
    UPDATE provision.tenant SET company_claim = claims.company, abbr_claim = claims.abbr WHERE tenant.tenant_id = owner.tenant_id;
EXCEPTION WHEN unique_violation THEN
    SELECT string_agg(concat_ws(': ', problem.field, problem.code, problem.message || ' ' || problem.hint), chr(10)) INTO problem_lines
      FROM provision.duplicate_problems(owner.name, claims.company, claims.abbr) AS problem;
    RAISE EXCEPTION 'company of tenant "%" belongs to another tenant', owner.name
        USING ERRCODE = 'PV003', DETAIL = problem_lines, HINT = 'Change its config with provision_tenant_update(tenant, config).';
END;
$$;
COMMENT ON FUNCTION provision.claim_company(provision.tenant, provision.engine) IS 'The company of the tenant''s settings is its own from now on; error PV003 when another tenant has it. The caller holds its row.';

CREATE OR REPLACE FUNCTION provision.claim_companies(tenants text[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unclaimed record;
BEGIN
    FOR unclaimed IN
        SELECT tenant AS owner, engine AS home
          FROM provision.tenant
          JOIN provision.engine ON engine.engine_id = tenant.engine_id
         WHERE tenant.name = ANY (tenants)
           AND tenant.company_claim IS NULL
         ORDER BY tenant.tenant_id
           FOR NO KEY UPDATE OF tenant
    LOOP
        PERFORM provision.claim_company(unclaimed.owner, unclaimed.home);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.claim_companies(text[]) IS 'Before tenants are set up: each has its company for itself. Error PV003 as claim_company().';

CREATE OR REPLACE FUNCTION provision.move_claims(moved provision.engine)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.tenant
       SET (company_claim, abbr_claim) = (SELECT claims.company, claims.abbr FROM provision.company_claims(tenant.settings, moved) AS claims)
     WHERE tenant.engine_id = moved.engine_id
       AND tenant.company_claim IS NOT NULL;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'engine "%" cannot be moved: tenants would have one company on one site', moved.name
        USING ERRCODE = 'invalid_parameter_value', HINT = 'Another engine has the same base_url and site, or its tenants name this site themselves.';
END;
$$;
COMMENT ON FUNCTION provision.move_claims(provision.engine) IS 'An engine has another address or site: so have the claims of its tenants. Error 22023 where they meet those of others.';
