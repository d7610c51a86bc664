-- backup_site: one at a time of each site, because Agent takes the newest files for those it has just made. Agent removes no backup when it is
-- told to; Frappe itself removes, before it makes one, those that are older than keep_backups_for_hours in the site's config (else 24). So
-- that is what is set when a backup is to be kept.

CREATE OR REPLACE FUNCTION provision.keep_backups(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hours constant integer := ceil(extract(epoch FROM (job #>> '{options,keep}')::interval) / 3600);
BEGIN
    IF hours IS NOT NULL THEN
        RETURN QUERY SELECT * FROM provision.plan_submission(job, 'keep backups', provision.site_path(job, '/config'),
            jsonb_build_object('config', jsonb_build_object('keep_backups_for_hours', hours), 'remove', '[]'::jsonb));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.keep_backups(jsonb) IS 'The calls that have the site keep its backups for as long as the option keep says; none without it.';

CREATE OR REPLACE FUNCTION provision.plan_backup(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.give_up_unless_ours(job, 'SITE_NOT_OURS') WHERE job #> '{agent,confirmed}' IS DISTINCT FROM 'true';
    IF provision.submission_end(job, 'back up') ->> 'status' = 'Success' THEN
        PERFORM provision.conclude((SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind) || file ORDER BY kind), '[]')
                                      FROM jsonb_each(provision.submission_end(job, 'back up') -> 'backups') AS made (kind, file)));
    END IF;
    RETURN NEXT provision.look_for_site(job, 'look for site');
    IF provision.answered(job, 'look for site') AND NOT provision.site_found(job, 'look for site') THEN
        PERFORM provision.give_up('SITE_ABSENT', provision.setting(job, 'site'));
    END IF;
    RETURN QUERY SELECT * FROM provision.look_for_earlier_jobs(job);
    RETURN QUERY SELECT * FROM provision.wait_for_left_jobs(job, with_makers => true);
    RETURN QUERY SELECT * FROM provision.keep_backups(job);
    RETURN QUERY SELECT * FROM provision.plan_submission(job, 'back up', provision.site_path(job, '/backup'),
        jsonb_build_object('with_files', coalesce((job #> '{options,with_files}') = 'true', true)));
END;
$$;
COMMENT ON FUNCTION provision.plan_backup(jsonb) IS 'Has the tenant''s site backed up; its files become the result of the job: [{"kind", "file", "size", "url"}, ...], sizes in bytes.';

INSERT INTO provision.workflow (name, version, is_builtin, needs, works_at, description) VALUES
    ('backup_site', 1, true, '{}', 'site_maker', 'A backup of the tenant''s site on its server, with or without its files.')
ON CONFLICT (name, version) DO UPDATE SET description = EXCLUDED.description;

INSERT INTO provision.step (workflow_id, ordinal, name, title, plan_function, critical, weight, requires, exclusive, max_attempts, backoff_max_ms, patience_ms)
SELECT workflow.workflow_id, step.*
  FROM provision.workflow,
       (VALUES
        (0, 'step_0_agent_check', 'Check the server', 'provision.plan_agent_check', true, 1, '{}'::text[], NULL, 5, 30000, 5000),
        (1, 'step_1_backup', 'Back up the site', 'provision.plan_backup', true, 120, '{step_0_agent_check}', 'site', 5, 30000, 30000)
       ) AS step (ordinal, name, title, plan_function, critical, weight, requires, exclusive, max_attempts, backoff_max_ms, patience_ms)
 WHERE workflow.name = 'backup_site'
   AND workflow.version = 1
ON CONFLICT (workflow_id, ordinal) DO UPDATE SET title = EXCLUDED.title, weight = EXCLUDED.weight;
