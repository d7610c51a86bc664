-- What answers mean. Ordinals leave gaps: a site's own rules (is_builtin false) go between these.
-- Frappe's exception class decides before the status; a text never does, because texts are translated.
-- transient: nothing was done, try again. ambiguous: it may have been done, look first. permanent: the same call will be
-- refused again. needs_person: something beside the job has to be put right. interrupted: our own doing, not a failure.

-- The common answer first: claims and reads of a healthy server end here.
INSERT INTO provision.answer_rule (ordinal, kind, method, status_from, status_to, is_json, curl_code, verdict, error_code, is_builtin) VALUES
    (10, 'erpnext', NULL,     200, 299, true,  NULL, 'success',      NULL,               true),
    (20, NULL,      NULL,       0, 499, NULL,  63,   'permanent',    'ANSWER_TOO_LARGE', true),   -- CURLE_FILESIZE_EXCEEDED
    (30, 'erpnext', 'DELETE', 204, 205, NULL,  NULL, 'success',      NULL,               true),
    (40, 'erpnext', NULL,     200, 299, false, NULL, 'needs_person', 'NOT_FRAPPE',       true),
    (50, 'erpnext', NULL,     300, 399, NULL,  NULL, 'permanent',    'ENGINE_REDIRECTS', true);

-- Absent is believed only of a document's own address: an HTML 404 is a wrong host, a list's 404 is a missing document type.
-- Patterns begin with %, because a base URL may have a path of its own.
INSERT INTO provision.answer_rule (ordinal, kind, method, path_like, status_from, status_to, is_json, exc_type, verdict, error_code, is_builtin) VALUES
    (100, 'erpnext', 'GET',    '%/api/resource/%/%',           404, 404, true, 'DoesNotExistError', 'absent',    'DOCUMENT_NOT_FOUND', true),
    (110, 'erpnext', 'GET',    '%/api/method/frappe.client.%', 404, 404, true, 'DoesNotExistError', 'absent',    'DOCUMENT_NOT_FOUND', true),
    (120, 'erpnext', 'DELETE', '%/api/resource/%/%',           404, 404, true, 'DoesNotExistError', 'absent',    'DOCUMENT_NOT_FOUND', true),
    (130, 'erpnext', 'PUT',    '%/api/resource/%/%',           404, 404, true, 'DoesNotExistError', 'permanent', 'DOCUMENT_NOT_FOUND', true),
    (140, 'erpnext', NULL,     NULL,                          404, 404, true, 'DoesNotExistError', 'permanent', 'API_NOT_FOUND',      true);

-- What two simultaneous requests do to each other, although it looks like bad data.
INSERT INTO provision.answer_rule (ordinal, kind, method, path_like, status_from, status_to, is_json, exc_type, verdict, error_code, is_builtin) VALUES
    (150, 'erpnext', 'POST', '%/api/resource/Company',       417, 417, true, 'LinkValidationError', 'transient', 'LINK_NOT_FOUND',     true),
    (160, 'erpnext', 'POST', '%/api/resource/Custom_20Field', 417, 417, true, 'ValidationError',    'duplicate', 'DUPLICATE_DOCUMENT', true);

-- Already there. Only of a POST: a PUT that collides was not done.
INSERT INTO provision.answer_rule (ordinal, kind, method, status_from, status_to, is_json, exc_type, verdict, error_code, is_builtin) VALUES
    (200, 'erpnext', 'POST', 400, 499, true, 'DuplicateEntryError',               'duplicate', 'DUPLICATE_DOCUMENT', true),
    (210, 'erpnext', 'POST', 400, 499, true, 'UniqueValidationError',             'duplicate', 'DUPLICATE_DOCUMENT', true),
    (220, 'erpnext', 'POST', 400, 499, true, 'ItemPriceDuplicateItem',            'duplicate', 'DUPLICATE_DOCUMENT', true),
    (230, 'erpnext', 'POST', 400, 499, true, 'EmptyStockReconciliationItemsError', 'duplicate', 'DUPLICATE_DOCUMENT', true),
    (240, 'erpnext', NULL,   400, 499, true, 'DuplicateEntryError',               'permanent', 'DUPLICATE_DOCUMENT', true),
    (250, 'erpnext', NULL,   400, 499, true, 'UniqueValidationError',             'permanent', 'DUPLICATE_DOCUMENT', true);

