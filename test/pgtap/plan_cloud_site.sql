-- create_site on Frappe Cloud: what is looked at first, what is found to be whose, and when nothing is sent.
BEGIN;
SELECT plan(29);
CREATE FUNCTION pg_temp.job(answers jsonb, agent jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('job_id', 7, 'key', '00000000-0000-0000-0000-000000000000', 'tenant', 'acme', 'settings', '{"site": "acme-inc.frappe.cloud"}'::jsonb, 'facts', '{}'::jsonb,
        'options', '{}'::jsonb, 'answers', answers,
        'agent', '{"kind": "frappe_cloud", "team": "t1", "plan": "USD 10", "release_group": "b1", "cluster": null, "domain": "frappe.cloud", "apps": ["erpnext"], "run": 1,
                   "site_is_made": false, "site_was_accepted": false, "site_keys": []}'::jsonb || agent);
$$;
CREATE FUNCTION pg_temp.answered(name text, body jsonb, verdict text DEFAULT 'success') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(name, jsonb_build_object('verdict', verdict, 'status', 200, 'body', body));
$$;
CREATE FUNCTION pg_temp.site(name text, status text, team text DEFAULT 't1') RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.answered(name, jsonb_build_object('data', jsonb_build_array(jsonb_build_object('id', 'acme-inc.frappe.cloud', 'title', 'Site', 'site_status', status, 'team', team))));
$$;
CREATE FUNCTION pg_temp.next(answers jsonb, agent jsonb DEFAULT '{}', plan text DEFAULT 'provision.plan_site') RETURNS text LANGUAGE sql AS $$
    SELECT CASE next.outcome WHEN 'send' THEN (next.call).name ELSE concat_ws(' ', next.outcome, next.error_code) END
      FROM provision.next_call(plan, pg_temp.job(answers, agent)) AS next;
$$;
SELECT pg_temp.answered('look for site', NULL, 'absent') AS absent, pg_temp.answered('look for the name', '{"message": false}') AS free,
       pg_temp.answered('look for site', NULL, 'absent') || pg_temp.answered('look for the name', '{"message": false}') AS clear,
       '{"site_keys": ["k"]}'::jsonb AS ours \gset

-- the site
SELECT is(pg_temp.next('{}'), 'look for site', 'the plan of the kind of the engine is asked');
SELECT is(pg_temp.next(:'absent'), 'look for the name', 'of a site that is not to be seen the name is asked for');
SELECT is(pg_temp.next(:'absent'::jsonb || pg_temp.answered('look for the name', '{"message": true}')), 'fail SITE_TAKEN', 'a name that is taken is left alone');
SELECT is(pg_temp.next(:'absent'::jsonb || pg_temp.answered('look for the name', '{"exc_type": "RateLimitExceededError"}', 'refused')), 'create site', 'who may not ask goes on');
SELECT is(pg_temp.next(:'clear'), 'create site', 'what is not there is made');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Active')), 'fail SITE_TAKEN', 'what our team has, but we did not ask for, is left alone');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Active', 't2'), :'ours'), 'fail CLOUD_TEAM_WRONG', 'a site of a team that we did not name');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Active'), :'ours'), 'verify site', 'what we asked for is taken over');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Installing'), :'ours'), 'look for jobs of create site', 'or waited for');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Installing') || pg_temp.answered('look for jobs of create site', '{"data": [{"id": "j9", "title": "Old", "status": "Success"}, {"id": "j1", "title": "New Site", "status": "Pending"}]}'), :'ours'),
          'wait for create site (New Site)', 'job by job');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Installing') || pg_temp.answered('look for jobs of create site', '{"data": []}'), :'ours'), 'wait for site to be ready', 'until it is ready');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Broken'), :'ours'), 'look at site before remove half-made site', 'a broken one of ours is removed');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Broken'), '{"site_is_made": true}'), 'fail SITE_NOT_ACTIVE', 'but not one that was finished');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Broken') || pg_temp.site('look at site before remove half-made site', 'Broken') || pg_temp.site('verify site', 'Active'), '{"site_is_made": true}'),
          'complete', 'one that was removed and made anew is finished');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Suspended'), :'ours'), 'fail SITE_NOT_ACTIVE', 'nor is a suspended one');
