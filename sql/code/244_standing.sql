-- What a job made and still stands, as undo functions are told and as people are.

-- Whoever made something that stands, or is about to, may rely on what all tenants of the site share.
CREATE OR REPLACE FUNCTION provision.site_is_shared(home provision.tenant)
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT
          FROM provision.engine AS own
          JOIN provision.engine ON engine.base_url = own.base_url
          JOIN provision.tenant AS other ON other.engine_id = engine.engine_id AND other.tenant_id <> (home).tenant_id
         WHERE own.engine_id = (home).engine_id
           AND coalesce(other.settings ->> 'site', engine.site) IS NOT DISTINCT FROM coalesce((home).settings ->> 'site', own.site)
           AND (other.lifecycle IN ('provisioning', 'active')
                OR EXISTS (SELECT
                             FROM provision.job
                            WHERE job.tenant_id = other.tenant_id
                              AND (job.finished_at IS NULL
                                   OR EXISTS (SELECT FROM provision.creation
                                               WHERE creation.job_id = job.job_id AND creation.undone_at IS NULL AND NOT creation.kept)))));
END;
COMMENT ON FUNCTION provision.site_is_shared(provision.tenant) IS 'Another tenant on the same site is set up, or is being set up.';

CREATE OR REPLACE FUNCTION provision.created_by_step(job_id bigint, ordinal smallint)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(jsonb_build_object('creation_id', creation.creation_id, 'call', creation.call, 'kind', creation.kind, 'name', creation.name,
                                                 'creates', creation.creates, 'look', creation.look, 'known_before', creation.known_before)
                              ORDER BY creation.creation_id DESC), '[]')
      FROM provision.creation
     WHERE creation.job_id = created_by_step.job_id
       AND creation.ordinal = created_by_step.ordinal
       AND creation.undone_at IS NULL;
END;
COMMENT ON FUNCTION provision.created_by_step(bigint, smallint) IS 'What a step made and is not undone, newest first, as undo functions are told.';

CREATE OR REPLACE FUNCTION provision.undo_context(job_id bigint, ordinal smallint)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT provision.plan_context(job.job_id, tenant, engine.name, job_step.name, job_step.answers, job.options)
               || provision.site_context(job.job_id, tenant, engine)
               || jsonb_build_object(
                      'created', made.created,
                      'made', (SELECT coalesce(jsonb_agg(DISTINCT creation.kind), '[]') FROM provision.creation
                                WHERE creation.job_id = job.job_id AND creation.undone_at IS NULL),
                      'site_is_shared', made.created @> '[{"creates": {"scope": "site"}}]' AND provision.site_is_shared(tenant))
          FROM provision.job
          JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
          JOIN provision.job_step ON job_step.job_id = job.job_id AND job_step.ordinal = undo_context.ordinal
          JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = job_step.ordinal
          JOIN provision.engine ON engine.engine_id = CASE WHEN step.works_at IS NULL THEN job.engine_id ELSE provision.engine_for(tenant.engine_id, step.works_at) END
         CROSS JOIN LATERAL (SELECT provision.created_by_step(job.job_id, job_step.ordinal) AS created) AS made
         WHERE job.job_id = undo_context.job_id);
END;
$$;
COMMENT ON FUNCTION provision.undo_context(bigint, smallint)
    IS 'What an undo function is told beside what a plan function is: created (of its step), made (kinds the whole job made), site_is_shared.';

CREATE OR REPLACE FUNCTION provision.has_creations(job_id bigint)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM provision.creation
                    WHERE creation.job_id = has_creations.job_id AND creation.undone_at IS NULL AND NOT creation.kept);
END;
$$;
COMMENT ON FUNCTION provision.has_creations(bigint) IS 'Something the job made, or may have made, is neither gone nor kept on purpose.';

CREATE OR REPLACE FUNCTION provision.left_by_job(job_id bigint)
    RETURNS TABLE (step text, kind text, name text, kept boolean, reason text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT job_step.name, creation.kind, creation.name, creation.kept, coalesce(creation.left_reason, job_step.error_message)
      FROM provision.creation
      JOIN provision.job_step ON job_step.job_id = creation.job_id AND job_step.ordinal = creation.ordinal
     WHERE creation.job_id = left_by_job.job_id
       AND creation.undone_at IS NULL
     ORDER BY creation.creation_id;
END;
COMMENT ON FUNCTION provision.left_by_job(bigint) IS 'What a job made and still stands, kept on purpose or not, and why.';

CREATE OR REPLACE FUNCTION provision.leaves_anything(job_id bigint)
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM provision.creation
                    WHERE creation.job_id = leaves_anything.job_id AND creation.undone_at IS NULL AND NOT creation.kept)
        OR EXISTS (SELECT FROM provision.job_step
                    WHERE job_step.job_id = leaves_anything.job_id AND job_step.state = 'failed');
END;
COMMENT ON FUNCTION provision.leaves_anything(bigint) IS 'Something the job made is neither gone nor kept on purpose, or an undo failed.';
