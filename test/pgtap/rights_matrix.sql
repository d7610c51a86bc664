-- Who may call what: every public function by everybody, with everything granted. What a function needs is told below; a new one without
-- an entry fails the test.
BEGIN;
CREATE TEMP TABLE who (who text, role name, acts_for name, look text, act text, own text, platform text, monitor text);
INSERT INTO who VALUES
    -- who                                role             acts for       look    act     own     platform monitor
    ('superuser',                         current_user,    NULL,          'yes',  'yes',  'yes',  'yes',  'yes'),
    ('one with the owner''s rights',      'r_dba',         NULL,          'yes',  'yes',  'yes',  'yes',  'yes'),
    ('administrator of the platform',     'r_platform',    NULL,          'yes',  'yes',  'yes',  'yes',  'yes'),
    ('member of the platform',            'r_monitor',     NULL,          'yes',  'no',   'no',   'no',   'yes'),
    ('owner of the tenant',               'r_owner',       NULL,          'yes',  'yes',  'yes',  'no',   'no'),
    ('admin of the tenant',               'r_admin',       NULL,          'yes',  'yes',  'no',   'no',   'no'),
    ('member of the tenant',              'r_member',      NULL,          'yes',  'no',   'no',   'no',   'no'),
    ('member by a group',                 'r_clerk',       NULL,          'yes',  'no',   'no',   'no',   'no'),
    ('in a group without its rights',     'r_noinherit',   NULL,          'none', 'none', 'none', 'no',   'no'),
    ('owner of another tenant',           'r_other',       NULL,          'none', 'none', 'none', 'no',   'no'),
    ('nobody',                            'r_nobody',      NULL,          'none', 'none', 'none', 'no',   'no'),
    ('application for an owner',          'r_application', 'u_owner',     'yes',  'yes',  'yes',  'no',   'no'),
    ('application for an admin',          'r_application', 'u_admin',     'yes',  'yes',  'no',   'no',   'no'),
    ('application for a member',          'r_application', 'u_member',    'yes',  'no',   'no',   'no',   'no'),
    ('application for another''s owner',  'r_application', 'u_other',     'none', 'none', 'none', 'no',   'no'),
    ('application for nobody',            'r_application', 'u_nobody',    'none', 'none', 'none', 'no',   'no'),
    ('application for a platform admin',  'r_application', 'u_platform',  'none', 'none', 'none', 'no',   'no'),
    ('application for a role''s name',    'r_application', 'r_platform',  'none', 'none', 'none', 'no',   'no'),
    ('application for a superuser''s',    'r_application', current_user,  'none', 'none', 'none', 'no',   'no'),
    ('application for one in a group',    'r_application', 'r_clerk',     'none', 'none', 'none', 'no',   'no'),
    ('application for itself',            'r_application', NULL,          'none', 'none', 'none', 'no',   'no'),
    ('administrator for a platform admin','r_platform',    'u_platform',  'yes',  'yes',  'yes',  'yes',  'yes'),
    ('administrator for a monitor',       'r_platform',    'u_monitor',   'yes',  'no',   'no',   'no',   'yes'),
    ('administrator for a member',        'r_platform',    'u_member',    'yes',  'no',   'no',   'no',   'no'),
    ('member of platform for an admin',   'r_monitor',     'u_platform',  'none', 'none', 'none', 'no',   'no'),
    ('superuser for an owner',            current_user,    'u_owner',     'yes',  'yes',  'yes',  'no',   'no'),
    ('superuser for nobody',              current_user,    'u_nobody',    'none', 'none', 'none', 'no',   'no');

