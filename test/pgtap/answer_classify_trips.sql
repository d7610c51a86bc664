-- The breaker opens for a server that is not well, not for one that is busy, strict or under maintenance.
BEGIN;
SELECT plan(12);
SELECT is(given.trips, expected, concat_ws(' ', status, exc_type))
  FROM (VALUES (502, '', true), (503, '', true), (504, '', true), (500, '', true), (500, 'OperationalError', true),
               (429, '', false), (500, 'QueryDeadlockError', false), (500, 'QueryTimeoutError', false), (503, 'SessionStopped', false),
               (500, 'TypeError', false), (401, 'AuthenticationError', false), (409, 'DuplicateEntryError', false))
           AS answer (status, exc_type, expected),
       provision.classify('erpnext', 'answered', 'POST', '/api/resource/Company', status, exc_type <> '', exc_type, 0) AS given;
SELECT * FROM finish();
ROLLBACK;
