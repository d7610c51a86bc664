-- Wrong arguments: an error at once, with its SQLSTATE, what is wrong and what to do; nothing is changed.
-- Shows what psql would, without the numbers of jobs.
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS TABLE (part text, content text) LANGUAGE plpgsql AS $$
DECLARE
    given_detail text;
    given_hint text;
BEGIN
    EXECUTE statement;
    RETURN QUERY VALUES ('accepted', statement);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS given_detail = PG_EXCEPTION_DETAIL, given_hint = PG_EXCEPTION_HINT;
    RETURN QUERY VALUES (SQLSTATE, regexp_replace(SQLERRM, 'job [1-9]\d*', 'job N'));
    RETURN QUERY SELECT 'detail', regexp_replace(line, 'job [1-9]\d*', 'job N') FROM regexp_split_to_table(nullif(given_detail, ''), E'\n') AS line;
    RETURN QUERY SELECT 'hint', regexp_replace(given_hint, '\(\d+', '(N') WHERE given_hint <> '';
END;
$$;
\pset format unaligned
\pset tuples_only on
DELETE FROM provision.job; DELETE FROM provision.tenant; DELETE FROM provision.engine;
SELECT provision_engine_create('bench', 'http://127.0.0.1:1');
SELECT provision_tenant_create('acme', 'bench', '{"company_name": "Acme", "country": "US"}');

SELECT * FROM pg_temp.refusal($$SELECT provision_engine_create('bench', 'https://erp.example.com')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_engine_create('other', 'ftp://erp.example.com')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_engine_create('other', 'http://erp.example.com')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_engine_create('other', 'https://me:secret@erp.example.com', options => '{"max_concurent": 3, "timeout_ms": -1}')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_engine_create('no spaces', 'https://erp.example.com')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_engine_drop('bench')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_engine_secret('nowhere', 'k', 's')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_tenant_create('acme', 'bench', '{"company_name": "Acme", "country": "US"}')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_tenant_create('other', 'nowhere', '{"company_name": "Acme", "country": "US"}')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_tenant_create('other', 'bench', '{"country": "Germny", "curency": "EUR", "opening_amount": -1}')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_start('nobody')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_start('acme', 'no_workflow')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_start('acme', options => '{"skip": 1}')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_start('acme', options => '{"skip_steps": ["step_2_company"]}')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_start('acme', priority => 1000)$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_start('acme', run_at => 'infinity')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_status('acme')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_status(0)$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_purge('1 minute')$$);
SELECT provision_start('acme') AS job \gset
SELECT * FROM pg_temp.refusal(format('SELECT provision_retry(%s::bigint)', :job));
SELECT * FROM pg_temp.refusal(format('SELECT provision_resume(%s::bigint)', :job));
SELECT * FROM pg_temp.refusal(format('SELECT provision_skip_step(%s, %L)', :job, 'step_2_company'));
SELECT * FROM pg_temp.refusal(format('SELECT provision_skip_step(%s, %L)', :job, 'step_99'));
SELECT * FROM pg_temp.refusal(format('SELECT provision_rollback(%s::bigint)', :job));
SELECT * FROM pg_temp.refusal($$SELECT provision_plan('acme', direction => 'sideways')$$);
SELECT * FROM pg_temp.refusal($$SELECT provision_start('acme', options => '{"rollback_on_failure": 1}')$$);
SELECT state FROM provision_cancel(:job);
SELECT * FROM pg_temp.refusal(format('SELECT provision_cancel(%s::bigint)', :job));
SELECT count(*) AS engines FROM provision.engine;
SELECT count(*) AS tenants FROM provision.tenant;
SELECT count(*) AS jobs FROM provision.job;
