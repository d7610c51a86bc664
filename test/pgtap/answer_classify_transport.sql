-- Without an answer: what was not sent may be repeated, what may have been done is looked for, and a broken certificate stays broken.
BEGIN;
CREATE TEMPORARY TABLE loss (delivery text, method text, curl_code integer, expected text);
INSERT INTO loss VALUES
    ('not_sent', 'POST', 6, 'transient ENGINE_NAME_NOT_FOUND t'),
    ('not_sent', 'POST', 7, 'transient ENGINE_UNREACHABLE t'),
    ('not_sent', 'POST', 28, 'transient ENGINE_UNREACHABLE t'),
    ('not_sent', 'GET', 56, 'transient ENGINE_UNREACHABLE t'),
    ('not_sent', 'POST', 35, 'permanent TLS_FAILED t'),
    ('not_sent', 'POST', 60, 'permanent TLS_CERTIFICATE_REFUSED t'),
    ('not_sent', 'POST', 77, 'permanent TLS_CA_FILE_UNREADABLE t'),
    ('not_sent', 'POST', 58, 'permanent TLS_CLIENT_CERTIFICATE_UNREADABLE t'),
    ('not_sent', 'POST', 1001, 'needs_person ADDRESS_REFUSED f'),
    ('unknown', 'GET', 1001, 'needs_person ADDRESS_REFUSED f'),
    ('not_sent', 'POST', 1002, 'needs_person HOST_NOT_ALLOWED f'),
    ('not_sent', 'POST', 98, 'permanent TLS_CLIENT_CERTIFICATE_WANTED t'),
    ('unknown', 'POST', 98, 'permanent TLS_CLIENT_CERTIFICATE_WANTED t'),
    ('unknown', 'POST', 63, 'permanent ANSWER_TOO_LARGE f'),
    ('unknown', 'GET', 1, 'transient ANSWER_UNREADABLE t'),
    ('unknown', 'POST', 8, 'ambiguous ANSWER_UNREADABLE t'),
    ('unknown', 'POST', 61, 'ambiguous ANSWER_UNREADABLE t'),
    ('not_sent', 'POST', 43, 'permanent REQUEST_NOT_SENDABLE f'),
    ('not_sent', 'POST', 3, 'permanent REQUEST_NOT_SENDABLE f'),
    ('not_sent', 'POST', 2, 'transient REQUEST_NOT_SENDABLE f'),
    ('not_sent', 'POST', 27, 'transient WORKER_OUT_OF_RESOURCES f'),
    ('not_sent', 'POST', 42, 'interrupted f'),
    ('unknown', 'POST', 42, 'interrupted f'),
    ('unknown', 'POST', 28, 'ambiguous ENGINE_TIMEOUT t'),
    ('unknown', 'GET', 28, 'transient ENGINE_TIMEOUT t'),
    ('unknown', 'DELETE', 52, 'ambiguous CONNECTION_LOST t'),
    ('unknown', 'PUT', 56, 'ambiguous CONNECTION_LOST t'),
    ('unknown', 'POST', 65, 'ambiguous CONNECTION_LOST t'),
    ('unknown', 'POST', 18, 'ambiguous CONNECTION_LOST t'),
    ('unknown', 'GET', 18, 'transient CONNECTION_LOST t'),
    ('unknown', 'POST', NULL, 'ambiguous CONNECTION_LOST t'),
    ('answered', 'GET', 63, 'permanent ANSWER_TOO_LARGE f');
SELECT plan((SELECT count(*)::integer FROM loss));
SELECT is(concat_ws(' ', given.verdict, given.error_code, given.trips), expected, concat_ws(' ', delivery, method, 'curl', curl_code))
  FROM loss,
       provision.classify('erpnext', delivery, method, '/api/resource/Company', 200, false, '', curl_code) AS given;
SELECT * FROM finish();
ROLLBACK;
