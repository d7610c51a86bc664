-- What is told of jobs of Frappe Agent: one answer about many of them, noted for all whose row nobody else holds.

-- What one request told about many jobs. Of what it does not tell nothing is there; a number under another key is somebody else's.
CREATE OR REPLACE FUNCTION provision.note_remote_jobs(engine_id bigint, asked text[], answer jsonb)
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed bigint[];
    place_is_free boolean;
BEGIN
    WITH told AS MATERIALIZED (
        SELECT DISTINCT ON (number) job ->> 'id' AS number, job
          FROM jsonb_array_elements(CASE jsonb_typeof(answer -> 'data') WHEN 'array' THEN answer -> 'data' ELSE '[]' END) AS job
    ), locked AS MATERIALIZED (
        SELECT kept.job_id, kept.ordinal, kept.call
          FROM provision.remote_job AS kept
         WHERE kept.engine_id = note_remote_jobs.engine_id
           AND kept.remote_id = ANY (asked)
           AND kept.ended_at IS NULL
         ORDER BY kept.job_id, kept.ordinal, kept.call
           FOR NO KEY UPDATE SKIP LOCKED
    ), noted AS (
        UPDATE provision.remote_job AS kept
           SET status = now.status,
               title = coalesce(now.job ->> 'title', kept.title),
               steps_done = greatest(kept.steps_done, coalesce((now.job ->> 'steps_done')::integer, 0)),
               running_since = CASE WHEN now.status = 'Running' THEN coalesce(kept.running_since, clock_timestamp()) ELSE kept.running_since END,
               answer = CASE WHEN now.status IN ('Success', 'Failure') THEN coalesce(now.job, '{"title": "Archive Site"}') END,
               ended_at = CASE WHEN now.status NOT IN ('Pending', 'Running') THEN clock_timestamp() END
          FROM locked
          JOIN provision.remote_job AS before USING (job_id, ordinal, call)
          LEFT JOIN told ON told.number = before.remote_id AND told.job ->> 'key' IS NOT DISTINCT FROM before.key
         CROSS JOIN LATERAL (SELECT told.job,
                                    CASE WHEN told.job IS NULL AND before.until_gone THEN 'Success'
                                         WHEN told.job IS NULL THEN 'Lost'
                                         WHEN told.job ->> 'status' IN ('Success', 'Failure') THEN told.job ->> 'status'
                                         WHEN provision.is_overdue(before) THEN 'Overdue'
                                         WHEN told.job ->> 'status' = 'Running' THEN 'Running'
                                         ELSE 'Pending' END AS status) AS now
         WHERE (kept.job_id, kept.ordinal, kept.call) = (locked.job_id, locked.ordinal, locked.call)
        RETURNING kept.job_id, kept.ended_at IS NOT NULL AS has_ended, kept.steps_done > before.steps_done AS has_gone_on
    )
    SELECT array_agg(noted.job_id) FILTER (WHERE noted.has_ended OR noted.has_gone_on), bool_or(noted.has_ended) INTO changed, place_is_free FROM noted;
    PERFORM provision.wake_next_in_line(ARRAY[provision.place_at(note_remote_jobs.engine_id)]) WHERE place_is_free;
    RETURN coalesce(changed, '{}');
END;
$$;
COMMENT ON FUNCTION provision.note_remote_jobs(bigint, text[], jsonb) IS 'Notes how far jobs of Agent are; returns our jobs for which that makes a difference.';

