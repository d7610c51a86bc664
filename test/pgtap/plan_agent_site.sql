-- create_site: what is looked at first, what is found to be whose, and when nothing is sent.
BEGIN;
SELECT plan(17);
CREATE FUNCTION pg_temp.job(answers jsonb, agent jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('job_id', 7, 'key', '00000000-0000-0000-0000-000000000000', 'tenant', 'acme', 'settings', '{"site": "acme-inc.example.com"}'::jsonb, 'facts', '{}'::jsonb,
        'options', '{}'::jsonb, 'answers', answers,
        'agent', '{"bench": "b1", "domain": "example.com", "apps": ["erpnext"], "run": 1, "site_is_made": false, "site_was_accepted": false, "site_keys": [], "left_keys": []}'::jsonb || agent);
$$;
CREATE FUNCTION pg_temp.answered(name text, body jsonb, verdict text DEFAULT 'success') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(name, jsonb_build_object('verdict', verdict, 'status', 200, 'body', body));
$$;
CREATE FUNCTION pg_temp.next(answers jsonb, agent jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT CASE next.outcome WHEN 'send' THEN (next.call).name ELSE concat_ws(' ', next.outcome, next.error_code) END
      FROM provision.next_call('provision.plan_site', pg_temp.job(answers, agent)) AS next;
$$;
SELECT pg_temp.answered('look for site', NULL, 'absent') AS absent, pg_temp.answered('look for site', '{"name": "acme-inc.example.com"}') AS present,
       provision.remote_key('00000000-0000-0000-0000-000000000000', 7, 1, 'create site') AS own_key \gset
SELECT is(pg_temp.next('{}'), 'look for site', 'first it looks whether the site is there');
SELECT is(pg_temp.next(:'present'), 'fail SITE_TAKEN', 'somebody else''s is left alone');
SELECT is(pg_temp.next(:'present', '{"site_is_made": true}'), 'verify site', 'a finished one of ours is taken over');
SELECT is(pg_temp.next(:'present', '{"site_keys": ["k"]}'), 'look for earlier jobs', 'with earlier tries Agent is asked what became of them');
SELECT is(pg_temp.next(:'present'::jsonb || pg_temp.answered('look for earlier jobs', '{"data": []}'), '{"site_keys": ["k"]}'), 'fail SITE_TAKEN', 'a try that Agent does not know made nothing');
SELECT is(pg_temp.next(:'present'::jsonb || pg_temp.answered('look for earlier jobs', '{"data": [{"id": 3, "key": "k", "status": "Failure"}]}'), '{"site_keys": ["k"]}'),
          'look for remove half-made site', 'one that failed left the site half-made');
SELECT is(pg_temp.next(:'present'::jsonb || pg_temp.answered('look for earlier jobs', '{"data": [{"id": 3, "key": "k", "status": "Success"}]}'), '{"site_keys": ["k"]}'),
          'verify site', 'one that succeeded made it');
SELECT is(pg_temp.next(:'absent'::jsonb || pg_temp.answered('look for earlier jobs', '{"data": [{"id": 3, "key": "k", "status": "Running"}]}'), '{"site_keys": ["k"]}'),
          'wait for earlier job', 'one that is at it is waited for');
SELECT is(pg_temp.next(:'absent'), 'look for create site', 'before it submits it looks for its key');
SELECT is(pg_temp.next(:'absent'::jsonb || pg_temp.answered('look for create site', '{"data": []}')), 'create site', 'then it submits');
SELECT is(pg_temp.next(:'absent'::jsonb || pg_temp.answered('look for create site', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('id', 5, 'key', :'own_key'))))),
          'wait for create site', 'what is found is adopted');
SELECT is(pg_temp.next(:'absent'::jsonb || pg_temp.answered('look for create site', '{"data": []}') || pg_temp.answered('create site', '{"job": 5}')
                       || pg_temp.answered('wait for create site', '{"id": 5, "status": "Failure", "site_existed": true}')), 'fail SITE_TAKEN', 'a site that somebody made meanwhile is theirs');
SELECT is((SELECT array_agg(DISTINCT body -> 'mariadb_root_password') FROM provision.plan_site(pg_temp.job(:'absent')) WHERE method = 'POST' AND body ? 'mariadb_root_password'),
          ARRAY['{"$secret": "mariadb_root_password"}'::jsonb], 'secrets are only named');

-- What an earlier job left to Agent
CREATE FUNCTION pg_temp.next_of(plan_function text, answers jsonb, agent jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT CASE next.outcome WHEN 'send' THEN (next.call).name ELSE concat_ws(' ', next.outcome, next.error_code) END FROM provision.next_call(plan_function, pg_temp.job(answers, agent)) AS next;
$$;
SELECT pg_temp.answered('look for earlier jobs', '{"data": [{"id": 9, "key": "b", "title": "Backup Site", "status": "Running"}]}') AS running,
       '{"site_is_made": true, "left_keys": ["b"]}'::jsonb AS knows \gset
SELECT is(pg_temp.next_of('provision.plan_backup', :'present'::jsonb || :'running', :'knows'), 'wait for left job 9', 'a backup that was given up is let end before the next');
SELECT is(pg_temp.next_of('provision.plan_backup', :'present'::jsonb || :'running'::jsonb || pg_temp.answered('wait for left job 9', '{"status": "Success"}'), :'knows'), 'look for back up', 'however it ends');
SELECT is(pg_temp.next_of('provision.plan_site_removal', :'present'::jsonb || :'running', :'knows'), 'wait for left job 9', 'nor is the site removed meanwhile');
SELECT is(pg_temp.next(:'present'::jsonb || :'running', '{"left_keys": ["b"]}'), 'fail SITE_TAKEN', 'it does not make the site ours');
SELECT * FROM finish();
ROLLBACK;
