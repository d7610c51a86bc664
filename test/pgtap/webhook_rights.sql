-- A tenant's webhook is its owners' and admins'; members see how it is, and of its URL no more than the host. Nobody else knows of it.
BEGIN;
SELECT plan(22);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'abbr', left(name, 3), 'country', 'US')) FROM unnest('{acme,other}'::text[]) AS name;
CREATE ROLE r_platform; SELECT provision_member_add('*', 'r_platform', 'admin');
CREATE ROLE r_monitor;  SELECT provision_member_add('*', 'r_monitor');
CREATE ROLE r_admin;    SELECT provision_member_add('acme', 'r_admin', 'admin');
CREATE ROLE r_member;   SELECT provision_member_add('acme', 'r_member');
CREATE ROLE r_other;    SELECT provision_member_add('other', 'r_other', 'owner');
GRANT USAGE ON SCHEMA provision TO PUBLIC;
GRANT SELECT ON provision.webhook_status, provision.webhook_log, provision.webhook_event TO PUBLIC;
DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN SELECT oid FROM pg_proc WHERE proname LIKE 'provision\_webhook\_%' LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', routine);
    END LOOP;
END;
$$;
SELECT webhook_id AS platforms FROM provision_webhook_create('https://platform.example.com/token') \gset
SET LOCAL ROLE r_admin;
SELECT webhook_id AS own FROM provision_webhook_create('https://hooks.example.com/token?key=1', '{job.completed}', 'acme') \gset
SELECT matches((provision_webhook_create('https://hooks.example.com/second', NULL, 'acme')).secret, '^whsec_[A-Za-z0-9+/]{43}=$', 'the secret is one of Standard Webhooks');
SELECT is(array_agg(url ORDER BY webhook_id), '{https://hooks.example.com/token?key=1,https://hooks.example.com/second}', 'an admin sees the URLs of the tenant, and no others') FROM provision.webhook_status;
SELECT throws_ok($$ SELECT * FROM provision_webhook_create('https://hooks.example.com/') $$, '42501', 'permission denied: only a platform administrator may do this', 'an admin of a tenant makes none of the platform');
SELECT throws_ok($$ SELECT * FROM provision_webhook_create('https://hooks.example.com/', NULL, 'other') $$, '42501', 'tenant "other" does not exist, or you are no member of it', 'nor for another tenant');
SELECT throws_ok(format('SELECT provision_webhook_test(%s)', :'platforms'), '42501', format('webhook %s does not exist, or you are no member of its tenant', :'platforms'), 'that of the platform is not there');
SELECT throws_ok('SELECT provision_webhook_test(999999999)', '42501', 'webhook 999999999 does not exist, or you are no member of its tenant', 'like one that is not');
SELECT isnt(provision_webhook_test(:own), NULL, 'its own one can be tested');
SELECT is(provision_webhook_test(:own), (SELECT max(delivery_id) FROM provision.webhook_log), 'one ping at a time');
RESET ROLE;
UPDATE provision.webhook_delivery SET response_excerpt = 'what it said', http_status = 500, last_error = 'answered with 500';
SET LOCAL ROLE r_member;
SELECT is(array_agg(DISTINCT url), '{https://hooks.example.com/...}', 'a member sees the host') FROM provision.webhook_status;
SELECT is(last_error || coalesce(response_excerpt, ''), 'answered with 500', 'and how it goes, but not what the receiver says') FROM provision.webhook_log;
SELECT throws_ok(format('SELECT provision_webhook_pause(%s)', :'own'), '42501', 'permission denied for tenant "acme"', 'a member changes nothing');
SET LOCAL ROLE r_other;
SELECT is((SELECT count(*) FROM provision.webhook_status) + (SELECT count(*) FROM provision.webhook_log), 0::bigint, 'another tenant sees nothing');
SELECT throws_ok(format('SELECT provision_webhook_rotate(%s)', :'own'), '42501', format('webhook %s does not exist, or you are no member of its tenant', :'own'), 'and gets at nothing');
SET LOCAL ROLE r_monitor;
SELECT is(array_agg(DISTINCT url ORDER BY url), '{https://hooks.example.com/...,https://platform.example.com/...}', 'who looks after the platform sees all, without paths') FROM provision.webhook_status;
SELECT throws_ok(format('SELECT provision_webhook_drop(%s)', :'platforms'), '42501', 'permission denied: only a platform administrator may do this', 'and changes nothing');
SELECT throws_ok('SELECT provision_webhook_drop(999999999)', '42704', 'webhook 999999999 does not exist', 'a platform member is told what is not there');
SET LOCAL ROLE r_platform;
SELECT is(count(*), 3::bigint, 'an administrator sees all') FROM provision.webhook_status WHERE url ~ '/(token|second)';
SELECT lives_ok(format('SELECT provision_webhook_rotate(%s, %L)', :'own', '0'), 'and changes all');
SELECT throws_ok(format('SELECT provision_webhook_rotate(%s, %L)', :'own', '31 days'), '22023', 'grace must be between 0 and 30 days', 'within reason');
SELECT count(*) FROM generate_series(1, 18) AS n, provision_webhook_create('https://hooks.example.com/' || n, NULL, 'acme');
SELECT throws_ok($$ SELECT * FROM provision_webhook_create('https://hooks.example.com/', NULL, 'acme') $$, '54000', 'there are too many webhooks', 'a tenant has twenty at most');
SELECT lives_ok($$ SELECT * FROM provision_webhook_create('https://hooks.example.com/', NULL, 'other') $$, 'others have theirs');
RESET ROLE;
SELECT is(array_agg(name), '{signing_2}', 'without grace only the new secret is left') FROM provision.secret WHERE webhook_id = :own;
SELECT * FROM finish();
ROLLBACK;
