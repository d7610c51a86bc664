-- Events of a job, oldest first; a reader goes on from the last one it has.
BEGIN;
SELECT plan(5);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT provision_pause(:job);
SELECT provision_resume(:job);
SELECT is(array_agg(event), '{job_enqueued,job_paused,job_resumed}', 'oldest first') FROM provision_logs('acme');
SELECT min(event_id) AS first FROM provision_logs('acme') \gset
SELECT is(array_agg(event), '{job_paused}', 'from the last one known, so many') FROM provision_logs(:job, :first, 1);
SELECT is(array_agg(DISTINCT correlation_id), (SELECT ARRAY[correlation_id] FROM provision.job_status WHERE job_id = :job), 'with the job''s correlation id') FROM provision_logs(:job);
SELECT throws_ok(format('SELECT provision_logs(%s, 0, 0)', :job), '22023', 'max_rows must be from 1 to 10000', 'so few');
SELECT throws_ok('SELECT provision_logs(-1)', '42704', 'job -1 does not exist', 'no such job');
SELECT * FROM finish();
ROLLBACK;
