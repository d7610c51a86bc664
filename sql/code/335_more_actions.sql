-- Skipping a step, and the actions by a tenant's name: they mean its newest job.

CREATE OR REPLACE FUNCTION provision.skippable_step(job_id bigint, step text)
    RETURNS provision.job_step
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chosen      provision.job_step;
    is_optional boolean;
BEGIN
    SELECT * INTO chosen
      FROM provision.job_step
     WHERE job_step.job_id = skippable_step.job_id
       AND job_step.name = skippable_step.step;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'step "%" does not exist in job %', left(skippable_step.step, 100), skippable_step.job_id
            USING ERRCODE = 'undefined_object',
                  HINT = format('Its steps are %s.', (SELECT string_agg(job_step.name, ', ' ORDER BY job_step.ordinal)
                                                        FROM provision.job_step WHERE job_step.job_id = skippable_step.job_id));
    END IF;
    SELECT step_status.optional INTO is_optional
      FROM provision.step_status
     WHERE step_status.job_id = skippable_step.job_id
       AND step_status.step = skippable_step.step;
    IF NOT is_optional THEN
        RAISE EXCEPTION 'step "%" is not optional', skippable_step.step
            USING ERRCODE = 'PV005', HINT = 'Solve what makes it fail, then call provision_retry(). provision.step_status tells which steps are optional.';
    ELSIF chosen.state IN ('completed', 'skipped', 'running', 'undone') THEN
        RAISE EXCEPTION 'step "%" cannot be skipped: it is %', skippable_step.step, chosen.state
            USING ERRCODE = 'PV001', HINT = CASE chosen.state WHEN 'running' THEN 'Pause the job first with provision_pause().' ELSE 'There is nothing to skip.' END;
    END IF;
    RETURN chosen;
END;
$$;
COMMENT ON FUNCTION provision.skippable_step(bigint, text) IS 'The step, if it can be skipped; errors 42704, PV005 and PV001 if not.';

-- A job that ended in part is judged again: it is completed when no other step failed.
CREATE OR REPLACE FUNCTION provision.judge_partial_job(job_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.finish_job(judge_partial_job.job_id,
                CASE WHEN EXISTS (SELECT FROM provision.job_step
                                   WHERE job_step.job_id = judge_partial_job.job_id AND job_step.state IN ('failed', 'blocked'))
                     THEN 'partial' ELSE 'completed' END);
END;
$$;
COMMENT ON FUNCTION provision.judge_partial_job(bigint) IS 'A job that ended in part becomes completed when none of its steps is failed or blocked any more.';

CREATE OR REPLACE FUNCTION @extschema@.provision_skip_step(job_id bigint, step text, reason text DEFAULT NULL)
    RETURNS SETOF provision.job_status
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job    provision.job := provision.lock_job(provision_skip_step.job_id);
    chosen provision.job_step := provision.skippable_step(provision_skip_step.job_id, provision_skip_step.step);
BEGIN
    IF job.direction = 'back' THEN
        PERFORM provision.refuse_state(job, 'changed', 'It is rolled back; no step of it is run any more.');
    ELSIF job.state = 'completed' THEN
        PERFORM provision.refuse_state(job, 'changed', 'A job that has ended stays as it is.');
    END IF;
    UPDATE provision.job_step
       SET state = 'skipped',
           next_attempt_at = NULL, waits_for = NULL, answers = NULL,
           error_code = NULL, error_message = NULL, error_hint = NULL,
           finished_at = clock_timestamp()
     WHERE job_step.job_id = chosen.job_id
       AND job_step.ordinal = chosen.ordinal;
    PERFORM provision.mark_flaws(ARRAY[job.job_id]);
    INSERT INTO provision.event (job_id, tenant, step, event, from_state, to_state, detail, correlation_id)
    SELECT job.job_id, tenant.name, chosen.name, 'step_skipped', chosen.state, 'skipped',
           nullif(jsonb_strip_nulls(jsonb_build_object('reason', left(provision_skip_step.reason, 1000))), '{}'), job.correlation_id
      FROM provision.tenant
     WHERE tenant.tenant_id = job.tenant_id;
    IF job.state = 'partial' THEN
        PERFORM provision.judge_partial_job(job.job_id);
    ELSIF job.state = 'running' OR job.state = 'scheduled' AND chosen.waits_for IS NOT NULL THEN
        UPDATE provision.job AS running SET due_at = '-infinity' WHERE running.job_id = job.job_id;
        PERFORM provision.wake_workers();
    END IF;
    RETURN QUERY SELECT * FROM provision.status_of(job.job_id);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_skip_step(bigint, text, text) IS
    'An optional step that has not completed is left out. A job that ended in part is completed when nothing else failed; a failed or cancelled one stays so until provision_retry(). Steps that require it are blocked. Returns the job_status. Errors: 42501 not an owner or admin of its tenant, 42704 job (for platform members) or step, PV005 not optional, PV001 state of step or job.';

CREATE OR REPLACE FUNCTION @extschema@.provision_retry(tenant text)
    RETURNS SETOF provision.job_status
    LANGUAGE sql VOLATILE SECURITY DEFINER ROWS 1
BEGIN ATOMIC
    SELECT * FROM @extschema@.provision_retry(provision.newest_job(provision_retry.tenant));
END;
COMMENT ON FUNCTION @extschema@.provision_retry(text) IS 'provision_retry() of the tenant''s newest job.';

CREATE OR REPLACE FUNCTION @extschema@.provision_continue(tenant text)
    RETURNS SETOF provision.job_status
    LANGUAGE sql VOLATILE SECURITY DEFINER ROWS 1
BEGIN ATOMIC
    SELECT * FROM @extschema@.provision_continue(provision.newest_job(provision_continue.tenant));
END;
COMMENT ON FUNCTION @extschema@.provision_continue(text) IS 'provision_continue() of the tenant''s newest job.';

CREATE OR REPLACE FUNCTION @extschema@.provision_cancel(tenant text, reason text DEFAULT NULL, rollback boolean DEFAULT false)
    RETURNS SETOF provision.job_status
    LANGUAGE sql VOLATILE SECURITY DEFINER ROWS 1
BEGIN ATOMIC
    SELECT * FROM @extschema@.provision_cancel(provision.newest_job(provision_cancel.tenant), provision_cancel.reason, provision_cancel.rollback);
END;
COMMENT ON FUNCTION @extschema@.provision_cancel(text, text, boolean) IS 'provision_cancel() of the tenant''s newest job.';

CREATE OR REPLACE FUNCTION @extschema@.provision_pause(tenant text)
    RETURNS SETOF provision.job_status
    LANGUAGE sql VOLATILE SECURITY DEFINER ROWS 1
BEGIN ATOMIC
    SELECT * FROM @extschema@.provision_pause(provision.newest_job(provision_pause.tenant));
END;
COMMENT ON FUNCTION @extschema@.provision_pause(text) IS 'provision_pause() of the tenant''s newest job.';

CREATE OR REPLACE FUNCTION @extschema@.provision_resume(tenant text)
    RETURNS SETOF provision.job_status
    LANGUAGE sql VOLATILE SECURITY DEFINER ROWS 1
BEGIN ATOMIC
    SELECT * FROM @extschema@.provision_resume(provision.newest_job(provision_resume.tenant));
END;
COMMENT ON FUNCTION @extschema@.provision_resume(text) IS 'provision_resume() of the tenant''s newest job.';
