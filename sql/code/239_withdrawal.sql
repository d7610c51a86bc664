-- Cancelling a job whose job of Frappe Agent is open. Agent is asked first: what waits there is taken back, and what may be stopped without
-- leaving anything half-made is stopped (remote_kind.may_be_stopped). All else goes on there, which is told. While that is done the job has
-- its wish (cancel or rollback) still, and makes no other call.

CREATE OR REPLACE FUNCTION provision.is_to_be_withdrawn(job_id bigint, ordinal smallint DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT
                     FROM provision.remote_job AS remote
                     JOIN provision.engine ON engine.engine_id = remote.engine_id AND engine.kind = 'frappe_agent'
                     JOIN provision.job_step ON job_step.job_id = remote.job_id AND job_step.ordinal = remote.ordinal
                    WHERE remote.job_id = is_to_be_withdrawn.job_id
                      AND remote.ordinal = coalesce(is_to_be_withdrawn.ordinal, remote.ordinal)
                      AND remote.ended_at IS NULL
                      AND job_step.finished_at IS NULL);
END;
$$;
COMMENT ON FUNCTION provision.is_to_be_withdrawn(bigint, smallint) IS 'A step of the job, or this one, has submitted something to Frappe Agent whose end is not known.';

CREATE OR REPLACE FUNCTION provision.withdrawal_context(job_id bigint, ordinal smallint)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_object('withdraw', jsonb_build_object(
        'keys', (SELECT jsonb_agg(remote.key ORDER BY remote.call) FROM provision.remote_job AS remote
                  WHERE remote.job_id = withdrawal_context.job_id AND remote.ordinal = withdrawal_context.ordinal AND remote.ended_at IS NULL),
        'stoppable', (SELECT coalesce(jsonb_agg(kind.title), '[]') FROM provision.remote_kind AS kind WHERE kind.may_be_stopped)));
END;
$$;
COMMENT ON FUNCTION provision.withdrawal_context(bigint, smallint) IS 'What plan_withdrawal() is told beside what every plan is: the keys of what is open at Frappe Agent, and titles of jobs that may be stopped.';

