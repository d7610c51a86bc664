-- Pages of jobs, newest first, by tenant and state; what cannot be shown is an error.
BEGIN;
SELECT plan(10);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT provision_cancel(:job);
SELECT provision_start('acme') AS newer \gset
SELECT is(array_agg(job_id), ARRAY[:newer, :job]::bigint[], 'newest first') FROM provision_jobs('acme');
SELECT is(array_agg(job_id), ARRAY[:job]::bigint[], 'by state') FROM provision_jobs('acme', 'cancelled');
SELECT is(array_agg(job_id), ARRAY[:job]::bigint[], 'by page') FROM provision_jobs('acme', page => 2, size => 1);
SELECT is(count(*), 0::bigint, 'beyond the last page there is nothing') FROM provision_jobs('acme', page => 2147483647, size => 1000);
SELECT throws_ok($$ SELECT provision_jobs('nobody') $$, '42704', NULL, 'no such tenant');
SELECT throws_ok($$ SELECT provision_jobs(state => 'done') $$, '22023', 'state "done" does not exist', 'no such state');
SELECT throws_ok($$ SELECT provision_jobs(page => 0) $$, '22023', 'page must be at least 1', 'page');
SELECT throws_ok($$ SELECT provision_jobs(size => -1) $$, '22023', 'size must be from 1 to 1000', 'size');
SELECT throws_ok($$ SELECT provision_jobs(size => 1001) $$, '22023', NULL, 'too many');
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || query; END $$;
SET LOCAL enable_seqscan = off;     -- as with more jobs
SELECT is_empty($$ SELECT line FROM pg_temp.plan_of('SELECT * FROM provision.job_status ORDER BY job_id DESC LIMIT 10') AS line WHERE line ~ 'Sort Key: (job|job_status)[.]job_id' $$,
                'the newest rows of the view are found without making all of them');
SELECT * FROM finish();
ROLLBACK;
