-- What a person does to a job. Each takes the job's row first, so that no worker records anything meanwhile, and writes its event.
-- A running job belongs to its worker: it is only told what is wished, and comes to it as soon as its calls in flight have ended.

CREATE OR REPLACE FUNCTION provision.newest_job(tenant text)
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job_id bigint;
BEGIN
    PERFORM provision.require_tenants(ARRAY[newest_job.tenant], to_act => false);
    SELECT max(job.job_id) INTO job_id
      FROM provision.job
     WHERE job.tenant_id = (SELECT named.tenant_id FROM provision.tenant AS named WHERE named.name = newest_job.tenant);
    IF job_id IS NULL THEN
        RAISE EXCEPTION 'tenant "%" has no job', newest_job.tenant
            USING ERRCODE = 'undefined_object', HINT = format('Start one with provision_start(%L).', newest_job.tenant);
    END IF;
    RETURN job_id;
END;
$$;
COMMENT ON FUNCTION provision.newest_job(text) IS 'The tenant''s newest job, for whoever may look at it; error 42704 when there is no job of it. Other errors as require_tenants().';

-- Who may not act on it does not lock it either: nobody waits for a stranger, and a stranger waits for nobody.
CREATE OR REPLACE FUNCTION provision.lock_job(job_id bigint)
    RETURNS provision.job
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    locked provision.job;
BEGIN
    PERFORM provision.require_job(lock_job.job_id, to_act => true);
    PERFORM provision.admit_requests(ARRAY[tenant.name])
       FROM provision.job
       JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
      WHERE provision.requests_are_limited()
        AND job.job_id = lock_job.job_id;
    SELECT * INTO locked FROM provision.job WHERE job.job_id = lock_job.job_id FOR UPDATE;
    PERFORM provision.refuse_missing_job(lock_job.job_id) WHERE locked.job_id IS NULL;
    RETURN locked;
END;
$$;
COMMENT ON FUNCTION provision.lock_job(bigint) IS 'The job, locked, for whoever may act on it, which is a request; errors as require_job() and admit_requests().';

