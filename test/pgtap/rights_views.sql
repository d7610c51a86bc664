-- Who sees what: every view and table, with SELECT granted on all. A new one without an entry fails the test.
BEGIN;
-- Rows of 'tenants' say whose they are; those of 'platform' are nobody's; 'open' ones say nothing of anybody (typical_run:
-- durations over all; newest_caller: the number of a job); 'none' are never shown.
CREATE TEMP TABLE relation (name regclass, kind text, owner text);
INSERT INTO relation VALUES
    ('provision.call_log',         'tenants',  'job_id'), ('provision.creation_status', 'tenants',  'tenant'), ('provision.dead_letter',   'tenants',  'tenant'),
    ('provision.event_log',        'tenants',  'tenant'), ('provision.job_status',      'tenants',  'tenant'), ('provision.queue',         'tenants',  'tenant'),
    ('provision.step_status',      'tenants',  'tenant'), ('provision.tenant_status',   'tenants',  'tenant'), ('provision.tenant_member', 'tenants',  'tenant'),
    ('provision.visible_tenant',   'tenants',  'name'),   ('provision.onboarding_status', 'tenants', 'tenant'),
    ('provision.engine_status',    'platform', NULL),     ('provision.step_stats',      'platform', NULL),     ('provision.worker_status', 'platform', NULL),
    ('provision.webhook_status',   'tenants',  'tenant'), ('provision.webhook_log',     'tenants',  'tenant'), ('provision.webhook_event', 'open',     NULL),
    ('provision.webhook',          'platform', NULL),     ('provision.webhook_delivery', 'platform', NULL),
    ('provision.typical_run',      'open',     NULL),     ('provision.newest_caller',   'open',     NULL),
    ('provision.outlook',          'tenants',  'job_id'), ('provision.forecast',        'tenants',  'job_id'),
    ('provision.pace',             'platform', NULL),     ('provision.step_pace',       'platform', NULL),
    ('provision.attempt',          'tenants',  'job_id'), ('provision.creation',        'tenants',  'job_id'), ('provision.event',         'tenants',  'job_id'),
    ('provision.exclusion',        'tenants',  'job_id'), ('provision.job',             'tenants',  'job_id'), ('provision.job_step',      'tenants',  'job_id'),
    ('provision.key_wait',         'tenants',  'job_id'), ('provision.member',          'tenants',  'tenant_id'), ('provision.tenant',     'tenants',  'name'),
    ('provision.audit_seal',       'platform', NULL),     ('provision.audit_horizon',   'platform', NULL),     ('provision.caller',           'platform', NULL),     ('provision.control',          'platform', NULL),     ('provision.engine',          'platform', NULL),     ('provision.engine_gauge',  'platform', NULL),
    ('provision.engine_state',     'platform', NULL),     ('provision.worker',          'platform', NULL),
    ('provision.answer_rule',      'open',     NULL),     ('provision.country',         'open',     NULL),     ('provision.country_name',  'open',     NULL),
    ('provision.currency',         'open',     NULL),     ('provision.effort',          'open',     NULL),     ('provision.failure',       'open',     NULL),
    ('provision.step',             'open',     NULL),     ('provision.workflow',        'open',     NULL),
    ('provision.remote_job',       'tenants',  'job_id'), ('provision.signal',          'tenants',  'job_id'), ('provision.remote_kind',     'open',     NULL),
    ('provision.schedule',         'tenants',  'tenant_id'), ('provision.schedule_status', 'tenants', 'tenant'), ('provision.backup', 'tenants', 'tenant'),
    ('provision.secret',           'none',     NULL);

CREATE TEMP TABLE who (who text, role name, acts_for name, tenants text, platform boolean);
INSERT INTO who VALUES
    ('superuser',                         current_user,    NULL,         'acme other', true),
    ('one with the owner''s rights',      'r_dba',         NULL,         'acme other', true),
    ('member of the platform',            'r_monitor',     NULL,         'acme other', true),
    ('member of the tenant',              'r_member',      NULL,         'acme',       false),
    ('member by a group',                 'r_clerk',       NULL,         'acme',       false),
    ('owner of another tenant',           'r_other',       NULL,         'other',      false),
    ('member of both',                    'r_both',        NULL,         'acme other', false),
    ('nobody',                            'r_nobody',      NULL,         '',           false),
    ('application for a member',          'r_application', 'u_member',   'acme',       false),
    ('application for nobody',            'r_application', 'u_nobody',   '',           false),
    ('application for a platform admin',  'r_application', 'u_platform', '',           false),
    ('application for itself',            'r_application', NULL,         '',           false),
    ('administrator for a platform admin','r_platform',    'u_platform', 'acme other', true),
    ('superuser for a member',            current_user,    'u_member',   'acme',       false),
    ('superuser for nobody',              current_user,    'u_nobody',   '',           false);
