-- On one site a company, and its abbreviation, belong to one tenant: a second one is told so with all its problems, and never adopts the first one's.
BEGIN;
SELECT plan(21);
SELECT provision_engine_create('main', 'https://erp.example.com'), provision_engine_create('alias', 'https://ERP.example.com/'),
       provision_engine_create('else', 'https://other.example.com'),
       provision_engine_create('agent', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench-1", "domain": "example.com"}');
SELECT provision_engine_create('sites', 'https://sites.example.com', options => '{"agent": "agent"}');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme Café", "abbr": "AC", "country": "KE"}');
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ' ' || regexp_replace(detail, '(: )([A-Z_]{4,}): [^\n]*', '\1\2', 'g');
END;
$$;
CREATE FUNCTION pg_temp.create(tenant text, config jsonb, engine text DEFAULT 'main') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.refusal(format('SELECT provision_tenant_create(%L, %L, %L)', tenant, engine, '{"country": "KE"}' || config));
$$;
SELECT is(pg_temp.create('b', '{"company_name": " ACME CAFE ", "abbr": "X", "country": "Nowhere"}'),
    E'PV003 config cannot be used: 2 problems found country: UNKNOWN_COUNTRY\ncompany_name: DUPLICATE_COMPANY', 'as ERPNext compares names, with the other problems');
SELECT is(pg_temp.create('b', '{"company_name": "Big", "abbr": "ac"}'), 'PV003 config cannot be used: 1 problem found abbr: DUPLICATE_ABBR', 'an abbreviation');
SELECT is(pg_temp.create('b', '{"company_name": "Any Company"}'), 'PV003 config cannot be used: 1 problem found abbr: DUPLICATE_ABBR', 'also one that nobody gave');
SELECT is(pg_temp.create('b', '{"company_name": "Acme Café", "abbr": "AC"}', 'alias'),
    E'PV003 config cannot be used: 2 problems found company_name: DUPLICATE_COMPANY\nabbr: DUPLICATE_ABBR', 'an engine with the same address is the same server');
SELECT is(pg_temp.create('b', '{"company_name": "Acme Café", "site": "ERP.example.com"}'),
    E'PV003 config cannot be used: 2 problems found company_name: DUPLICATE_COMPANY\nabbr: DUPLICATE_ABBR', 'the site that is meant anyway');
SELECT is(pg_temp.create('c', '{"company_name": "Acme Café", "abbr": "AC"}', 'else'), 'accepted', 'another server');
SELECT is(pg_temp.create('d', '{"company_name": "Acme Café", "abbr": "AC", "site": "d.example.com"}'), 'accepted', 'another site of the server');
SELECT is(pg_temp.create('acme', '{"company_name": "Else", "abbr": "E"}'), '42710 tenant "acme" already exists ', 'a name that is taken is still that');

-- Changes.
SELECT is(pg_temp.create('e', '{"company_name": "Else", "abbr": "E"}'), 'accepted', 'a tenant');
SELECT is(pg_temp.refusal($$SELECT provision_tenant_update('e', '{"company_name": "Acme Café"}')$$), 'PV003 config cannot be used: 1 problem found company_name: DUPLICATE_COMPANY', 'cannot become another one');
SELECT is(pg_temp.refusal($$SELECT provision_tenant_update('e', '{"email": "e@example.com"}')$$), 'accepted', 'is none to itself');
SELECT is(pg_temp.refusal($$SELECT provision_tenant_update('acme', '{"company_name": "Acme Two", "abbr": "A2"}')$$), 'accepted', 'who leaves a name');
SELECT is(pg_temp.refusal($$SELECT provision_tenant_update('e', '{"company_name": "Acme Café"}')$$), 'accepted', 'leaves it to others');
SELECT is(pg_temp.refusal($$SELECT provision_engine_update('else', '{"base_url": "https://erp.example.com"}')$$),
    '22023 engine "else" cannot be moved: tenants would have one company on one site ', 'an engine does not move where the names of its tenants are taken');
SELECT is(pg_temp.refusal($$SELECT provision_engine_update('else', '{"site": "d.example.com", "base_url": "https://third.example.com"}')$$), 'accepted', 'but elsewhere');
SELECT is(pg_temp.create('f', '{"company_name": "acme café", "abbr": "F", "site": "d.example.com"}', 'else'), 'PV003 config cannot be used: 1 problem found company_name: DUPLICATE_COMPANY', 'and they go with it');

-- Where sites are made for tenants, it is known at the start where one lives.
SELECT is(pg_temp.create(name, '{"company_name": "Same Name"}', 'sites'), 'accepted', 'before it has a site') FROM unnest('{site-one,site-two}'::text[]) AS name;
SELECT is(pg_temp.refusal(format('SELECT provision_start(%L)', name)),
    CASE name WHEN 'site-one' THEN 'accepted' ELSE E'PV003 company of tenant "site-two" belongs to another tenant company_name: DUPLICATE_COMPANY\nabbr: DUPLICATE_ABBR' END, name || ' is started')
  FROM unnest('{site-one,site-two}'::text[]) AS name;
-- Who is no platform member is not told whose it is.
CREATE ROLE r_owner;
GRANT EXECUTE ON FUNCTION provision_tenant_update TO r_owner;
SELECT provision_member_add('acme', 'r_owner', 'owner');
SET LOCAL ROLE r_owner;
SELECT throws_ok($$SELECT provision_tenant_update('acme', '{"site": "d.example.com"}')$$, '42501', 'permission denied to change the site of tenant "acme"', 'only a platform administrator moves a tenant');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
