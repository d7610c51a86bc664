-- create_site: makes the tenant's site, or takes over one that an earlier run of ours has made.

CREATE OR REPLACE FUNCTION provision.new_site_body(job jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object(
        'name', provision.setting(job, 'site'),
        'apps', job #> '{agent,apps}',
        'config', jsonb_build_object('host_name', 'https://' || provision.setting(job, 'site')),
        'mariadb_root_password', provision.named_secret('mariadb_root_password'),
        'admin_password', provision.named_secret('admin_password'));
COMMENT ON FUNCTION provision.new_site_body(jsonb) IS 'What Agent has to be told to make the tenant''s site.';

CREATE OR REPLACE FUNCTION provision.check_site_name(job jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    problem constant text := provision.new_site_problem(provision.setting(job, 'site'), job #>> '{agent,domain}');
BEGIN
    IF problem IS NOT NULL AND job #> '{agent,site_is_made}' <> 'true' THEN
        PERFORM provision.give_up('SITE_NAME_REFUSED', format('%s (%s)', provision.setting(job, 'site'), problem));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.check_site_name(jsonb) IS 'Gives up when the config was changed to a site that cannot be made.';

-- What a job of an earlier run does is not begun a second time beside it.
CREATE OR REPLACE FUNCTION provision.earlier_site_job(job jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT found
      FROM provision.answer_rows(job, 'look for earlier jobs') AS found
     WHERE job #> '{agent,site_keys}' ? (found ->> 'key')
       AND (found ->> 'status' IN ('Pending', 'Running') OR found ->> 'status' = 'Success' AND provision.site_found(job, 'look for site'))
     ORDER BY found ->> 'status' = 'Success' DESC, (found ->> 'id')::bigint
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.earlier_site_job(jsonb) IS 'The job of an earlier run of ours that has made the site or is at it; null: there is none.';

CREATE OR REPLACE FUNCTION provision.plan_new_site(job jsonb, name text, wanted boolean)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF provision.submission_end(job, plan_new_site.name) ->> 'site_existed' = 'true' THEN
        PERFORM provision.give_up('SITE_TAKEN', provision.setting(job, 'site'));
    END IF;
    RETURN QUERY SELECT * FROM provision.plan_submission(job, plan_new_site.name, provision.bench_path(job, '/sites'), provision.new_site_body(job), plan_new_site.wanted,
        jsonb_build_object('kind', 'Site', 'name', to_jsonb(provision.setting(job, 'site'))::text, 'site', provision.setting(job, 'site')));
END;
$$;
COMMENT ON FUNCTION provision.plan_new_site(jsonb, text, boolean) IS 'Has the site made. Gives up when somebody else has made it meanwhile.';

CREATE OR REPLACE FUNCTION provision.plan_site(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_there constant boolean := provision.site_found(job, 'look for site');
    is_made constant boolean := job #> '{agent,site_is_made}' = 'true';
    earlier constant jsonb := provision.earlier_site_job(job);
    is_half_made constant boolean := is_there AND NOT is_made AND earlier IS NULL;
    is_wanted constant boolean := NOT (is_there AND is_made) AND earlier IS NULL;
BEGIN
    PERFORM provision.check_site_name(job);
    PERFORM provision.give_up_unless_ours(job, 'SITE_TAKEN', 'remove half-made site');
    PERFORM provision.give_up_unless_done(job, 'earlier job');
    RETURN NEXT provision.look_for_site(job, 'look for site');
    RETURN QUERY SELECT * FROM provision.look_for_earlier_jobs(job);
    RETURN QUERY SELECT * FROM provision.wait_for_left_jobs(job, with_makers => false);
    IF earlier ->> 'status' IN ('Pending', 'Running') THEN
        RETURN NEXT provision.wait_for_job('earlier job', earlier ->> 'key', (earlier ->> 'id')::bigint);
    END IF;
    RETURN QUERY SELECT * FROM provision.plan_archive(job, 'remove half-made site', is_half_made);
    RETURN QUERY SELECT * FROM provision.plan_new_site(job, 'create site', is_wanted);
    RETURN NEXT provision.look_for_site(job, 'verify site', '{"created_site": "$.name"}');
    IF provision.answered(job, 'verify site') AND NOT provision.site_found(job, 'verify site') THEN
        PERFORM provision.give_up('SITE_ABSENT', provision.setting(job, 'site'));
    END IF;
    RETURN NEXT provision.agent_look('ping after site', '/ping');     -- the last answer is not judged
END;
$$;
COMMENT ON FUNCTION provision.plan_site(jsonb) IS 'Makes the tenant''s site. One that is there is taken over when an earlier run of ours finished it, removed and made anew when it left it half-made, and left alone when it is somebody else''s.';

CREATE OR REPLACE FUNCTION provision.plan_site_answers(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF provision.answered(job, 'site status') AND provision.answer(job, 'site status') #> '{data,web}' IS DISTINCT FROM 'true' THEN
        PERFORM provision.ask_again('site status');
    END IF;
    RETURN NEXT provision.agent_look('site status', provision.site_path(job, '/status'));
    RETURN NEXT provision.agent_look('ping after status', '/ping');       -- the last answer is not judged
END;
$$;
COMMENT ON FUNCTION provision.plan_site_answers(jsonb) IS 'Waits until the site answers by its own address: DNS, certificate and web server are no part of what Agent did.';

-- Whatever is still at work on what is to be undone.
CREATE OR REPLACE FUNCTION provision.plan_cancellation(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys constant text[] := ARRAY(SELECT DISTINCT made.creates ->> 'key' FROM provision.created(job) AS made);
    active jsonb;
BEGIN
    RETURN NEXT provision.agent_look('look for jobs to cancel', '/agent-jobs/' || array_to_string(keys || keys[1], ','));
    FOR active IN SELECT remote FROM provision.answer_rows(job, 'look for jobs to cancel') AS remote
                   WHERE remote ->> 'status' IN ('Pending', 'Running') LOOP
        RETURN NEXT provision.cancel_job('cancel job ' || (active ->> 'id'), active ->> 'id', 'look for jobs to cancel');
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.plan_cancellation(jsonb) IS 'Cancels the jobs of Agent by which a step that is undone had something made, as far as they have not ended.';

CREATE OR REPLACE FUNCTION provision.undo_site(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM provision.plan_cancellation(job);
    RETURN NEXT provision.look_for_site(job, 'look for site to remove');
    RETURN QUERY SELECT * FROM provision.plan_archive(job, 'remove site', provision.site_found(job, 'look for site to remove'));
END;
$$;
COMMENT ON FUNCTION provision.undo_site(jsonb) IS 'Removes the site that the job had made: cancels what still works on it, archives it, and makes sure that it is gone.';

INSERT INTO provision.workflow (name, version, activates, is_builtin, needs, works_at, description) VALUES
    ('create_site', 1, true, true, '{}', 'site_maker', 'A site for the tenant, through Frappe Agent.')
ON CONFLICT (name, version) DO UPDATE SET description = EXCLUDED.description;

-- Weights are durations in seconds, about; a site takes minutes.
INSERT INTO provision.step (workflow_id, ordinal, name, title, works_at, plan_function, critical, weight, requires, runs_after, exclusive, max_attempts, backoff_max_ms, patience_ms,
                            undo_function)
SELECT workflow.workflow_id, step.*
  FROM provision.workflow,
       (VALUES
        (0, 'step_0_agent_check', 'Check the server', 'site_maker', 'provision.plan_agent_check', true, 1, '{}'::text[], '{}'::text[], NULL, 5, 30000, 5000, NULL),
        -- A web process of Agent is given half a minute for a request whose client has gone.
        (1, 'step_1_site', 'Create the site', 'site_maker', 'provision.plan_site', true, 300, '{step_0_agent_check}', '{}', 'site', 5, 30000, 30000, 'provision.undo_site'),
        (2, 'step_2_proxy', 'Tell the proxy of the site', 'proxy', 'provision.plan_proxy_site', true, 10, '{step_1_site}', '{}', 'site', 5, 30000, 30000, 'provision.undo_proxy_site'),
        (3, 'step_3_answers', 'Wait until the site answers', 'site_maker', 'provision.plan_site_answers', false, 10, '{step_1_site}', '{step_2_proxy}', NULL, 20, 30000, 5000, NULL)
       ) AS step (ordinal, name, title, works_at, plan_function, critical, weight, requires, runs_after, exclusive, max_attempts, backoff_max_ms, patience_ms, undo_function)
 WHERE workflow.name = 'create_site'
   AND workflow.version = 1
ON CONFLICT (workflow_id, ordinal) DO UPDATE SET title = EXCLUDED.title, weight = EXCLUDED.weight;
