-- Names as ERPNext takes, trims and compares them. Patterns beyond ASCII matter in databases of UTF-8 only, where such characters can be.

-- What is known when a query is planned is computed then, in branches that are never taken, too: where Unicode is not, that must be nothing.
CREATE OR REPLACE FUNCTION provision.if_unicode(word text)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN getdatabaseencoding() = 'UTF8' THEN word END;
END;
COMMENT ON FUNCTION provision.if_unicode(text) IS 'The text in a database of UTF-8; null in others.';

CREATE OR REPLACE FUNCTION provision.trimmed(word text)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN getdatabaseencoding() = 'UTF8'
                THEN normalize(regexp_replace(provision.if_unicode(word), '^[[:space:]\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[[:space:]\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$', '', 'g'), NFC)
                ELSE regexp_replace(word, '^[[:space:]]+|[[:space:]]+$', '', 'g') END;
END;
COMMENT ON FUNCTION provision.trimmed(text)
    IS 'A text as it is kept: without what Python''s strip() would take off, as ERPNext does with names, and composed (NFC), so that one name has one form.';

-- What a reader cannot see: characters that turn the direction of a text round, have no width, are no characters, or control a terminal.
-- The joiners U+200C and U+200D and variation selectors stay, because Persian, Indic scripts and emoji are written with them.
CREATE OR REPLACE FUNCTION provision.has_hidden_character(word text)
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT word ~ CASE WHEN getdatabaseencoding() = 'UTF8'
        THEN '[\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]'
        ELSE '\x7f' END;
END;
COMMENT ON FUNCTION provision.has_hidden_character(text)
    IS 'The text holds a character that is not seen: marks of direction, characters without width, controls beyond ASCII''s first 32, noncharacters.';

-- Near enough to utf8mb4_unicode_ci, by which the database of ERPNext finds names equal: without case, accents, width, and what it ignores.
CREATE OR REPLACE FUNCTION provision.collation_key(word text)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN getdatabaseencoding() = 'UTF8'
                THEN replace(lower(regexp_replace(normalize(provision.if_unicode(provision.trimmed(word)), NFKD),
                         '[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]', '', 'g')), 'ß', 'ss')
                ELSE lower(provision.trimmed(word)) END;
END;
COMMENT ON FUNCTION provision.collation_key(text) IS 'Two names with the same key are one name for ERPNext''s database.';

-- A new document has the name "New Customer 1" until it is saved, so ERPNext refuses such names; and that of the document type itself.
CREATE OR REPLACE FUNCTION provision.is_illegal_name(doctype text, name text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT name ~ '[<>\x01-\x1f\x7f]'
        OR coalesce(lower(name) = lower(doctype), false)
        OR coalesce(starts_with(lower(name), 'new ' || lower(doctype)), false);
END;
COMMENT ON FUNCTION provision.is_illegal_name(text, text) IS 'ERPNext refuses a document of this type with this whole name (NameError); type null: whatever the type. Null for null.';

-- ERPNext does not append what a name ends with already.
CREATE OR REPLACE FUNCTION provision.with_suffix(name text, suffix text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN right(name, length(suffix)) = suffix THEN name ELSE name || suffix END;
COMMENT ON FUNCTION provision.with_suffix(text, text) IS 'The name of a document to which ERPNext appends " - " and the company''s abbreviation.';
