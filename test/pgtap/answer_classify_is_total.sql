-- Whatever is asked, also with nulls, there is exactly one answer.
BEGIN;
SELECT plan(1);
SELECT is_empty($$
    SELECT delivery, method, status, is_json, exc_type, curl_code
      FROM unnest(ARRAY['answered', 'unknown', 'not_sent', NULL]) AS delivery
     CROSS JOIN unnest(ARRAY['GET', 'POST', 'BREW', NULL]) AS method
     CROSS JOIN unnest(ARRAY[-1, 0, 99, 100, 200, 207, 304, 404, 417, 500, 599, 600, 999, 65535, NULL]) AS status
     CROSS JOIN unnest(ARRAY[true, false, NULL]) AS is_json
     CROSS JOIN unnest(ARRAY['', 'DoesNotExistError', 'NoSuchError', NULL]) AS exc_type
     CROSS JOIN unnest(ARRAY[0, 28, 63, 999, NULL]) AS curl_code
      LEFT JOIN LATERAL provision.classify('erpnext', delivery, method, NULL, status, is_json, exc_type, curl_code) AS given ON true
     GROUP BY 1, 2, 3, 4, 5, 6
    HAVING count(given.verdict) <> 1
$$, 'exactly one meaning for every answer');
SELECT * FROM finish();
ROLLBACK;
