-- Rolling back, by a person: the checks before a job turns round.

-- Who came later may rely on what this job made, so the newest goes first.
CREATE OR REPLACE FUNCTION provision.refuse_rollback_under_others(job provision.job)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    other record;
BEGIN
    SELECT later.job_id, later.state, later.finished_at IS NULL AS is_active INTO other
      FROM provision.job AS later
     WHERE later.tenant_id = (refuse_rollback_under_others.job).tenant_id
       AND later.job_id <> (refuse_rollback_under_others.job).job_id
       AND (later.finished_at IS NULL
            OR later.job_id > (refuse_rollback_under_others.job).job_id
               AND later.state <> 'rolled_back'
               AND EXISTS (SELECT FROM provision.job_step
                             JOIN provision.step ON step.workflow_id = later.workflow_id AND step.ordinal = job_step.ordinal
                            WHERE job_step.job_id = later.job_id AND job_step.attempt_count > 0 AND NOT step.only_looks))
     ORDER BY later.finished_at IS NOT NULL, later.job_id DESC
     LIMIT 1;
    IF other.is_active THEN
        RAISE EXCEPTION 'job % cannot be rolled back: job % of the same tenant is active', (refuse_rollback_under_others.job).job_id, other.job_id
            USING ERRCODE = 'PV001', HINT = format('Wait for it, or end it with provision_cancel(%s).', other.job_id);
    ELSIF FOUND THEN
        RAISE EXCEPTION 'job % cannot be rolled back: the later job % of the same tenant may rely on what it made',
                        (refuse_rollback_under_others.job).job_id, other.job_id
            USING ERRCODE = 'PV001', HINT = format('Roll the later one back first with provision_rollback(%s).', other.job_id);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_rollback_under_others(provision.job)
    IS 'Error PV001 while another job of the tenant is active, or a later one that called the server, and not only to look, is not rolled back.';

CREATE OR REPLACE FUNCTION provision.roll_back_job(job provision.job)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.refuse_rollback_under_others(roll_back_job.job);
    PERFORM provision.turn_back((roll_back_job.job).job_id);
EXCEPTION WHEN unique_violation THEN        -- a start that was not committed when we looked
    PERFORM provision.refuse_rollback_under_others(roll_back_job.job);
    RAISE EXCEPTION 'job % cannot be rolled back: another one of the same tenant and workflow was active just now', (roll_back_job.job).job_id
        USING ERRCODE = 'PV001', HINT = 'Try again.';
END;
$$;
COMMENT ON FUNCTION provision.roll_back_job(provision.job) IS 'Turns an ended job round, unless others of its tenant stand in the way (error PV001). The caller holds its row.';

CREATE OR REPLACE FUNCTION @extschema@.provision_rollback(job_id bigint)
    RETURNS SETOF provision.job_status
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job provision.job := provision.lock_job(provision_rollback.job_id);
BEGIN
    IF job.finished_at IS NULL THEN
        PERFORM provision.refuse_state(job, 'rolled back', CASE job.direction WHEN 'back' THEN 'It is rolling back already.'
                    ELSE format('provision_cancel(%s, rollback => true) ends it first.', job.job_id) END);
    ELSIF job.state = 'rolled_back' THEN
        PERFORM provision.refuse_state(job, 'rolled back', 'There is nothing left to undo.');
    END IF;
    PERFORM provision.roll_back_job(job);
    RETURN QUERY SELECT * FROM provision.status_of(job.job_id);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_rollback(bigint) IS
    'Removes what an ended job is known to have created, in reverse order, and proves that it is gone: then it is rolled_back. What was there before it stays, and so do changed settings. What cannot be removed is listed (failed, ROLLBACK_INCOMPLETE); called again, the rest is tried. Returns its job_status. Errors: 42501 not an owner or admin of its tenant, 42704 job (for platform members), PV001 it has not ended or is rolled back, another job of the tenant is active, or a later one may rely on it.';

CREATE OR REPLACE FUNCTION @extschema@.provision_rollback(tenant text)
    RETURNS SETOF provision.job_status
    LANGUAGE sql VOLATILE SECURITY DEFINER ROWS 1
BEGIN ATOMIC
    SELECT * FROM @extschema@.provision_rollback(provision.newest_job(provision_rollback.tenant));
END;
COMMENT ON FUNCTION @extschema@.provision_rollback(text) IS 'provision_rollback() of the tenant''s newest job.';
