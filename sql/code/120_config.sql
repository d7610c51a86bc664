-- From a tenant's config, as given, to its settings, complete: what the plan functions read.

CREATE OR REPLACE FUNCTION provision.find_country(word text)
    RETURNS provision.country
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT country
      FROM provision.country
      JOIN provision.country_name AS known USING (code2)
     WHERE known.name = lower(btrim(find_country.word));
END;
COMMENT ON FUNCTION provision.find_country(text) IS 'The country with this ISO code or name, in any case; null when there is none.';

CREATE OR REPLACE FUNCTION provision.find_currency(word text)
    RETURNS provision.currency
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT currency
      FROM provision.currency
     WHERE upper(btrim(find_currency.word)) IN (code, erpnext_name)
     ORDER BY code
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.find_currency(text) IS 'The currency with this code of ISO 4217 or of ERPNext, in any case; null when there is none.';

-- Normalisation, which takes accents off, exists only in databases of UTF-8.
CREATE OR REPLACE FUNCTION provision.plain_letters(word text)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT regexp_replace(CASE WHEN getdatabaseencoding() = 'UTF8' THEN normalize(provision.if_unicode(word), NFD) ELSE word END,
                          '[^A-Za-z0-9]', '', 'g');
END;
COMMENT ON FUNCTION provision.plain_letters(text) IS 'The ASCII letters and digits of a word, accents taken off; empty when it has none.';

CREATE OR REPLACE FUNCTION provision.abbreviation(company_name text)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH word AS (
        SELECT word, provision.plain_letters(word) AS plain, place, count(*) OVER () AS words
          FROM regexp_split_to_table(replace(company_name, '''', ''), '[[:space:][:punct:]]+') WITH ORDINALITY AS part (word, place)
         WHERE word <> ''
    ), initials AS (
        SELECT left(string_agg(left(plain, CASE WHEN words = 1 THEN 3 ELSE 1 END), '' ORDER BY place), 5) AS plain,
               left(string_agg(left(word, CASE WHEN words = 1 THEN 3 ELSE 1 END), '' ORDER BY place), 5) AS original
          FROM word
    )
    SELECT upper(COALESCE(NULLIF(plain, ''), original, 'CO'))
      FROM initials;
END;
COMMENT ON FUNCTION provision.abbreviation(text) IS
    'Initials of a company''s name, at most five, in plain letters where it has some; of a single word its first three letters.';

CREATE OR REPLACE FUNCTION provision.sample_items()
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT '[{"item_code": "DEMO-001", "item_name": "Demo Coffee", "rate": 3, "opening_qty": 100},
             {"item_code": "DEMO-002", "item_name": "Demo Sandwich", "rate": 6, "opening_qty": 50},
             {"item_code": "DEMO-003", "item_name": "Demo Water", "rate": 1, "opening_qty": 200}]'::jsonb;
END;
COMMENT ON FUNCTION provision.sample_items() IS 'The items of demo_items = true.';

CREATE OR REPLACE FUNCTION provision.trimmed_texts(document jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT COALESCE(jsonb_object_agg(key, CASE jsonb_typeof(value) WHEN 'string' THEN to_jsonb(provision.trimmed(value #>> '{}')) ELSE value END), '{}')
      FROM jsonb_each(document);
END;
COMMENT ON FUNCTION provision.trimmed_texts(jsonb) IS 'An object whose texts are trimmed.';

-- false for none, so that the step that makes them is skipped; name and rate are filled in.
CREATE OR REPLACE FUNCTION provision.demo_item_settings(demo_items jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE
               WHEN demo_items = 'true' THEN provision.sample_items()
               WHEN jsonb_typeof(demo_items) = 'array' AND demo_items <> '[]' THEN (
                   SELECT jsonb_agg(CASE jsonb_typeof(item)
                                        WHEN 'object' THEN jsonb_build_object('item_name', provision.trimmed(item ->> 'item_code'), 'rate', 0)
                                                           || provision.trimmed_texts(jsonb_strip_nulls(item))
                                        ELSE item END ORDER BY place)
                     FROM jsonb_array_elements(demo_items) WITH ORDINALITY AS list (item, place))
               ELSE 'false' END;
END;
COMMENT ON FUNCTION provision.demo_item_settings(jsonb) IS 'demo_items as the plan functions read it: false or a list of items with code, name and rate.';

-- What counts as given: null and blank texts do not, and blanks around a text are not part of it.
CREATE OR REPLACE FUNCTION provision.given_settings(config jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT provision.trimmed_texts(COALESCE(jsonb_object_agg(key, value), '{}'))
      FROM jsonb_each(CASE jsonb_typeof(config) WHEN 'object' THEN config ELSE '{}' END)
     WHERE jsonb_typeof(value) <> 'null'
       AND NOT (jsonb_typeof(value) = 'string' AND provision.trimmed(value #>> '{}') = '');
END;
COMMENT ON FUNCTION provision.given_settings(jsonb) IS 'The keys of a config that have a value, texts trimmed.';

CREATE OR REPLACE FUNCTION provision.trimmed_names(names jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE jsonb_typeof(names) WHEN 'array' THEN (
               SELECT COALESCE(jsonb_agg(CASE jsonb_typeof(name) WHEN 'string' THEN to_jsonb(provision.trimmed(name #>> '{}')) ELSE name END
                                         ORDER BY place), '[]')
                 FROM jsonb_array_elements(names) WITH ORDINALITY AS list (name, place))
           ELSE names END;
END;
COMMENT ON FUNCTION provision.trimmed_names(jsonb) IS 'A list of names without the blanks around each.';

CREATE OR REPLACE FUNCTION provision.default_settings(company_name text, country provision.country)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'abbr', provision.abbreviation(company_name),
        'currency', (country).currency,
        'chart_of_accounts', 'Standard',
        'time_zone', COALESCE((country).time_zone, 'UTC'),
        'language', 'en',
        'fiscal_year_start', COALESCE((country).fiscal_year_start, '01-01'),
        'email', NULL,
        'site', NULL,
        'warehouses', '["Main Store", "POS Store"]'::jsonb,
        'demo_items', false,
        'customer', 'Walk-in Customer',
        'price_list', NULL,
        'payment_methods', '["Cash"]'::jsonb,
        'pos_user', NULL,
        'opening_amount', 0,
        'run_wizard', false);
END;
COMMENT ON FUNCTION provision.default_settings(text, provision.country) IS 'What a config need not say. pos_user null: the API user; price_list null: one of the tenant''s own.';

CREATE OR REPLACE FUNCTION provision.tenant_settings(config jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH given AS (
        SELECT provision.given_settings(config) AS given
    ), known AS MATERIALIZED (
        SELECT given, provision.find_country(given ->> 'country') AS country
          FROM given
    ), merged AS MATERIALIZED (
        SELECT provision.default_settings(given ->> 'company_name', country) || given AS settings, country
          FROM known
    )
    SELECT settings || jsonb_build_object(
               'country', COALESCE((country).name, settings ->> 'country'),
               'currency', COALESCE((provision.find_currency(settings ->> 'currency')).erpnext_name, upper(settings ->> 'currency')),
               'warehouses', provision.trimmed_names(settings -> 'warehouses'),
               'payment_methods', provision.trimmed_names(settings -> 'payment_methods'),
               'demo_items', provision.demo_item_settings(settings -> 'demo_items'))
      FROM merged;
END;
COMMENT ON FUNCTION provision.tenant_settings(jsonb) IS
    'A config with every default filled in; country and currency by ERPNext''s names. It does not judge: provision.config_problems does.';