CREATE TEMP TABLE needs (function regprocedure, need text, statement text);
INSERT INTO needs VALUES
    ('provision_act_as(name,inet)',                      'open',     'SELECT provision_act_as(''u_nobody'')'),
    ('provision_agent_callback(text,bigint)',            'open',     'SELECT provision_agent_callback(''maker'', 1)'),
    ('provision_health()',                               'open',     'SELECT provision_health()'),
    ('provision_validate(jsonb,text)',                   'open',     'SELECT * FROM provision_validate(''{}'')'),
    ('provision_jobs(text,text,integer,integer)',        'look',     'SELECT * FROM provision_jobs(''acme'')'),
    ('provision_logs(bigint,bigint,integer)',            'look',     'SELECT * FROM provision_logs(<job>)'),
    ('provision_logs(text,bigint,integer)',              'look',     'SELECT * FROM provision_logs(''acme'')'),
    ('provision_plan(text,text,text)',                   'look',     'SELECT * FROM provision_plan(''acme'')'),
    ('provision_queue_position(bigint)',                 'look',     'SELECT * FROM provision_queue_position(<job>)'),
    ('provision_queue_position(text)',                   'look',     'SELECT * FROM provision_queue_position(''acme'')'),
    ('provision_status(bigint)',                         'look',     'SELECT provision_status(<job>)'),
    ('provision_status(text)',                           'look',     'SELECT provision_status(''acme'')'),
    ('provision_wait(bigint,interval)',                  'look',     'CALL provision_wait(<job>)'),
    ('provision_why(bigint)',                            'look',     'SELECT * FROM provision_why(<job>)'),
    ('provision_why(text)',                              'look',     'SELECT * FROM provision_why(''acme'')'),
    ('provision_webhook_create(text,text[],text,jsonb)', 'act',      'SELECT * FROM provision_webhook_create(''https://hooks.example.com'', NULL, ''acme'')'),
    ('provision_webhook_drop(bigint)',                   'act',      'SELECT provision_webhook_drop(<hook>)'),
    ('provision_webhook_pause(bigint,text)',             'act',      'SELECT provision_webhook_pause(<hook>)'),
    ('provision_webhook_redeliver(bigint,bigint)',       'act',      'SELECT provision_webhook_redeliver(<hook>)'),
    ('provision_webhook_resume(bigint)',                 'act',      'SELECT provision_webhook_resume(<hook>)'),
    ('provision_webhook_rotate(bigint,interval)',        'act',      'SELECT provision_webhook_rotate(<hook>)'),
    ('provision_webhook_test(bigint)',                   'act',      'SELECT provision_webhook_test(<hook>)'),
    ('provision_webhook_update(bigint,jsonb)',           'act',      'SELECT provision_webhook_update(<hook>, ''{"timeout_ms": 500}'')'),
    ('provision_cancel(bigint,text,boolean)',            'act',      'SELECT * FROM provision_cancel(<job>)'),
    ('provision_cancel(text,text,boolean)',              'act',      'SELECT * FROM provision_cancel(''acme'')'),
    ('provision_continue(bigint)',                       'act',      'SELECT * FROM provision_continue(<job>)'),
    ('provision_continue(text)',                         'act',      'SELECT * FROM provision_continue(''acme'')'),
    ('provision_pause(bigint)',                          'act',      'SELECT * FROM provision_pause(<job>)'),
    ('provision_pause(text)',                            'act',      'SELECT * FROM provision_pause(''acme'')'),
    ('provision_resume(bigint)',                         'act',      'SELECT * FROM provision_resume(<job>)'),
    ('provision_resume(text)',                           'act',      'SELECT * FROM provision_resume(''acme'')'),
    ('provision_retry(bigint)',                          'act',      'SELECT * FROM provision_retry(<job>)'),
    ('provision_retry(text)',                            'act',      'SELECT * FROM provision_retry(''acme'')'),
    ('provision_rollback(bigint)',                       'act',      'SELECT * FROM provision_rollback(<job>)'),
    ('provision_rollback(text)',                         'act',      'SELECT * FROM provision_rollback(''acme'')'),
    ('provision_skip_step(bigint,text,text)',            'act',      'SELECT * FROM provision_skip_step(<job>, ''step_6_items'')'),
    ('provision_start(text,text,jsonb,integer,timestamptz,text)', 'act', 'SELECT provision_start(''acme'')'),
    ('provision_create_site(text)',                      'act',      'SELECT provision_create_site(''acme'')'),
    ('provision_delete_site(text)',                      'act',      'SELECT provision_delete_site(''acme'')'),
    ('provision_backup_site(text,boolean)',              'act',      'SELECT provision_backup_site(''acme'')'),
    ('provision_engine_secret_set(text,text,text)',      'platform', 'SELECT provision_engine_secret_set(''maker'', ''mariadb_root_password'', ''word'')'),
    ('provision_signal(bigint,text,jsonb)',              'act',      'SELECT * FROM provision_signal(<job>, ''go'')'),
    ('provision_verify(text)',                           'act',      'SELECT provision_verify(''acme'')'),
    ('provision_start_many(text[],text,jsonb,integer,timestamptz)', 'act', 'SELECT provision_start_many(''{acme}'')'),
    ('provision_schedule(text,text,text,text,jsonb,text,text,integer)', 'act', 'SELECT provision_schedule(''acme'', ''tenant_setup'', ''@daily'')'),
    ('provision_unschedule(bigint)',                     'act',      'SELECT provision_unschedule(<schedule>)'),
    ('provision_unschedule(text,text)',                  'act',      'SELECT provision_unschedule(''acme'', ''nightly'')'),
    ('provision_schedule_pause(bigint,text)',            'act',      'SELECT provision_schedule_pause(<schedule>)'),
    ('provision_schedule_pause(text,text,text)',         'act',      'SELECT provision_schedule_pause(''acme'', ''nightly'')'),
    ('provision_schedule_resume(bigint)',                'act',      'SELECT provision_schedule_resume(<schedule>)'),
    ('provision_schedule_resume(text,text)',             'act',      'SELECT provision_schedule_resume(''acme'', ''nightly'')'),
    ('provision_tenant_secret(text,text,text)',          'act',      'SELECT provision_tenant_secret(''acme'', ''key'', ''word'')'),
    ('provision_tenant_update(text,jsonb)',              'act',      'SELECT provision_tenant_update(''acme'', ''{"abbr": "AC"}'')'),
    ('provision_member_add(text,name,text)',             'own',      'SELECT provision_member_add(''acme'', ''somebody'')'),
    ('provision_member_remove(text,name)',               'own',      'SELECT provision_member_remove(''acme'', ''u_member'')'),
    ('provision_adopt()',                                'platform', 'SELECT provision_adopt()'),
    ('provision_engine_create(text,text,text,jsonb)',    'platform', 'SELECT provision_engine_create(''second'', ''https://erp.example.com'')'),
    ('provision_engine_drop(text)',                      'platform', 'SELECT provision_engine_drop(''spare'')'),
    ('provision_engine_pause(text,text)',                'platform', 'SELECT provision_engine_pause(''main'')'),
    ('provision_engine_reset(text)',                     'platform', 'SELECT provision_engine_reset(''main'')'),
    ('provision_engine_resume(text)',                    'platform', 'SELECT provision_engine_resume(''main'')'),
    ('provision_engine_secret(text,text,text)',          'platform', 'SELECT provision_engine_secret(''main'', ''key'', ''word'')'),
    ('provision_engine_update(text,jsonb)',              'platform', 'SELECT provision_engine_update(''main'', ''{"max_concurrent": 3}'')'),
    ('provision_pause_all(text)',                        'platform', 'SELECT provision_pause_all()'),
    ('provision_purge(interval)',                        'platform', 'SELECT provision_purge(''1 day'')'),
    ('provision_resume_all()',                           'platform', 'SELECT provision_resume_all()'),
    ('provision_retry_all(text,text,text,timestamptz,timestamptz,integer)', 'platform', 'SELECT * FROM provision_retry_all()'),
    ('provision_rotate_secrets()',                       'platform', 'SELECT provision_rotate_secrets()'),
    ('provision_onboard(text,text,jsonb,text,text)',          'platform', 'SELECT provision_onboard(''second-inc'', ''main'', ''{"company_name": "Second", "country": "US"}'')'),
    ('provision_tenant_create(text,text,jsonb,text)',    'platform', 'SELECT provision_tenant_create(''second'', ''main'', ''{"company_name": "Second", "country": "US"}'')'),
    ('provision_worker_start()',                         'platform', 'SELECT provision_worker_start()'),
    ('provision_worker_stop()',                          'platform', 'SELECT provision_worker_stop()'),
    ('provision_audit_seal()',                           'platform', 'SELECT provision_audit_seal()'),
    ('provision_audit_head()',                           'monitor',  'SELECT provision_audit_head()'),
    ('provision_audit_verify(text)',                     'monitor',  'SELECT * FROM provision_audit_verify()'),
    ('provision_doctor()',                               'monitor',  'SELECT * FROM provision_doctor()');
