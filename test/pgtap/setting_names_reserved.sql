-- A setting that there is not, as one that is mistyped, is an error and no setting of its own.
BEGIN;
SELECT plan(2);
SELECT throws_ok('SET provision.worker = 2', '42602', 'invalid configuration parameter name "provision.worker"', 'a mistyped setting');
SELECT is(count(*), 0::bigint, 'there is none') FROM pg_settings WHERE name = 'provision.worker';
SELECT * FROM finish();
ROLLBACK;