-- Rolled back by the server: the same call may work in a moment. No sign of a sick server, so the breaker stays closed.
INSERT INTO provision.answer_rule (ordinal, kind, status_from, status_to, is_json, exc_type, verdict, error_code, is_builtin) VALUES
    (300, 'erpnext', 400, 599, true, 'QueryDeadlockError',     'transient', 'ENGINE_DEADLOCK',    true),
    (310, 'erpnext', 400, 599, true, 'QueryTimeoutError',      'transient', 'ENGINE_BUSY',        true),
    (320, 'erpnext', 400, 599, true, 'TooManyRequestsError',   'transient', 'RATE_LIMITED',       true),
    (330, 'erpnext', 400, 599, true, 'RateLimitExceededError', 'transient', 'RATE_LIMITED',       true),
    (340, 'erpnext', 400, 599, true, 'SessionStopped',         'transient', 'ENGINE_MAINTENANCE', true),
    (350, 'erpnext', 400, 599, true, 'InReadOnlyMode',         'transient', 'ENGINE_MAINTENANCE', true),
    (360, 'erpnext', 400, 599, true, 'TimestampMismatchError', 'transient', 'CHANGED_MEANWHILE',  true),
    (370, 'erpnext', 400, 599, true, 'DocumentLockedError',    'transient', 'ENGINE_BUSY',        true),
    (380, 'erpnext', 400, 599, true, 'QueueOverloaded',        'transient', 'ENGINE_BUSY',        true),
    (390, 'erpnext', 400, 599, true, 'LockTimeoutError',       'transient', 'ENGINE_BUSY',        true);

-- Its database or Redis went away, perhaps at the very commit.
INSERT INTO provision.answer_rule (ordinal, kind, method, status_from, status_to, is_json, exc_type, verdict, error_code, trips, is_builtin) VALUES
    (400, 'erpnext', 'GET', 500, 599, true, 'OperationalError', 'transient', 'ENGINE_DATABASE_DOWN', true, true),
    (401, 'erpnext', NULL,  500, 599, true, 'OperationalError', 'ambiguous', 'ENGINE_DATABASE_DOWN', true, true),
    (410, 'erpnext', 'GET', 500, 599, true, 'InterfaceError',   'transient', 'ENGINE_DATABASE_DOWN', true, true),
    (411, 'erpnext', NULL,  500, 599, true, 'InterfaceError',   'ambiguous', 'ENGINE_DATABASE_DOWN', true, true),
    (420, 'erpnext', 'GET', 500, 599, true, 'ConnectionError',  'transient', 'ENGINE_UNAVAILABLE',   true, true),
    (421, 'erpnext', NULL,  500, 599, true, 'ConnectionError',  'ambiguous', 'ENGINE_UNAVAILABLE',   true, true),
    (430, 'erpnext', 'GET', 500, 599, true, 'TimeoutError',     'transient', 'ENGINE_UNAVAILABLE',   true, true),
    (431, 'erpnext', NULL,  500, 599, true, 'TimeoutError',     'ambiguous', 'ENGINE_UNAVAILABLE',   true, true);

-- Refused for what it says or who says it.
INSERT INTO provision.answer_rule (ordinal, kind, status_from, status_to, is_json, exc_type, verdict, error_code, is_builtin) VALUES
    (500, 'erpnext', 400, 599, true, 'AuthenticationError',          'needs_person', 'ENGINE_AUTH_FAILED',       true),
    (505, 'erpnext', 400, 599, true, 'CSRFTokenError',               'needs_person', 'ENGINE_AUTH_FAILED',       true),
    (510, 'erpnext', 400, 599, true, 'PermissionError',              'needs_person', 'ENGINE_PERMISSION_DENIED', true),
    (515, 'erpnext', 400, 599, true, 'IncorrectSitePath',            'needs_person', 'SITE_NOT_FOUND',           true),
    (520, 'erpnext', 400, 599, true, 'NameError',                    'permanent',    'NAME_REFUSED',             true),
    (525, 'erpnext', 400, 599, true, 'MandatoryError',               'permanent',    'MANDATORY_MISSING',        true),
    (530, 'erpnext', 400, 599, true, 'LinkValidationError',          'permanent',    'LINK_NOT_FOUND',           true),
    (535, 'erpnext', 400, 599, true, 'LinkExistsError',              'permanent',    'DOCUMENT_IN_USE',          true),
    (540, 'erpnext', 400, 599, true, 'CharacterLengthExceededError', 'permanent',    'TEXT_TOO_LONG',            true),
    (545, 'erpnext', 500, 599, true, 'DataError',                    'permanent',    'TEXT_TOO_LONG',            true),
    (550, 'erpnext', 400, 499, true, 'DataError',                    'permanent',    'REQUEST_REJECTED',         true),
    (555, 'erpnext', 400, 599, true, 'FiscalYearError',              'permanent',    'FISCAL_YEAR_MISSING',      true),
    (560, 'erpnext', 400, 599, true, 'CannotChangeConstantError',    'permanent',    'DOCUMENT_FIXED',           true),
    (565, 'erpnext', 400, 599, true, 'UpdateAfterSubmitError',       'permanent',    'DOCUMENT_FIXED',           true),
    (570, 'erpnext', 400, 599, true, 'DocstatusTransitionError',     'permanent',    'DOCUMENT_FIXED',           true),
    (575, 'erpnext', 400, 599, true, 'ImportError',                  'permanent',    'API_NOT_FOUND',            true),
    (580, 'erpnext', 400, 599, true, 'ModuleNotFoundError',          'permanent',    'API_NOT_FOUND',            true),
    (585, 'erpnext', 400, 599, true, 'PageDoesNotExistError',        'permanent',    'API_NOT_FOUND',            true);

