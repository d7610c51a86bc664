-- The nested strings are not to be trusted: no shape of the body raises, and the text is always one short line.
BEGIN;
CREATE TEMPORARY TABLE answer (body jsonb, expected text);
INSERT INTO answer VALUES
    (NULL, NULL),
    ('null', NULL),
    ('5', NULL),
    ('"text"', NULL),
    ('[{"_server_messages": "[]"}]', NULL),
    ('{}', NULL),
    ('{"_server_messages": 5}', NULL),
    ('{"_server_messages": "not JSON", "exception": "x.YError: told"}', 'told'),
    ('{"_server_messages": "{\"message\": \"no list\"}", "message": "this"}', 'this'),
    ('{"_server_messages": "[\"no object\"]"}', 'no object'),
    ('{"_server_messages": "[5, null, true]"}', 'true'),
    ('{"_server_messages": "[\"{\\\"message\\\": {\\\"a\\\": 1}}\"]"}', '{"a": 1}'),
    ('{"_server_messages": "[\"{}\"]", "exception": "E: fallback"}', 'fallback'),
    ('{"_server_messages": [{"message": "as a list"}]}', 'as a list'),
    ('{"exception": ["a"]}', '["a"]'),
    ('{"exception": "<p>one</p><p>two &amp;lt; &#39;three&#39;</p>\n\t<script>"}', 'one two &lt; ''three'''),
    ('{"exception": "&#0; &#x1F; &#xZZ; &#99999;"}', '&#0; &#x1F; &#xZZ; &#99999;'),
    ('{"exception": "   "}', NULL),
    ('{"errors": [{"message": "first"}, {"message": "of the second API"}]}', 'of the second API');
SELECT plan((SELECT 2 * count(*)::integer FROM answer) + 2);
SELECT is(provision.frappe_message(body), expected, left(body::text, 60)) FROM answer;
SELECT ok(COALESCE(provision.frappe_message(body) !~ '[[:cntrl:]]', true), 'one line: ' || COALESCE(left(body::text, 60), 'null')) FROM answer;
SELECT is(length(provision.frappe_message(jsonb_build_object('exception', repeat('x', 100000)))), 500, 'a long text is cut');
SELECT lives_ok($$SELECT provision.frappe_message(jsonb_build_object('exception', repeat('<b', 50000) || '>'))$$, 'tags that never end are bearable');
SELECT * FROM finish();
ROLLBACK;
