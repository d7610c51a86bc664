-- site_credentials: API keys for the tenant's site. Agent opens a session of the site's Administrator; with it a user of our own is made, with
-- the roles that tenant_setup needs and no others, and keys for that user. Session and keys are sealed as soon as they are told.

-- A session of the Administrator opens everything, so whose site it is is asked before, unless a platform administrator wants it.
CREATE OR REPLACE FUNCTION provision.plan_site_session(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.give_up_unless_ours(job, 'SITE_NOT_OURS') WHERE job #> '{agent,confirmed}' IS DISTINCT FROM 'true';
    IF provision.answered(job, 'look for site') AND NOT provision.site_found(job, 'look for site') THEN
        PERFORM provision.give_up('SITE_ABSENT', provision.setting(job, 'site'));
    END IF;
    RETURN NEXT provision.look_for_site(job, 'look for site');
    RETURN QUERY SELECT * FROM provision.look_for_earlier_jobs(job);
    RETURN NEXT provision.with_seals(ROW('open session', 'POST', provision.site_path(job, '/sid'), '{"user": "Administrator"}', true, NULL, true, 'agent',
                                         NULL, NULL, NULL, NULL, NULL)::provision.call, '{"site_session": "{sid}"}');
END;
$$;
COMMENT ON FUNCTION provision.plan_site_session(jsonb) IS 'Has Agent open a session of the Administrator of the tenant''s site. Each call opens another, so one whose answer is lost does no harm.';

CREATE OR REPLACE FUNCTION provision.api_user(job jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'provision@' || coalesce(provision.setting(job, 'site'), '{?site}');
COMMENT ON FUNCTION provision.api_user(jsonb) IS 'Our user on the tenant''s site. It never gets mail and has no password.';

CREATE OR REPLACE FUNCTION provision.by_session(name text, method text, path text, body jsonb, wanted boolean, guard text DEFAULT NULL, learn jsonb DEFAULT NULL)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ROW(name, method, path, body, wanted, guard, guard IS NULL, NULL, learn, NULL, NULL, NULL, 'session')::provision.call;
COMMENT ON FUNCTION provision.by_session(text, text, text, jsonb, boolean, text, jsonb) IS 'A call that the Administrator''s session makes; without a guard it may be repeated.';

CREATE OR REPLACE FUNCTION provision.try_credentials(name text, auth text, wanted boolean)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.may_be_refused(provision.with_auth(provision.look(name, provision.method_path('frappe.auth.get_logged_user'), wanted => wanted), auth));
COMMENT ON FUNCTION provision.try_credentials(text, text, boolean) IS 'A look who the tenant''s own keys, or its session, belong to; that they are refused is an answer, too.';

-- The roles that the user has beside ours stay: a table that is sent replaces the whole table.
CREATE OR REPLACE FUNCTION provision.roles_to_give(job jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_agg(DISTINCT jsonb_build_object('role', role))
      FROM (SELECT unnest(provision.required_roles()) AS role
            UNION ALL
            SELECT had ->> 'role' FROM jsonb_array_elements(coalesce(provision.answer_value(job, 'look user') -> 'roles', '[]')) AS had) AS given;
END;
COMMENT ON FUNCTION provision.roles_to_give(jsonb) IS 'Rows of the table "roles" for our user.';

CREATE OR REPLACE FUNCTION provision.plan_api_user(job jsonb, wanted boolean)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known constant jsonb := provision.answer_value(job, 'look user');
    is_there constant boolean := provision.found(job, 'look user');
    is_ready constant boolean := known -> 'enabled' = '1'
                                 AND jsonb_array_length(provision.roles_to_give(job)) = jsonb_array_length(coalesce(known -> 'roles', '[]'));
BEGIN
    RETURN NEXT provision.with_auth(provision.look('look user', provision.document_path('User', provision.api_user(job)), wanted => plan_api_user.wanted), 'session');
    RETURN NEXT provision.by_session('create user', 'POST', '/api/resource/User',
        jsonb_build_object('email', provision.api_user(job), 'first_name', 'Provision', 'send_welcome_email', 0, 'enabled', 1, 'roles', provision.roles_to_give(job)),
        plan_api_user.wanted AND NOT is_there, 'look user');
    RETURN NEXT provision.by_session('give roles', 'PUT', provision.document_path('User', provision.api_user(job)),
        jsonb_build_object('enabled', 1, 'roles', provision.roles_to_give(job)), plan_api_user.wanted AND is_there AND NOT is_ready);
END;
$$;
COMMENT ON FUNCTION provision.plan_api_user(jsonb, boolean) IS 'Our user with the roles it needs: made, or given what it lacks.';

CREATE OR REPLACE FUNCTION provision.generate_keys(job jsonb, name text, wanted boolean, seals jsonb)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.with_seals(provision.by_session(name, 'POST', '/api/method/frappe.core.doctype.user.user.generate_keys',
                                                     jsonb_build_object('user', provision.api_user(job)), wanted), seals);
COMMENT ON FUNCTION provision.generate_keys(jsonb, text, boolean, jsonb) IS 'Has a new API secret made for our user: the one before is void, and this one is told once.';

-- A user has no API key before the first secret was made. That one is told before we know the key, so it is let go and another made.
CREATE OR REPLACE FUNCTION provision.plan_keys(job jsonb, wanted boolean)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pair constant jsonb := jsonb_build_object('credentials', provision.fact(job, 'api_key') || ':{message.api_secret}');
    are_refused constant boolean := CASE WHEN provision.answered(job, 'try new keys') THEN NOT provision.found(job, 'try new keys') END;
BEGIN
    RETURN NEXT provision.generate_keys(job, 'first keys',
        CASE WHEN NOT plan_keys.wanted THEN false WHEN provision.answered(job, 'look user') THEN provision.answer_value(job, 'look user') ->> 'api_key' IS NULL END, '{}');
    RETURN NEXT provision.with_auth(provision.look('read key', provision.document_path('User', provision.api_user(job)), '{"api_key": "$.data.api_key"}',
                                                   wanted => plan_keys.wanted), 'session');
    RETURN NEXT provision.generate_keys(job, 'make keys', plan_keys.wanted, pair);
    RETURN NEXT provision.try_credentials('try new keys', 'own', plan_keys.wanted);
    -- A call whose answer was lost may have been carried out after the one that was answered.
    RETURN NEXT provision.generate_keys(job, 'make keys once more', plan_keys.wanted AND are_refused, pair);
    RETURN NEXT provision.try_credentials('try keys once more', 'own', plan_keys.wanted AND are_refused);
END;
$$;
COMMENT ON FUNCTION provision.plan_keys(jsonb, boolean) IS 'New keys for our user, sealed as the tenant''s credentials, and a call with them that shows that they work.';

-- Keys that work are kept, whoever they belong to, unless new ones are asked for by name.
CREATE OR REPLACE FUNCTION provision.plan_site_keys(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_renewal constant boolean := coalesce(job #> '{options,renew}' = 'true', false);
    wanted constant boolean := is_renewal OR NOT provision.found(job, 'try keys');
BEGIN
    IF provision.answered(job, 'try session') AND NOT provision.found(job, 'try session') THEN
        PERFORM provision.give_up('SITE_SESSION_LOST', provision.setting(job, 'site'));
    ELSIF provision.answered(job, 'try keys once more') AND NOT provision.found(job, 'try keys once more') THEN
        PERFORM provision.give_up('KEYS_REFUSED', provision.api_user(job));
    END IF;
    RETURN NEXT provision.try_credentials('try keys', 'own', NOT is_renewal);
    RETURN NEXT provision.try_credentials('try session', 'session', wanted);
    RETURN QUERY SELECT * FROM provision.plan_api_user(job, wanted);
    RETURN QUERY SELECT * FROM provision.plan_keys(job, wanted);
    RETURN NEXT provision.may_be_refused(provision.with_seals(provision.by_session('log out', 'POST', '/api/method/logout', '{}', true), '{"site_session": null}'));
END;
$$;
COMMENT ON FUNCTION provision.plan_site_keys(jsonb) IS 'Makes sure that the tenant has keys of its own that work, by the session that was opened, and ends that. Option renew: makes new ones in any case.';

INSERT INTO provision.workflow (name, version, is_builtin, needs, works_at, description) VALUES
    ('site_credentials', 1, true, '{}', 'site_maker', 'API keys for the tenant''s site, made with a session that whoever makes sites opens.')
ON CONFLICT (name, version) DO UPDATE SET description = EXCLUDED.description;

-- The pause is long enough for a server to be done with a call whose answer was lost: keys that it makes later would void the new ones.
INSERT INTO provision.step (workflow_id, ordinal, name, title, plan_function, critical, weight, requires, exclusive, max_attempts, backoff_ms, backoff_max_ms, works_at)
SELECT workflow.workflow_id, step.*
  FROM provision.workflow,
       (VALUES
        (0, 'step_0_session', 'Open a session', 'provision.plan_site_session', true, 8, '{}'::text[], NULL, 5, 2000, 30000, 'site_maker'),
        (1, 'step_1_keys', 'Make API keys', 'provision.plan_site_keys', true, 5, '{step_0_session}', 'credentials', 5, 5000, 30000, 'home')
       ) AS step (ordinal, name, title, plan_function, critical, weight, requires, exclusive, max_attempts, backoff_ms, backoff_max_ms, works_at)
 WHERE workflow.name = 'site_credentials'
   AND workflow.version = 1
ON CONFLICT (workflow_id, ordinal) DO UPDATE SET title = EXCLUDED.title, weight = EXCLUDED.weight;
