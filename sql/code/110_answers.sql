-- Reading answers: what they mean (answer_rule), and what they say (Frappe's messages).
-- Nothing here raises an error, whatever a server sent: one bad answer must not stop the others of its round.

-- The meaning of one answer: always one row, of the first rule in order that matches. A single SELECT without settings, so
-- that it is inlined where it is used as LATERAL over the answers of a round; the arguments must not be volatile for that.
CREATE OR REPLACE FUNCTION provision.classify(kind text, delivery text, method text, path text, http_status integer,
                                              is_json boolean, exc_type text, curl_code integer)
    RETURNS TABLE (verdict text, error_code text, trips boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT rule.verdict, rule.error_code, rule.trips
      FROM provision.answer_rule AS rule
     WHERE LEAST(GREATEST(COALESCE(classify.http_status, 0), 0), 999) BETWEEN rule.status_from AND rule.status_to
       AND rule.delivery = COALESCE(classify.delivery, 'unknown')
       AND (rule.kind IS NULL OR rule.kind = classify.kind)
       AND (rule.method IS NULL OR rule.method = classify.method)
       AND (rule.is_json IS NULL OR rule.is_json = COALESCE(classify.is_json, false))
       AND (rule.curl_code IS NULL OR rule.curl_code = classify.curl_code)
       AND (rule.exc_type IS NULL OR rule.exc_type = COALESCE(classify.exc_type, ''))
       AND (rule.path_like IS NULL OR classify.path LIKE rule.path_like)
     ORDER BY rule.ordinal
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.classify(text, text, text, text, integer, boolean, text, integer) IS
    'What an answer means: verdict, error code, and whether it counts for the circuit breaker. The table provision.answer_rule decides.';

-- The few entities that Frappe and its libraries write; numbers outside printable ASCII stay as they are.
CREATE OR REPLACE FUNCTION provision.decode_entities(html text)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    decoded text := decode_entities.html;
    entity  text;
    code    integer;
BEGIN
    IF strpos(decoded, '&') = 0 THEN
        RETURN decoded;
    END IF;
    FOR entity IN
        SELECT DISTINCT reference.parts[1] FROM regexp_matches(decoded, '&#([0-9]{2,3}|[xX][0-9A-Fa-f]{2});', 'g') AS reference (parts)
    LOOP
        code := CASE WHEN lower(left(entity, 1)) = 'x'
                     THEN get_byte(decode(substr(entity, 2), 'hex'), 0)
                     ELSE entity::integer END;
        IF code BETWEEN 32 AND 126 AND code <> 38 THEN
            decoded := replace(decoded, '&#' || entity || ';', chr(code));
        END IF;
    END LOOP;
    decoded := replace(replace(replace(decoded, '&lt;', '<'), '&gt;', '>'), '&nbsp;', ' ');
    decoded := replace(replace(replace(decoded, '&quot;', '"'), '&apos;', ''''), '&#38;', '&');
    RETURN replace(decoded, '&amp;', '&');
END;
$$;
COMMENT ON FUNCTION provision.decode_entities(text) IS 'Text with HTML''s usual character entities decoded, once.';

CREATE OR REPLACE FUNCTION provision.plain_text(html text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH stripped AS (
        SELECT regexp_replace(
                   regexp_replace(left(html, 20000), '<(br|/?p|/?div|/?li|/?ul|/?ol|/?tr|/?h[1-6]|hr)(\s[^<>]*)?/?>', ' ', 'gi'),
                   '<[/!]?[A-Za-z][^<>]*>', '', 'g') AS words
    ), line AS (
        SELECT btrim(regexp_replace(provision.decode_entities(words), '[[:space:][:cntrl:]]+', ' ', 'g')) AS words
          FROM stripped
    )
    SELECT CASE WHEN length(words) > 500 THEN left(words, 497) || '...' ELSE NULLIF(words, '') END
      FROM line;
END;
COMMENT ON FUNCTION provision.plain_text(text) IS 'HTML as one line of at most 500 characters: tags removed, entities decoded. Null when nothing is left.';

-- A JSON string of a list of JSON strings, each an object: three layers, none of which can be trusted to be there.
CREATE OR REPLACE FUNCTION provision.server_messages(body jsonb)
    RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    list     jsonb := server_messages.body -> '_server_messages';
    element  jsonb;
    message  text;
    messages text[] := '{}';
BEGIN
    IF jsonb_typeof(list) = 'string' THEN
        list := provision.parse_json(list #>> '{}');
    END IF;
    IF jsonb_typeof(list) IS DISTINCT FROM 'array' THEN
        RETURN messages;
    END IF;
    FOR element IN SELECT value FROM jsonb_array_elements(list) LIMIT 100
    LOOP
        message := element #>> '{}';
        IF jsonb_typeof(element) = 'string' THEN
            element := provision.parse_json(message);
        END IF;
        IF jsonb_typeof(element) = 'object' THEN
            message := element ->> 'message';
        END IF;
        message := provision.plain_text(message);
        IF message IS NOT NULL THEN
            messages := messages || message;
        END IF;
    END LOOP;
    RETURN messages;
END;
$$;
COMMENT ON FUNCTION provision.server_messages(jsonb) IS 'Frappe''s _server_messages as plain texts in their order; empty when there are none.';

CREATE OR REPLACE FUNCTION provision.frappe_message(body jsonb)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    messages  text[] := provision.server_messages(frappe_message.body);
    exception text := frappe_message.body ->> 'exception';
BEGIN
    IF cardinality(messages) > 0 THEN
        -- The last message of a refused deletion only advises to disable the document.
        RETURN messages[CASE WHEN frappe_message.body ->> 'exc_type' = 'LinkExistsError' THEN 1 ELSE cardinality(messages) END];
    END IF;
    RETURN COALESCE(
        provision.plain_text(regexp_replace(exception, '^[A-Za-z_][A-Za-z0-9_.]*:\s*', '')),
        provision.plain_text(exception),
        provision.plain_text(frappe_message.body ->> '_error_message'),
        provision.plain_text(frappe_message.body #>> '{errors,-1,message}'),
        provision.plain_text(frappe_message.body ->> 'message'),
        provision.plain_text(frappe_message.body ->> 'exc_type'));
END;
$$;
COMMENT ON FUNCTION provision.frappe_message(jsonb) IS
    'What Frappe says about a failure, for people: one line of plain text, at most 500 characters; null when it says nothing.';

-- The detail is filled in last: it comes from outside and may itself look like a placeholder.
CREATE OR REPLACE FUNCTION provision.failure_text(error_code text, template text, "values" jsonb)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH whole AS (
        SELECT COALESCE(template, 'The step "{step}" failed with ' || error_code || ': {detail}') AS words,
               NULLIF("values" ->> 'detail', '') AS detail
    ), trimmed AS (
        SELECT CASE WHEN detail IS NULL
                    THEN regexp_replace(words, '( (Reported|Reason given))?:? \{detail\}$', '')
                    ELSE words END AS words,
               COALESCE(detail, 'not given') AS detail
          FROM whole
    ), named AS (
        SELECT replace(replace(replace(replace(replace(replace(words,
                   '{job}', COALESCE("values" ->> 'job', 'job')),
                   '{tenant}', COALESCE("values" ->> 'tenant', '?')),
                   '{engine}', COALESCE("values" ->> 'engine', '?')),
                   '{step}', COALESCE("values" ->> 'step', '?')),
                   '{call}', COALESCE("values" ->> 'call', '?')),
                   '{status}', COALESCE("values" ->> 'status', '?')) AS words,
               detail
          FROM trimmed
    )
    SELECT replace(words, '{detail}', detail)
      FROM named;
END;
COMMENT ON FUNCTION provision.failure_text(text, text, jsonb) IS
    'A message or hint of the catalogue with {job}, {tenant}, {engine}, {step}, {call}, {status} and {detail} filled in from an object with these keys; template null: a sentence that names the code.';
