-- Dead letters are retried in bulk, as far as they fit the filter; what cannot be is told.
BEGIN;
SELECT plan(17);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_create('other', 'https://other.example.com');
SELECT provision_tenant_create('t' || n, CASE WHEN n < 6 THEN 'main' ELSE 'other' END, jsonb_build_object('company_name', 'Company ' || n, 'abbr', 'C' || n, 'country', 'Kenya'))
  FROM generate_series(1, 7) AS n;
SELECT provision_start('t' || n) FROM generate_series(1, 7) AS n;
SELECT provision.finish_job(job_id, 'failed', CASE WHEN tenant < 't4' THEN 'ENGINE_BUSY' ELSE 'QUARANTINED' END) FROM provision.job_status WHERE tenant <> 't7';
UPDATE provision.job SET finished_at = now() - interval '2 days' WHERE job_id = (SELECT job_id FROM provision.job_status WHERE tenant = 't1');

SELECT throws_ok('SELECT * FROM provision_retry_all(workflow => ''nonsense'')', '42704', 'workflow "nonsense" does not exist', 'unknown workflow');
SELECT throws_ok('SELECT * FROM provision_retry_all(engine => ''nonsense'')', '42704', 'engine "nonsense" does not exist', 'unknown engine');
SELECT throws_ok('SELECT * FROM provision_retry_all(error_code => ''nonsense'')', '42704', 'error code "nonsense" does not exist', 'unknown code');
SELECT throws_ok(format('SELECT * FROM provision_retry_all(max_jobs => %s)', wrong), '22023', 'max_jobs must be from 1 to 10000', 'max_jobs ' || wrong)
  FROM unnest('{0,-1,10001,NULL}'::text[]) AS given (wrong) WHERE wrong IS NOT NULL;
SELECT is(count(*), 6::bigint, 'nothing was changed') FROM provision.dead_letter;

SELECT is(array_agg(tenant ORDER BY tenant), '{t1}', 'failed before') FROM provision_retry_all(failed_before => now() - interval '1 day', error_code => 'ENGINE_BUSY');
SELECT is(array_agg(tenant), '{t2}', 'at most so many, the oldest') FROM provision_retry_all(max_jobs => 1, failed_after => now() - interval '1 day', workflow => 'tenant_setup');
SELECT is(array_agg(tenant || ' ' || retried ORDER BY tenant), '{"t6 true"}', 'of one engine') FROM provision_retry_all(engine => 'other');
SELECT is(array_agg(tenant ORDER BY tenant), '{t4,t5}', 'of one error') FROM provision_retry_all(error_code => 'QUARANTINED');
SELECT is(count(*), 6::bigint, 'those are in the queue again') FROM provision.job_status WHERE state = 'pending';

-- An older job of the tenant is active again: the newer failure cannot be retried beside it.
SELECT provision.finish_job(job_id, 'failed', 'ENGINE_BUSY') FROM provision.job_status WHERE tenant = 't7';
SELECT provision_start('t7') AS newer \gset
SELECT provision.finish_job(:newer, 'failed', 'ENGINE_BUSY');
SELECT provision_retry(min(job_id)) AS older FROM provision.job_status WHERE tenant = 't7' \gset
SELECT set_eq('SELECT tenant, retried FROM provision_retry_all()', $$ VALUES ('t3', true), ('t7', false) $$, 'what cannot be retried keeps nobody from it');
SELECT alike(detail, 'job % cannot be started again: job % of the same tenant and workflow is active', 'and says why') FROM provision_retry_all();
SELECT is(state, 'failed', 'it stays as it is') FROM provision.job_status WHERE job_id = :newer;
SELECT is(count(*), 6::bigint, 'each retry is an event, the refused one is none') FROM provision.event_log WHERE event = 'job_retried' AND tenant < 't7';

SELECT provision.finish_job(job_id, 'completed') FROM provision.job_status WHERE tenant = 't1';
SELECT throws_like('SELECT provision_retry(''t1'')', 'job % cannot be retried: it is completed', 'a completed job is not');
SELECT * FROM finish();
ROLLBACK;