SELECT plan((SELECT count(*) FROM relation)::integer + 4);

SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
INSERT INTO provision.workflow (name) VALUES ('second');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function)
SELECT workflow_id, 0, 'step_0', 'provision.plan_0_engine_check' FROM provision.workflow WHERE name = 'second';
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'abbr', left(name, 3), 'country', 'US')) FROM unnest('{acme,other}'::text[]) AS name;
SELECT provision_start('other') AS other_job, provision_start('acme') AS job \gset
SELECT provision.finish_job(provision_start(name, 'second'), 'partial') FROM unnest('{acme,other}'::text[]) AS name;
UPDATE provision.job_step SET state = 'completed', started_at = now(), finished_at = now() WHERE name = 'step_0';
INSERT INTO provision.attempt (job_id, ordinal, engine_id, incarnation, call, method, url, repeatable, timeout_ms, started_at)
SELECT job_id, 0, engine_id, 1, 'look', 'GET', 'https://erp.example.com/' || job_id, true, 1000, now() FROM provision.job;
INSERT INTO provision.creation (job_id, ordinal, attempt_id, call, kind, creates) SELECT job_id, ordinal, attempt_id, call, 'Company', '{}' FROM provision.attempt;
INSERT INTO provision.exclusion (exclusion, job_id, ordinal) SELECT 'exclusion ' || job_id, job_id, 0 FROM provision.job;
INSERT INTO provision.key_wait (job_id, reason) SELECT job_id, 'no key' FROM provision.job;
INSERT INTO provision.remote_job (job_id, ordinal, call, engine_id, remote_id, key, next_poll_at) SELECT job_id, 0, 'wait', engine_id, 1, 'k', now() FROM provision.job;
SELECT provision_webhook_test(made.webhook_id) FROM unnest('{acme,other,NULL}'::text[]) AS tenant, provision_webhook_create('https://hooks.example.com', NULL, tenant) AS made;
INSERT INTO provision.job (tenant_id, engine_id, workflow_id, workflow, state, rank, correlation_id, created_by, finished_at)
SELECT tenant.tenant_id, tenant.engine_id, workflow.workflow_id, 'onboarding', 'cancelled', 0, 'c', 'somebody', now() FROM provision.tenant, provision.workflow WHERE workflow.name = 'onboarding';
INSERT INTO provision.signal (job_id, name, asked_at, expires_at) SELECT job_id, 'go', now(), now() FROM provision.job;
INSERT INTO provision.worker (pid) VALUES (0);
INSERT INTO provision.job (tenant_id, engine_id, workflow_id, workflow, state, rank, correlation_id, created_by, finished_at)
SELECT tenant_id, engine_id, workflow_id, 'backup_site', 'completed', 0, 'backup', '', now() FROM provision.tenant, provision.workflow WHERE workflow.name = 'backup_site';
SELECT provision_schedule(name, 'tenant_verify', '@daily') FROM unnest('{acme,other}'::text[]) AS name;
INSERT INTO provision.pace (engine_id, workflow_id, run_count, run_samples, slot_samples, call_samples, exclusive_samples) SELECT 0, workflow_id, 1, '{1}', '{1}', '{1}', '{0}' FROM provision.workflow;
INSERT INTO provision.step_pace SELECT workflow_id, ordinal, '{1}', 1 FROM provision.step;
INSERT INTO provision.audit_seal VALUES (1, 0, 0, 0, '', NULL, NULL, now(), '', '', NULL);
INSERT INTO provision.audit_horizon VALUES (true, 0, '0');
INSERT INTO provision.caller VALUES (0, 'tenant', 'somebody', 6000, 0, '{}', 0, now(), now());
CREATE ROLE r_dba;         SELECT format('GRANT %I TO r_dba', current_user) \gexec
CREATE ROLE r_platform;    SELECT provision_member_add('*', 'r_platform', 'admin');
CREATE ROLE r_monitor;     SELECT provision_member_add('*', 'r_monitor');
CREATE ROLE r_member;      SELECT provision_member_add('acme', 'r_member');
CREATE ROLE r_clerk IN ROLE r_member;
CREATE ROLE r_other;       SELECT provision_member_add('other', 'r_other', 'owner');
CREATE ROLE r_both IN ROLE r_member, r_other;
CREATE ROLE r_nobody;
CREATE ROLE r_application;
SELECT provision_member_add('acme', 'u_member'), provision_member_add('*', 'u_platform', 'owner');
GRANT ALL ON SCHEMA provision TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA provision TO PUBLIC;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA provision, public TO PUBLIC;

