-- What of an answer may be kept: passwords and tokens that a server tells or repeats are taken out before anything is stored.
-- Nothing here raises an error, whatever a server sent.

CREATE OR REPLACE FUNCTION provision.is_secret_key(key text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT translate(lower(key), '_- .', '') ~
           '(passw|passphrase|secret|token|authorization|credential|cookie|privatekey|accesskey|apikey|encryptionkey|^pwd$|^sid$|^auth$|^pin$)';
END;
COMMENT ON FUNCTION provision.is_secret_key(text) IS 'The value of a key with this name is never stored or shown.';

CREATE OR REPLACE FUNCTION provision.is_secret_name(value jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(value IN ('{"$secret": "mariadb_root_password"}', '{"$secret": "admin_password"}'), false);
END;
COMMENT ON FUNCTION provision.is_secret_name(jsonb) IS 'It names a secret that the worker puts in its place, and is none itself: {"$secret": "mariadb_root_password"}.';

-- Walks only a document in which the text of some key or value could name a secret; null, true and false tell nothing. The arguments of a
-- job of Agent have no names, and some are passwords; so has what follows an option in a command.
CREATE OR REPLACE FUNCTION provision.redact(document jsonb, depth integer DEFAULT 0)
    RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF redact.depth = 0 AND redact.document::text !~* 'pass|secret|token|auth|credential|cookie|key|pwd|sid|pin|"args"|://| -p|identified|x\\' THEN
        RETURN redact.document;
    END IF;
    IF redact.depth > 100 THEN
        RETURN '"[too deep]"';
    END IF;
    IF jsonb_typeof(redact.document) = 'object' THEN
        IF provision.is_secret_name(redact.document) THEN
            RETURN redact.document;
        END IF;
        RETURN (SELECT COALESCE(jsonb_object_agg(key, CASE
                           WHEN jsonb_typeof(value) NOT IN ('null', 'boolean') AND provision.is_secret_key(key) AND NOT provision.is_secret_name(value) THEN '"[redacted]"'
                           WHEN key = 'args' AND jsonb_typeof(value) = 'array' AND redact.document ?| '{function,kwargs}' THEN '"[redacted]"'
                           ELSE provision.redact(value, redact.depth + 1) END), '{}')
                  FROM jsonb_each(redact.document));
    ELSIF jsonb_typeof(redact.document) = 'array' THEN
        RETURN (SELECT COALESCE(jsonb_agg(CASE
                           WHEN before LIKE '-%' AND provision.is_secret_key(before) THEN '"[redacted]"'
                           ELSE provision.redact(value, redact.depth + 1) END ORDER BY place), '[]')
                  FROM (SELECT value, place, lag(value #>> '{}') OVER (ORDER BY place) AS before
                          FROM jsonb_array_elements(redact.document) WITH ORDINALITY AS element (value, place)) AS element);
    ELSIF jsonb_typeof(redact.document) = 'string' THEN
        RETURN to_jsonb(provision.redact_text(redact.document #>> '{}'));
    END IF;
    RETURN redact.document;
END;
$$;
COMMENT ON FUNCTION provision.redact(jsonb, integer) IS 'The document with the values of secret keys, and what redact_text() finds in strings, replaced by "[redacted]" at any depth. depth is its own.';

CREATE OR REPLACE FUNCTION provision.plain_escapes(document text)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plain  text := plain_escapes.document;
    digits text;
BEGIN
    FOR digits IN SELECT DISTINCT escapes.found[1] FROM regexp_matches(plain, '\\u00([2-7][0-9A-Fa-f])', 'g') AS escapes (found)
    LOOP
        IF lower(digits) NOT IN ('22', '5c', '7f') THEN
            plain := regexp_replace(plain, '\\+u00' || digits, chr(get_byte(decode(digits, 'hex'), 0)), 'g');
        END IF;
    END LOOP;
    RETURN plain;
END;
$$;
COMMENT ON FUNCTION provision.plain_escapes(text) IS 'The text with escapes of printable ASCII, such as \u0041, replaced by what they stand for; quotes and backslashes stay escaped.';

-- In commands and in SQL: --option value, also as elements of a list; -pPASSWORD of the clients of MariaDB; IDENTIFIED BY. A value may be
-- quoted for the shell, in one piece or in several; a text may have been cut within it.
CREATE OR REPLACE FUNCTION provision.redact_commands(document text)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    option constant text := '--[a-z_-]*(?:passw|passphrase|pwd|secret|token|credential|_key|-key)[a-z_-]*';
    value constant text := $re$(?:"[^"]*(?:"|$)|(?:'[^']*(?:'|$)|\\+"[^"\\]*(?:\\+"|\\*$)|"'"|[^\s"'\\])+)$re$;
    clean text := redact_commands.document;
BEGIN
    clean := regexp_replace(clean, '(' || option || $re$\\*["']\s*,\s*\\*["'])[^"'\\]*$re$, '\1[redacted]', 'gi');
    clean := regexp_replace(clean, '(' || option || '(?:\s+|=))' || value, '\1[redacted]', 'gi');
    clean := regexp_replace(clean, $re$(\m(?:mysql|mariadb)[a-z-]*\s(?:[^\n"']*\s)?-p)$re$ || value, '\1[redacted]', 'g');
    clean := regexp_replace(clean, $re$(["']-p)[^"'\\\s]+$re$, '\1[redacted]', 'g');
    RETURN regexp_replace(clean, $re$(\m(?:identified\s[^'"]{0,60}|password\s*\(\s*)\\*['"])[^'"\\]*$re$, '\1[redacted]', 'gi');
END;
$$;
COMMENT ON FUNCTION provision.redact_commands(text) IS 'The text with passwords in command lines and in statements for MariaDB replaced by [redacted].';

-- For texts that are not known to be JSON: header lines, JSON (also inside of JSON strings, also cut off), what Python shows of a dictionary,
-- query strings, user and password in a URL, pickled arguments of a job. In doubt it takes away too much.
CREATE OR REPLACE FUNCTION provision.redact_text(document text)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    words constant text := '[A-Za-z_. -]*(?:passw|passphrase|secret|token|authorization|credential|cookie|private[_ .-]?key|access[_ .-]?key|api[_ .-]?key|encryption[_ .-]?key|\mpwd\M|\msid\M)[A-Za-z_-]*';
    clean text := redact_text.document;
BEGIN
    IF clean !~* 'pass|secret|token|auth|credential|cookie|key|pwd|sid|basic|bearer|://|\\u00|"args|-p|identified|x\\' THEN
        RETURN clean;
    END IF;
    clean := provision.redact_commands(provision.plain_escapes(clean));
    clean := regexp_replace(clean, $re$\mb\\*['"]x(?:\\+x(?:01|9c|da)|\^)[^\n]*$re$, '[redacted]', 'gi');
    clean := regexp_replace(clean, $re$(\\*"args\\*"\s*:\s*\[)(?:(?!\]\s*,\s*\\*"(?:function|kwargs)).)*$re$, '\1[redacted]', 'g');
    clean := regexp_replace(clean, '\m(token\s+)[^\s:"'']+:[^\s"'']+', '\1[redacted]', 'gi');
    clean := regexp_replace(clean, '\m((?:basic|bearer)\s+)[A-Za-z0-9+/_.~-]{12,}=*', '\1[redacted]', 'gi');
    clean := regexp_replace(clean, $re$(authorization\\*["']?\s*:\s*\\*["']?(?:token|basic|bearer)\s+)[^\s"',\\]+$re$, '\1[redacted]', 'gi');
    clean := regexp_replace(clean, '("' || words || '"\s*:\s*")(?:[^"\\]|\\.)*', '\1[redacted]', 'gi');
    clean := regexp_replace(clean, '(\\+"' || words || '\\+"\s*:\s*\\+")(?:[^"\\]|\\{2,}"?)*', '\1[redacted]', 'gi');
    clean := regexp_replace(clean, '(''' || words || '''\s*:\s*'')(?:[^''\\]|\\.)*', '\1[redacted]', 'gi');
    clean := regexp_replace(clean, '(''' || words || '''\s*:\s*\\*")[^"\\]*', '\1[redacted]', 'gi');
    -- JSON in a URL: all that follows the first name of a secret.
    clean := regexp_replace(clean, $re$((?:passw|passphrase|secret|token|authorization|credential|cookie|key|pwd|sid)[a-z_.-]*(?:%5C)*%22(?:%20|\+)*%3A)[^\s"']*$re$, '\1[redacted]', 'gi');
    clean := regexp_replace(clean, '(\m' || words || '(?:=|%3D))(?:(?!%26)[^&\s"''])+', '\1[redacted]', 'gi');
    clean := regexp_replace(clean, '(\m' || words || ':\s*)(?!token\M|basic\M|bearer\M|\[redacted)[^\s"'',;\\]+', '\1[redacted]', 'gi');
    clean := regexp_replace(clean, '(://)[^/?#@\s"'']*:(?![0-9]*$)[^/?#\s"''@]*$', '\1[redacted]');
    RETURN regexp_replace(clean, '(://)(?:[^/?#@\s]*:[^/?#\s"'']*|[^/@\s]+)@', '\1[redacted]@', 'g');
END;
$$;
COMMENT ON FUNCTION provision.redact_text(text) IS 'The text with what looks like a credential replaced by [redacted].';
