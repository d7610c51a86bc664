-- Judging a config, second part: texts, lists of names, amounts, items; and what all parts say together.

CREATE OR REPLACE FUNCTION provision.text_problems(given jsonb)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT key, 'NAME_TOO_LONG', 'The text has more than ' || max_length || ' characters.', 'Shorten it.'
      FROM provision.config_keys()
     WHERE kind = 'text'
       AND length(given ->> key) > max_length
     UNION ALL
    SELECT key, 'NAME_ILLEGAL', 'ERPNext does not take this name.', 'Use no <, > or control characters.'
      FROM provision.config_keys()
     WHERE kind = 'text'
       AND max_length IS NOT NULL
       AND given ->> key ~ '[<>\x01-\x1f\x7f]'
     UNION ALL
    SELECT 'opening_amount', 'NEGATIVE_AMOUNT', 'The amount is negative.', 'Write 0 or more.'
     WHERE (given -> 'opening_amount')::numeric < 0
     UNION ALL
    SELECT 'opening_amount', 'AMOUNT_TOO_LARGE', 'The amount is larger than ERPNext can keep.', 'Write less than 1,000,000,000,000.'
     WHERE (given -> 'opening_amount')::numeric >= 1000000000000;
END;
COMMENT ON FUNCTION provision.text_problems(jsonb) IS 'Texts that are too long or that ERPNext refuses as names; the opening amount.';

-- A list that is given must name something; ERPNext compares names without regard to case.
CREATE OR REPLACE FUNCTION provision.name_list_problems(field text, names jsonb, max_length integer)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH named AS MATERIALIZED (
        SELECT name_list_problems.field || '[' || place - 1 || ']' AS field, btrim(name) AS name,
               row_number() OVER (PARTITION BY lower(btrim(name)) ORDER BY place) AS occurrence
          FROM jsonb_array_elements_text(names) WITH ORDINALITY AS list (name, place)
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
    SELECT named.field, 'DUPLICATE_NAME', 'The name "' || name || '" comes twice.', 'Remove one; upper and lower case do not make a difference.'
      FROM named
     WHERE occurrence = 2 AND name <> ''
     UNION ALL
    SELECT named.field, 'NAME_TOO_LONG', 'The name has more than ' || name_list_problems.max_length || ' characters.', 'Shorten it.'
      FROM named
     WHERE length(name) > name_list_problems.max_length
     UNION ALL
    SELECT named.field, 'NAME_ILLEGAL', 'ERPNext does not take this name.', 'Use no <, > or control characters.'
      FROM named
     WHERE name ~ '[<>\x01-\x1f\x7f]';
END;
COMMENT ON FUNCTION provision.name_list_problems(text, jsonb, integer) IS 'Problems of a list of names.';

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
     WHERE is_required AND COALESCE(btrim(item ->> key), '') = ''
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
    SELECT item_problems.field || '.' || key, 'NEGATIVE_AMOUNT', 'The number is negative.', 'Write 0 or more.'
      FROM key
     WHERE kind = 'number'
       AND CASE jsonb_typeof(item -> key) WHEN 'number' THEN (item -> key)::numeric < 0 END;
END;
COMMENT ON FUNCTION provision.item_problems(jsonb, text) IS 'Problems of one item of demo_items.';

CREATE OR REPLACE FUNCTION provision.item_list_problems(items jsonb)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH listed AS MATERIALIZED (
        SELECT item, 'demo_items[' || place - 1 || ']' AS field,
               row_number() OVER (PARTITION BY lower(btrim(item ->> 'item_code')) ORDER BY place) AS occurrence
          FROM jsonb_array_elements(CASE jsonb_typeof(items) WHEN 'array' THEN items ELSE '[]' END) WITH ORDINALITY AS list (item, place)
         WHERE place <= 200
    )
    SELECT 'demo_items', 'TOO_MANY', 'The list has more than 200 items.', 'Import the others in ERPNext later.'
     WHERE CASE jsonb_typeof(items) WHEN 'array' THEN jsonb_array_length(items) > 200 END
     UNION ALL
    SELECT listed.field || '.item_code', 'DUPLICATE_NAME', 'The item code "' || (item ->> 'item_code') || '" comes twice.',
           'Remove one; upper and lower case do not make a difference.'
      FROM listed
     WHERE occurrence = 2 AND btrim(item ->> 'item_code') <> ''
     UNION ALL
    SELECT problem.*
      FROM listed, provision.item_problems(item, listed.field) AS problem;
END;
COMMENT ON FUNCTION provision.item_list_problems(jsonb) IS 'Problems of demo_items.';

-- Values of the wrong type are reported as such and judged no further, so that the rules behind can rely on the types.
CREATE OR REPLACE FUNCTION provision.value_problems(config jsonb, strict boolean)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH mistyped AS (
        SELECT COALESCE(array_agg(key), '{}') AS keys
          FROM provision.config_keys()
         WHERE jsonb_typeof(config -> key) <> 'null'
           AND NOT provision.has_kind(config -> key, kind)
    ), given AS MATERIALIZED (
        SELECT provision.given_settings(config) - keys AS given, keys
          FROM mistyped
    )
    SELECT problem.*
      FROM given, provision.company_problems(given, strict AND NOT 'company_name' = ANY (keys)) AS problem
     UNION ALL
    SELECT problem.*
      FROM given, provision.place_problems(given, strict AND NOT 'country' = ANY (keys)) AS problem
     UNION ALL
    SELECT problem.*
      FROM given, provision.text_problems(given) AS problem
     UNION ALL
    SELECT problem.*
      FROM given,
           provision.config_keys() AS known,
           provision.name_list_problems(known.key, CASE WHEN known.kind = 'list of names' THEN given -> known.key END, known.max_length) AS problem
     UNION ALL
    SELECT problem.*
      FROM given, provision.item_list_problems(given -> 'demo_items') AS problem;
END;
COMMENT ON FUNCTION provision.value_problems(jsonb, boolean) IS 'Problems of the values of a config that is an object of bearable size.';

-- A workflow of one's own may have settings of its own and need no company; the built-in ones are strict.
CREATE OR REPLACE FUNCTION provision.config_problems(config jsonb, workflow text)
    RETURNS TABLE (field text, code text, message text, hint text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH shape AS MATERIALIZED (
        SELECT * FROM provision.shape_problems(config)
    ), judged AS MATERIALIZED (
        SELECT config_problems.config AS config,
               NOT EXISTS (SELECT FROM provision.workflow AS own WHERE own.name = config_problems.workflow AND NOT own.is_builtin) AS strict
         WHERE NOT EXISTS (SELECT FROM shape)
    )
    SELECT * FROM shape
     UNION ALL
    SELECT problem.*
      FROM judged, provision.key_problems(judged.config, judged.strict) AS problem
     UNION ALL
    SELECT problem.*
      FROM judged, provision.value_problems(judged.config, judged.strict) AS problem;
END;
COMMENT ON FUNCTION provision.config_problems(jsonb, text) IS 'Everything that is wrong with a config, at once; no row: nothing. Raises no error for any jsonb.';
