-- Credentials in texts of any form are replaced, and only they.
BEGIN;
CREATE TEMPORARY TABLE document (given text, expected text);
INSERT INTO document VALUES
    ('Company Acme already exists', 'Company Acme already exists'),
    ('Authorization: token 0a1b2c:9f8e7d', 'Authorization: token [redacted]'),
    ('authorization: Basic QWxhZGRpbjpvcGVu==', 'authorization: Basic [redacted]'),
    ('Bearer eyJhbGciOi.J9.abc-_', 'Bearer [redacted]'),
    ('{"api_secret": "x y\"z", "n": 1}', '{"api_secret": "[redacted]", "n": 1}'),
    ('{"args": "{\"password\": \"x\"}"}', '{"args": "{\"password\": \"[redacted]\"}"}'),
    ('{"api_secret": "cut in the mid', '{"api_secret": "[redacted]'),
    ('GET /x?api_key=abc&name=1', 'GET /x?api_key=[redacted]&name=1'),
    ('https://user:pass@host/path', 'https://[redacted]@host/path'),
    ('https://host/path', 'https://host/path'),
    ('the basic rate and the token rate apply', 'the basic rate and the token rate apply'),
    ('', ''),
    (NULL, NULL);
SELECT plan((SELECT count(*)::integer FROM document));
SELECT is(provision.redact_text(given), expected, left(given, 60)) FROM document;
SELECT * FROM finish();
ROLLBACK;
