-- delete_site: archives the tenant's site. One that is gone already is no failure; one that is not ours stays.

CREATE OR REPLACE FUNCTION provision.plan_site_removal(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.give_up_unless_ours(job, 'SITE_NOT_OURS', 'delete site');
    RETURN NEXT provision.look_for_site(job, 'look for site');
    RETURN QUERY SELECT * FROM provision.look_for_earlier_jobs(job);
    RETURN QUERY SELECT * FROM provision.wait_for_left_jobs(job, with_makers => true);
    RETURN QUERY SELECT * FROM provision.plan_archive(job, 'delete site', provision.site_found(job, 'look for site'));
END;
$$;
COMMENT ON FUNCTION provision.plan_site_removal(jsonb) IS 'Archives the tenant''s site, and makes sure that it is gone.';

INSERT INTO provision.workflow (name, version, deletes, is_builtin, needs, works_at, description) VALUES
    ('delete_site', 1, true, true, '{}', 'site_maker', 'The end of the tenant''s site: its database is dropped, its folder moved to the archive.')
ON CONFLICT (name, version) DO UPDATE SET description = EXCLUDED.description;

INSERT INTO provision.step (workflow_id, ordinal, name, title, works_at, plan_function, critical, weight, requires, exclusive, max_attempts, backoff_max_ms, patience_ms)
SELECT workflow.workflow_id, step.*
  FROM provision.workflow,
       (VALUES
        (0, 'step_0_agent_check', 'Check the server', 'site_maker', 'provision.plan_agent_check', true, 1, '{}'::text[], NULL, 5, 30000, 5000),
        (1, 'step_1_site', 'Delete the site', 'site_maker', 'provision.plan_site_removal', true, 60, '{step_0_agent_check}', 'site', 5, 30000, 30000),
        (2, 'step_2_proxy', 'Have the proxy forget the site', 'proxy', 'provision.plan_proxy_removal', true, 10, '{step_1_site}', 'site', 5, 30000, 30000)
       ) AS step (ordinal, name, title, works_at, plan_function, critical, weight, requires, exclusive, max_attempts, backoff_max_ms, patience_ms)
 WHERE workflow.name = 'delete_site'
   AND workflow.version = 1
ON CONFLICT (workflow_id, ordinal) DO UPDATE SET title = EXCLUDED.title, weight = EXCLUDED.weight;