-- Whose a row is, by what the relation says of it. Platform administrators also see rows of nobody.
CREATE TEMP TABLE name_of AS
    SELECT 'job_id' AS key, job.job_id::text AS value, tenant.name FROM provision.job JOIN provision.tenant USING (tenant_id)
    UNION ALL SELECT 'tenant_id', tenant_id::text, name FROM provision.tenant
    UNION ALL SELECT column_name, tenant.name, tenant.name FROM provision.tenant, unnest('{tenant,name}'::text[]) AS column_name;
GRANT SELECT ON name_of TO PUBLIC;
CREATE FUNCTION pg_temp.as_role(role name, acts_for name, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    PERFORM provision_act_as(acts_for) WHERE acts_for IS NOT NULL;
    EXECUTE statement INTO result;
    RAISE SQLSTATE 'YES00' USING MESSAGE = coalesce(result, '');
EXCEPTION WHEN SQLSTATE 'YES00' THEN
    RETURN SQLERRM;
WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END;
$$;

SELECT set_eq($$ SELECT oid::regclass FROM pg_class WHERE relnamespace = 'provision'::regnamespace AND relkind IN ('r', 'v', 'm', 'p') $$,
              'SELECT name FROM relation', 'every view and table has an entry');
SELECT is(array_agg(oid::regclass::text), NULL, 'row security is on everywhere')
  FROM pg_class WHERE relnamespace = 'provision'::regnamespace AND relkind IN ('r', 'p') AND NOT relrowsecurity;
SELECT is(array_agg(oid::regclass::text), NULL, 'every view is a barrier')
  FROM pg_class WHERE relnamespace = 'provision'::regnamespace AND relkind = 'v' AND NOT coalesce(reloptions @> '{security_barrier=true}', false);
SELECT is(array_agg(polname::text), NULL, 'nobody is let write') FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
 WHERE relnamespace = 'provision'::regnamespace AND polcmd <> 'r';

-- Row security does not hold for superusers, whomever they act for; what their views show does.
CREATE TEMP TABLE seen AS
    SELECT relation.name, who.who, who.platform OR no_policy AS platform,
           pg_temp.as_role(who.role, who.acts_for, CASE relation.kind
               WHEN 'tenants' THEN format('SELECT string_agg(DISTINCT coalesce(name_of.name, ''-''), '' '' ORDER BY coalesce(name_of.name, ''-''))
                                             FROM %s AS r LEFT JOIN name_of ON name_of.key = %L AND name_of.value = r.%I::text', relation.name, relation.owner, relation.owner)
               ELSE format('SELECT ''rows'' FROM %s LIMIT 1', relation.name) END) AS rows,
           CASE relation.kind WHEN 'open' THEN 'rows'
                              WHEN 'platform' THEN CASE WHEN who.platform OR no_policy THEN 'rows' ELSE '' END
                              WHEN 'none' THEN CASE WHEN no_policy OR who.role = 'r_dba' THEN 'rows' ELSE '' END
                              ELSE CASE WHEN no_policy THEN 'acme other' ELSE who.tenants END END AS expected
      FROM relation
      JOIN pg_class ON pg_class.oid = relation.name
     CROSS JOIN who
     CROSS JOIN LATERAL (SELECT who.role = current_user AND NOT coalesce('security_barrier=true' = ANY (reloptions), false) AS no_policy) AS rights;
SELECT is(string_agg(who || ': "' || rows || '" instead of "' || expected || '"', E'\n')
              FILTER (WHERE regexp_replace(rows, '^- ?', '') <> expected OR rows ~ '^-' AND NOT platform), NULL, name::text)
  FROM seen
 GROUP BY name;
SELECT * FROM finish();
ROLLBACK;
