-- Every status has a meaning, also those no ERPNext sends; without Frappe's JSON a lost write is looked for, a lost read repeated.
BEGIN;
CREATE TEMPORARY TABLE zoo (status_from integer, status_to integer, on_get text, on_post text);
INSERT INTO zoo VALUES
    (0, 199, 'needs_person NOT_FRAPPE', 'needs_person NOT_FRAPPE'),
    (200, 299, 'needs_person NOT_FRAPPE', 'needs_person NOT_FRAPPE'),
    (300, 399, 'permanent ENGINE_REDIRECTS', 'permanent ENGINE_REDIRECTS'),
    (400, 400, 'permanent REQUEST_REJECTED', 'permanent REQUEST_REJECTED'),
    (401, 401, 'needs_person ENGINE_AUTH_FAILED', 'needs_person ENGINE_AUTH_FAILED'),
    (402, 402, 'needs_person SITE_SUSPENDED', 'needs_person SITE_SUSPENDED'),
    (403, 403, 'needs_person ENGINE_FORBIDDEN', 'needs_person ENGINE_FORBIDDEN'),
    (404, 404, 'needs_person SITE_NOT_FOUND', 'needs_person SITE_NOT_FOUND'),
    (405, 406, 'permanent REQUEST_REJECTED', 'permanent REQUEST_REJECTED'),
    (407, 407, 'needs_person PROXY_REFUSED', 'needs_person PROXY_REFUSED'),
    (408, 408, 'transient ENGINE_TIMEOUT', 'ambiguous ENGINE_TIMEOUT'),
    (409, 412, 'permanent REQUEST_REJECTED', 'permanent REQUEST_REJECTED'),
    (413, 414, 'permanent REQUEST_TOO_LARGE', 'permanent REQUEST_TOO_LARGE'),
    (415, 420, 'permanent REQUEST_REJECTED', 'permanent REQUEST_REJECTED'),
    (421, 421, 'needs_person SITE_NOT_FOUND', 'needs_person SITE_NOT_FOUND'),
    (423, 423, 'transient ENGINE_BUSY', 'transient ENGINE_BUSY'),
    (425, 425, 'transient ENGINE_BUSY', 'transient ENGINE_BUSY'),
    (426, 428, 'permanent REQUEST_REJECTED', 'permanent REQUEST_REJECTED'),
    (429, 429, 'transient RATE_LIMITED', 'transient RATE_LIMITED'),
    (431, 431, 'permanent REQUEST_TOO_LARGE', 'permanent REQUEST_TOO_LARGE'),
    (444, 444, 'transient CONNECTION_LOST', 'ambiguous CONNECTION_LOST'),
    (451, 451, 'needs_person ENGINE_FORBIDDEN', 'needs_person ENGINE_FORBIDDEN'),
    (499, 499, 'transient CONNECTION_LOST', 'ambiguous CONNECTION_LOST'),
    (500, 500, 'transient ENGINE_UNAVAILABLE', 'ambiguous ENGINE_UNAVAILABLE'),
    (501, 501, 'permanent REQUEST_REJECTED', 'permanent REQUEST_REJECTED'),
    (502, 504, 'transient ENGINE_UNAVAILABLE', 'ambiguous ENGINE_UNAVAILABLE'),
    (505, 506, 'permanent REQUEST_REJECTED', 'permanent REQUEST_REJECTED'),
    (507, 508, 'transient ENGINE_UNAVAILABLE', 'ambiguous ENGINE_UNAVAILABLE'),
    (511, 511, 'needs_person PROXY_REFUSED', 'needs_person PROXY_REFUSED'),
    (520, 530, 'transient ENGINE_UNAVAILABLE', 'ambiguous ENGINE_UNAVAILABLE'),
    (600, 1200, 'needs_person NOT_FRAPPE', 'needs_person NOT_FRAPPE');
SELECT plan((SELECT 2 * count(*)::integer FROM zoo));
SELECT is((SELECT string_agg(DISTINCT given.verdict || ' ' || given.error_code, ', ')
             FROM generate_series(status_from, status_to) AS status,
                  provision.classify('erpnext', 'answered', method, '/api/resource/Company/Acme', status, false, '', 0) AS given),
          CASE method WHEN 'GET' THEN on_get ELSE on_post END,
          concat_ws(' ', method, status_from, 'to', status_to, 'without JSON'))
  FROM zoo, unnest(ARRAY['GET', 'POST']) AS method;
SELECT * FROM finish();
ROLLBACK;
