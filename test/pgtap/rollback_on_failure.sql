-- A job that fails is rolled back by itself when it was started so and has made something; one that made nothing just fails.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT count(provision_tenant_create('t' || n, 'main', jsonb_build_object('company_name', 'T' || n, 'country', 'Kenya'))) FROM generate_series(1, 3) AS n;
SELECT provision_engine_pause('main');
SELECT provision_start('t1', options => '{"max_wait": "1 ms", "rollback_on_failure": true}') AS job \gset
UPDATE provision.job SET expires_at = now() - interval '1 s' WHERE job_id = :job;
SELECT provision.expire_jobs();
SELECT is(ROW(state, direction, error_code)::text, '(failed,forward,WAITED_TOO_LONG)', 'one that never started fails') FROM provision.job_status WHERE job_id = :job;
SELECT is(state || ' ' || direction, 'pending forward', 'and can be retried') FROM provision_retry(:job);

CREATE FUNCTION pg_temp.fail(tenant text, with_creation boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    started bigint := provision_start(tenant, options => '{"rollback_on_failure": true}');
BEGIN
    UPDATE provision.job SET started_at = now(), run_started_at = now() WHERE job_id = started;
    UPDATE provision.job_step SET state = 'failed', finished_at = now(), attempt_count = 1, error_code = 'ENGINE_BUSY' WHERE job_id = started AND ordinal = 2;
    INSERT INTO provision.creation (job_id, ordinal, attempt_id, call, kind, creates)
    SELECT started, 2, 1, 'create company', 'Company', '{"kind": "Company"}' WHERE with_creation;
    PERFORM provision.end_jobs(ARRAY[started], '{failed}');
    RETURN started;
END;
$$;
SELECT pg_temp.fail('t2', false) AS job \gset
SELECT is(ROW(state, direction, error_code)::text, '(failed,forward,ENGINE_BUSY)', 'one that made nothing fails') FROM provision.job_status WHERE job_id = :job;
SELECT is(count(*), 1::bigint, 'and needs a person') FROM provision.dead_letter WHERE job_id = :job;
SELECT pg_temp.fail('t3', true) AS job \gset
SELECT is(state || ' ' || direction, 'pending back', 'one that may have made something turns round') FROM provision.job_status WHERE job_id = :job;

-- The same job, whose creation is gone meanwhile.
UPDATE provision.creation SET undone_at = now() WHERE job_id = :job;
UPDATE provision.job SET direction = 'forward' WHERE job_id = :job;
SELECT provision.end_jobs(ARRAY[:job]::bigint[], '{failed}');
SELECT is(state || ' ' || direction, 'failed forward', 'what is gone does not count') FROM provision.job_status WHERE job_id = :job;
UPDATE provision.job SET state = 'running', owner = 1, slots = 1, finished_at = NULL, wish = 'rollback' WHERE job_id = :job;
SELECT provision.end_jobs(ARRAY[:job]::bigint[], '{cancelled}');
SELECT is(state || ' ' || direction, 'pending back', 'who is asked to, turns round whatever it made') FROM provision.job_status WHERE job_id = :job;
SELECT * FROM finish();
ROLLBACK;