-- Client errors by their status.
INSERT INTO provision.answer_rule (ordinal, kind, method, status_from, status_to, is_json, verdict, error_code, trips, is_builtin) VALUES
    (600, 'erpnext', NULL,  401, 401, NULL,  'needs_person', 'ENGINE_AUTH_FAILED',       false, true),
    (605, 'erpnext', NULL,  402, 402, NULL,  'needs_person', 'SITE_SUSPENDED',           false, true),
    (610, 'erpnext', NULL,  403, 403, true,  'needs_person', 'ENGINE_PERMISSION_DENIED', false, true),
    (615, 'erpnext', NULL,  403, 403, NULL,  'needs_person', 'ENGINE_FORBIDDEN',         false, true),
    (620, 'erpnext', NULL,  404, 404, true,  'permanent',    'API_NOT_FOUND',            false, true),
    (625, 'erpnext', NULL,  404, 404, NULL,  'needs_person', 'SITE_NOT_FOUND',           false, true),
    (630, 'erpnext', NULL,  407, 407, NULL,  'needs_person', 'PROXY_REFUSED',            false, true),
    (635, 'erpnext', 'GET', 408, 408, NULL,  'transient',    'ENGINE_TIMEOUT',           true,  true),
    (636, 'erpnext', NULL,  408, 408, NULL,  'ambiguous',    'ENGINE_TIMEOUT',           true,  true),
    (640, 'erpnext', NULL,  413, 414, NULL,  'permanent',    'REQUEST_TOO_LARGE',        false, true),
    (645, 'erpnext', NULL,  417, 417, true,  'permanent',    'VALIDATION_FAILED',        false, true),
    (650, 'erpnext', NULL,  421, 421, NULL,  'needs_person', 'SITE_NOT_FOUND',           false, true),
    (655, 'erpnext', NULL,  423, 423, NULL,  'transient',    'ENGINE_BUSY',              false, true),
    (660, 'erpnext', NULL,  425, 425, NULL,  'transient',    'ENGINE_BUSY',              false, true),
    (665, 'erpnext', NULL,  429, 429, NULL,  'transient',    'RATE_LIMITED',             false, true),
    (670, 'erpnext', NULL,  431, 431, NULL,  'permanent',    'REQUEST_TOO_LARGE',        false, true),
    (675, 'erpnext', 'GET', 444, 444, NULL,  'transient',    'CONNECTION_LOST',          true,  true),   -- nginx hung up
    (676, 'erpnext', NULL,  444, 444, NULL,  'ambiguous',    'CONNECTION_LOST',          true,  true),
    (680, 'erpnext', NULL,  451, 451, NULL,  'needs_person', 'ENGINE_FORBIDDEN',         false, true),
    (685, 'erpnext', 'GET', 499, 499, NULL,  'transient',    'CONNECTION_LOST',          true,  true),   -- nginx saw us hang up
    (686, 'erpnext', NULL,  499, 499, NULL,  'ambiguous',    'CONNECTION_LOST',          true,  true),
    (690, 'erpnext', NULL,  400, 499, NULL,  'permanent',    'REQUEST_REJECTED',         false, true);

