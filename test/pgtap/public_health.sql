-- Health names what is not well and stays one document.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT is(provision_health() -> 'status', '"down"', 'no worker: down');
SELECT is(jsonb_array_length(provision_health() -> 'checks'), 9, 'every check is there');
SELECT is(each -> 'status', '"ok"', 'credentials are there') FROM jsonb_array_elements(provision_health() -> 'checks') AS each WHERE each ->> 'check' = 'credentials';
DELETE FROM provision.secret;
SELECT is(each ->> 'detail', 'Engines without credentials: main.', 'credentials are missing') FROM jsonb_array_elements(provision_health() -> 'checks') AS each WHERE each ->> 'check' = 'credentials';
UPDATE provision.job_step SET state = 'failed', finished_at = now(), error_code = 'ENGINE_BUSY' WHERE job_id = :job AND ordinal = 0;
SELECT provision.finish_job(:job, 'failed');
SELECT is(each ->> 'detail', '1 job failed or ended in part.', 'dead letters') FROM jsonb_array_elements(provision_health() -> 'checks') AS each WHERE each ->> 'check' = 'dead letters';
SELECT ok(bool_and(each ?& '{check,status,detail,fix}'), 'each has its four keys') FROM jsonb_array_elements(provision_health() -> 'checks') AS each;

-- Many that failed and were started anew are not all read.
INSERT INTO provision.job (tenant_id, engine_id, workflow_id, workflow, state, rank, correlation_id, created_by, finished_at, error_code)
SELECT tenant_id, engine_id, workflow_id, workflow, 'failed', 0, 'many', '', now(), 'X' FROM provision.job CROSS JOIN generate_series(1, 30000) WHERE job_id = :job;
ANALYZE provision.job;
CREATE FUNCTION pg_temp.rows_read() RETURNS numeric LANGUAGE sql AS $$ SELECT sum(pg_stat_get_xact_tuples_returned(oid)) FROM pg_class WHERE relname ~ '^job_' OR oid = 'provision.job'::regclass $$;
SELECT pg_temp.rows_read() AS before \gset
SELECT provision.find_dead_letters();
SELECT cmp_ok(pg_temp.rows_read() - :before, '<', 20000::numeric, 'a probe reads the last 5,000 that failed');
SELECT * FROM finish();
ROLLBACK;
