-- Behind 5,000 others a place is an estimate, whose error is small beside it; what is told costs the same however long the line is.
BEGIN;
SELECT plan(8);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_create('other', 'https://erp2.example.com');
INSERT INTO provision.tenant (name, engine_id, config, settings)
SELECT 't' || n, engine.engine_id, '{}', '{}' FROM generate_series(1, 24000) AS n JOIN provision.engine ON engine.name = CASE WHEN n % 6 = 0 THEN 'other' ELSE 'main' END;
INSERT INTO provision.job (tenant_id, engine_id, workflow_id, workflow, state, rank, correlation_id, created_by)
SELECT tenant.tenant_id, tenant.engine_id, workflow.workflow_id, 'tenant_setup', 'pending', row_number() OVER (ORDER BY tenant.tenant_id), 'x', 'x'
  FROM provision.tenant, provision.workflow WHERE workflow.name = 'tenant_setup';
CREATE TEMP TABLE place AS
    SELECT job_id, row_number() OVER (ORDER BY rank) AS really FROM provision.job JOIN provision.engine USING (engine_id) WHERE engine.name = 'main';

SELECT is(array_agg(own.queue_position), '{1,2,4999,5000}', 'exact for the first 5,000')
  FROM (SELECT * FROM place WHERE really IN (1, 2, 4999, 5000) ORDER BY really) AS place CROSS JOIN LATERAL provision_queue_position(job_id) AS own;
SELECT is(array_agg(own.is_exact), '{t,f}', 'and it is told where that ends')
  FROM (SELECT * FROM place WHERE really IN (5000, 5001) ORDER BY really) AS place CROSS JOIN LATERAL provision_queue_position(job_id) AS own;
SELECT cmp_ok(max(abs(own.queue_position - really)), '<=', 1000::bigint, 'farther behind it is right within 1,000 of 20,000')
  FROM (SELECT * FROM place WHERE really % 1000 = 999 AND really > 5000) AS place CROSS JOIN LATERAL provision_queue_position(job_id) AS own;
SELECT ok(bool_and(grows), 'the order is kept')
  FROM (SELECT own.queue_position >= lag(own.queue_position, 1, 0::bigint) OVER (ORDER BY really) AS grows
          FROM (SELECT * FROM place WHERE really % 1000 = 999) AS place CROSS JOIN LATERAL provision_queue_position(job_id) AS own) AS farther;
SELECT is(count(*), 5000::bigint, 'the view has the first 5,000') FROM provision.queue WHERE engine = 'main';
SELECT is(count(*), 0::bigint, 'each in its place') FROM provision.queue JOIN place USING (job_id) WHERE queue_position <> really;
SELECT is(count(*), 4000::bigint, 'of every engine') FROM provision.queue WHERE engine = 'other';
SELECT alike(detail, 'It is number about 1%in the queue of engine "main": 1____ jobs ahead, priority 0.', 'provision_why says so')
  FROM place CROSS JOIN LATERAL provision_why(job_id) WHERE really = 15000 AND reason = 'queued';
SELECT * FROM finish();
ROLLBACK;
