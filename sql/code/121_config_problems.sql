-- Judging a config: every problem at once, and never an error, whatever the jsonb holds.
-- Each function below judges one kind of thing and is called only with what the ones before it let through.

CREATE OR REPLACE FUNCTION provision.config_keys()
    RETURNS TABLE (key text, kind text, max_length integer, doctype text, is_suffixed boolean)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    VALUES ('company_name', 'text', NULL::integer, NULL::text, false),
           ('country', 'text', NULL, NULL, false),
           ('abbr', 'text', NULL, NULL, false),
           ('currency', 'text', NULL, NULL, false),
           ('chart_of_accounts', 'text', 140, NULL, false),
           ('time_zone', 'text', NULL, NULL, false),
           ('language', 'text', NULL, NULL, false),
           ('fiscal_year_start', 'text', NULL, NULL, false),
           ('email', 'text', NULL, NULL, false),
           ('site', 'text', NULL, NULL, false),
           ('warehouses', 'list of names', 100, 'Warehouse', true),
           ('demo_items', 'list of items', NULL, NULL, false),
           ('customer', 'text', 120, 'Customer', true),
           ('price_list', 'text', 140, 'Price List', false),
           ('payment_methods', 'list of names', 140, 'Mode of Payment', false),
           ('pos_user', 'text', NULL, NULL, false),
           ('opening_amount', 'number', NULL, NULL, false),
           ('run_wizard', 'boolean', NULL, NULL, false);
END;
COMMENT ON FUNCTION provision.config_keys() IS 'The keys of a tenant''s config: what each holds, how long its texts may be where no other rule says it, of which document type they become names, and whether the abbreviation is added to them.';

-- Pairs of letters in common (Dice): cheap, needs no extension, and forgives a swapped, lost or added letter.
CREATE OR REPLACE FUNCTION provision.nearest(word text, candidates text[])
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH given AS (
        SELECT array_agg(DISTINCT substr(padded, place, 2)) AS pairs
          FROM (SELECT ' ' || lower(left(btrim(word), 100)) || ' ' AS padded) AS whole,
               generate_series(1, length(padded) - 1) AS place
    ), candidate AS (
        SELECT candidate, array_agg(DISTINCT substr(' ' || lower(candidate) || ' ', place, 2)) AS pairs
          FROM unnest(candidates) AS candidate,
               generate_series(1, length(candidate) + 1) AS place
         GROUP BY candidate
    ), score AS (
        SELECT candidate,
               2.0 * (SELECT count(*) FROM unnest(candidate.pairs) AS pair WHERE pair = ANY (given.pairs))
                   / (cardinality(candidate.pairs) + cardinality(given.pairs)) AS likeness
          FROM candidate, given
    )
    SELECT candidate
      FROM score
     WHERE likeness >= 0.4
     ORDER BY likeness DESC, candidate
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.nearest(text, text[]) IS 'The candidate most like the word, for hints; null when none is alike.';