CREATE OR REPLACE FUNCTION provision.refuse_state(job provision.job, action text, hint text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'job % cannot be %: it is %', (refuse_state.job).job_id, refuse_state.action, (refuse_state.job).state
        USING ERRCODE = 'PV001', HINT = refuse_state.hint;
END;
$$;
COMMENT ON FUNCTION provision.refuse_state(provision.job, text, text) IS 'Error PV001: the job''s state does not allow the action.';

CREATE OR REPLACE FUNCTION provision.status_of(job_id bigint)
    RETURNS provision.job_status
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT job_status.* FROM provision.job_status WHERE job_status.job_id = status_of.job_id;
END;
COMMENT ON FUNCTION provision.status_of(bigint) IS 'The job''s row of provision.job_status.';

-- Before a step is tried again everything is looked at afresh, for a person may have changed it. Only what would be doubled by
-- sending it a second time stays known: successful calls that are neither repeatable nor guarded.
CREATE OR REPLACE FUNCTION provision.lasting_answers(answers jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_object_agg(answer.key, answer.value)
      FROM jsonb_each(lasting_answers.answers) AS answer
     WHERE answer.value -> 'lasting' = 'true';
END;
COMMENT ON FUNCTION provision.lasting_answers(jsonb) IS 'The answers of a step that are still known when it is tried again.';

CREATE OR REPLACE FUNCTION provision.reset_steps(job_id bigint)
    RETURNS jsonb
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    WITH reset AS (
        UPDATE provision.job_step
           SET state = 'waiting',
               tries = 0,
               furthest = 0,
               calls_done = 0,
               share_done = 0,
               next_attempt_at = NULL,
               waits_for = NULL,
               answers = provision.lasting_answers(job_step.answers),
               result = NULL,
               error_code = NULL,
               error_message = NULL,
               error_hint = NULL,
               started_at = NULL,
               finished_at = NULL
         WHERE job_step.job_id = reset_steps.job_id
           AND (job_step.state IN ('failed', 'blocked') OR job_step.finished_at IS NULL)
        RETURNING job_step.ordinal, job_step.name
    )
    SELECT jsonb_build_object('steps', jsonb_agg(reset.name ORDER BY reset.ordinal)) FROM reset;
END;
COMMENT ON FUNCTION provision.reset_steps(bigint) IS 'Failed, blocked and open steps wait as if they had never run; returns which.';

CREATE OR REPLACE FUNCTION provision.refuse_second_active_job(job provision.job)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    active bigint := (SELECT other.job_id
                        FROM provision.job AS other
                       WHERE other.tenant_id = (refuse_second_active_job.job).tenant_id
                         AND other.workflow = (refuse_second_active_job.job).workflow
                         AND other.state IN ('pending', 'scheduled', 'running', 'paused'));
BEGIN
    IF active IS NOT NULL THEN
        RAISE EXCEPTION 'job % cannot be started again: job % of the same tenant and workflow is active', (refuse_second_active_job.job).job_id, active
            USING ERRCODE = 'PV001', HINT = format('Look at it with provision_status(%s).', active);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_second_active_job(provision.job) IS 'Error PV001 while another job of the tenant and workflow is active.';

CREATE OR REPLACE FUNCTION provision.refuse_way_forward(job provision.job, action text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (refuse_way_forward.job).state = 'rolled_back' THEN
        PERFORM provision.refuse_state(refuse_way_forward.job, action, 'What it made was removed again. Start a new job with provision_start().');
    END IF;
    RAISE EXCEPTION 'job % cannot be %: it was rolling back', (refuse_way_forward.job).job_id, action
        USING ERRCODE = 'PV001',
              HINT = format('provision_rollback(%1$s) goes on with that; after it, start a new job.', (refuse_way_forward.job).job_id);
END;
$$;
COMMENT ON FUNCTION provision.refuse_way_forward(provision.job, text) IS 'Error PV001: a job that has turned back never goes forward again.';

CREATE OR REPLACE FUNCTION provision.reopen_job(job provision.job, event text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    detail jsonb;
BEGIN
    PERFORM provision.refuse_way_forward(reopen_job.job, 'started again') WHERE (reopen_job.job).direction = 'back';
    PERFORM provision.refuse_second_active_job(reopen_job.job);
    PERFORM provision.prepare_site_jobs(ARRAY[tenant.name], workflow, (reopen_job.job).options)        -- as at the start: much may have happened since
       FROM provision.tenant, provision.workflow
      WHERE tenant.tenant_id = (reopen_job.job).tenant_id
        AND workflow.workflow_id = (reopen_job.job).workflow_id
        AND workflow.works_at = 'site_maker';
    detail := provision.reset_steps((reopen_job.job).job_id);
    DELETE FROM provision.signal WHERE signal.job_id = (reopen_job.job).job_id AND signal.received_at IS NULL;       -- waited for anew
    UPDATE provision.job AS reopened
       SET state = 'pending',
           rank = provision.queue_rank(clock_timestamp(), reopened.priority, provision.end_of_line(reopened.tenant_id),
                      (SELECT provision.plan_weight(tenant.plan) FROM provision.tenant WHERE tenant.tenant_id = reopened.tenant_id)),
           due_at = NULL, finished_at = NULL, crash_count = 0,
           run_started_at = NULL, run = reopened.run + 1,
           expires_at = clock_timestamp() + provision.ms(reopened.max_wait_ms),
           wish = NULL, wish_reason = NULL, wish_actor = NULL,
           error_code = NULL, error_message = NULL, error_hint = NULL, error_step = NULL
     WHERE reopened.job_id = (reopen_job.job).job_id;
    PERFORM provision.log_job_event(ARRAY[(reopen_job.job).job_id], reopen_job.event, (reopen_job.job).state, 'pending', detail);
    PERFORM provision.wake_workers();
EXCEPTION WHEN unique_violation THEN        -- somebody was faster
    PERFORM provision.refuse_second_active_job(reopen_job.job);
    RAISE EXCEPTION 'job % cannot be started again: another one of the same tenant and workflow was active just now', (reopen_job.job).job_id
        USING ERRCODE = 'PV001', HINT = 'Try again.';
END;
$$;
COMMENT ON FUNCTION provision.reopen_job(provision.job, text) IS 'An ended job enters the queue again, at its end.';

CREATE OR REPLACE FUNCTION @extschema@.provision_retry(job_id bigint)
    RETURNS SETOF provision.job_status
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job provision.job := provision.lock_job(provision_retry.job_id);
BEGIN
    IF job.direction = 'back' AND job.finished_at IS NOT NULL THEN
        PERFORM provision.refuse_way_forward(job, 'retried');
    ELSIF job.state NOT IN ('failed', 'partial', 'cancelled') THEN
        PERFORM provision.refuse_state(job, 'retried', CASE WHEN job.finished_at IS NULL
                    THEN format('provision_why(%s) tells what it waits for.', job.job_id)
                    ELSE 'Start a new job with provision_start().' END);
    END IF;
    PERFORM provision.reopen_job(job, 'job_retried');
    RETURN QUERY SELECT * FROM provision.status_of(job.job_id);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_retry(bigint) IS
    'Tries all failed steps of a failed, partial or cancelled job again; completed and skipped ones stay as they are. What exists on the server is found and adopted. Returns its job_status. Errors: 42501 not an owner or admin of its tenant, 42704 job (for platform members), PV001 state, or another active job of its tenant and workflow.';

CREATE OR REPLACE FUNCTION @extschema@.provision_continue(job_id bigint)
    RETURNS SETOF provision.job_status
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job provision.job := provision.lock_job(provision_continue.job_id);
BEGIN
    IF job.state = 'paused' THEN
        PERFORM provision.resume_job(job);
    ELSIF job.direction = 'back' AND job.finished_at IS NOT NULL THEN
        PERFORM provision.refuse_way_forward(job, 'continued');
    ELSIF job.state IN ('failed', 'partial', 'cancelled') THEN
        PERFORM provision.reopen_job(job, 'job_continued');
    ELSE
        PERFORM provision.refuse_state(job, 'continued', CASE WHEN job.finished_at IS NULL
                    THEN format('provision_why(%s) tells what it waits for.', job.job_id)
                    ELSE 'Start a new job with provision_start().' END);
    END IF;
    RETURN QUERY SELECT * FROM provision.status_of(job.job_id);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_continue(bigint) IS
    'Goes on from the first step that failed or never ran, whatever stopped the job: a failure, a cancellation or a pause. Returns its job_status. Errors: 42501 not an owner or admin of its tenant, 42704 job (for platform members), PV001 state, or another active job of its tenant and workflow.';

CREATE OR REPLACE FUNCTION provision.resume_job(job provision.job)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    new_state text := CASE WHEN (resume_job.job).state <> 'paused' THEN (resume_job.job).state
                           WHEN (resume_job.job).due_at > clock_timestamp() THEN 'scheduled' ELSE 'pending' END;
BEGIN
    UPDATE provision.job AS resumed
       SET state = new_state,
           due_at = CASE new_state WHEN 'scheduled' THEN resumed.due_at WHEN 'running' THEN '-infinity' END,
           wish = NULL, wish_reason = NULL, wish_actor = NULL, awaits_remote = false
     WHERE resumed.job_id = (resume_job.job).job_id;
    PERFORM provision.log_job_event(ARRAY[(resume_job.job).job_id], 'job_resumed', (resume_job.job).state, new_state);
    PERFORM provision.wake_workers();
END;
$$;
COMMENT ON FUNCTION provision.resume_job(provision.job) IS 'Ends a pause, or withdraws the wish for one; the job keeps its place in the queue and its time.';

-- Its time is set so that the worker looks at it although no answer has come.
CREATE OR REPLACE FUNCTION provision.wish_for(job provision.job, wish text, reason text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.job AS running
       SET wish = wish_for.wish,
           wish_reason = left(wish_for.reason, 1000),
           wish_actor = provision.actor(),
           due_at = '-infinity', awaits_remote = false
     WHERE running.job_id = (wish_for.job).job_id;
    PERFORM provision.log_job_event(ARRAY[(wish_for.job).job_id], 'job_' || wish_for.wish || '_requested', 'running', 'running',
                nullif(jsonb_strip_nulls(jsonb_build_object('reason', left(wish_for.reason, 1000))), '{}'));
    PERFORM provision.wake_workers();
END;
$$;
COMMENT ON FUNCTION provision.wish_for(provision.job, text, text) IS 'Tells the worker of a running job what is wished.';

CREATE OR REPLACE FUNCTION @extschema@.provision_cancel(job_id bigint, reason text DEFAULT NULL, rollback boolean DEFAULT false)
    RETURNS SETOF provision.job_status
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job    provision.job := provision.lock_job(provision_cancel.job_id);
    wanted text := CASE WHEN provision_cancel.rollback THEN 'rollback' ELSE 'cancel' END;
BEGIN
    IF job.finished_at IS NOT NULL THEN
        PERFORM provision.refuse_state(job, 'cancelled', CASE WHEN job.state <> 'rolled_back'
                    THEN format('What it made can be removed with provision_rollback(%s).', job.job_id)
                    ELSE 'A job that has ended stays as it is.' END);
    ELSIF job.direction = 'back' AND provision_cancel.rollback THEN
        NULL;       -- that is what it does
    ELSIF job.state = 'running' THEN
        PERFORM provision.refuse_rollback_under_others(job) WHERE provision_cancel.rollback;
        PERFORM provision.wish_for(job, wanted, provision_cancel.reason) WHERE job.wish IS DISTINCT FROM wanted;
    ELSIF job.wish IS NULL AND provision.is_to_be_withdrawn(job.job_id) THEN
        PERFORM provision.refuse_rollback_under_others(job) WHERE provision_cancel.rollback;
        PERFORM provision.wish_to_withdraw(job, wanted, provision_cancel.reason);
    ELSE
        -- Waited for, unlike by a worker: what a poll holds just now could not be closed.
        PERFORM FROM provision.remote_job AS remote WHERE remote.job_id = job.job_id AND remote.ended_at IS NULL FOR NO KEY UPDATE;
        PERFORM provision.lock_tenant_to_spare(job);
        UPDATE provision.job AS cancelled      -- whose earlier wish is withdrawn: what is said now counts, once
           SET wish = NULL,
               wish_reason = left(provision_cancel.reason, 1000),
               wish_actor = provision.actor()
         WHERE cancelled.job_id = job.job_id;
        PERFORM provision.finish_job(job.job_id, 'cancelled');
        PERFORM provision.roll_back_job(job) WHERE provision_cancel.rollback AND job.started_at IS NOT NULL;
        PERFORM provision.wake_workers();
    END IF;
    RETURN QUERY SELECT * FROM provision.status_of(job.job_id);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_cancel(bigint, text, boolean) IS
    'Ends a job before its time: at once, or once its calls in flight have ended and Frappe Agent has taken back what it had not begun (then wish is cancel in the returned job_status; called again, it does not wait for Agent). What was made stays, or is rolled back with rollback => true; a rollback that is cancelled stops where it is and provision_rollback() goes on. Errors: 42501 not an owner or admin of its tenant, 42704 job (for platform members), PV001 it has ended, or, with rollback, others of its tenant stand in the way as for provision_rollback().';

CREATE OR REPLACE FUNCTION @extschema@.provision_pause(job_id bigint)
    RETURNS SETOF provision.job_status
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job provision.job := provision.lock_job(provision_pause.job_id);
BEGIN
    IF job.finished_at IS NOT NULL THEN
        PERFORM provision.refuse_state(job, 'paused', 'A job that has ended stays as it is.');
    ELSIF job.wish IN ('cancel', 'expire', 'rollback') THEN
        PERFORM provision.refuse_state(job, 'paused', 'It is about to end; provision_retry() starts it again afterwards.');
    ELSIF job.state = 'running' THEN
        PERFORM provision.wish_for(job, 'pause', NULL) WHERE job.wish IS NULL;
    ELSIF job.state <> 'paused' THEN
        UPDATE provision.job AS paused SET state = 'paused', wish = NULL, awaits_remote = false WHERE paused.job_id = job.job_id;
        PERFORM provision.log_job_event(ARRAY[job.job_id], 'job_paused', job.state, 'paused');
    END IF;
    RETURN QUERY SELECT * FROM provision.status_of(job.job_id);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_pause(bigint) IS
    'The job makes no further call until provision_resume(); calls in flight end normally first (then wish is pause in the returned job_status). Pausing a paused job changes nothing. Errors: 42501 not an owner or admin of its tenant, 42704 job (for platform members), PV001 it has ended or is being cancelled.';

CREATE OR REPLACE FUNCTION @extschema@.provision_resume(job_id bigint)
    RETURNS SETOF provision.job_status
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job provision.job := provision.lock_job(provision_resume.job_id);
BEGIN
    IF job.state <> 'paused' AND job.wish IS DISTINCT FROM 'pause' THEN
        PERFORM provision.refuse_state(job, 'resumed', CASE WHEN job.state IN ('failed', 'partial', 'cancelled')
                    THEN format('provision_retry(%s) starts it again.', job.job_id)
                    ELSE 'Only a paused job can be resumed.' END);
    END IF;
    PERFORM provision.resume_job(job);
    RETURN QUERY SELECT * FROM provision.status_of(job.job_id);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_resume(bigint) IS
    'Ends a pause; the job keeps its place in the queue and the time it was scheduled for. Returns its job_status. Errors: 42501 not an owner or admin of its tenant, 42704 job (for platform members), PV001 it is not paused.';
