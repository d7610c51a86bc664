-- Sites, through Frappe Agent: create_site, delete_site, backup_site. Agent itself checks nothing and cleans nothing up; what makes a repeated
-- request harmless is here: we look whether the site is there, and whose it is, before anything is asked for.

CREATE OR REPLACE FUNCTION provision.plan_agent_check(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NEXT provision.agent_look('ping', '/ping');
END;
$$;
COMMENT ON FUNCTION provision.plan_agent_check(jsonb) IS 'First step of the workflows of sites: is Agent there, is the token right.';

CREATE OR REPLACE FUNCTION provision.archive_body()
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('mariadb_root_password', provision.named_secret('mariadb_root_password'));
COMMENT ON FUNCTION provision.archive_body() IS 'What Agent has to be told to archive a site.';

CREATE OR REPLACE FUNCTION provision.look_for_site(job jsonb, name text, learn jsonb DEFAULT NULL, wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.agent_look(name, provision.site_path(job), learn, wanted);
COMMENT ON FUNCTION provision.look_for_site(jsonb, text, jsonb, boolean) IS 'A look whether the tenant''s site is on its bench.';

CREATE OR REPLACE FUNCTION provision.site_found(job jsonb, call text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN provision.answered(job, call) THEN provision.answer(job, call) IS NOT NULL END;
COMMENT ON FUNCTION provision.site_found(jsonb, text) IS 'Whether a look found the site; null while it is not answered.';

-- Agent knows what we submitted by its keys, also what we got no answer to.
CREATE OR REPLACE FUNCTION provision.look_for_earlier_jobs(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys constant text[] := ARRAY(SELECT DISTINCT key FROM jsonb_array_elements_text((job #> '{agent,site_keys}') || (job #> '{agent,left_keys}')) AS key
                                   WHERE key <> provision.job_key(job, 'create site') AND key <> provision.job_key(job, 'create site once more') ORDER BY key);
BEGIN
    IF keys <> '{}' THEN
        RETURN NEXT provision.agent_look('look for earlier jobs', '/agent-jobs/' || array_to_string(keys || keys[1], ','));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.look_for_earlier_jobs(jsonb)
    IS 'A look for the jobs by which we had the site made in earlier runs, and for those that jobs of ours left to Agent; none when there are no such.';

-- Agent keeps no two jobs off each other: a backup that somebody gave up, or a site that is still being made, is let end first.
CREATE OR REPLACE FUNCTION provision.wait_for_left_jobs(job jsonb, with_makers boolean)
    RETURNS SETOF provision.call
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (provision.wait_for_job('left job ' || (found ->> 'id'), found ->> 'key', (found ->> 'id')::bigint)).*
      FROM provision.answer_rows(job, 'look for earlier jobs') AS found
     WHERE found ->> 'status' IN ('Pending', 'Running')
       AND (with_makers OR NOT job #> '{agent,site_keys}' ? (found ->> 'key'));
END;
COMMENT ON FUNCTION provision.wait_for_left_jobs(jsonb, boolean) IS 'Waits for what earlier jobs left to Agent and it has not ended yet; with_makers: also for jobs that make the site.';

-- Null: not known yet. What we sent without an answer counts only if Agent knows it.
CREATE OR REPLACE FUNCTION provision.site_is_ours(job jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN job #> '{agent,site_is_made}' = 'true'
        OR job #> '{agent,site_was_accepted}' = 'true'
        OR CASE WHEN job #> '{agent,site_keys}' = '[]' THEN false
                WHEN provision.answered(job, 'look for earlier jobs')
                THEN EXISTS (SELECT FROM provision.answer_rows(job, 'look for earlier jobs') AS found WHERE job #> '{agent,site_keys}' ? (found ->> 'key')) END;
COMMENT ON FUNCTION provision.site_is_ours(jsonb) IS 'A job of this tenant made the site, or had it made, and none has removed it since.';

-- Judged before it is archived: afterwards it is nobody's.
CREATE OR REPLACE FUNCTION provision.give_up_unless_ours(job jsonb, code text, archive text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF provision.site_found(job, 'look for site') AND NOT provision.site_is_ours(job)
       AND NOT coalesce(provision.answered(job, 'look for ' || give_up_unless_ours.archive), false) THEN
        PERFORM provision.give_up(code, provision.setting(job, 'site'));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.give_up_unless_ours(jsonb, text, text) IS 'Gives up with this code when a site is there that is somebody else''s. archive: the submission that removes it.';

CREATE OR REPLACE FUNCTION provision.give_up_if_still_there(job jsonb, call text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF provision.site_found(job, call) THEN
        PERFORM provision.give_up('SITE_STILL_THERE', provision.setting(job, 'site'));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.give_up_if_still_there(jsonb, text) IS 'Gives up when a look after the deletion found the site.';

CREATE OR REPLACE FUNCTION provision.plan_archive(job jsonb, name text, wanted boolean)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    gone constant text := 'verify after ' || plan_archive.name;
BEGIN
    PERFORM provision.give_up_if_still_there(job, gone);
    RETURN QUERY SELECT * FROM provision.plan_submission(job, plan_archive.name, provision.site_path(job, '/archive'), provision.archive_body(), plan_archive.wanted);
    RETURN NEXT provision.look_for_site(job, gone, wanted => plan_archive.wanted);
    RETURN NEXT provision.agent_look('ping after ' || plan_archive.name, '/ping', wanted => plan_archive.wanted);      -- the last answer is not judged
END;
$$;
COMMENT ON FUNCTION provision.plan_archive(jsonb, text, boolean) IS 'Has the site archived, and makes sure that it is gone.';
