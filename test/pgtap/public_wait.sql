-- Waiting returns for a job that has ended, and cannot be done inside of a transaction for one that has not.
BEGIN;
SELECT plan(6);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT throws_ok(format('CALL provision_wait(%s)', :job), '2D000', NULL, 'not inside of a transaction');
SELECT throws_ok('CALL provision_wait(-1)', '42704', 'job -1 does not exist', 'no such job');
SELECT throws_ok(format('CALL provision_wait(%s, %L)', :job, timeout), '2D000', NULL, 'timeout ' || coalesce(timeout, 'null'))
  FROM unnest('{178000000 years,-178000000 years,NULL}'::text[]) AS timeout;
SELECT provision_cancel(:job);
SELECT lives_ok(format('CALL provision_wait(%s)', :job), 'it has ended');
SELECT * FROM finish();
ROLLBACK;
