-- A job that was to delete a tenant's site and has ended otherwise: where nothing was done to the site, the tenant is what it was before.

CREATE OR REPLACE FUNCTION provision.doubt_in_words(tenant text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN format('Whether the site is gone is not known, so tenant "%s" stays deleting: provision_retry() finds out.', doubt_in_words.tenant);
COMMENT ON FUNCTION provision.doubt_in_words(text) IS 'What is told of a tenant whose site may have been deleted.';

-- Steps that keep others off the site change it, so one that is done has left none. Of a call it counts what may have reached the server and was
-- not plainly refused; calls that only take back another do no harm, and what was taken back did none.
CREATE OR REPLACE FUNCTION provision.may_have_deleted(job_id bigint)
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT
                     FROM provision.job
                     JOIN provision.job_step ON job_step.job_id = job.job_id AND job_step.state = 'completed'
                     JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = job_step.ordinal AND step.exclusive IS NOT NULL
                    WHERE job.job_id = may_have_deleted.job_id)
        OR EXISTS (SELECT
                     FROM provision.attempt
                    WHERE attempt.job_id = may_have_deleted.job_id
                      AND NOT attempt.only_looks
                      AND attempt.delivery IS DISTINCT FROM 'not_sent'
                      AND NOT (attempt.delivery = 'answered' AND attempt.verdict IN ('permanent', 'absent', 'needs_person'))
                      AND NOT starts_with(attempt.call, 'cancel ')
                      AND NOT starts_with(attempt.call, 'withdraw: ')
                      AND NOT EXISTS (SELECT
                                        FROM provision.remote_job AS remote
                                       WHERE remote.job_id = attempt.job_id
                                         AND remote.ordinal = attempt.ordinal
                                         AND remote.call = 'wait for ' || attempt.call
                                         AND remote.status = 'Withdrawn'));
END;
COMMENT ON FUNCTION provision.may_have_deleted(bigint) IS 'A job that deletes may have done something to the site, in this run or an earlier one.';

-- The worker waits for no row. Should a session hold the tenant at that moment, it stays deleting until its job is retried and ends once more;
-- whoever cancels one waits: lock_tenant_to_spare().
CREATE OR REPLACE FUNCTION provision.spare_tenants(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ended record;
BEGIN
    FOR ended IN
        SELECT tenant.tenant_id, tenant.name, tenant.lifecycle_before AS becomes, job.job_id, job.correlation_id,
               job.error_code IS DISTINCT FROM 'SITE_STILL_THERE' AND provision.may_have_deleted(job.job_id) AS is_doubtful
          FROM provision.job
          JOIN provision.workflow ON workflow.workflow_id = job.workflow_id AND workflow.deletes
          JOIN provision.tenant ON tenant.tenant_id = job.tenant_id AND tenant.lifecycle = 'deleting'
         WHERE job.job_id = ANY (job_ids)
           AND job.state IN ('failed', 'cancelled')
           FOR NO KEY UPDATE OF tenant SKIP LOCKED
    LOOP
        IF ended.is_doubtful OR ended.becomes IS NULL THEN
            UPDATE provision.tenant SET lifecycle_before = NULL WHERE tenant.tenant_id = ended.tenant_id AND tenant.lifecycle_before IS NOT NULL;
            UPDATE provision.job
               SET error_hint = concat_ws(' ', job.error_hint, provision.doubt_in_words(ended.name))
             WHERE job.job_id = ended.job_id
               AND job.state = 'failed';
        ELSIF NOT provision.is_being_deleted(ended.tenant_id) THEN
            UPDATE provision.tenant
               SET lifecycle = ended.becomes, lifecycle_before = NULL, updated_at = clock_timestamp()
             WHERE tenant.tenant_id = ended.tenant_id;
            INSERT INTO provision.event (job_id, tenant, event, from_state, to_state, correlation_id)
            VALUES (ended.job_id, ended.name, 'tenant_kept', 'deleting', ended.becomes, ended.correlation_id);
            PERFORM provision.resume_schedules_of_tenant(ended.tenant_id);
        END IF;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.spare_tenants(bigint[]) IS 'Tenants whose deletion failed or was cancelled before anything was done to their site are what they were, and their schedules go on; of the others the hint tells that nobody knows.';

-- Before anything of the job is changed: a start, which holds the tenant, would wait for that.
CREATE OR REPLACE FUNCTION provision.lock_tenant_to_spare(job provision.job)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM
       FROM provision.tenant
      WHERE tenant.tenant_id = (job).tenant_id
        AND (SELECT workflow.deletes FROM provision.workflow WHERE workflow.workflow_id = (job).workflow_id)
        FOR NO KEY UPDATE;
END;
$$;
COMMENT ON FUNCTION provision.lock_tenant_to_spare(provision.job) IS 'Locks the tenant of a job that deletes and is about to be cancelled.';