-- Server errors. An exception class means that Frappe caught it and rolled back; without one (an HTML page, a proxy's
-- own JSON) the request may have been committed: measured with Redis down, where a 500 page hid a done deletion.
INSERT INTO provision.answer_rule (ordinal, kind, method, status_from, status_to, exc_type, verdict, error_code, trips, is_builtin) VALUES
    (700, 'erpnext', NULL,  501, 501, '',   'permanent',    'REQUEST_REJECTED',   false, true),
    (705, 'erpnext', NULL,  505, 506, '',   'permanent',    'REQUEST_REJECTED',   false, true),
    (710, 'erpnext', NULL,  510, 510, '',   'permanent',    'REQUEST_REJECTED',   false, true),
    (715, 'erpnext', NULL,  511, 511, '',   'needs_person', 'PROXY_REFUSED',      false, true),
    (720, 'erpnext', 'GET', 500, 599, '',   'transient',    'ENGINE_UNAVAILABLE', true,  true),
    (725, 'erpnext', NULL,  500, 599, '',   'ambiguous',    'ENGINE_UNAVAILABLE', true,  true),
    (730, 'erpnext', NULL,  500, 599, NULL, 'permanent',    'ERPNEXT_ERROR',      false, true);

-- Frappe Agent, as recorded of its master of August 2026. It answers 500 to nearly everything that goes wrong; provision.agent_digest() finds
-- the exception. What it says of a submission after that is never believed: the guard looks for the job.
INSERT INTO provision.answer_rule (ordinal, kind, method, path_like, status_from, status_to, is_json, exc_type, verdict, error_code, trips, is_builtin) VALUES
    (740, 'frappe_agent', NULL,   NULL,               200, 299, true,  NULL,                      'success',      NULL,                 false, true),
    (741, 'frappe_agent', 'GET',  NULL,               200, 299, NULL,  NULL,                      'needs_person', 'NOT_AGENT',          false, true),
    (762, 'frappe_agent', NULL,   NULL,               200, 299, NULL,  NULL,                      'ambiguous',    'NOT_AGENT',          false, true),
    (742, 'frappe_agent', NULL,   NULL,               300, 399, NULL,  NULL,                      'permanent',    'ENGINE_REDIRECTS',   false, true),
    (743, 'frappe_agent', NULL,   NULL,               401, 401, NULL,  NULL,                      'needs_person', 'ENGINE_AUTH_FAILED', false, true),
    (744, 'frappe_agent', NULL,   NULL,               403, 403, NULL,  NULL,                      'needs_person', 'ENGINE_FORBIDDEN',   false, true),
    (745, 'frappe_agent', NULL,   NULL,               404, 404, true,  'BenchNotExistsException', 'needs_person', 'BENCH_NOT_FOUND',    false, true),
    (746, 'frappe_agent', NULL,   NULL,               404, 404, true,  'SiteNotExistsException',  'permanent',    'SITE_ABSENT',        false, true),
    (747, 'frappe_agent', NULL,   NULL,               404, 404, NULL,  NULL,                      'needs_person', 'NOT_AGENT',          false, true),
    (748, 'frappe_agent', NULL,   NULL,               429, 429, NULL,  NULL,                      'transient',    'RATE_LIMITED',       false, true),
    (749, 'frappe_agent', NULL,   NULL,               400, 499, NULL,  NULL,                      'permanent',    'REQUEST_REJECTED',   false, true),
    (750, 'frappe_agent', 'GET',  '%/benches/%/sites/%', 500, 500, true, 'KeyError',              'absent',       'SITE_ABSENT',        false, true),
    (751, 'frappe_agent', NULL,   NULL,               500, 500, true,  'KeyError',                'permanent',    'AGENT_ERROR',        false, true),
    (752, 'frappe_agent', NULL,   NULL,               500, 500, true,  'BadRequest',              'permanent',    'AGENT_ERROR',        false, true),
    (753, 'frappe_agent', NULL,   NULL,               500, 500, true,  'NotFound',                'permanent',    'API_NOT_FOUND',      false, true),
    (754, 'frappe_agent', NULL,   NULL,               500, 500, true,  'MethodNotAllowed',        'permanent',    'API_NOT_FOUND',      false, true),
    (755, 'frappe_agent', NULL,   NULL,               500, 500, true,  'JobModelDoesNotExist',    'permanent',    'REMOTE_JOB_LOST',    false, true),
    (756, 'frappe_agent', 'GET',  NULL,               500, 500, true,  'ConnectionError',         'transient',    'ENGINE_UNAVAILABLE', true,  true),
    (757, 'frappe_agent', NULL,   NULL,               500, 500, true,  'ConnectionError',         'ambiguous',    'ENGINE_UNAVAILABLE', true,  true),
    (758, 'frappe_agent', 'GET',  NULL,               500, 500, true,  NULL,                      'transient',    'AGENT_ERROR',        false, true),
    (759, 'frappe_agent', NULL,   NULL,               500, 500, true,  NULL,                      'ambiguous',    'AGENT_ERROR',        false, true),
    (760, 'frappe_agent', 'GET',  NULL,               500, 599, NULL,  NULL,                      'transient',    'ENGINE_UNAVAILABLE', true,  true),
    (761, 'frappe_agent', NULL,   NULL,               500, 599, NULL,  NULL,                      'ambiguous',    'ENGINE_UNAVAILABLE', true,  true);

