-- Whatever a name is made of, in a path it is printable ASCII in which nothing begins a query, a header or another path.
BEGIN;
SELECT plan(4);
SELECT setseed(0.5);
CREATE TEMPORARY TABLE name AS
    SELECT string_agg(chr((ARRAY[13, 10, 9, 32, 47, 63, 35, 37, 38, 43, 58, 59, 64, 92, 127, 133, 160, 233, 8232, 26666, 128640, 65])[1 + floor(random() * 22)::integer]), '') AS name
      FROM generate_series(1, 2000) AS n, generate_series(1, 1 + n % 20)
     GROUP BY n;
SELECT is((SELECT count(*)::integer FROM name WHERE provision.document_path('Item', name) !~ '^/api/resource/Item/([A-Za-z0-9._~-]|%[0-9A-F]{2})+$'), 0, 'in a document''s path');
SELECT is((SELECT count(*)::integer FROM name WHERE provision.list_path('Item', jsonb_build_array(jsonb_build_array('name', '=', name)))
             !~ '^/api/resource/Item\?([A-Za-z0-9._~=&-]|%[0-9A-F]{2})+$'), 0, 'in a list''s filters');
SELECT is((SELECT count(*)::integer FROM name WHERE provision.method_path('m', jsonb_build_object('a', name)) !~ '^/api/method/m\?a=([A-Za-z0-9._~-]|%[0-9A-F]{2})+$'), 0, 'in a method''s arguments');
SELECT is((SELECT count(DISTINCT provision.document_path('Item', name))::integer FROM name), (SELECT count(DISTINCT name)::integer FROM name), 'and no two names share a path');
SELECT * FROM finish();
ROLLBACK;
