-- Lists and explanations hold what the caller may see: jobs of its tenants, in pages without holes; places count everybody's.
BEGIN;
SELECT plan(8);
SELECT provision_engine_create('main', 'https://erp.example.com', options => '{"max_concurrent": 1}');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'abbr', name, 'country', 'US')) FROM unnest('{hid,own}'::text[]) AS name;
INSERT INTO provision.workflow (name) SELECT 'w' || n FROM generate_series(1, 3) AS n;
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function)
SELECT workflow_id, 0, 'step_0', 'provision.plan_0_engine_check' FROM provision.workflow WHERE name ~ '^w[1-3]$';
SELECT provision_start(tenant, 'w' || n) FROM generate_series(1, 3) AS n, unnest('{hid,own}'::text[]) AS tenant ORDER BY n, tenant;
CREATE ROLE r_owner;
SELECT provision_member_add('own', 'r_owner', 'owner');
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO PUBLIC;
GRANT USAGE ON SCHEMA provision TO PUBLIC;
GRANT SELECT ON provision.queue, provision.job_status, provision.event_log TO PUBLIC;
SET LOCAL ROLE r_owner;
SELECT is(array_agg(DISTINCT tenant), '{own}', 'jobs') FROM provision_jobs();
SELECT is(array_agg(workflow), '{w3,w2}', 'a page of jobs is full') FROM provision_jobs(size => 2);
SELECT is(array_agg(workflow), '{w1}', 'and the next is the rest') FROM provision_jobs(page => 2, size => 2);
SELECT is(count(*), 0::bigint, 'in a state that none of them has') FROM provision_jobs(state => 'failed');
SELECT is(array_agg(DISTINCT tenant), '{own}', 'events') FROM provision.event_log;
SELECT cmp_ok(max(queue_position), '>', 3::bigint, 'places count everybody''s jobs') FROM provision.queue;
SELECT throws_ok($$ SELECT * FROM provision_start_many('{own,hid}', 'tenant_setup') $$, '42501', 'tenant "hid" does not exist, or you are no member of it', 'all or none');
SELECT is(count(*), 3::bigint, 'none') FROM provision.job_status;
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
