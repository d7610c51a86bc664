-- What plan functions for Frappe Cloud work with. Its public API (Press) makes jobs of its own for what it is asked to do, and tells neither of
-- them nor of ours: what a request came to is found out by looking at the site, at its jobs and at its backups.

-- The same steps, whoever makes the sites: this is the one place where the kind of the engine decides by which functions they are planned.
CREATE OR REPLACE FUNCTION provision.plan_of_kind(plan_function text, kind text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN kind = 'frappe_cloud' THEN coalesce(jsonb '{
        "provision.plan_agent_check": "provision.plan_cloud_check",
        "provision.plan_site": "provision.plan_cloud_site",
        "provision.plan_site_answers": "provision.plan_cloud_answers",
        "provision.plan_site_session": "provision.plan_cloud_session",
        "provision.undo_site": "provision.undo_cloud_site",
        "provision.plan_site_removal": "provision.plan_cloud_removal",
        "provision.plan_backup": "provision.plan_cloud_backup"}' ->> plan_function, plan_function)
                ELSE plan_function END;
COMMENT ON FUNCTION provision.plan_of_kind(text, text) IS 'The plan function that does for an engine of this kind what the given one does for Frappe Agent, or that one.';

CREATE OR REPLACE FUNCTION provision.cloud_call(name text, method text, path text, body jsonb, wanted boolean)
    RETURNS provision.call
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    call provision.call;
BEGIN
    call.name := cloud_call.name;
    call.method := cloud_call.method;
    call.path := cloud_call.path;
    call.body := cloud_call.body;
    call.wanted := cloud_call.wanted;
    call.repeatable := true;
    call.effort := 'cloud';
    RETURN call;
END;
$$;
COMMENT ON FUNCTION provision.cloud_call(text, text, text, jsonb, boolean) IS 'A call to Frappe Cloud that may be repeated.';

CREATE OR REPLACE FUNCTION provision.cloud_look(name text, method text, arguments jsonb, learn jsonb DEFAULT NULL, wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    call provision.call := provision.cloud_call(cloud_look.name, 'GET', provision.method_path('press.api.' || cloud_look.method, cloud_look.arguments), NULL, cloud_look.wanted);
BEGIN
    call.learn := cloud_look.learn;
    RETURN call;
END;
$$;
COMMENT ON FUNCTION provision.cloud_look(text, text, jsonb, jsonb, boolean) IS 'A call that only reads from Frappe Cloud, whose arguments are all texts.';

CREATE OR REPLACE FUNCTION provision.cloud_list(name text, method text, arguments jsonb, wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.cloud_call(name, 'POST', '/api/method/press.api.' || method, arguments, wanted);
COMMENT ON FUNCTION provision.cloud_list(text, text, jsonb, boolean) IS 'A call that only reads from Frappe Cloud, by POST: Press takes filters as an object and not as text.';

CREATE OR REPLACE FUNCTION provision.cloud_change(name text, method text, arguments jsonb, wanted boolean, guard text, creates jsonb DEFAULT NULL)
    RETURNS provision.call
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    call provision.call := provision.cloud_call(cloud_change.name, 'POST', '/api/method/press.api.' || cloud_change.method, cloud_change.arguments, cloud_change.wanted);
BEGIN
    call.guard := cloud_change.guard;
    call.creates := cloud_change.creates;
    call.repeatable := false;
    RETURN call;
END;
$$;
COMMENT ON FUNCTION provision.cloud_change(text, text, jsonb, boolean, text, jsonb) IS 'A call that has Frappe Cloud do something. guard is the look that says whether it is done.';

CREATE OR REPLACE FUNCTION provision.cloud_wait(name text, method text, arguments jsonb, id text, wanted boolean DEFAULT true, until_gone boolean DEFAULT false)
    RETURNS provision.call
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    call provision.call := provision.cloud_look('wait for ' || cloud_wait.name, cloud_wait.method, cloud_wait.arguments, wanted => cloud_wait.wanted);
BEGIN
    call.effort := 'wait';
    call.body := jsonb_build_object('key', cloud_wait.id, 'id', cloud_wait.id) || CASE WHEN cloud_wait.until_gone THEN '{"until_gone": true}' ELSE '{}' END::jsonb;
    RETURN call;
END;
$$;
COMMENT ON FUNCTION provision.cloud_wait(text, text, jsonb, text, boolean, boolean)
    IS 'A call that is done when a job, or whatever passing state a site is in, has come to its end; its answer is what Press then tells of it. until_gone: when Press does not know it any more.';

-- The site ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.cloud_site_name(job jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('name', coalesce(provision.setting(job, 'site'), '{?site}'));
COMMENT ON FUNCTION provision.cloud_site_name(jsonb) IS 'The tenant''s site as Press''s methods take it.';

CREATE OR REPLACE FUNCTION provision.look_at_cloud_site(job jsonb, name text, learn jsonb DEFAULT NULL, wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.cloud_look(name, 'site.get', provision.cloud_site_name(job), learn, wanted);
COMMENT ON FUNCTION provision.look_at_cloud_site(jsonb, text, jsonb, boolean) IS 'A look at the tenant''s site on Frappe Cloud: one of another team is not to be seen.';

CREATE OR REPLACE FUNCTION provision.wait_for_cloud_site(job jsonb, name text, wanted boolean, until_gone boolean DEFAULT false)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.cloud_wait(name, 'site.get', provision.cloud_site_name(job), coalesce(provision.setting(job, 'site'), '{?site}'), wanted, until_gone);
COMMENT ON FUNCTION provision.wait_for_cloud_site(jsonb, text, boolean, boolean) IS 'A wait until the tenant''s site is in no passing state any more, or gone.';

CREATE OR REPLACE FUNCTION provision.cloud_status(job jsonb, call text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.answer(job, call) #>> '{data,0,site_status}';
COMMENT ON FUNCTION provision.cloud_status(jsonb, text) IS 'What Press calls the state of the site, as a look told; null: there is none, or it is not answered.';

CREATE OR REPLACE FUNCTION provision.cloud_may_change(job jsonb, call text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN provision.answered(job, call)
                THEN coalesce(provision.cloud_status(job, call) IN ('Active', 'Broken', 'Inactive', 'Suspended'), false) END;
COMMENT ON FUNCTION provision.cloud_may_change(jsonb, text) IS 'The site is there and in no passing state, by this look; null while it is not answered.';

-- Press keeps no key of ours. What we asked for is written before it is asked, so that a site of that name in our team is the one.
CREATE OR REPLACE FUNCTION provision.cloud_site_is_ours(job jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN job #> '{agent,site_is_made}' = 'true' OR job #> '{agent,site_keys}' <> '[]';
COMMENT ON FUNCTION provision.cloud_site_is_ours(jsonb) IS 'A job of this tenant had the site made, or was about to, and none has removed it since.';

-- Judged before it is archived: afterwards it is nobody's.
CREATE OR REPLACE FUNCTION provision.give_up_unless_cloud_site_is_ours(job jsonb, code text, archive text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    team constant text := provision.answer(job, 'look for site') #>> '{data,0,team}';
BEGIN
    IF team <> job #>> '{agent,team}' THEN
        PERFORM provision.give_up('CLOUD_TEAM_WRONG', team);
    ELSIF NOT provision.cloud_site_is_ours(job) AND NOT coalesce(provision.answered(job, 'look at site before ' || archive), false)
          AND (provision.found(job, 'look for site') OR provision.answer_value(job, 'look for the name') = 'true') THEN
        PERFORM provision.give_up(give_up_unless_cloud_site_is_ours.code, provision.setting(job, 'site'));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.give_up_unless_cloud_site_is_ours(jsonb, text, text)
    IS 'Gives up with this code when the site or its name is somebody else''s, and when Press works for another team. archive: the call that has it removed.';

-- Press tells ten times a minute to one address whether a name is taken. Whoever may not ask goes on: it refuses to make such a site.
CREATE OR REPLACE FUNCTION provision.look_for_cloud_name(job jsonb)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.may_be_refused(provision.cloud_look('look for the name', 'site.exists',
               jsonb_build_object('subdomain', split_part(coalesce(provision.setting(job, 'site'), '{?site}'), '.', 1), 'domain', job #>> '{agent,domain}'),
               wanted => NOT (provision.found(job, 'look for site') OR provision.cloud_site_is_ours(job))));
COMMENT ON FUNCTION provision.look_for_cloud_name(jsonb) IS 'Asks whether a site that our team does not see is one of another team, or its name somebody''s domain.';

-- Its jobs ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.look_for_cloud_jobs(job jsonb, name text, wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.cloud_list(name, 'site.jobs',
               jsonb_build_object('filters', jsonb_build_object('site', provision.cloud_site_name(job) -> 'name'), 'limit_page_length', 20), wanted);
COMMENT ON FUNCTION provision.look_for_cloud_jobs(jsonb, text, boolean) IS 'The newest jobs of the tenant''s site, newest first.';

CREATE OR REPLACE FUNCTION provision.wait_for_cloud_job(name text, id text, wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.cloud_wait(name, 'site.job', jsonb_build_object('job', id), id, wanted);
COMMENT ON FUNCTION provision.wait_for_cloud_job(text, text, boolean) IS 'A wait for a job of Frappe Cloud, whose steps count as progress.';

CREATE OR REPLACE FUNCTION provision.cloud_jobs_at_work(job jsonb, look text)
    RETURNS TABLE (title text, id text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
    SELECT DISTINCT ON (found ->> 'title') found ->> 'title', found ->> 'id'
      FROM provision.answer_rows(job, look) AS found
     WHERE found ->> 'status' IN ('Pending', 'Running')
     ORDER BY found ->> 'title', found ->> 'id';
END;
COMMENT ON FUNCTION provision.cloud_jobs_at_work(jsonb, text) IS 'The jobs that had not ended when they were listed.';

CREATE OR REPLACE FUNCTION provision.give_up_on_cloud_job(job jsonb, name text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ended constant jsonb := provision.remote_end(job, give_up_on_cloud_job.name);
BEGIN
    PERFORM provision.give_up(CASE ended ->> 'status' WHEN 'Failure' THEN 'CLOUD_JOB_FAILED' ELSE 'CLOUD_JOB_OVERDUE' END,
                              format('%s, job %s: %s', coalesce(ended ->> 'title', give_up_on_cloud_job.name), ended ->> 'id', coalesce(ended ->> 'reason', lower(ended ->> 'status'))))
      WHERE ended ->> 'status' IN ('Failure', 'Overdue');
END;
$$;
COMMENT ON FUNCTION provision.give_up_on_cloud_job(jsonb, text) IS 'Gives up when what was waited for has failed or took too long. One that Press knows no more is judged by the site.';

CREATE OR REPLACE FUNCTION provision.plan_cloud_work(job jsonb, name text, wanted boolean)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    look constant text := 'look for jobs of ' || plan_cloud_work.name;
    work record;
BEGIN
    RETURN NEXT provision.look_for_cloud_jobs(job, look, plan_cloud_work.wanted);
    FOR work IN SELECT * FROM provision.cloud_jobs_at_work(job, look) LOOP
        PERFORM provision.give_up_on_cloud_job(job, format('%s (%s)', plan_cloud_work.name, work.title));
        RETURN NEXT provision.wait_for_cloud_job(format('%s (%s)', plan_cloud_work.name, work.title), work.id, plan_cloud_work.wanted);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.plan_cloud_work(jsonb, text, boolean) IS 'Waits for all jobs that work on the tenant''s site, and gives up when one fails.';

CREATE OR REPLACE FUNCTION provision.plan_cloud_reason(job jsonb, name text, wanted boolean)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    list constant text := 'look for failed job of ' || plan_cloud_reason.name;
    look constant text := 'look at failed job of ' || plan_cloud_reason.name;
    failed constant jsonb := (SELECT remote FROM provision.answer_rows(job, list) WITH ORDINALITY AS listed (remote, place)
                               WHERE remote ->> 'status' = 'Failure' ORDER BY place LIMIT 1);
BEGIN
    IF provision.answered(job, list) AND (failed IS NULL OR provision.answered(job, look)) THEN
        PERFORM provision.give_up('CLOUD_JOB_FAILED', CASE WHEN failed IS NULL THEN format('no job of site %s says why', provision.setting(job, 'site'))
            ELSE format('%s, job %s: %s', failed ->> 'title', failed ->> 'id', coalesce(provision.answer(job, look) #>> '{data,0,reason}', 'failed')) END);
    END IF;
    RETURN NEXT provision.look_for_cloud_jobs(job, list, plan_cloud_reason.wanted);
    RETURN NEXT provision.cloud_look(look, 'site.job', jsonb_build_object('job', coalesce(failed ->> 'id', '{?job}')),
                                     wanted => CASE WHEN provision.answered(job, list) OR NOT plan_cloud_reason.wanted THEN plan_cloud_reason.wanted END);
END;
$$;
COMMENT ON FUNCTION provision.plan_cloud_reason(jsonb, text, boolean) IS 'Finds out which of the site''s jobs has failed and why, and gives up with that.';
