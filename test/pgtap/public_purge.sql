-- Old history of ended jobs goes; active and failed jobs stay, and so does the newest of each tenant.
BEGIN;
SELECT plan(6);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT throws_ok($$ SELECT provision_purge('59 min') $$, '22023', 'older_than must be at least one hour', 'too young');
SELECT throws_ok($$ SELECT provision_purge('-1 day') $$, '22023', NULL, 'negative');
SELECT provision_cancel(:job);
SELECT provision_start('acme') AS failed \gset
UPDATE provision.job_step SET state = 'failed', finished_at = now(), error_code = 'X' WHERE job_id = :failed AND ordinal = 0;
SELECT provision.finish_job(:failed, 'failed');
SELECT provision_start('acme') AS newest \gset
SELECT provision_cancel(:newest);
SELECT provision_tenant_create('beta', 'main', '{"company_name": "Beta", "country": "Kenya"}');
SELECT provision_start('beta') AS active \gset
UPDATE provision.event SET at = now() - interval '3 days';
UPDATE provision.job SET finished_at = now() - interval '3 days' WHERE finished_at IS NOT NULL;
INSERT INTO provision.attempt (job_id, ordinal, engine_id, incarnation, call, method, url, repeatable, timeout_ms, started_at)
SELECT job_id, 0, 1, 1, 'ping', 'GET', 'https://erp.example.com/', true, 1000, now() - interval '3 days' FROM unnest(ARRAY[:job, :active]) AS job_id;
SELECT ok(provision_purge('2 days') > 0, 'rows were removed');
SELECT is(array_agg(job_id ORDER BY job_id), ARRAY[:failed, :newest, :active]::bigint[], 'one job went') FROM provision.job_status WHERE tenant IN ('acme', 'beta');
SELECT is(array_agg(DISTINCT job_id ORDER BY job_id), ARRAY[:active]::bigint[], 'the active job keeps its events and calls')
  FROM (SELECT job_id FROM provision.event WHERE job_id >= :job UNION ALL SELECT job_id FROM provision.attempt WHERE job_id >= :job) AS kept;
SELECT is(provision_purge('2 days'), 0::bigint, 'then there is nothing left to do');
SELECT * FROM finish();
ROLLBACK;