CREATE OR REPLACE FUNCTION provision.show_remote_progress(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH waiting AS MATERIALIZED (
        SELECT job.job_id FROM provision.job WHERE job.job_id = ANY (job_ids) AND job.finished_at IS NULL ORDER BY job.job_id FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE provision.job_step
       SET calls_done = greatest(job_step.calls_done, provision.remote_share(remote)),
           share_done = greatest(job_step.share_done, least(900, provision.remote_share(remote) * 1000 / greatest(job_step.calls_total, 1)))
      FROM waiting
      JOIN provision.remote_job AS remote ON remote.job_id = waiting.job_id
     WHERE job_step.job_id = remote.job_id
       AND job_step.ordinal = remote.ordinal
       AND job_step.finished_at IS NULL
       AND remote.ended_at IS NULL;
END;
$$;
COMMENT ON FUNCTION provision.show_remote_progress(bigint[]) IS 'Adds the steps that Agent has done to calls_done and share_done of the steps that wait for them.';

-- A server that cannot be asked just now takes no try from those who wait; only the time of provision.remote_kind ends that.
CREATE OR REPLACE FUNCTION provision.note_failed_poll(outcome provision.outcome)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own record;
BEGIN
    SELECT kept.ctid INTO own FROM provision.remote_job AS kept
     WHERE kept.job_id = outcome.job_id AND kept.ordinal = outcome.ordinal AND kept.call = outcome.call AND kept.ended_at IS NULL
       FOR NO KEY UPDATE SKIP LOCKED;
    IF outcome.error_code = 'ANSWER_TOO_LARGE' THEN
        UPDATE provision.remote_job AS kept
           SET is_large = true, next_poll_at = clock_timestamp()
         WHERE kept.ctid = own.ctid AND NOT kept.is_large;
        RETURN FOUND OR own.ctid IS NULL;
    END IF;
    IF outcome.verdict NOT IN ('transient', 'ambiguous', 'interrupted') THEN
        RETURN false;
    END IF;
    UPDATE provision.remote_job AS kept
       SET status = CASE WHEN provision.is_overdue(kept) THEN 'Overdue' ELSE kept.status END,
           ended_at = CASE WHEN provision.is_overdue(kept) THEN clock_timestamp() END
     WHERE kept.ctid = own.ctid;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION provision.note_failed_poll(provision.outcome) IS 'A request for jobs of Agent was not answered: true when its step just waits on.';

CREATE OR REPLACE FUNCTION provision.record_poll(outcome provision.outcome)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own provision.remote_job;
    asked text[];
    changed bigint[];
BEGIN
    SELECT * INTO own FROM provision.remote_job AS kept
     WHERE kept.job_id = outcome.job_id AND kept.ordinal = outcome.ordinal AND kept.call = outcome.call;
    IF NOT FOUND OR outcome.verdict NOT IN ('success', 'absent') AND NOT provision.note_failed_poll(outcome) THEN
        RETURN false;
    END IF;
    IF outcome.verdict IN ('success', 'absent') THEN
        asked := own.remote_id || ARRAY(SELECT number
                                          FROM provision.attempt,
                                               regexp_split_to_table(substring(attempt.url FROM '/jobs/([0-9,]+)$'), ',') AS number
                                         WHERE attempt.attempt_id = outcome.attempt_id);
        changed := provision.note_remote_jobs(own.engine_id, asked, CASE outcome.verdict WHEN 'success' THEN outcome.body ELSE '{}' END);
        PERFORM provision.show_remote_progress(changed);
        PERFORM provision.put_off_polls(changed);
    END IF;
    UPDATE provision.job_step
       SET attempt_id = NULL
     WHERE job_step.job_id = outcome.job_id
       AND job_step.ordinal = outcome.ordinal;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION provision.record_poll(provision.outcome) IS 'Records the answer to a request for jobs of Agent; false: it was none, or failed for good, and is recorded as any other.';

CREATE OR REPLACE FUNCTION provision.record_polls(outcomes provision.outcome[])
    RETURNS provision.outcome[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    others provision.outcome[] := '{}';
BEGIN
    FOR i IN 1 .. cardinality(outcomes) LOOP
        IF NOT starts_with(outcomes[i].call, 'wait for ') OR NOT provision.record_poll(outcomes[i]) THEN
            others := others || outcomes[i];
        END IF;
    END LOOP;
    RETURN others;
END;
$$;
COMMENT ON FUNCTION provision.record_polls(provision.outcome[]) IS 'Records requests for jobs of Agent, and returns the other outcomes.';