-- By key, so that it is found, too, what was sent and never answered. None that has ended is cancelled: Agent would make a failure of it.
CREATE OR REPLACE FUNCTION provision.plan_withdrawal(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys constant text[] := ARRAY(SELECT jsonb_array_elements_text(job #> '{withdraw,keys}'));
    path constant text := '/agent-jobs/' || array_to_string(keys || keys[1], ',');
    active jsonb;
BEGIN
    RETURN NEXT provision.agent_look('withdraw: look', path);
    FOR active IN SELECT remote FROM provision.answer_rows(job, 'withdraw: look') AS remote
                   WHERE remote ->> 'status' = 'Pending'
                      OR remote ->> 'status' = 'Running' AND job #> '{withdraw,stoppable}' ? (remote ->> 'title') LOOP
        RETURN NEXT provision.cancel_job('withdraw: job ' || (active ->> 'id'), active ->> 'id', 'withdraw: look');
    END LOOP;
    RETURN NEXT provision.agent_look('withdraw: look again', path);
END;
$$;
COMMENT ON FUNCTION provision.plan_withdrawal(jsonb) IS 'Takes back or stops at Frappe Agent what a job that is being cancelled has open there, as far as that does no harm.';

-- What Agent never began has made nothing, so nothing that stands under the name is ours because of it.
CREATE OR REPLACE FUNCTION provision.forget_unbegun(job_id bigint, told jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM provision.creation
     USING jsonb_array_elements(CASE jsonb_typeof(told) WHEN 'array' THEN told ELSE '[]' END) AS remote
     WHERE creation.job_id = forget_unbegun.job_id
       AND creation.creates ->> 'key' = remote ->> 'key'
       AND remote ->> 'status' = 'Failure'
       AND remote -> 'has_begun' = 'false';
END;
$$;
COMMENT ON FUNCTION provision.forget_unbegun(bigint, jsonb) IS 'Of these jobs of Frappe Agent, those that were cancelled before they began have created nothing.';

CREATE OR REPLACE FUNCTION provision.end_withdrawal(job_id bigint, ordinal smallint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    told constant jsonb := (SELECT job_step.answers #> '{withdraw: look again,body,data}' FROM provision.job_step
                             WHERE job_step.job_id = end_withdrawal.job_id AND job_step.ordinal = end_withdrawal.ordinal);
BEGIN
    PERFORM provision.forget_unbegun(end_withdrawal.job_id, told);
    PERFORM provision.close_remote_jobs(ARRAY[end_withdrawal.job_id], coalesce(told, '[]'));
END;
$$;
COMMENT ON FUNCTION provision.end_withdrawal(bigint, smallint) IS 'Frappe Agent was asked, or could not be: the job waits for it no more.';

-- Withdrawn: cancelled before it began, or Agent does not know of it. What was not told of is Left.
CREATE OR REPLACE FUNCTION provision.close_remote_jobs(job_ids bigint[], told jsonb DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    places text[];
BEGIN
    WITH open AS MATERIALIZED (
        SELECT remote.ctid, known.job AS told,
               CASE WHEN close_remote_jobs.told IS NULL OR known.job ->> 'status' IN ('Pending', 'Running') THEN 'Left'
                    WHEN known.job IS NULL OR known.job ->> 'status' = 'Failure' AND known.job -> 'has_begun' = 'false' THEN 'Withdrawn'
                    ELSE known.job ->> 'status' END AS becomes
          FROM provision.remote_job AS remote
          LEFT JOIN LATERAL (SELECT job FROM jsonb_array_elements(close_remote_jobs.told) AS job WHERE job ->> 'key' = remote.key
                              ORDER BY (job ->> 'id')::bigint LIMIT 1) AS known ON true
         WHERE remote.job_id = ANY (job_ids)
           AND remote.ended_at IS NULL
           FOR NO KEY UPDATE OF remote SKIP LOCKED
    ), closed AS (
        UPDATE provision.remote_job AS remote
           SET status = open.becomes,
               remote_id = coalesce(remote.remote_id, open.told ->> 'id'),
               title = coalesce(open.told ->> 'title', remote.title),
               ended_at = clock_timestamp()
          FROM open
         WHERE remote.ctid = open.ctid
        RETURNING remote.*
    ), logged AS (
        INSERT INTO provision.event (job_id, tenant, engine, step, event, detail, correlation_id)
        SELECT job.job_id, tenant.name, engine.name, job_step.name, CASE closed.status WHEN 'Left' THEN 'remote_job_left' ELSE 'remote_job_withdrawn' END,
               jsonb_strip_nulls(jsonb_build_object('remote_id', closed.remote_id, 'title', nullif(closed.title, ''), 'status', closed.status)), job.correlation_id
          FROM closed
          JOIN provision.job ON job.job_id = closed.job_id
          JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
          JOIN provision.job_step ON job_step.job_id = closed.job_id AND job_step.ordinal = closed.ordinal
          JOIN provision.engine ON engine.engine_id = closed.engine_id
    )
    SELECT array_agg(DISTINCT provision.place_at(closed.engine_id)) INTO places FROM closed;
    PERFORM provision.wake_next_in_line(places) WHERE places IS NOT NULL;
END;
$$;
COMMENT ON FUNCTION provision.close_remote_jobs(bigint[], jsonb) IS 'Nobody waits any more for what these jobs have open at Frappe Agent; told: how it is there, null: nobody knows.';

-- As long as Agent has not answered the job is not cancelled; whoever cannot wait for that cancels once more.
CREATE OR REPLACE FUNCTION provision.wish_to_withdraw(job provision.job, wish text, reason text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.job AS waiting
       SET state = 'pending',
           due_at = NULL,
           awaits_remote = false,
           wish = wish_to_withdraw.wish,
           wish_reason = left(wish_to_withdraw.reason, 1000),
           wish_actor = provision.actor()
     WHERE waiting.job_id = (wish_to_withdraw.job).job_id;
    PERFORM provision.log_job_event(ARRAY[(wish_to_withdraw.job).job_id], 'job_' || wish_to_withdraw.wish || '_requested', (wish_to_withdraw.job).state, 'pending',
                nullif(jsonb_strip_nulls(jsonb_build_object('reason', left(wish_to_withdraw.reason, 1000))), '{}'));
    PERFORM provision.wake_workers();
END;
$$;
COMMENT ON FUNCTION provision.wish_to_withdraw(provision.job, text, text) IS 'A job that does not run, and has something open at Frappe Agent, is to be cancelled when that is withdrawn.';
