-- JSON without an exception class of Frappe's: a success only with a 2xx; of other statuses it proves nothing but that somebody answered.
BEGIN;
CREATE TEMPORARY TABLE zoo (status_from integer, status_to integer, on_get text, on_post text);
INSERT INTO zoo VALUES
    (0, 199, 'needs_person NOT_FRAPPE', 'needs_person NOT_FRAPPE'),
    (200, 299, 'success', 'success'),
    (300, 399, 'permanent ENGINE_REDIRECTS', 'permanent ENGINE_REDIRECTS'),
    (400, 400, 'permanent REQUEST_REJECTED', 'permanent REQUEST_REJECTED'),
    (401, 401, 'needs_person ENGINE_AUTH_FAILED', 'needs_person ENGINE_AUTH_FAILED'),
    (403, 403, 'needs_person ENGINE_PERMISSION_DENIED', 'needs_person ENGINE_PERMISSION_DENIED'),
    (404, 404, 'permanent API_NOT_FOUND', 'permanent API_NOT_FOUND'),
    (409, 412, 'permanent REQUEST_REJECTED', 'permanent REQUEST_REJECTED'),
    (417, 417, 'permanent VALIDATION_FAILED', 'permanent VALIDATION_FAILED'),
    (429, 429, 'transient RATE_LIMITED', 'transient RATE_LIMITED'),
    (500, 500, 'transient ENGINE_UNAVAILABLE', 'ambiguous ENGINE_UNAVAILABLE'),
    (502, 504, 'transient ENGINE_UNAVAILABLE', 'ambiguous ENGINE_UNAVAILABLE'),
    (512, 599, 'transient ENGINE_UNAVAILABLE', 'ambiguous ENGINE_UNAVAILABLE'),
    (600, 1200, 'needs_person NOT_FRAPPE', 'needs_person NOT_FRAPPE');
SELECT plan((SELECT 2 * count(*)::integer FROM zoo));
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', given.verdict, given.error_code), ', ')
             FROM generate_series(status_from, status_to) AS status,
                  provision.classify('erpnext', 'answered', method, '/api/resource/Company/Acme', status, true, '', 0) AS given),
          CASE method WHEN 'GET' THEN on_get ELSE on_post END,
          concat_ws(' ', method, status_from, 'to', status_to, 'with JSON'))
  FROM zoo, unnest(ARRAY['GET', 'POST']) AS method;
SELECT * FROM finish();
ROLLBACK;
