-- 204 and 205 carry no JSON: that is what a DELETE may answer, and nothing else.
BEGIN;
SELECT plan(4);
SELECT is(given.verdict, expected, concat_ws(' ', method, status))
  FROM (VALUES ('DELETE', 204, 'success'), ('DELETE', 205, 'success'), ('POST', 204, 'needs_person'), ('GET', 204, 'needs_person'))
           AS answer (method, status, expected),
       provision.classify('erpnext', 'answered', method, '/api/resource/Item/X', status, false, '', 0) AS given;
SELECT * FROM finish();
ROLLBACK;
