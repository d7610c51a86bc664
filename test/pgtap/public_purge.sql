-- Old history of ended jobs goes; active jobs stay, and so do the newest of each tenant and those that made what still stands.
BEGIN;
SET LOCAL provision.may_change_history = on;
SELECT plan(12);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT throws_ok($$ SELECT provision_purge('59 min') $$, '22023', 'older_than must be at least one hour', 'too young');
SELECT throws_ok($$ SELECT provision_purge('-1 day') $$, '22023', NULL, 'negative');
SELECT throws_ok($$ SELECT provision_purge('-178000000 years') $$, '22023', NULL, 'as negative as can be');
SELECT is(provision_purge('178000000 years'), 0::bigint, 'nothing is as old as that');
SELECT provision_cancel(:job);
SELECT provision_start('acme') AS failed \gset
UPDATE provision.job_step SET state = 'failed', finished_at = now(), error_code = 'X' WHERE job_id = :failed AND ordinal = 0;
SELECT provision.finish_job(:failed, 'failed');
SELECT provision_start('acme') AS newest \gset
SELECT provision_cancel(:newest);
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'country', 'Kenya')) FROM unnest('{gamma,delta}'::text[]) AS name;
INSERT INTO provision.workflow (name) VALUES ('other');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) SELECT workflow_id, 1, 'step', 'provision.plan_nothing' FROM provision.workflow WHERE name = 'other';

-- Jobs that fail, the last one a dead letter; two that made something each, before one that found it there.
CREATE FUNCTION pg_temp.ended(tenant text, state text, made text DEFAULT NULL, gone boolean DEFAULT false, workflow text DEFAULT 'tenant_setup') RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    started bigint := provision_start(tenant, workflow);
BEGIN
    UPDATE provision.job SET state = ended.state, finished_at = now(), error_code = CASE WHEN ended.state IN ('failed', 'partial') THEN 'X' END WHERE job_id = started;
    INSERT INTO provision.creation (job_id, ordinal, attempt_id, call, kind, name, creates, made_at, undone_at)
    SELECT started, 2, 1, 'create', 'Company', made, '{}', now(), CASE WHEN gone THEN now() END WHERE made IS NOT NULL;
    RETURN started;
END;
$$;
SELECT pg_temp.ended('gamma', 'failed'), pg_temp.ended('gamma', 'partial');
SELECT pg_temp.ended('gamma', 'failed', workflow => 'other') AS other, pg_temp.ended('gamma', 'failed') AS letter \gset
SELECT pg_temp.ended('delta', 'completed', 'Delta') AS maker \gset
SELECT pg_temp.ended('delta', 'completed', 'Delta', true);
SELECT pg_temp.ended('delta', 'completed') AS finder \gset
SELECT provision_tenant_create('beta', 'main', '{"company_name": "Beta", "country": "Kenya"}');
SELECT provision_start('beta') AS active \gset
UPDATE provision.event SET at = now() - interval '3 days';
UPDATE provision.job SET finished_at = now() - interval '3 days' WHERE finished_at IS NOT NULL;
INSERT INTO provision.attempt (job_id, ordinal, engine_id, incarnation, call, method, url, repeatable, timeout_ms, started_at)
SELECT job_id, 0, 1, 1, 'ping', 'GET', 'https://erp.example.com/', true, 1000, now() - interval '3 days' FROM unnest(ARRAY[:job, :active]) AS job_id;
SELECT ok(provision_purge('2 days') > 0, 'rows were removed');
SELECT is(array_agg(job_id ORDER BY job_id), ARRAY[:newest, :active]::bigint[], 'what was followed by a newer job went, failed or not') FROM provision.job_status WHERE tenant IN ('acme', 'beta');
SELECT is(array_agg(DISTINCT job_id ORDER BY job_id), ARRAY[:active]::bigint[], 'the active job keeps its events and calls')
  FROM (SELECT job_id FROM provision.event WHERE job_id >= :job UNION ALL SELECT job_id FROM provision.attempt WHERE job_id >= :job) AS kept;
SELECT is(array_agg(job_id ORDER BY job_id), ARRAY[:other, :letter]::bigint[], 'of jobs that failed the newest of each workflow stays') FROM provision.job_status WHERE tenant = 'gamma';
SELECT is(array_agg(job_id ORDER BY job_id), ARRAY[:other, :letter]::bigint[], 'it is a dead letter') FROM provision.dead_letter;
SELECT is(array_agg(job_id ORDER BY job_id), ARRAY[:maker, :finder]::bigint[], 'a job stays whose company stands') FROM provision.job_status WHERE tenant = 'delta';
SELECT is(kind || ' ' || name, 'Company Delta', 'it is known who made it') FROM provision.creation_status WHERE tenant = 'delta';
SELECT is(provision_purge('2 days'), 0::bigint, 'then there is nothing left to do');
SELECT * FROM finish();
ROLLBACK;
