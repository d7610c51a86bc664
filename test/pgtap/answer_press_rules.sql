-- What answers of Frappe Cloud mean.
BEGIN;
SELECT plan(1);
CREATE TEMP TABLE expected (method text, path text, status integer, exc_type text, is_json boolean, meaning text);
INSERT INTO expected VALUES
    ('GET',  'site.get?name=x',    200, '',                          true,  'success'),
    ('GET',  'site.get?name=x',    200, '',                          false, 'needs_person NOT_PRESS'),
    ('POST', 'site.new',           200, '',                          false, 'ambiguous NOT_PRESS'),
    ('GET',  'site.get?name=x',    302, '',                          false, 'absent SITE_ABSENT'),
    ('POST', 'site.new',           302, '',                          false, 'permanent ENGINE_REDIRECTS'),
    ('POST', 'site.new',           401, 'AuthenticationError',       true,  'needs_person ENGINE_AUTH_FAILED'),
    ('GET',  'site.get?name=x',    403, 'PermissionError',           true,  'absent SITE_ABSENT'),
    ('GET',  'site.get?name=x',    403, '',                          false, 'needs_person ENGINE_FORBIDDEN'),
    ('POST', 'site.new',           403, 'PermissionError',           true,  'needs_person ENGINE_PERMISSION_DENIED'),
    ('POST', 'site.archive',       403, 'PermissionError',           true,  'duplicate SITE_NOT_OURS'),
    ('GET',  'site.get?name=x',    404, 'DoesNotExistError',         true,  'absent SITE_ABSENT'),
    ('GET',  'site.job?job=x',     404, 'DoesNotExistError',         true,  'absent SITE_ABSENT'),
    ('POST', 'site.archive',       404, 'DoesNotExistError',         true,  'duplicate SITE_ABSENT'),
    ('POST', 'site.new',           404, '',                          false, 'needs_person NOT_PRESS'),
    ('POST', 'site.new',           409, 'DuplicateEntryError',       true,  'duplicate SITE_TAKEN'),
    ('POST', 'site.archive',       417, 'SiteAlreadyArchived',       true,  'duplicate SITE_ABSENT'),
    ('POST', 'site.archive',       417, 'SiteUnderMaintenance',      true,  'transient SITE_BUSY'),
    ('POST', 'site.backup',        417, 'SiteTooManyPendingBackups', true,  'transient SITE_BUSY'),
    ('POST', 'site.new',           417, 'InsufficientSpaceOnServer', true,  'needs_person CLOUD_SERVER_FULL'),
    ('POST', 'site.new',           417, 'ValidationError',           true,  'permanent CLOUD_REFUSED'),
    ('GET',  'site.exists?x=1',    429, 'RateLimitExceededError',    true,  'permanent RATE_LIMITED'),
    ('GET',  'site.get?name=x',    429, 'RateLimitExceededError',    true,  'transient RATE_LIMITED'),
    ('POST', 'site.new',           429, '',                          false, 'transient RATE_LIMITED'),
    ('POST', 'site.new',           405, '',                          false, 'permanent REQUEST_REJECTED'),
    ('GET',  'site.get?name=x',    500, 'KeyError',                  true,  'transient CLOUD_ERROR'),
    ('POST', 'site.new',           500, 'KeyError',                  true,  'ambiguous CLOUD_ERROR'),
    ('POST', 'site.new',           500, 'QueryDeadlockError',        true,  'transient ENGINE_DEADLOCK'),
    ('POST', 'site.new',           503, 'SessionStopped',            true,  'transient ENGINE_MAINTENANCE'),
    ('GET',  'site.get?name=x',    502, '',                          false, 'transient ENGINE_UNAVAILABLE trips'),
    ('POST', 'site.new',           504, '',                          false, 'ambiguous ENGINE_UNAVAILABLE trips');
SELECT is((SELECT string_agg(format('%s %s %s %s: %s', method, path, status, exc_type, got), E'\n')
             FROM (SELECT expected.*, concat_ws(' ', verdict, error_code, CASE WHEN trips THEN 'trips' END) AS got
                     FROM expected
                    CROSS JOIN LATERAL provision.classify('frappe_cloud', 'answered', method, 'https://frappecloud.com/api/method/press.api.' || path, status, is_json, exc_type, 0)) AS judged
            WHERE got <> meaning), NULL, 'each of them');
SELECT * FROM finish();
ROLLBACK;