SELECT is(pg_temp.next(:'clear'::jsonb || pg_temp.answered('create site', '{"message": {"site": "acme-inc.other.cloud"}}'), :'ours'), 'fail CLOUD_DOMAIN_WRONG', 'a site under another name is no success');

-- a bench of its own
SELECT is(pg_temp.next(:'clear', '{"release_group": null}'), 'look for own bench', 'without a release group it is looked whether one is being made');
SELECT is(pg_temp.next(:'clear'::jsonb || pg_temp.answered('look for own bench', '{"data": [{"id": "d1", "group": "acme-inc"}]}'), '{"release_group": null}'), 'create site', 'one that we had not asked for is none of ours');
SELECT is(pg_temp.next(:'clear'::jsonb || pg_temp.answered('look for own bench', '{"data": [{"id": "d2", "group": "other"}, {"id": "d1", "group": "acme-inc"}]}'), '{"release_group": null, "site_keys": ["k"]}'),
          'wait for the bench of the site', 'one of ours is waited for');

-- the other workflows
SELECT is(pg_temp.next(:'clear', plan => 'provision.plan_site_removal'), 'complete', 'what is not there need not be deleted');
SELECT is(pg_temp.next(:'absent'::jsonb || pg_temp.answered('look for the name', '{"exc_type": "RateLimitExceededError"}', 'refused'), plan => 'provision.plan_site_removal'), 'again', 'but that has to be known');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Updating'), :'ours', 'provision.plan_site_removal'), 'wait for a pause before delete site', 'a site that is busy is waited for');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Active'), plan => 'provision.plan_backup'), 'fail SITE_NOT_OURS', 'somebody else''s is not backed up');
SELECT is(pg_temp.next(pg_temp.site('look for site', 'Active'), '{"confirmed": true}', 'provision.plan_backup'), 'look for backups before', 'unless a platform administrator says so');

SELECT is(pg_temp.next(pg_temp.site('look for site', 'Active'), plan => 'provision.plan_site_session'), 'fail SITE_NOT_OURS', 'nobody enters what is somebody else''s');
SELECT is(pg_temp.next(:'absent', '{"confirmed": true}', 'provision.plan_site_session'), 'fail SITE_ABSENT', 'or is not there');
SELECT is((SELECT ROW((next.call).path, (next.call).seals)::text FROM provision.next_call('provision.plan_site_session', pg_temp.job(pg_temp.site('look for site', 'Active'), :'ours')) AS next),
          ROW('/api/method/press.api.site.login', '{"site_session": "{message.sid}"}'::jsonb)::text, 'a session is sealed, and nothing else kept of the answer');
SELECT provision_engine_create('cloud', 'https://frappecloud.com', 'frappe_cloud', '{"team": "t1", "plan": "p", "domain": "frappe.cloud"}');
SELECT provision_tenant_create('acme-inc', 'cloud', '{"company_name": "Acme", "country": "US"}');
SELECT throws_ok($$ SELECT provision_start('acme-inc', 'backup_site', '{"keep": "30 days"}') $$, '22023', 'option "keep" cannot be used for tenant "acme-inc"', 'Press keeps backups as it likes');

SELECT is((SELECT body FROM provision.planned_calls('provision.plan_site', pg_temp.job(:'clear')) AS planned, LATERAL (SELECT (planned.call).name, (planned.call).body) AS called WHERE called.name = 'create site'),
          '{"site": {"name": "acme-inc", "apps": ["frappe", "erpnext"], "plan": "USD 10", "group": "b1", "domain": "frappe.cloud"}}', 'what Press is told');
SELECT * FROM finish();
ROLLBACK;
