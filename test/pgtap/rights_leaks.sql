-- Conditions, operators and errors that tell what they are asked about are not asked about rows that the asker may not see.
BEGIN;
SELECT provision_engine_create('main', 'https://erp.example.com/hidden');
INSERT INTO provision.workflow (name) VALUES ('second');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function)
SELECT workflow_id, 0, 'step_0', 'provision.plan_0_engine_check' FROM provision.workflow WHERE name = 'second';
-- The numbers of the hidden tenant and of its jobs are in every row of theirs.
SELECT setval('provision.tenant_tenant_id_seq', 888000), setval('provision.job_job_id_seq', 777000);
SELECT provision_tenant_create('hidden', 'main', '{"company_name": "Hidden", "country": "US"}');
SELECT provision_start('hidden'), provision.finish_job(provision_start('hidden', 'second'), 'partial');
SELECT setval('provision.tenant_tenant_id_seq', 1), setval('provision.job_job_id_seq', 1);
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "US"}');
SELECT provision_start('acme'), provision.finish_job(provision_start('acme', 'second'), 'partial');
UPDATE provision.job_step SET state = 'completed', started_at = now(), finished_at = now() WHERE name = 'step_0';
INSERT INTO provision.attempt (job_id, ordinal, engine_id, incarnation, call, method, url, repeatable, timeout_ms, started_at)
SELECT job_id, 0, engine_id, 1, 'look', 'GET', 'https://erp.example.com/' || job_id, true, 1000, now() FROM provision.job;
INSERT INTO provision.creation (job_id, ordinal, attempt_id, call, kind, creates) SELECT job_id, ordinal, attempt_id, call, 'Company', '{}' FROM provision.attempt;
INSERT INTO provision.exclusion (exclusion, job_id, ordinal) SELECT 'exclusion ' || job_id, job_id, 0 FROM provision.job;
INSERT INTO provision.key_wait (job_id, reason) SELECT job_id, 'no key' FROM provision.job;
INSERT INTO provision.remote_job (job_id, ordinal, call, engine_id, remote_id, key, next_poll_at) SELECT job_id, 0, 'wait', engine_id, 1, 'k', now() FROM provision.job;
INSERT INTO provision.job (tenant_id, engine_id, workflow_id, workflow, state, rank, correlation_id, created_by, finished_at)
SELECT tenant.tenant_id, tenant.engine_id, workflow.workflow_id, 'onboarding', 'cancelled', 0, tenant.name, 'somebody', now() FROM provision.tenant, provision.workflow WHERE workflow.name = 'onboarding';
INSERT INTO provision.schedule (tenant_id, name, workflow, cron, time_zone, missed, made_as, next_at, due_at, last_job_id)
SELECT tenant_id, name, 'second', '0 2 * * *', 'UTC', 'once', current_user, 'infinity', 'infinity', job_id FROM provision.tenant JOIN provision.job USING (tenant_id) WHERE job.workflow = 'second';
INSERT INTO provision.job (tenant_id, engine_id, workflow_id, workflow, state, rank, correlation_id, created_by, finished_at)
SELECT tenant.tenant_id, tenant.engine_id, workflow.workflow_id, 'backup_site', 'completed', 0, tenant.name, 'somebody', now() FROM provision.tenant, provision.workflow WHERE workflow.name = 'backup_site';
INSERT INTO provision.signal (job_id, name, asked_at, expires_at) SELECT job_id, 'go', now(), now() FROM provision.job;
INSERT INTO provision.worker (pid) VALUES (0);
INSERT INTO provision.audit_seal VALUES (1, 0, 0, 0, '', NULL, NULL, now(), '', '', NULL);
INSERT INTO provision.audit_horizon VALUES (true, 0, '0');
INSERT INTO provision.caller VALUES (0, 'tenant', 'somebody', 6000, 0, '{}', 0, now(), now());
INSERT INTO provision.pace (engine_id, workflow_id, run_count, run_samples, slot_samples, call_samples, exclusive_samples)
SELECT 0, workflow_id, 1, '{1}', '{1}', '{1}', '{1}' FROM provision.workflow WHERE name = 'second';
INSERT INTO provision.step_pace (workflow_id, ordinal, samples) SELECT workflow_id, 0, '{1}' FROM provision.workflow WHERE name = 'second';
SELECT provision_webhook_test(made.webhook_id) FROM unnest('{acme,hidden}'::text[]) AS tenant, provision_webhook_create('https://hooks.example.com', NULL, tenant) AS made;
SELECT provision_member_add('hidden', 'somebody');
CREATE ROLE r_member;
CREATE ROLE r_nobody;
SELECT provision_member_add('acme', 'r_member', 'owner');
GRANT ALL ON SCHEMA provision TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA provision TO PUBLIC;
ANALYZE;