SELECT plan((SELECT count(*) FROM needs)::integer + 2);

SELECT provision_engine_create(name, 'https://erp.example.com') FROM unnest('{main,spare}'::text[]) AS name;
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'abbr', left(name, 3), 'country', 'US')) FROM unnest('{acme,other}'::text[]) AS name;
SELECT provision_engine_create('maker', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench", "domain": "example.com"}');
SELECT provision_engine_update('main', '{"agent": "maker"}'), provision_tenant_update('acme', '{"site": "acme-inc.example.com"}');
UPDATE provision.step SET signals = '{"go": {"timeout": "1 day"}}' WHERE name = 'step_6_items';
SELECT provision_start('acme') AS job \gset
SELECT provision_start('other') AS other_job \gset
SELECT webhook_id AS hook FROM provision_webhook_create('https://hooks.example.com', NULL, 'acme') \gset
SELECT provision_schedule('acme', 'tenant_verify', '@daily', name => 'nightly') AS schedule \gset
CREATE ROLE r_dba;       SELECT format('GRANT %I TO r_dba', current_user) \gexec
CREATE ROLE r_platform;  SELECT provision_member_add('*', 'r_platform', 'admin');
CREATE ROLE r_monitor;   SELECT provision_member_add('*', 'r_monitor');
CREATE ROLE r_owner;     SELECT provision_member_add('acme', 'r_owner', 'owner');
CREATE ROLE r_admin;     SELECT provision_member_add('acme', 'r_admin', 'admin');
CREATE ROLE r_member;    SELECT provision_member_add('acme', 'r_member');
CREATE ROLE r_clerk IN ROLE r_member;
CREATE ROLE r_noinherit NOINHERIT IN ROLE r_member;
CREATE ROLE r_other;     SELECT provision_member_add('other', 'r_other', 'owner');
CREATE ROLE r_nobody;
CREATE ROLE r_application;
SELECT provision_member_add('acme', ('u_' || role)::name, role) FROM unnest('{owner,admin,member}'::text[]) AS role;
SELECT provision_member_add('other', 'u_other', 'owner'), provision_member_add('*', 'u_platform', 'owner'), provision_member_add('*', 'u_monitor');
GRANT ALL ON SCHEMA provision TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA provision TO PUBLIC;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA provision, public TO PUBLIC;

-- What came of it, without any effect: none (it may as well not exist), no (it may not), or the SQLSTATE.
CREATE FUNCTION pg_temp.outcome(role name, acts_for name, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    PERFORM provision_act_as(acts_for) WHERE acts_for IS NOT NULL;
    EXECUTE statement;
    RAISE SQLSTATE 'YES00';
EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN SQLSTATE <> '42501' THEN SQLSTATE WHEN SQLERRM ~ 'does not exist, or you are no member of it' THEN 'none' ELSE 'no' END;
END;
$$;

SELECT set_eq($$ SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
                  WHERE p.proname LIKE 'provision\_%' AND p.pronamespace <> 'provision'::regnamespace $$,
              'SELECT function FROM needs', 'every public function has an entry');
-- A superuser does it, or is told what is wrong with it; whoever may is told the same.
CREATE TEMP TABLE happened AS
    SELECT needs.function, who.who, pg_temp.outcome(who.role, who.acts_for, replace(replace(replace(needs.statement, '<job>', :'job'), '<hook>', :'hook'), '<schedule>', :'schedule')) AS outcome,
           CASE needs.need WHEN 'look' THEN who.look WHEN 'act' THEN who.act WHEN 'own' THEN who.own WHEN 'platform' THEN who.platform
                           WHEN 'monitor' THEN who.monitor ELSE 'yes' END AS expected
      FROM needs CROSS JOIN who;
SELECT is(string_agg(happened.who || ': ' || happened.outcome || ' instead of ' || happened.expected, E'\n')
              FILTER (WHERE happened.outcome <> coalesce(allowed.outcome, happened.expected)), NULL, happened.function::text)
  FROM happened
  LEFT JOIN happened AS allowed ON allowed.function = happened.function AND allowed.who = 'superuser' AND happened.expected = 'yes'
 GROUP BY happened.function;
SELECT is(array_agg(DISTINCT outcome ORDER BY outcome), '{2D000,PV001,YES00}', 'what superusers try is well-formed') FROM happened WHERE who = 'superuser';
SELECT * FROM finish();
ROLLBACK;