-- Frappe Cloud, by the source of Press. To customers it shows what is their team's, and answers 403, 404 or a redirection to the site behind a
-- custom domain where it shows nothing: all the same to us. What it throws is a 417 with a class of its own. A job of the site that cannot be
-- listed, or one more archive, is done; whether it is, the guard tells.
INSERT INTO provision.answer_rule (ordinal, kind, method, path_like, status_from, status_to, is_json, exc_type, verdict, error_code, trips, is_builtin) VALUES
    (763, 'frappe_cloud', NULL,   NULL,                     200, 299, true,  NULL,                        'success',      NULL,                       false, true),
    (764, 'frappe_cloud', 'GET',  NULL,                     200, 299, NULL,  NULL,                        'needs_person', 'NOT_PRESS',                false, true),
    (765, 'frappe_cloud', NULL,   NULL,                     200, 299, NULL,  NULL,                        'ambiguous',    'NOT_PRESS',                false, true),
    (766, 'frappe_cloud', 'GET',  '%/press.api.site.get?%', 300, 399, NULL,  NULL,                        'absent',       'SITE_ABSENT',              false, true),
    (767, 'frappe_cloud', NULL,   NULL,                     300, 399, NULL,  NULL,                        'permanent',    'ENGINE_REDIRECTS',         false, true),
    (768, 'frappe_cloud', NULL,   NULL,                     401, 401, NULL,  NULL,                        'needs_person', 'ENGINE_AUTH_FAILED',       false, true),
    (769, 'frappe_cloud', 'GET',  '%/press.api.%',          403, 403, true,  'PermissionError',           'absent',       'SITE_ABSENT',              false, true),
    (770, 'frappe_cloud', 'POST', '%/press.api.site.new',   403, 403, NULL,  NULL,                        'needs_person', 'ENGINE_PERMISSION_DENIED', false, true),
    (771, 'frappe_cloud', 'POST', '%/press.api.site.%',     403, 404, true,  'PermissionError',           'duplicate',    'SITE_NOT_OURS',            false, true),
    (772, 'frappe_cloud', NULL,   NULL,                     403, 403, NULL,  NULL,                        'needs_person', 'ENGINE_FORBIDDEN',         false, true),
    (773, 'frappe_cloud', 'GET',  '%/press.api.%',          404, 404, true,  'DoesNotExistError',         'absent',       'SITE_ABSENT',              false, true),
    (774, 'frappe_cloud', 'POST', '%/press.api.site.%',     404, 404, true,  'DoesNotExistError',         'duplicate',    'SITE_ABSENT',              false, true),
    (775, 'frappe_cloud', NULL,   NULL,                     404, 404, NULL,  NULL,                        'needs_person', 'NOT_PRESS',                false, true),
    (776, 'frappe_cloud', 'POST', '%/press.api.site.new',   409, 409, true,  'DuplicateEntryError',       'duplicate',    'SITE_TAKEN',               false, true),
    (777, 'frappe_cloud', NULL,   NULL,                     400, 499, true,  'SiteAlreadyArchived',       'duplicate',    'SITE_ABSENT',              false, true),
    (778, 'frappe_cloud', NULL,   NULL,                     400, 499, true,  'SiteUnderMaintenance',      'transient',    'SITE_BUSY',                false, true),
    (779, 'frappe_cloud', NULL,   NULL,                     400, 499, true,  'SiteTooManyPendingBackups', 'transient',    'SITE_BUSY',                false, true),
    (780, 'frappe_cloud', NULL,   NULL,                     400, 499, true,  'InsufficientSpaceOnServer', 'needs_person', 'CLOUD_SERVER_FULL',        false, true),
    (781, 'frappe_cloud', NULL,   NULL,                     417, 417, true,  NULL,                        'permanent',    'CLOUD_REFUSED',            false, true),
    (782, 'frappe_cloud', 'GET',  '%/press.api.site.exists%', 429, 429, NULL, NULL,                       'permanent',    'RATE_LIMITED',             false, true),
    (783, 'frappe_cloud', NULL,   NULL,                     429, 429, NULL,  NULL,                        'transient',    'RATE_LIMITED',             false, true),
    (784, 'frappe_cloud', NULL,   NULL,                     400, 499, NULL,  NULL,                        'permanent',    'REQUEST_REJECTED',         false, true),
    (785, 'frappe_cloud', NULL,   NULL,                     503, 503, true,  'SessionStopped',            'transient',    'ENGINE_MAINTENANCE',       false, true),
    (786, 'frappe_cloud', NULL,   NULL,                     503, 503, true,  'InReadOnlyMode',            'transient',    'ENGINE_MAINTENANCE',       false, true),
    (787, 'frappe_cloud', NULL,   NULL,                     500, 500, true,  'QueryDeadlockError',        'transient',    'ENGINE_DEADLOCK',          false, true),
    (788, 'frappe_cloud', 'GET',  NULL,                     500, 500, true,  NULL,                        'transient',    'CLOUD_ERROR',              false, true),
    (789, 'frappe_cloud', NULL,   NULL,                     500, 500, true,  NULL,                        'ambiguous',    'CLOUD_ERROR',              false, true),
    (790, 'frappe_cloud', 'GET',  NULL,                     500, 599, NULL,  NULL,                        'transient',    'ENGINE_UNAVAILABLE',       true,  true),
    (791, 'frappe_cloud', NULL,   NULL,                     500, 599, NULL,  NULL,                        'ambiguous',    'ENGINE_UNAVAILABLE',       true,  true);

