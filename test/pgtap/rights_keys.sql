-- That somebody else's tenant uses an idempotency key is neither told nor in the way; among what one sees a key names one job.
BEGIN;
SELECT plan(6);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'abbr', name, 'country', 'US')) FROM unnest('{own,hid}'::text[]) AS name;
SELECT provision_start('hid', idempotency_key => 'order 7') AS hidden_job \gset
CREATE ROLE r_owner;
SELECT provision_member_add('own', 'r_owner', 'owner');
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO r_owner;
SET LOCAL ROLE r_owner;
SELECT provision_start('own', idempotency_key => 'order 7') AS own_job \gset
SELECT isnt(:own_job, :hidden_job, 'the key of another tenant''s job starts one');
SELECT is(provision_start('own', idempotency_key => 'order 7'), :own_job::bigint, 'once');
SELECT throws_ok($$ SELECT provision_start('hid', idempotency_key => 'order 7') $$, '42501', 'tenant "hid" does not exist, or you are no member of it', 'it opens no other one''s job');
RESET ROLE;
SELECT is(provision_start('hid', idempotency_key => 'order 7'), :hidden_job::bigint, 'the other''s is still its own');
SELECT provision_tenant_create('third', 'main', '{"company_name": "Third", "country": "US"}');
SELECT throws_ok($$ SELECT provision_start('third', idempotency_key => 'order 7') $$, 'PV001', 'idempotency_key belongs to another job', 'who sees them is told');
SELECT is((SELECT count(*) FROM provision.job WHERE idempotency_key = 'order 7'), 2::bigint, 'two jobs');
SELECT * FROM finish();
ROLLBACK;
