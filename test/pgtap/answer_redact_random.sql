-- Random documents with secrets planted at any depth: none is left, whether the document is read as one, is a text, is a string in a string,
-- or is encoded for a URL or with an escape for every letter. A failure prints the seed.
BEGIN;
SELECT plan(8);
SELECT (random() * 1000000)::integer AS seed \gset
\echo # seed :seed
SELECT setseed(:seed / 1000000.0);

CREATE FUNCTION pg_temp.pick(words text[]) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT words[1 + floor(random() * cardinality(words))::integer];
$$;
-- A secret is made of letters that forms write differently, and can be recognised in each by "leak".
CREATE FUNCTION pg_temp.secret() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT 'leak' || pg_temp.pick(ARRAY['a', '"', '\', '&', '/', '=', ':', '%', '''', '<', 'é', '+x', '{}', '\"']) || (random() * 1000)::integer;
$$;
CREATE FUNCTION pg_temp.leaf() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT pg_temp.pick(ARRAY['1', '2.5', 'null', 'true', '"word"', '"a \"b\" c"', '[]', '{}', '"x\\y"'])::jsonb;
$$;
CREATE FUNCTION pg_temp.document(depth integer) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    made jsonb := '{}';
    inner_document jsonb;
BEGIN
    FOR i IN 1 .. 1 + floor(random() * 3) LOOP
        made := made || jsonb_build_object(pg_temp.pick('{name,abbr,data,message,n}') || i, pg_temp.leaf());
    END LOOP;
    made := made || jsonb_build_object(pg_temp.pick('{password,new_password,Admin-Password,api_secret,token,access.token,Authorization,cookie,sid,pwd,private key,db_password,passphrase}'),
                                       pg_temp.secret());
    IF depth > 0 THEN
        inner_document := pg_temp.document(depth - 1);
        made := made || jsonb_build_object('inner', CASE floor(random() * 4)::integer
            WHEN 0 THEN to_jsonb(inner_document::text)
            WHEN 1 THEN jsonb_build_array(1, inner_document, 'x')
            WHEN 2 THEN to_jsonb('said: ' || inner_document::text)
            ELSE inner_document END);
    END IF;
    RETURN made;
END;
$$;
CREATE FUNCTION pg_temp.url(plain text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(CASE WHEN letter ~ '^[A-Za-z0-9_.~-]$' THEN letter
                           ELSE (SELECT string_agg('%' || upper(encode(substr(convert_to(letter, 'UTF8'), n, 1), 'hex')), '' ORDER BY n)
                                   FROM generate_series(1, octet_length(convert_to(letter, 'UTF8'))) AS n) END, '' ORDER BY place)
      FROM string_to_table(plain, NULL) WITH ORDINALITY AS letters (letter, place);
$$;
CREATE FUNCTION pg_temp.escaped(document text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(CASE WHEN letter ~ '^[A-Za-z_]$' THEN '\u' || lpad(to_hex(ascii(letter)), 4, '0') ELSE letter END, '' ORDER BY place)
      FROM string_to_table(document, NULL) WITH ORDINALITY AS letters (letter, place);
$$;

CREATE TEMPORARY TABLE made AS SELECT pg_temp.document(n % 4) AS document FROM generate_series(1, 80) AS n;
SELECT cmp_ok((SELECT count(*) FROM made WHERE document::text LIKE '%leak%'), '=', 80::bigint, 'every document has secrets');
SELECT is_empty($$SELECT document, provision.redact(document) FROM made WHERE provision.redact(document)::text LIKE '%leak%'$$, 'none is left in a document');
SELECT is_empty($$SELECT document, provision.redact_text(document::text) FROM made WHERE provision.redact_text(document::text) LIKE '%leak%'$$, 'nor in its text');
SELECT is_empty($$SELECT document, provision.redact_text('Response: ' || to_jsonb(document::text)::text) FROM made
                   WHERE provision.redact_text('Response: ' || to_jsonb(document::text)::text) LIKE '%leak%'$$, 'nor when it is a string');
SELECT is_empty($$SELECT document, provision.redact_text(jsonb_pretty(document)) FROM made WHERE provision.redact_text(jsonb_pretty(document)) LIKE '%leak%'$$, 'nor in several lines');
SELECT is_empty($$SELECT document, provision.redact_text('GET /x?y=' || pg_temp.url(document::text)) FROM made
                   WHERE provision.redact_text('GET /x?y=' || pg_temp.url(document::text)) LIKE '%leak%'$$, 'nor in a URL');
SELECT is_empty($$SELECT document FROM made WHERE provision.redact_text(pg_temp.escaped(document::text)) ~ 'leak|\\u006c\\u0065\\u0061\\u006b'$$, 'nor where letters are escaped');
SELECT is_empty($$SELECT word FROM (SELECT pg_temp.url(pg_temp.secret()) AS word FROM generate_series(1, 50)) AS w
                   WHERE provision.redact_text('GET /x?api_secret=' || word || '&password=' || word) LIKE '%leak%'$$, 'nor in a query');
SELECT * FROM finish();
ROLLBACK;