-- Our own doing (CURLE_ABORTED_BY_CALLBACK), before every other reading of a transfer that ended without an answer.
INSERT INTO provision.answer_rule (ordinal, delivery, curl_code, verdict, is_builtin) VALUES
    (800, 'not_sent', 42, 'interrupted', true),
    (801, 'unknown',  42, 'interrupted', true);

-- No byte left: repeating is safe. A certificate does not become valid by asking again.
INSERT INTO provision.answer_rule (ordinal, delivery, curl_code, verdict, error_code, trips, is_builtin) VALUES
    (810, 'not_sent', 1,    'permanent', 'REQUEST_NOT_SENDABLE',          false, true),     -- UNSUPPORTED_PROTOCOL
    (811, 'not_sent', 3,    'permanent', 'REQUEST_NOT_SENDABLE',          false, true),     -- URL_MALFORMAT
    (812, 'not_sent', 43,   'permanent', 'REQUEST_NOT_SENDABLE',          false, true),     -- BAD_FUNCTION_ARGUMENT
    (813, 'not_sent', 1001, 'needs_person', 'ADDRESS_REFUSED',            false, true),     -- of our own, see src/http_call.h
    (814, 'unknown',  1001, 'needs_person', 'ADDRESS_REFUSED',            false, true),     -- a read that libcurl repeated
    (815, 'not_sent', 1002, 'needs_person', 'HOST_NOT_ALLOWED',           false, true),
    (820, 'not_sent', 2,    'transient', 'REQUEST_NOT_SENDABLE',          false, true),     -- FAILED_INIT: refused before it began
    (821, 'not_sent', 27,   'transient', 'WORKER_OUT_OF_RESOURCES',       false, true),     -- OUT_OF_MEMORY
    (830, 'not_sent', 6,    'transient', 'ENGINE_NAME_NOT_FOUND',         true,  true),     -- COULDNT_RESOLVE_HOST
    (840, 'not_sent', 35,   'permanent', 'TLS_FAILED',                    true,  true),     -- SSL_CONNECT_ERROR
    (841, 'not_sent', 53,   'permanent', 'TLS_FAILED',                    true,  true),     -- SSL_ENGINE_NOTFOUND
    (842, 'not_sent', 54,   'permanent', 'TLS_FAILED',                    true,  true),     -- SSL_ENGINE_SETFAILED
    (843, 'not_sent', 58,   'permanent', 'TLS_CLIENT_CERTIFICATE_UNREADABLE', true, true),  -- SSL_CERTPROBLEM
    (844, 'not_sent', 59,   'permanent', 'TLS_FAILED',                    true,  true),     -- SSL_CIPHER
    (845, 'not_sent', 60,   'permanent', 'TLS_CERTIFICATE_REFUSED',       true,  true),     -- PEER_FAILED_VERIFICATION
    (846, 'not_sent', 64,   'permanent', 'TLS_FAILED',                    true,  true),     -- USE_SSL_FAILED
    (847, 'not_sent', 66,   'permanent', 'TLS_FAILED',                    true,  true),     -- SSL_ENGINE_INITFAILED
    (848, 'not_sent', 77,   'permanent', 'TLS_CA_FILE_UNREADABLE',        true,  true),     -- SSL_CACERT_BADFILE
    (849, 'not_sent', 82,   'permanent', 'TLS_CA_FILE_UNREADABLE',        true,  true),     -- SSL_CRL_BADFILE
    (850, 'not_sent', 83,   'permanent', 'TLS_CERTIFICATE_REFUSED',       true,  true),     -- SSL_ISSUER_ERROR
    (851, 'not_sent', 90,   'permanent', 'TLS_CERTIFICATE_REFUSED',       true,  true),     -- SSL_PINNEDPUBKEYNOTMATCH
    (852, 'not_sent', 91,   'permanent', 'TLS_CERTIFICATE_REFUSED',       true,  true),     -- SSL_INVALIDCERTSTATUS
    (853, 'not_sent', 98,   'permanent', 'TLS_CLIENT_CERTIFICATE_WANTED', true,  true);     -- SSL_CLIENTCERT

