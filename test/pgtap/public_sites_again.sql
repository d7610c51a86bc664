-- What has happened to a tenant since decides what may be asked for: its site was never its own, is being deleted, or is gone.
BEGIN;
SELECT plan(8);
SELECT provision_engine_create('agent', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench", "domain": "example.com"}');
SELECT provision_engine_create('bench', 'https://bench.example.com', options => '{"agent": "agent", "site": "shared.example.com"}');
SELECT provision_tenant_create('shared-inc', 'bench', '{"company_name": "Shared", "abbr": "SH", "country": "US"}');
UPDATE provision.tenant SET lifecycle = 'active' WHERE name = 'shared-inc';
SELECT throws_ok($$ SELECT provision_delete_site('shared-inc') $$, 'PV003', 'workflow "delete_site" cannot be started for tenant "shared-inc": it has no site of its own', 'who lives on a shared site has none to delete');
SELECT throws_ok($$ SELECT provision_backup_site('shared-inc') $$, 'PV003', NULL, 'nor one to back up');
SELECT is(settings ->> 'site', NULL, 'and stays where it lives') FROM provision.tenant WHERE name = 'shared-inc';

CREATE FUNCTION pg_temp.ends(ended bigint, becomes text) RETURNS void LANGUAGE sql AS $$
    UPDATE provision.job SET state = becomes, finished_at = clock_timestamp(), error_code = CASE becomes WHEN 'failed' THEN 'INTERNAL_ERROR' END WHERE job_id = ended;
$$;
CREATE TEMP TABLE made AS SELECT provision_create_site('early-inc') AS job_id
  FROM provision_tenant_create('early-inc', 'bench', '{"company_name": "Early", "abbr": "EA", "country": "US"}') AS done;
SELECT count(pg_temp.ends(job_id, 'failed')) FROM made;
SELECT provision_delete_site('early-inc');
SELECT throws_ok($$ SELECT provision_retry(job_id) FROM made $$, 'PV001', 'workflow "create_site" cannot be started for tenant "early-inc": it is being deleted', 'a site is not made again while it is deleted');
SELECT pg_temp.ends(job_id, 'completed') FROM provision.job WHERE workflow = 'delete_site';
DELETE FROM provision.secret;
UPDATE provision.tenant SET lifecycle = 'deleted' WHERE name = 'early-inc';
SELECT lives_ok($$ SELECT provision_retry(job_id) FROM made $$, 'after it, it may be');
SELECT is(ROW(lifecycle, (SELECT count(*) FROM provision.secret WHERE secret.tenant_id = tenant.tenant_id AND secret.name = 'admin_password'))::text, '(provisioning,1)', 'with a password of its own')
  FROM provision.tenant WHERE name = 'early-inc';

CREATE TEMP TABLE onboarded AS SELECT provision_onboard('back-inc', 'bench', '{"company_name": "Back", "abbr": "BA", "country": "US", "site": "back-inc.example.com"}') AS job_id;
SELECT count(pg_temp.ends(job_id, 'completed')) FROM onboarded;
SELECT is(provision_onboard('back-inc', 'bench', '{"company_name": "Back", "abbr": "BA", "country": "US", "site": "back-inc.example.com"}'), job_id, 'who is taken on is not taken on twice') FROM onboarded;
UPDATE provision.tenant SET lifecycle = 'deleted' WHERE name = 'back-inc';
SELECT isnt(provision_onboard('back-inc', 'bench', '{"company_name": "Back", "abbr": "BA", "country": "US", "site": "back-inc.example.com"}'), job_id, 'who was deleted comes back') FROM onboarded;
SELECT * FROM finish();
ROLLBACK;