CREATE OR REPLACE FUNCTION provision.did_you_mean(word text, candidates text[], otherwise text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT COALESCE('Did you mean "' || provision.nearest(word, candidates) || '"?', otherwise);
END;
COMMENT ON FUNCTION provision.did_you_mean(text, text[], text) IS 'A hint that names the nearest candidate, or says something else when none is near.';

CREATE OR REPLACE FUNCTION provision.has_kind(value jsonb, kind text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE kind
               WHEN 'text' THEN jsonb_typeof(value) = 'string'
               WHEN 'list of names' THEN jsonb_typeof(value) = 'array' AND NOT jsonb_path_exists(value, '$[*] ? (@.type() != "string")')
               WHEN 'list of items' THEN jsonb_typeof(value) = 'boolean'
                   OR jsonb_typeof(value) = 'array' AND NOT jsonb_path_exists(value, 'strict $[*] ? (@.type() != "object")')
               ELSE jsonb_typeof(value) = kind END;
END;
COMMENT ON FUNCTION provision.has_kind(jsonb, text) IS 'The value is of the kind that provision.config_keys names.';

CREATE OR REPLACE FUNCTION provision.shape_problems(config jsonb)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT NULL::text, 'WRONG_TYPE', 'The config must be a JSON object.', 'Give at least {"company_name": "...", "country": "..."}.'
     WHERE jsonb_typeof(config) IS DISTINCT FROM 'object'
     UNION ALL
    SELECT NULL, 'CONFIG_TOO_LARGE', 'The config is larger than 64 kB.', 'Shorten its lists; items can also be imported in ERPNext later.'
     WHERE octet_length(config::text) > 65536;
END;
COMMENT ON FUNCTION provision.shape_problems(jsonb) IS 'Problems with which nothing else can be judged.';

-- What looks like one of the engine's own markers would never be sent.
CREATE OR REPLACE FUNCTION provision.key_problems(config jsonb, strict boolean)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT given.key, 'UNKNOWN_KEY', 'There is no setting of this name.',
           provision.did_you_mean(given.key, (SELECT array_agg(known.key) FROM provision.config_keys() AS known),
                                  'Remove it; doc/reference.md lists the settings.')
      FROM jsonb_each(config) AS given
     WHERE strict
       AND NOT EXISTS (SELECT FROM provision.config_keys() AS known WHERE known.key = given.key)
     UNION ALL
    SELECT given.key, 'WRONG_TYPE', 'The value must be a ' || known.kind || ', not ' || jsonb_typeof(given.value) || '.',
           CASE known.kind WHEN 'text' THEN 'Put it in double quotes.'
                           WHEN 'list of names' THEN 'Write it as ["first", "second"].'
                           WHEN 'list of items' THEN 'Write true, false, or [{"item_code": "...", "item_name": "...", "rate": 1}].'
                           ELSE 'Write it without double quotes.' END
      FROM jsonb_each(config) AS given
      JOIN provision.config_keys() AS known USING (key)
     WHERE jsonb_typeof(given.value) <> 'null'
       AND NOT provision.has_kind(given.value, known.kind)
     UNION ALL
    SELECT given.key, 'MARKER_REFUSED', 'The value holds the characters "{?", or an object with the key "$secret".', 'Write it without: they mark what is filled in later.'
      FROM jsonb_each(config) AS given
     WHERE strpos(given.key || given.value::text, '{?') > 0
        OR strpos(given.value::text, '{"$secret"') > 0
     UNION ALL
    SELECT given.key, 'HIDDEN_CHARACTER', 'The value holds a character that cannot be seen.',
           'Write it without characters of no width, marks of direction and control characters; copying from a document may bring them along.'
      FROM jsonb_each(config) AS given
     WHERE provision.has_hidden_character(given.key || given.value::text);
END;
COMMENT ON FUNCTION provision.key_problems(jsonb, boolean) IS 'Keys that do not exist (when strict), values of the wrong type, values that hold a marker or what cannot be seen.';

-- The settings without which a workflow cannot begin; which these are, it says itself.
CREATE OR REPLACE FUNCTION provision.missing_problems(given jsonb, needs text[])
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT key, 'MISSING_' || upper(key),
           CASE key WHEN 'company_name' THEN 'The name of the company is missing.'
                    WHEN 'country' THEN 'The country is missing.'
                    WHEN 'email' THEN 'The e-mail address is missing.'
                    ELSE 'The setting is missing.' END,
           'Add "' || key || '"' || CASE key WHEN 'country' THEN ': an ISO code such as "KE", or a name.'
                                             WHEN 'email' THEN ', for example "name@example.com".'
                                             ELSE '.' END
      FROM unnest(needs) AS key
     WHERE NOT given ? key;
END;
COMMENT ON FUNCTION provision.missing_problems(jsonb, text[]) IS 'One problem for each needed setting that is not given: MISSING_ and its name.';

CREATE OR REPLACE FUNCTION provision.company_problems(given jsonb)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'company_name', 'COMPANY_NAME_TOO_LONG', 'The name has more than 100 characters.',
           'Shorten it: ERPNext adds the abbreviation and account names to it and keeps 140.'
     WHERE length(given ->> 'company_name') > 100
     UNION ALL
    SELECT 'company_name', 'COMPANY_NAME_ILLEGAL', 'ERPNext does not take this name.',
           'Use no <, > or control characters, and neither "Company" alone nor "New Company" in front.'
     WHERE provision.is_illegal_name('Company', given ->> 'company_name')
     UNION ALL
    SELECT 'abbr', 'INVALID_ABBR', 'The abbreviation cannot be used.',
           'Use 1 to 10 characters, no <, > or control characters, for example "' || provision.abbreviation(given ->> 'company_name') || '".'
     WHERE length(given ->> 'abbr') > 10
        OR given ->> 'abbr' ~ '[<>\x01-\x1f\x7f]'
     UNION ALL
    SELECT 'email', 'INVALID_EMAIL_FORMAT', 'This is not an e-mail address.', 'Write it like name@example.com, in ASCII.'
     WHERE NOT provision.is_email(given ->> 'email')
     UNION ALL
    SELECT 'pos_user', 'INVALID_EMAIL_FORMAT', 'This is not the name of a user.', 'ERPNext''s users are named by their e-mail addresses: name@example.com.'
     WHERE NOT (provision.is_email(given ->> 'pos_user') OR given ->> 'pos_user' = 'Administrator')
     UNION ALL
    SELECT 'site', 'INVALID_SITE', 'This is not a host name.', 'Write the name of the Frappe site, for example acme.example.com, without https://, port and path.'
     WHERE NOT provision.is_host_name(given ->> 'site')
     UNION ALL
    SELECT 'site', 'RESERVED_SITE', 'No site can have this name.', 'It is that of a file of the bench, of any machine, or an address. Write the name of the Frappe site.'
     WHERE provision.is_reserved_site(given ->> 'site')
     UNION ALL
    SELECT 'language', 'INVALID_LANGUAGE', 'This is not the code of a language.', 'Write it as ERPNext does: "en", "pt-BR".'
     WHERE given ->> 'language' !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$';
END;
COMMENT ON FUNCTION provision.company_problems(jsonb) IS 'Problems with what names the company, its site and its people.';

-- A zone that is set shows itself under its own name, in its own case; what PostgreSQL would read as a POSIX specification, under one in capitals.
-- That costs microseconds; reading pg_timezone_names, which says the same, opens a thousand files.
CREATE OR REPLACE FUNCTION provision.is_time_zone(word text)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'        -- so that the caller's comes back
AS $$
BEGIN
    RETURN is_time_zone.word ~ '^(UTC|GMT|Etc/GMT(0|[+-][0-9]{1,2})|[A-Z][A-Za-z]*(/[A-Z][A-Za-z_-]*)+)$'
           AND set_config('timezone', is_time_zone.word, true) = is_time_zone.word;
EXCEPTION
    WHEN invalid_parameter_value THEN
        RETURN false;
END;
$$;
COMMENT ON FUNCTION provision.is_time_zone(text) IS 'The word is UTC, GMT, or a place''s time zone of the IANA database in its own spelling, such as Europe/Paris; neither an abbreviation nor a POSIX specification. Null of null.';

CREATE OR REPLACE FUNCTION provision.is_month_and_day(word text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN word ~ '^[0-9]{2}-[0-9]{2}$'
                THEN left(word, 2)::integer BETWEEN 1 AND 12
                     AND right(word, 2)::integer BETWEEN 1 AND ('{31,28,31,30,31,30,31,31,30,31,30,31}'::integer[])[left(word, 2)::integer]
                ELSE false END;
END;
COMMENT ON FUNCTION provision.is_month_and_day(text) IS 'MM-DD, a day that every year has.';

CREATE OR REPLACE FUNCTION provision.place_problems(given jsonb)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'country', 'UNKNOWN_COUNTRY', 'There is no country of this name.',
           provision.did_you_mean(given ->> 'country', (SELECT array_agg(name) FROM provision.country),
                                  'The table provision.country lists them; an ISO code will do.')
     WHERE given ? 'country'
       AND provision.find_country(given ->> 'country') IS NULL
     UNION ALL
    SELECT 'currency', 'UNKNOWN_CURRENCY', 'There is no currency of this code.',
           'Use a code of ISO 4217, for example ' || COALESCE((provision.find_country(given ->> 'country')).currency, 'USD') || '.'
     WHERE given ? 'currency'
       AND provision.find_currency(given ->> 'currency') IS NULL
     UNION ALL
    SELECT 'time_zone', 'INVALID_TIME_ZONE', 'There is no time zone of this name.',
           'Use a name of the IANA database, for example ' || COALESCE((provision.find_country(given ->> 'country')).time_zone, 'Europe/Paris') || '.'
     WHERE given ? 'time_zone'
       AND NOT provision.is_time_zone(given ->> 'time_zone')
     UNION ALL
    SELECT 'fiscal_year_start', 'INVALID_FISCAL_YEAR_START', 'This is not a day that every year has.', 'Write month and day, for example "04-01".'
     WHERE given ? 'fiscal_year_start'
       AND NOT provision.is_month_and_day(given ->> 'fiscal_year_start');
END;
COMMENT ON FUNCTION provision.place_problems(jsonb) IS 'Problems with country, currency, time zone and fiscal year.';
