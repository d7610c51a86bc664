-- What goes to the shell of a bench, or becomes a folder on it. Frappe Agent checks nothing and writes some of these into command lines without
-- quotes: what passes here holds no character that a shell could take for anything but itself.

-- The form Frappe takes, without the letters of it that a shell would read: quotes, $, &, |, *, !, # and their like.
CREATE OR REPLACE FUNCTION provision.is_email(word text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT length(word) <= 140
       AND word ~ '^[A-Za-z0-9_][A-Za-z0-9_%+=-]*(\.[A-Za-z0-9_%+=-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$'
       AND strpos(word, '@') <= 65;
END;
COMMENT ON FUNCTION provision.is_email(text) IS 'An e-mail address in ASCII that is safe on a command line and not longer than ERPNext keeps.';

CREATE OR REPLACE FUNCTION provision.is_host_name(word text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT length(word) <= 253
       AND word ~ '^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$';
END;
COMMENT ON FUNCTION provision.is_host_name(text) IS 'A host name in ASCII: labels of 1 to 63 letters, digits and hyphens, 253 characters in all.';

-- Beside sites a bench keeps these in the same folder; the names of hosts would reach whatever site is the default.
CREATE OR REPLACE FUNCTION provision.is_reserved_site(word text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT lower(word) IN ('apps.json', 'apps.txt', 'archived', 'archived_sites', 'archived-sites', 'assets', 'common_site_config.json', 'currentsite.txt',
                           'languages.txt', 'localhost', 'localhost.localdomain')
        OR word ~ '^[0-9.]+$';
END;
COMMENT ON FUNCTION provision.is_reserved_site(text) IS 'A name that no Frappe site can have: of a file or folder of the bench, of any machine, or an address.';

CREATE OR REPLACE FUNCTION provision.reserved_subdomains()
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['admin', 'agent', 'api', 'app', 'assets', 'autoconfig', 'autodiscover', 'billing', 'blog', 'cdn', 'dashboard', 'dev', 'docs', 'ftp', 'grafana',
                 'help', 'imap', 'mail', 'metrics', 'monitor', 'ns1', 'ns2', 'ns3', 'ns4', 'platform', 'pop', 'root', 'smtp', 'ssh', 'ssl', 'staging',
                 'static', 'status', 'support', 'test', 'vpn', 'webmail', 'www'];
COMMENT ON FUNCTION provision.reserved_subdomains() IS 'First words of a site''s name that belong to the operator of its domain.';

-- For a site that is to be made. One that is there already may have any name that a bench could give it.
CREATE OR REPLACE FUNCTION provision.new_site_problem(site text, domain text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN site IS NULL OR site = '' THEN 'MISSING_SITE'
        WHEN NOT provision.is_host_name(site) OR site <> lower(site) THEN 'INVALID_SITE'
        WHEN right(site, length(domain) + 1) <> '.' || domain OR strpos(given.word, '.') > 0 THEN 'SITE_OUTSIDE_DOMAIN'
        WHEN given.word !~ '^[a-z0-9][a-z0-9-]{3,30}[a-z0-9]$' THEN 'INVALID_SITE'
        WHEN given.word = ANY (provision.reserved_subdomains()) OR provision.is_reserved_site(site) OR starts_with(given.word, 'xn--') THEN 'RESERVED_SITE'
    END
      FROM (SELECT left(site, -(length(domain) + 1)) AS word) AS given;
END;
COMMENT ON FUNCTION provision.new_site_problem(text, text)
    IS 'Why a new site cannot have this name under a domain: MISSING_SITE, INVALID_SITE (not 5 to 32 lower-case letters, digits and hyphens before the domain), SITE_OUTSIDE_DOMAIN, RESERVED_SITE; null: it can.';

-- Somebody else chose it, so its strength is theirs; but Agent writes it into a shell command, as it does the engine's own. Says what is wrong without repeating any of it.
CREATE OR REPLACE FUNCTION provision.root_password_problems(password text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT nullif(concat_ws(E'\n',
        CASE WHEN coalesce(length(password), 0) NOT BETWEEN 1 AND 256 THEN 'It must have 1 to 256 characters.' END,
        CASE WHEN password !~ '^[A-Za-z0-9@%+=:,./_-]*$' THEN 'It must hold nothing but ASCII letters, digits and @ % + = : , . / _ -, because Frappe Agent writes it into a shell command.' END), '');
END;
COMMENT ON FUNCTION provision.root_password_problems(text) IS 'Everything that keeps the password of a database''s root from being sent to Frappe Agent, a sentence a line; null: nothing does.';

CREATE OR REPLACE FUNCTION provision.app_problems(apps jsonb)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH named AS MATERIALIZED (
        SELECT 'apps[' || place - 1 || ']' AS field, place, jsonb_typeof(app) AS kind, app #>> '{}' AS name,
               row_number() OVER (PARTITION BY app ORDER BY place) AS occurrence
          FROM jsonb_array_elements(CASE jsonb_typeof(apps) WHEN 'array' THEN apps ELSE '[]' END) WITH ORDINALITY AS list (app, place)
    )
    SELECT 'apps', 'WRONG_TYPE', 'The value must be a list of names.', 'Write it as ["frappe", "erpnext"].'
     WHERE jsonb_typeof(apps) IS DISTINCT FROM 'array'
     UNION ALL
    SELECT 'apps', 'EMPTY_LIST', 'The list is empty.', 'Name at least "frappe".'
     WHERE apps = '[]'
     UNION ALL
    SELECT 'apps', 'TOO_MANY', 'The list has more than 30 apps.', 'Install the others later.'
     WHERE CASE jsonb_typeof(apps) WHEN 'array' THEN jsonb_array_length(apps) > 30 END
     UNION ALL
    SELECT named.field, 'INVALID_APP', 'This is not the name of an app.', 'Use lower-case letters, digits, "_" and "-", 2 to 31 of them, beginning with a letter.'
      FROM named
     WHERE kind <> 'string' OR name !~ '^[a-z][a-z0-9_-]{1,30}$'
     UNION ALL
    SELECT named.field, 'DUPLICATE_NAME', 'The app comes twice.', 'Remove one.'
      FROM named
     WHERE occurrence = 2
     UNION ALL
    SELECT named.field, 'APP_ORDER', 'The app "frappe" must come first.', 'Put it at the beginning of the list.'
      FROM named
     WHERE name = 'frappe' AND place > 1 AND occurrence = 1;
END;
COMMENT ON FUNCTION provision.app_problems(jsonb) IS 'Everything that is wrong with the list of apps of a site, as provision_validate() tells it; raises no error for any jsonb.';
