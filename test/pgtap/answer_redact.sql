-- Values of secret keys are gone at any depth; everything else stays as it was.
BEGIN;
CREATE TEMPORARY TABLE document (given jsonb, expected jsonb);
INSERT INTO document VALUES
    ('{"name": "Acme", "abbr": "A", "n": [1, 2, {"x": null}]}', '{"name": "Acme", "abbr": "A", "n": [1, 2, {"x": null}]}'),
    ('{"password": "x", "PassWord": 5, "new_password": ["x"]}', '{"password": "[redacted]", "PassWord": "[redacted]", "new_password": "[redacted]"}'),
    ('{"a": [{"api_secret": "x", "api-key": "y"}, {"Authorization": "z"}]}', '{"a": [{"api_secret": "[redacted]", "api-key": "[redacted]"}, {"Authorization": "[redacted]"}]}'),
    ('{"private_key": {"deep": "x"}, "access_token": "t", "set-cookie": "c", "sid": "s"}',
     '{"private_key": "[redacted]", "access_token": "[redacted]", "set-cookie": "[redacted]", "sid": "[redacted]"}'),
    ('{"reset_password": true, "secret": null}', '{"reset_password": true, "secret": null}'),
    ('{"provision_key": "acme/customer", "key": "v", "passport": "P1"}', '{"provision_key": "acme/customer", "key": "v", "passport": "P1"}'),
    ('"Authorization: token abc:def"', '"Authorization: token [redacted]"'),
    ('{"secret": {}, "empty": {}, "list": []}', '{"secret": "[redacted]", "empty": {}, "list": []}'),
    ('null', 'null'),
    (NULL, NULL);
SELECT plan((SELECT count(*)::integer FROM document) + 1);
SELECT is(provision.redact(given), expected, left(given::text, 60)) FROM document;
SELECT lives_ok($$SELECT provision.redact((repeat('{"secret_of": true, "a":', 2000) || '1' || repeat('}', 2000))::jsonb)$$, 'a deep document is bearable');
SELECT * FROM finish();
ROLLBACK;
