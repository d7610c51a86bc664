-- site_credentials: whose site it is is asked first; keys that work are kept; the user of the keys has just the roles it needs; a secret that was told before its key was known is let go.
BEGIN;
SELECT plan(27);
CREATE FUNCTION pg_temp.answered(name text, body jsonb, verdict text DEFAULT 'success') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(name, jsonb_build_object('verdict', verdict, 'status', 200, 'body', body));
$$;
CREATE FUNCTION pg_temp.job(answers jsonb, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('job_id', 7, 'key', '00000000-0000-0000-0000-000000000000', 'tenant', 'acme', 'settings', '{"site": "acme.example.com"}'::jsonb, 'facts', '{}'::jsonb,
        'options', '{}'::jsonb, 'answers', answers,
        'agent', '{"bench": "b1", "kind": "frappe_agent", "run": 1, "site_is_made": true, "confirmed": false, "site_was_accepted": false, "site_keys": []}'::jsonb) || more;
$$;
CREATE FUNCTION pg_temp.next(plan text, answers jsonb, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT CASE next.outcome WHEN 'send' THEN (next.call).name ELSE concat_ws(' ', next.outcome, next.error_code) END
      FROM provision.next_call('provision.' || plan, pg_temp.job(answers, more)) AS next;
$$;
CREATE FUNCTION pg_temp.call(name text, answers jsonb, more jsonb DEFAULT '{}') RETURNS SETOF provision.call LANGUAGE sql AS $$
    SELECT planned.* FROM provision.plan_site_keys(pg_temp.job(answers, more)) AS planned WHERE planned.name = $1;
$$;

-- The session.
SELECT pg_temp.answered('look for site', '{"name": "acme.example.com"}') AS present, '{"agent": {"bench": "b1", "site_is_made": false, "confirmed": false, "site_was_accepted": false, "site_keys": []}}' AS strange \gset
SELECT is(pg_temp.next('plan_site_session', '{}'), 'look for site', 'first it looks for the site');
SELECT is(pg_temp.next('plan_site_session', :'present'), 'open session', 'one that is ours is entered');
SELECT is(pg_temp.next('plan_site_session', :'present', :'strange'), 'fail SITE_NOT_OURS', 'one of somebody else is not');
SELECT is(pg_temp.next('plan_site_session', :'present', jsonb_set(:'strange', '{agent,confirmed}', 'true')), 'open session', 'unless a platform administrator wants it');
SELECT is(pg_temp.next('plan_site_session', pg_temp.answered('look for site', NULL, 'absent')), 'fail SITE_ABSENT', 'nor one that is not there');
SELECT is(ROW(method, path, body, seals)::text, ROW('POST', '/benches/b1/sites/acme.example.com/sid', '{"user": "Administrator"}'::jsonb, '{"site_session": "{sid}"}'::jsonb)::text, 'the session is sealed')
  FROM provision.plan_site_session(pg_temp.job(:'present')) WHERE name = 'open session';

-- The keys, from nothing.
SELECT pg_temp.answered('try keys', NULL, 'refused') AS refused \gset
SELECT :'refused'::jsonb || pg_temp.answered('try session', '{"message": "Administrator"}') AS entered \gset
SELECT :'entered'::jsonb || pg_temp.answered('look user', NULL, 'absent') || pg_temp.answered('create user', '{"data": {}}') AS made \gset
SELECT :'made'::jsonb || pg_temp.answered('first keys', '{}') || pg_temp.answered('read key', '{"data": {"api_key": "[redacted]"}}') AS read, '{"facts": {"api_key": "key4711"}}' AS key \gset
SELECT is(pg_temp.next('plan_site_keys', '{}'), 'try keys', 'the keys there are are tried');
SELECT is(pg_temp.next('plan_site_keys', pg_temp.answered('try keys', '{"message": "somebody@example.com"}')), 'log out', 'those that work are kept');
SELECT is(pg_temp.next('plan_site_keys', '{}', '{"options": {"renew": true}}'), 'try session', 'new ones may be asked for');
SELECT is(pg_temp.next('plan_site_keys', :'refused'), 'try session', 'without any the session is used');
SELECT is(pg_temp.next('plan_site_keys', :'refused'::jsonb || pg_temp.answered('try session', NULL, 'refused')), 'fail SITE_SESSION_LOST', 'as long as it lasts');
SELECT is(pg_temp.next('plan_site_keys', :'entered'), 'look user', 'our user is looked for');
SELECT is(pg_temp.next('plan_site_keys', :'entered'::jsonb || pg_temp.answered('look user', NULL, 'absent')), 'create user', 'and made');
SELECT is(pg_temp.next('plan_site_keys', :'made'), 'first keys', 'a new user gets an API key by a secret that is let go');
SELECT is(seals, '{}', 'of which nothing is kept') FROM pg_temp.call('first keys', :'made');
SELECT is(pg_temp.next('plan_site_keys', :'made'::jsonb || pg_temp.answered('first keys', '{}')), 'read key', 'that key is read');
SELECT is(pg_temp.next('plan_site_keys', :'read'), 'fail FACT_MISSING', 'without it no secret is asked for');
SELECT is(pg_temp.next('plan_site_keys', :'read', :'key'), 'make keys', 'with it, one is');
SELECT is(seals ->> 'credentials', 'key4711:{message.api_secret}', 'and both are sealed together') FROM pg_temp.call('make keys', :'read', :'key');
SELECT is(pg_temp.next('plan_site_keys', :'read'::jsonb || pg_temp.answered('make keys', '{}'), :'key'), 'try new keys', 'they are tried');
SELECT is(pg_temp.next('plan_site_keys', :'read'::jsonb || pg_temp.answered('make keys', '{}') || pg_temp.answered('try new keys', '{"message": "provision@acme.example.com"}'), :'key'), 'log out',
    'and the session ended');
SELECT is(pg_temp.next('plan_site_keys', :'read'::jsonb || pg_temp.answered('make keys', '{}') || pg_temp.answered('try new keys', NULL, 'refused'), :'key'), 'make keys once more',
    'keys that were overtaken by a lost call are made once more');
SELECT is(pg_temp.next('plan_site_keys', :'read'::jsonb || pg_temp.answered('make keys', '{}') || pg_temp.answered('try new keys', NULL, 'refused') || pg_temp.answered('make keys once more', '{}')
    || pg_temp.answered('try keys once more', NULL, 'refused'), :'key'), 'fail KEYS_REFUSED', 'and no further');

-- A user that is there.
SELECT :'entered'::jsonb || pg_temp.answered('look user', jsonb_build_object('data', jsonb_build_object('enabled', 1, 'api_key', '[redacted]',
           'roles', (SELECT jsonb_agg(jsonb_build_object('role', role)) FROM unnest(provision.required_roles()) AS role)))) AS ready \gset
SELECT is(pg_temp.next('plan_site_keys', :'ready'), 'read key', 'a user with roles and a key gets a new secret only');
SELECT is(pg_temp.next('plan_site_keys', jsonb_set(:'ready', '{look user,body,data,enabled}', '0')), 'give roles', 'a disabled one is enabled');
SELECT is(jsonb_array_length(body -> 'roles') || ' ' || (body -> 'roles' @> '[{"role": "Blogger"}]'), '10 true', 'one without our roles gets them beside its own')
  FROM pg_temp.call('give roles', jsonb_set(:'ready', '{look user,body,data,roles}', '[{"role": "Blogger"}]'));
SELECT is(string_agg(DISTINCT auth, ' ' ORDER BY auth), 'own session', 'no call carries the engine''s credentials') FROM provision.plan_site_keys(pg_temp.job(:'read', :'key'));
SELECT * FROM finish();
ROLLBACK;
