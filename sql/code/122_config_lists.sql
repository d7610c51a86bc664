-- Judging a config, second part: texts, lists of names, amounts, items; and what all parts say together.

CREATE OR REPLACE FUNCTION provision.name_hint(doctype text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'Use no <, > or control characters' || coalesce(format(', and neither "%1$s" alone nor "New %1$s" in front.', doctype), '.');
COMMENT ON FUNCTION provision.name_hint(text) IS 'What a name of a document of this type must not be.';

-- ERPNext keeps numbers with 12 digits before the point and 9 after it.
CREATE OR REPLACE FUNCTION provision.amount_problems(field text, amount jsonb)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH given AS MATERIALIZED (
        SELECT CASE jsonb_typeof(amount) WHEN 'number' THEN amount::numeric END AS amount
    )
    SELECT amount_problems.field, 'NEGATIVE_AMOUNT', 'The number is negative.', 'Write 0 or more.'
      FROM given
     WHERE given.amount < 0
     UNION ALL
    SELECT amount_problems.field, 'AMOUNT_TOO_LARGE', 'The number is larger than ERPNext can keep.', 'Write less than 1,000,000,000,000.'
      FROM given
     WHERE given.amount >= 1000000000000
     UNION ALL
    SELECT amount_problems.field, 'AMOUNT_TOO_PRECISE', 'The number has more decimal places than ERPNext can keep.', 'Round it to 9 decimal places.'
      FROM given
     WHERE min_scale(given.amount) > 9;
END;
COMMENT ON FUNCTION provision.amount_problems(text, jsonb) IS 'Problems of an amount or a quantity; none of what is no number.';

CREATE OR REPLACE FUNCTION provision.text_problems(given jsonb, suffix text)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT key, 'NAME_TOO_LONG', 'The text has more than ' || max_length || ' characters.', 'Shorten it.'
      FROM provision.config_keys()
     WHERE kind = 'text'
       AND length(given ->> key) > max_length
     UNION ALL
    SELECT key, 'NAME_ILLEGAL', 'ERPNext does not take this name.', provision.name_hint(doctype)
      FROM provision.config_keys()
     WHERE kind = 'text'
       AND max_length IS NOT NULL
       AND provision.is_illegal_name(doctype, given ->> key || CASE WHEN is_suffixed THEN suffix ELSE '' END)
     UNION ALL
    SELECT problem.*
      FROM provision.amount_problems('opening_amount', given -> 'opening_amount') AS problem;
END;
COMMENT ON FUNCTION provision.text_problems(jsonb, text) IS 'Texts that are too long or that ERPNext refuses as names; the opening amount.';

-- A list that is given must name something. Twice the same is what ERPNext's database takes for the same, with the suffix it adds or without.
CREATE OR REPLACE FUNCTION provision.name_list_problems(field text, names jsonb, max_length integer, doctype text, suffix text)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH named AS MATERIALIZED (
        SELECT name_list_problems.field || '[' || place - 1 || ']' AS field, word AS name, whole,
               row_number() OVER (PARTITION BY provision.collation_key(whole) ORDER BY place) AS occurrence
          FROM jsonb_array_elements_text(names) WITH ORDINALITY AS list (name, place)
         CROSS JOIN LATERAL (SELECT provision.trimmed(name) AS word) AS trimmed
         CROSS JOIN LATERAL (SELECT provision.with_suffix(word, suffix) AS whole) AS suffixed
         WHERE place <= 1000
    )
    SELECT name_list_problems.field, 'EMPTY_LIST', 'The list is empty.', 'Name at least one, or leave the setting out to get the default.'
     WHERE names = '[]'
     UNION ALL
    SELECT name_list_problems.field, 'TOO_MANY', 'The list has more than 50 names.', 'Add the others in ERPNext later.'
     WHERE jsonb_array_length(names) > 50
     UNION ALL
    SELECT named.field, 'EMPTY_NAME', 'The name is empty.', 'Write a name or remove it from the list.'
      FROM named
     WHERE name = ''
     UNION ALL
    SELECT named.field, 'DUPLICATE_NAME', 'The name "' || name || '" comes twice.',
           'Remove one; upper and lower case, accents and the abbreviation at the end do not make a difference.'
      FROM named
     WHERE occurrence = 2 AND name <> ''
     UNION ALL
    SELECT named.field, 'NAME_TOO_LONG', 'The name has more than ' || name_list_problems.max_length || ' characters.', 'Shorten it.'
      FROM named
     WHERE length(name) > name_list_problems.max_length
     UNION ALL
    SELECT named.field, 'NAME_ILLEGAL', 'ERPNext does not take this name.', provision.name_hint(doctype)
      FROM named
     WHERE provision.is_illegal_name(doctype, whole)
     UNION ALL
    SELECT named.field, 'NAME_RESERVED', 'This is the group that ERPNext puts all warehouses under.', 'Give the warehouse another name.'
      FROM named
     WHERE doctype = 'Warehouse'
       AND provision.collation_key(whole) = provision.collation_key('All Warehouses' || suffix);
END;
COMMENT ON FUNCTION provision.name_list_problems(text, jsonb, integer, text, text) IS 'Problems of a list of names that become documents of a type; suffix: what ERPNext adds to them.';

-- Opening stock is posted with its value, and counted in whole pieces unless the item has another unit.
CREATE OR REPLACE FUNCTION provision.stock_problems(item jsonb, field text)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH given AS MATERIALIZED (
        SELECT CASE jsonb_typeof(item -> 'opening_qty') WHEN 'number' THEN (item -> 'opening_qty')::numeric END AS quantity,
               CASE jsonb_typeof(item -> 'rate') WHEN 'number' THEN (item -> 'rate')::numeric END AS rate
    )
    SELECT stock_problems.field || '.opening_qty', 'FRACTION_REFUSED', 'ERPNext counts the unit Nos in whole numbers.', 'Write a whole number, or give the item another "uom".'
      FROM given
     WHERE quantity <> trunc(quantity)
       AND lower(COALESCE(btrim(item ->> 'uom'), 'Nos')) = 'nos'
     UNION ALL
    SELECT stock_problems.field || '.opening_qty', 'AMOUNT_TOO_LARGE', 'The stock is worth more than ERPNext can keep.', 'Quantity times rate must be less than 1,000,000,000,000.'
      FROM given
     WHERE quantity < 1000000000000
       AND rate < 1000000000000
       AND quantity * rate >= 1000000000000;
END;
COMMENT ON FUNCTION provision.stock_problems(jsonb, text) IS 'Problems of the opening stock of an item.';

CREATE OR REPLACE FUNCTION provision.item_problems(item jsonb, field text)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH key (key, kind, is_required, max_length) AS (
        VALUES ('item_code', 'string', true, 100), ('item_name', 'string', false, 140), ('rate', 'number', false, NULL),
               ('uom', 'string', false, 140), ('opening_qty', 'number', false, NULL), ('item_group', 'string', false, 140)
    )
    SELECT item_problems.field || '.' || given.key, 'UNKNOWN_KEY', 'An item has no property of this name.',
           provision.did_you_mean(given.key, (SELECT array_agg(key.key) FROM key), 'Remove it.')
      FROM jsonb_object_keys(item) AS given (key)
     WHERE given.key NOT IN (SELECT key.key FROM key)
     UNION ALL
    SELECT item_problems.field || '.' || key, 'INVALID_ITEM', 'The item has no ' || key || '.', 'Add it.'
      FROM key
     WHERE is_required AND COALESCE(provision.trimmed(item ->> key), '') = ''
     UNION ALL
    SELECT item_problems.field || '.' || key, 'EMPTY_NAME', 'The text is empty.', 'Write it or leave it out to get the default.'
      FROM key
     WHERE NOT is_required AND kind = 'string' AND provision.trimmed(item ->> key) = ''
     UNION ALL
    SELECT item_problems.field || '.' || key, 'WRONG_TYPE', 'The value must be a ' || kind || ', not ' || jsonb_typeof(item -> key) || '.',
           CASE kind WHEN 'string' THEN 'Put it in double quotes.' ELSE 'Write it without double quotes.' END
      FROM key
     WHERE jsonb_typeof(item -> key) NOT IN (kind, 'null')
     UNION ALL
    SELECT item_problems.field || '.' || key, 'NAME_TOO_LONG', 'The text has more than ' || max_length || ' characters.', 'Shorten it.'
      FROM key
     WHERE length(item ->> key) > max_length
     UNION ALL
    SELECT item_problems.field || '.' || key, 'NAME_ILLEGAL', 'ERPNext does not take this name.', 'Use no <, > or control characters.'
      FROM key
     WHERE kind = 'string' AND item ->> key ~ '[<>\x01-\x1f\x7f]'
     UNION ALL
    SELECT problem.*
      FROM key, provision.amount_problems(item_problems.field || '.' || key, CASE kind WHEN 'number' THEN item -> key END) AS problem
     UNION ALL
    SELECT problem.*
      FROM provision.stock_problems(item, item_problems.field) AS problem;
END;
COMMENT ON FUNCTION provision.item_problems(jsonb, text) IS 'Problems of one item of demo_items.';

CREATE OR REPLACE FUNCTION provision.item_list_problems(items jsonb)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH listed AS MATERIALIZED (
        SELECT item, 'demo_items[' || place - 1 || ']' AS field,
               row_number() OVER (PARTITION BY provision.collation_key(item ->> 'item_code') ORDER BY place) AS occurrence
          FROM jsonb_array_elements(CASE jsonb_typeof(items) WHEN 'array' THEN items ELSE '[]' END) WITH ORDINALITY AS list (item, place)
         WHERE place <= 200
    )
    SELECT 'demo_items', 'TOO_MANY', 'The list has more than 200 items.', 'Import the others in ERPNext later.'
     WHERE CASE jsonb_typeof(items) WHEN 'array' THEN jsonb_array_length(items) > 200 END
     UNION ALL
    SELECT listed.field || '.item_code', 'DUPLICATE_NAME', 'The item code "' || (item ->> 'item_code') || '" comes twice.',
           'Remove one; upper and lower case and accents do not make a difference.'
      FROM listed
     WHERE occurrence = 2 AND provision.trimmed(item ->> 'item_code') <> ''
     UNION ALL
    SELECT problem.*
      FROM listed, provision.item_problems(item, listed.field) AS problem;
END;
COMMENT ON FUNCTION provision.item_list_problems(jsonb) IS 'Problems of demo_items.';

-- Values of the wrong type are reported as such and judged no further, so that the rules behind can rely on the types.
CREATE OR REPLACE FUNCTION provision.value_problems(config jsonb, needs text[])
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH mistyped AS (
        SELECT COALESCE(array_agg(key), '{}') AS keys
          FROM provision.config_keys()
         WHERE jsonb_typeof(config -> key) <> 'null'
           AND NOT provision.has_kind(config -> key, kind)
    ), given AS MATERIALIZED (
        SELECT typed AS given, keys, ' - ' || COALESCE(typed ->> 'abbr', provision.abbreviation(typed ->> 'company_name')) AS suffix
          FROM mistyped, LATERAL (SELECT provision.given_settings(config) - keys AS typed) AS settings
    )
    SELECT problem.*
      FROM given, provision.missing_problems(given || COALESCE((SELECT jsonb_object_agg(key, NULL) FROM unnest(keys) AS key), '{}'), needs) AS problem
     UNION ALL
    SELECT problem.*
      FROM given, provision.company_problems(given) AS problem
     UNION ALL
    SELECT problem.*
      FROM given, provision.place_problems(given) AS problem
     UNION ALL
    SELECT problem.*
      FROM given, provision.text_problems(given, COALESCE(suffix, '')) AS problem
     UNION ALL
    SELECT problem.*
      FROM given,
           provision.config_keys() AS known,
           provision.name_list_problems(known.key, CASE WHEN known.kind = 'list of names' THEN given -> known.key END, known.max_length,
                                        known.doctype, CASE WHEN known.is_suffixed THEN COALESCE(suffix, '') ELSE '' END) AS problem
     UNION ALL
    SELECT problem.*
      FROM given, provision.item_list_problems(given -> 'demo_items') AS problem;
END;
COMMENT ON FUNCTION provision.value_problems(jsonb, text[]) IS 'Problems of the values of a config that is an object of bearable size; needs: settings that must be there.';

-- A workflow of one's own may have settings of its own and says what it needs; the built-in ones are strict. To compile so many small
-- functions takes a thousand times as long as to run them once.
CREATE OR REPLACE FUNCTION provision.config_problems(config jsonb, workflow text)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET jit = off
AS $$
DECLARE
    own record;
BEGIN
    RETURN QUERY SELECT * FROM provision.shape_problems(config_problems.config);
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT known.is_builtin, known.needs INTO own FROM provision.workflow AS known WHERE known.name = config_problems.workflow AND known.is_current;
    RETURN QUERY SELECT * FROM provision.key_problems(config_problems.config, coalesce(own.is_builtin, true));
    RETURN QUERY SELECT * FROM provision.value_problems(config_problems.config, coalesce(own.needs, '{company_name,country}'));
END;
$$;
COMMENT ON FUNCTION provision.config_problems(jsonb, text) IS 'Everything that is wrong with a config, at once; no row: nothing. Raises no error for any jsonb.';