-- Sent, and no complete answer. A read that is lost has changed nothing.
INSERT INTO provision.answer_rule (ordinal, delivery, method, curl_code, verdict, error_code, trips, is_builtin) VALUES
    (860, 'unknown', 'GET', 28,   'transient', 'ENGINE_TIMEOUT',                true,  true),     -- OPERATION_TIMEDOUT
    (861, 'unknown', NULL,  28,   'ambiguous', 'ENGINE_TIMEOUT',                true,  true),
    (865, 'unknown', NULL,  98,   'permanent', 'TLS_CLIENT_CERTIFICATE_WANTED', true,  true),     -- SSL_CLIENTCERT: said after the handshake
    (870, 'unknown', NULL,  63,   'permanent', 'ANSWER_TOO_LARGE',              false, true),     -- FILESIZE_EXCEEDED
    (871, 'unknown', NULL,  100,  'permanent', 'ANSWER_TOO_LARGE',              false, true),     -- TOO_LARGE
    (872, 'unknown', 'GET', 1,    'transient', 'ANSWER_UNREADABLE',             true,  true),     -- UNSUPPORTED_PROTOCOL: HTTP/0.9
    (873, 'unknown', NULL,  1,    'ambiguous', 'ANSWER_UNREADABLE',             true,  true),
    (874, 'unknown', 'GET', 8,    'transient', 'ANSWER_UNREADABLE',             true,  true),     -- WEIRD_SERVER_REPLY
    (875, 'unknown', NULL,  8,    'ambiguous', 'ANSWER_UNREADABLE',             true,  true),
    (876, 'unknown', 'GET', 61,   'transient', 'ANSWER_UNREADABLE',             true,  true),     -- BAD_CONTENT_ENCODING
    (877, 'unknown', NULL,  61,   'ambiguous', 'ANSWER_UNREADABLE',             true,  true),
    (880, 'unknown', 'GET', NULL, 'transient', 'CONNECTION_LOST',               true,  true);

-- The last word: every answer has a meaning.
INSERT INTO provision.answer_rule (ordinal, delivery, verdict, error_code, trips, is_builtin) VALUES
    (1000000, 'not_sent', 'transient',    'ENGINE_UNREACHABLE', true,  true),
    (1000001, 'unknown',  'ambiguous',    'CONNECTION_LOST',    true,  true),
    (1000002, 'answered', 'needs_person', 'NOT_FRAPPE',         false, true);
