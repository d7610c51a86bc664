-- create_site, delete_site and backup_site where Frappe Cloud makes the sites: the plans that stand in for those of Frappe Agent
-- (provision.plan_of_kind). A request that was answered has only begun; what comes of it is read off the site and its jobs.

CREATE OR REPLACE FUNCTION provision.plan_cloud_check(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    team constant text := provision.answer_value(job, 'look for team') ->> 'name';
BEGIN
    IF provision.answered(job, 'look for team') THEN
        PERFORM provision.give_up('CLOUD_TEAM_WRONG', team) WHERE team IS DISTINCT FROM job #>> '{agent,team}';
        PERFORM provision.conclude('{}');
    END IF;
    RETURN NEXT provision.cloud_look('look for team', 'account.current_team', '{}');
    RETURN NEXT provision.await_answers();
END;
$$;
COMMENT ON FUNCTION provision.plan_cloud_check(jsonb)
    IS 'First step: is Press there, are the credentials right, and does it work for our team? To who is not in the team that a request names, it silently gives another one.';

-- Archiving --------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.plan_cloud_archive(job jsonb, name text, look text, wanted boolean)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    guard constant text := 'look at site before ' || plan_cloud_archive.name;
    final constant text := plan_cloud_archive.name || ' to end';
    stays constant boolean := provision.remote_end(job, final) ->> 'title' = 'Site';
BEGIN
    PERFORM provision.give_up_on_cloud_job(job, final);
    PERFORM provision.give_up('SITE_STILL_THERE', provision.setting(job, 'site')) WHERE provision.found(job, 'verify after ' || plan_cloud_archive.name);
    RETURN NEXT provision.wait_for_cloud_site(job, 'a pause before ' || plan_cloud_archive.name, plan_cloud_archive.wanted AND NOT provision.cloud_may_change(job, look));
    RETURN NEXT provision.look_at_cloud_site(job, guard, wanted => plan_cloud_archive.wanted);
    RETURN NEXT provision.cloud_change(plan_cloud_archive.name, 'site.archive', provision.cloud_site_name(job) || '{"force": true}',
                                       plan_cloud_archive.wanted AND provision.cloud_may_change(job, guard), guard);
    RETURN QUERY SELECT * FROM provision.plan_cloud_work(job, plan_cloud_archive.name, plan_cloud_archive.wanted);
    RETURN NEXT provision.wait_for_cloud_site(job, final, plan_cloud_archive.wanted, until_gone => true);
    RETURN QUERY SELECT * FROM provision.plan_cloud_reason(job, plan_cloud_archive.name, plan_cloud_archive.wanted AND coalesce(stays, false));
    RETURN NEXT provision.look_at_cloud_site(job, 'verify after ' || plan_cloud_archive.name, wanted => plan_cloud_archive.wanted);
END;
$$;
COMMENT ON FUNCTION provision.plan_cloud_archive(jsonb, text, text, boolean)
    IS 'Has the site archived, after a last backup that Press makes by itself, and makes sure that it is gone. look: the call that found it; while it is in a passing state that is waited for.';

-- Creating ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.new_cloud_site_body(job jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('site', jsonb_strip_nulls(jsonb_build_object(
        'name', split_part(provision.setting(job, 'site'), '.', 1),
        'domain', job #> '{agent,domain}',
        'apps', '["frappe"]' || ((job #> '{agent,apps}') - 'frappe'),
        'plan', job #> '{agent,plan}',
        'group', job #> '{agent,release_group}',
        'cluster', job #> '{agent,cluster}')));
COMMENT ON FUNCTION provision.new_cloud_site_body(jsonb) IS 'What Press has to be told to make the tenant''s site.';

-- Without a release group the site gets one of its own first, which has the same name. That is told of a Site Group Deploy as group_title.
CREATE OR REPLACE FUNCTION provision.own_cloud_deploy(job jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(provision.answer_value(job, 'create site') ->> 'site_group_deploy',
                    (SELECT deploy ->> 'id'
                       FROM provision.answer_rows(job, 'look for own bench') AS deploy
                      WHERE deploy ->> 'group' = split_part(provision.setting(job, 'site'), '.', 1)
                        AND provision.cloud_site_is_ours(job)
                      LIMIT 1));
END;
COMMENT ON FUNCTION provision.own_cloud_deploy(jsonb) IS 'The Site Group Deploy by which Press makes a bench for the tenant''s site; null: none is known.';

CREATE OR REPLACE FUNCTION provision.plan_new_cloud_site(job jsonb, look text)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    needs_bench constant boolean := job #>> '{agent,release_group}' IS NULL;
    made_site constant text := provision.answer_value(job, 'create site') ->> 'site';
    deploy constant text := provision.own_cloud_deploy(job);
    wanted constant boolean := NOT provision.found(job, look);
BEGIN
    PERFORM provision.give_up('CLOUD_DOMAIN_WRONG', made_site) WHERE made_site <> provision.setting(job, 'site');
    RETURN NEXT provision.cloud_list('look for own bench', 'client.get_list', jsonb_build_object('doctype', 'Site Group Deploy', 'order_by', 'creation desc',
        'fields', '["name", "status", "release_group.title as group_title"]'::jsonb, 'limit', 100), wanted AND needs_bench);
    RETURN NEXT provision.cloud_change('create site', 'site.new', provision.new_cloud_site_body(job), wanted AND deploy IS NULL,
        CASE WHEN needs_bench THEN 'look for own bench' ELSE look END,
        jsonb_build_object('kind', 'Site', 'name', '$.message.site', 'site', provision.setting(job, 'site'), 'key', provision.job_key(job, 'create site')));
    IF deploy IS NOT NULL THEN
        PERFORM provision.give_up('CLOUD_BENCH_FAILED', ended ->> 'reason') FROM provision.remote_end(job, 'the bench of the site') AS ended WHERE ended ->> 'status' = 'Failure';
        PERFORM provision.give_up_on_cloud_job(job, 'the bench of the site');
        RETURN NEXT provision.cloud_wait('the bench of the site', 'client.get', jsonb_build_object('doctype', 'Site Group Deploy', 'name', deploy), deploy);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.plan_new_cloud_site(jsonb, text) IS 'Has the site made unless this look found it, on a bench of its own when the engine names no release group.';

-- A site that was finished once holds a customer's data: what is wrong with it is for a person.
CREATE OR REPLACE FUNCTION provision.give_up_on_idle_cloud_site(job jsonb, look text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    status constant text := provision.cloud_status(job, look);
BEGIN
    PERFORM provision.give_up('SITE_NOT_ACTIVE', format('%s (%s)', provision.setting(job, 'site'), status))
      WHERE status IN ('Inactive', 'Suspended')
         OR status = 'Broken' AND job #> '{agent,site_is_made}' = 'true' AND NOT provision.answered(job, 'look at site before remove half-made site');
END;
$$;
COMMENT ON FUNCTION provision.give_up_on_idle_cloud_site(jsonb, text) IS 'Gives up when the site is suspended or switched off, or broke after it was finished.';

CREATE OR REPLACE FUNCTION provision.plan_cloud_site(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removal constant text := 'remove half-made site';
    was_there constant boolean := provision.found(job, 'look for site');
    is_half_made constant boolean := was_there AND provision.cloud_status(job, 'look for site') = 'Broken';
    is_ready constant boolean := was_there AND provision.cloud_status(job, 'look for site') = 'Active';
    ended constant jsonb := provision.remote_end(job, 'site to be ready');
BEGIN
    PERFORM provision.check_site_name(job);
    PERFORM provision.give_up_unless_cloud_site_is_ours(job, 'SITE_TAKEN', removal);
    PERFORM provision.give_up_on_idle_cloud_site(job, 'look for site');
    PERFORM provision.give_up_on_cloud_job(job, 'site to be ready');
    IF provision.answered(job, 'verify site') THEN
        PERFORM provision.give_up('SITE_NOT_ACTIVE', format('%s (%s)', provision.setting(job, 'site'), coalesce(provision.cloud_status(job, 'verify site'), 'gone')))
          WHERE provision.cloud_status(job, 'verify site') IS DISTINCT FROM 'Active';
        PERFORM provision.conclude('{}');
    END IF;
    RETURN NEXT provision.look_at_cloud_site(job, 'look for site');
    RETURN NEXT provision.look_for_cloud_name(job);
    RETURN QUERY SELECT * FROM provision.plan_cloud_archive(job, removal, 'look for site', is_half_made);
    RETURN NEXT provision.look_at_cloud_site(job, 'look for site again', wanted => is_half_made);
    RETURN QUERY SELECT * FROM provision.plan_new_cloud_site(job, CASE WHEN is_half_made THEN 'look for site again' ELSE 'look for site' END);
    RETURN QUERY SELECT * FROM provision.plan_cloud_work(job, 'create site', NOT is_ready);
    RETURN NEXT provision.wait_for_cloud_site(job, 'site to be ready', NOT is_ready);
    RETURN QUERY SELECT * FROM provision.plan_cloud_reason(job, 'create site', coalesce(ended ->> 'site_status' = 'Broken', false));
    RETURN NEXT provision.look_at_cloud_site(job, 'verify site', '{"created_site": "$.data[*] ? (@.site_status == \"Active\").id"}');
    RETURN NEXT provision.await_answers();
END;
$$;
COMMENT ON FUNCTION provision.plan_cloud_site(jsonb)
    IS 'Makes the tenant''s site on Frappe Cloud. One of ours that is there is waited for or taken over, a broken one that was never finished is archived and made anew, somebody else''s left alone.';

CREATE OR REPLACE FUNCTION provision.plan_cloud_answers(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF provision.answered(job, 'site status') THEN
        PERFORM provision.ask_again('site status') WHERE provision.cloud_status(job, 'site status') IS DISTINCT FROM 'Active';
        PERFORM provision.conclude('{}');
    END IF;
    RETURN NEXT provision.look_at_cloud_site(job, 'site status');
    RETURN NEXT provision.await_answers();
END;
$$;
COMMENT ON FUNCTION provision.plan_cloud_answers(jsonb) IS 'Waits until Press calls the site Active, which includes its proxy; names and certificates under its domain are Press''s own.';

-- Nothing that Press does for a new site can be cancelled: it is let end, and the site archived.
CREATE OR REPLACE FUNCTION provision.undo_cloud_site(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made constant text := (SELECT created.name FROM provision.created(job) AS created WHERE created.name IS NOT NULL ORDER BY created.place LIMIT 1);
    one constant jsonb := CASE WHEN made IS NULL THEN job ELSE jsonb_set(job, '{settings,site}', to_jsonb(made)) END;
BEGIN
    RETURN NEXT provision.look_at_cloud_site(one, 'look for site to remove');
    RETURN QUERY SELECT * FROM provision.plan_cloud_archive(one, 'remove site', 'look for site to remove', provision.found(one, 'look for site to remove'));
END;
$$;
COMMENT ON FUNCTION provision.undo_cloud_site(jsonb) IS 'Removes the site that the job had made, under the name that Press gave it: archives it when nothing works on it any more, and makes sure that it is gone.';

-- Entering ---------------------------------------------------------------------------------------------------------------

-- A session of the Administrator opens everything, so whose site it is is asked before, unless a platform administrator wants it.
CREATE OR REPLACE FUNCTION provision.plan_cloud_session(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.give_up_unless_cloud_site_is_ours(job, 'SITE_NOT_OURS') WHERE job #> '{agent,confirmed}' IS DISTINCT FROM 'true';
    PERFORM provision.give_up('SITE_ABSENT', provision.setting(job, 'site')) WHERE NOT provision.found(job, 'look for site');
    RETURN NEXT provision.look_at_cloud_site(job, 'look for site');
    RETURN NEXT provision.with_seals(provision.cloud_list('open session', 'site.login',
        provision.cloud_site_name(job) || '{"reason": "API keys for the set-up of the site"}'), '{"site_session": "{message.sid}"}');
END;
$$;
COMMENT ON FUNCTION provision.plan_cloud_session(jsonb) IS 'Has Press open a session of the Administrator of the tenant''s site, which is sealed. Each call opens another, so one whose answer is lost does no harm.';

-- Deleting ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.plan_cloud_removal(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_there constant boolean := provision.found(job, 'look for site');
BEGIN
    PERFORM provision.give_up_unless_cloud_site_is_ours(job, 'SITE_NOT_OURS', 'delete site');
    PERFORM provision.ask_again('look for the name') WHERE job #>> '{answers,look for the name,verdict}' = 'refused';
    PERFORM provision.conclude('{}')
      WHERE provision.answered(job, 'verify after delete site') AND NOT provision.found(job, 'verify after delete site')
         OR NOT is_there AND (provision.cloud_site_is_ours(job) OR provision.answered(job, 'look for the name'));
    RETURN NEXT provision.look_at_cloud_site(job, 'look for site');
    RETURN NEXT provision.look_for_cloud_name(job);
    RETURN QUERY SELECT * FROM provision.plan_cloud_archive(job, 'delete site', 'look for site', is_there);
    RETURN NEXT provision.await_answers();
END;
$$;
COMMENT ON FUNCTION provision.plan_cloud_removal(jsonb) IS 'Archives the tenant''s site on Frappe Cloud, and makes sure that it is gone.';

-- Backing up -------------------------------------------------------------------------------------------------------------

-- Press does not tell which job or record a request for a backup came to: they are those that were not there before.
CREATE OR REPLACE FUNCTION provision.row_since(job jsonb, title text, before text, VARIADIC after text[])
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT found
      FROM unnest(after) WITH ORDINALITY AS look (name, turn),
           provision.answer_rows(job, look.name) AS found
     WHERE found ->> 'title' = title
       AND found ->> 'id' NOT IN (SELECT earlier ->> 'id' FROM provision.answer_rows(job, before) AS earlier)
     ORDER BY turn DESC
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.row_since(jsonb, text, text, text[]) IS 'What lists of jobs or backups have that an earlier list had not; null: nothing, or they are not answered.';

CREATE OR REPLACE FUNCTION provision.conclude_cloud_backup(job jsonb, made jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.give_up('CLOUD_JOB_FAILED', format('backup %s failed', made ->> 'id')) WHERE made ->> 'status' LIKE '%Failure';
    PERFORM provision.conclude((SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind) || file ORDER BY kind), '[]')
                                  FROM jsonb_each(made -> 'backups') AS listed (kind, file))) WHERE made ->> 'status' = 'Success';
    PERFORM provision.ask_again('look for backup') WHERE provision.answered(job, 'look for backup');      -- its job has ended, its record follows
END;
$$;
COMMENT ON FUNCTION provision.conclude_cloud_backup(jsonb, jsonb) IS 'Ends the step with the files of the backup, once its record has them.';

CREATE OR REPLACE FUNCTION provision.plan_cloud_backup(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earlier constant text := (SELECT work.id FROM provision.cloud_jobs_at_work(job, 'look for jobs before') AS work WHERE work.title = 'Backup Site');
    own constant jsonb := provision.row_since(job, 'Backup Site', 'look for jobs before', 'look for own job', 'look for job of backup');
BEGIN
    PERFORM provision.give_up_unless_cloud_site_is_ours(job, 'SITE_NOT_OURS') WHERE job #> '{agent,confirmed}' IS DISTINCT FROM 'true';
    PERFORM provision.give_up('SITE_ABSENT', provision.setting(job, 'site')) WHERE NOT provision.found(job, 'look for site');
    PERFORM provision.give_up_on_cloud_job(job, 'backup');
    PERFORM provision.conclude_cloud_backup(job, provision.row_since(job, 'Backup', 'look for backups before', 'look for backup'));
    PERFORM provision.ask_again('look for job of backup') WHERE own IS NULL AND provision.answered(job, 'look for job of backup');
    RETURN NEXT provision.look_at_cloud_site(job, 'look for site');
    RETURN NEXT provision.cloud_look('look for backups before', 'site.backups', provision.cloud_site_name(job));
    RETURN NEXT provision.look_for_cloud_jobs(job, 'look for jobs before');
    RETURN NEXT provision.wait_for_cloud_job('an earlier backup', earlier, earlier IS NOT NULL);
    RETURN NEXT provision.look_for_cloud_jobs(job, 'look for own job');
    RETURN NEXT provision.cloud_change('back up', 'site.backup',
        provision.cloud_site_name(job) || jsonb_build_object('with_files', coalesce((job #> '{options,with_files}') = 'true', true)),
        provision.row_since(job, 'Backup Site', 'look for jobs before', 'look for own job') IS NULL, 'look for own job');
    RETURN NEXT provision.look_for_cloud_jobs(job, 'look for job of backup');
    RETURN NEXT provision.wait_for_cloud_job('backup', coalesce(own ->> 'id', '{?job}'));
    RETURN NEXT provision.cloud_look('look for backup', 'site.backups', provision.cloud_site_name(job));
    RETURN NEXT provision.await_answers();
END;
$$;
COMMENT ON FUNCTION provision.plan_cloud_backup(jsonb) IS 'Has the tenant''s site on Frappe Cloud backed up; its files become the result of the job: [{"kind", "file", "size", "url"}, ...], sizes in bytes.';