-- All but what tells nothing of anybody, and secrets, which are never shown.
CREATE TEMP TABLE asked AS
    SELECT oid::regclass AS relation, CASE WHEN relname IN ('engine_status', 'worker_status', 'step_stats', 'audit_horizon', 'audit_seal', 'caller', 'control', 'engine', 'engine_gauge', 'engine_state', 'pace', 'step_pace', 'webhook', 'webhook_delivery', 'worker')
                                           THEN '.' ELSE '88800|77700|hidden' END AS hidden
      FROM pg_class
     WHERE relnamespace = 'provision'::regnamespace
       AND relkind IN ('r', 'v')
       AND relname NOT IN ('answer_rule', 'country', 'country_name', 'currency', 'effort', 'failure', 'newest_caller', 'remote_kind', 'secret', 'step', 'typical_run', 'webhook_event', 'workflow');
SELECT plan((SELECT count(*) FROM asked)::integer * 2 + 1);

CREATE FUNCTION tells(row_text text, hidden text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    IF row_text ~ hidden THEN
        RAISE EXCEPTION 'told: %', row_text;
    END IF;
    RETURN true;
END;
$$;
CREATE OPERATOR ~!~ (FUNCTION = tells, LEFTARG = text, RIGHTARG = text);
GRANT EXECUTE ON FUNCTION tells TO PUBLIC;
CREATE TEMP TABLE attack (attack text, query text);
INSERT INTO attack VALUES
    ('a cheap condition',        'SELECT FROM %s AS r WHERE tells(r::text, %L)'),
    ('an operator',              'SELECT FROM %s AS r WHERE r::text OPERATOR(public.~!~) %L'),
    ('an error',                 'SELECT FROM %s AS r WHERE 1 / (CASE WHEN r::text ~ %L THEN 0 ELSE 1 END) = 1'),
    ('a cast',                   'SELECT FROM %s AS r WHERE (CASE WHEN r::text ~ %L THEN r::text ELSE ''1'' END)::integer = 1'),
    ('the condition of a join',  'SELECT FROM (SELECT 1) AS one LEFT JOIN %s AS r ON tells(r::text, %L)'),
    ('a condition of a part',    'SELECT FROM (SELECT * FROM %s AS r OFFSET 0) AS r WHERE tells(r::text, %L)'),
    ('a sort with an index off', 'SELECT FROM %s AS r ORDER BY tells(r::text, %L)');
CREATE FUNCTION pg_temp.is_told(role name, query text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE query;
    RESET ROLE;
    RETURN false;
EXCEPTION WHEN OTHERS THEN
    IF SQLSTATE NOT IN ('P0001', '22012', '22P02') THEN
        RAISE;
    END IF;
    RETURN true;
END;
$$;
SELECT is(string_agg(attack || ' tells ' || role, ', ') FILTER (WHERE pg_temp.is_told(role, format(query, relation, hidden))), NULL, relation::text)
  FROM asked
 CROSS JOIN attack
 CROSS JOIN unnest('{r_member,r_nobody}'::name[]) AS role
 GROUP BY relation;
-- What needs one column only could be asked before anything is joined.
SELECT is(string_agg(attname || ' tells ' || role, ', ')
              FILTER (WHERE pg_temp.is_told(role, format('SELECT FROM %s AS r WHERE tells(r.%I::text, %L)', relation, attname, hidden))), NULL, relation || ', each column')
  FROM asked
  JOIN pg_attribute ON attrelid = relation AND attnum > 0 AND NOT attisdropped
 CROSS JOIN unnest('{r_member,r_nobody}'::name[]) AS role
 GROUP BY relation;
SELECT is(string_agg(attack || ' on ' || relation, ', '), NULL, 'all of them tell a superuser')
  FROM asked
 CROSS JOIN attack
 WHERE NOT pg_temp.is_told(current_user, format(query, relation, hidden));
SELECT * FROM finish();
ROLLBACK;
