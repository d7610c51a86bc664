-- Looking at jobs: one as a document, many as pages, their events, their plan before it runs, their end.

CREATE OR REPLACE FUNCTION provision.steps_document(job_id bigint)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_agg(jsonb_build_object(
               'step', step_status.step,
               'title', step_status.title,
               'state', step_status.state,
               'critical', step_status.critical,
               'optional', step_status.optional,
               'calls_done', step_status.calls_done,
               'calls_total', step_status.calls_total,
               'attempt_count', step_status.attempt_count,
               'next_attempt_at', step_status.next_attempt_at,
               'waits_for', step_status.waits_for,
               'deadline_at', step_status.deadline_at,
               'error', CASE WHEN step_status.error_code IS NOT NULL THEN jsonb_build_object(
                            'code', step_status.error_code, 'message', step_status.error_message, 'hint', step_status.error_hint) END,
               'result', step_status.result,
               'started_at', step_status.started_at,
               'finished_at', step_status.finished_at,
               'duration_seconds', round(extract(epoch FROM step_status.duration), 3))
           ORDER BY step_status.ordinal)
      FROM provision.step_status
     WHERE step_status.job_id = steps_document.job_id;
END;
COMMENT ON FUNCTION provision.steps_document(bigint) IS 'The steps of a job as a JSON array, in their order.';

CREATE OR REPLACE FUNCTION provision.job_result(job_id bigint)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN count(*) > 0 THEN coalesce(jsonb_agg(finding.value ORDER BY job_step.ordinal, finding.place) FILTER (WHERE finding.place IS NOT NULL), '[]') END
      FROM provision.job_step
      LEFT JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(job_step.result) WHEN 'array' THEN job_step.result END) WITH ORDINALITY AS finding (value, place) ON true
     WHERE job_step.job_id = job_result.job_id
       AND jsonb_typeof(job_step.result) = 'array';
END;
COMMENT ON FUNCTION provision.job_result(bigint) IS 'The findings of a job''s steps as one array, in their order; null when no step has concluded with findings.';

CREATE OR REPLACE FUNCTION provision.rollback_document(job_id bigint)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
               'earlier_failure', job.earlier_failure,
               'left', coalesce((SELECT jsonb_agg(to_jsonb(thing) - 'kept') FROM provision.left_by_job(job.job_id) AS thing WHERE NOT thing.kept), '[]'),
               'kept', coalesce((SELECT jsonb_agg(to_jsonb(thing) - 'kept') FROM provision.left_by_job(job.job_id) AS thing WHERE thing.kept), '[]'))
      FROM provision.job
     WHERE job.job_id = rollback_document.job_id
       AND job.direction = 'back';
END;
COMMENT ON FUNCTION provision.rollback_document(bigint) IS 'What provision_status() tells of a job that has turned back; null of others.';

CREATE OR REPLACE FUNCTION @extschema@.provision_status(job_id bigint)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    status provision.job_status;
BEGIN
    PERFORM provision.require_job(provision_status.job_id, to_act => false);
    SELECT * INTO status FROM provision.job_status WHERE job_status.job_id = provision_status.job_id;
    RETURN to_jsonb(status) - '{duration,error_code,error_message,error_hint,error_step}'::text[] || jsonb_build_object(
        'duration_seconds', round(extract(epoch FROM status.duration), 3),
        'error', CASE WHEN status.error_code IS NOT NULL THEN jsonb_build_object(
                     'code', status.error_code, 'message', status.error_message, 'hint', status.error_hint, 'step', status.error_step) END,
        'result', provision.job_result(provision_status.job_id),
        'steps', provision.steps_document(provision_status.job_id))
        || coalesce(provision.rollback_document(provision_status.job_id), '{}');
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_status(bigint) IS
    'The job as one document: state, progress (0 to 100), current_step, eta, error {code, message, hint, step} or null, result (array of what its steps found out, null where they do not conclude with that), and steps with their calls_done of calls_total, errors and times; durations in seconds. A job in direction back also tells what still stands (left, with reason), what was kept on purpose (kept) and the failure before it (earlier_failure). Errors: 42501 not a member of the job''s tenant, 42704 job (for platform members).';

CREATE OR REPLACE FUNCTION @extschema@.provision_status(tenant text)
    RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT @extschema@.provision_status(provision.newest_job(provision_status.tenant));
END;
COMMENT ON FUNCTION @extschema@.provision_status(text) IS 'provision_status() of the tenant''s newest job.';

CREATE OR REPLACE FUNCTION provision.refuse_invalid_page(state text, page integer, size integer)
    RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    states constant text[] := '{pending,scheduled,running,paused,completed,partial,failed,cancelled,rolled_back}';
BEGIN
    IF refuse_invalid_page.state <> ALL (states) THEN
        RAISE EXCEPTION 'state "%" does not exist', left(refuse_invalid_page.state, 100)
            USING ERRCODE = 'invalid_parameter_value', HINT = format('States are %s.', array_to_string(states, ', '));
    ELSIF coalesce(refuse_invalid_page.page, 0) < 1 THEN
        RAISE EXCEPTION 'page must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    ELSIF coalesce(refuse_invalid_page.size, 0) NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'size must be from 1 to 1000' USING ERRCODE = 'invalid_parameter_value';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_page(text, integer, integer) IS 'Error 22023 for what provision_jobs() cannot show.';

-- Each combination of filters is planned by itself, so that the index which fits is used.
CREATE OR REPLACE FUNCTION @extschema@.provision_jobs(
    tenant text DEFAULT NULL, state text DEFAULT NULL, page integer DEFAULT 1, size integer DEFAULT 20)
    RETURNS SETOF provision.job_status
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.refuse_invalid_page(provision_jobs.state, provision_jobs.page, provision_jobs.size);
    PERFORM provision.require_tenants(ARRAY[provision_jobs.tenant], to_act => false) WHERE provision_jobs.tenant IS NOT NULL;
    RETURN QUERY EXECUTE
        'SELECT job_status.*
           FROM (SELECT job.job_id
                   FROM provision.job
                  WHERE true'
        || CASE WHEN provision_jobs.tenant IS NULL THEN ''
                ELSE ' AND job.tenant_id = (SELECT named.tenant_id FROM provision.tenant AS named WHERE named.name = $1)' END
        || CASE WHEN provision_jobs.state IS NULL THEN '' ELSE ' AND job.state = $2' END
        || CASE WHEN provision.sees_everything() THEN '' ELSE ' AND job.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[])' END
        || '      ORDER BY job.job_id DESC
                  LIMIT $4
                 OFFSET ($3 - 1)::bigint * $4) AS listed
          CROSS JOIN LATERAL (SELECT * FROM provision.job_status WHERE job_status.job_id = listed.job_id OFFSET 0) AS job_status
          ORDER BY job_status.job_id DESC'
        USING provision_jobs.tenant, provision_jobs.state, provision_jobs.page, provision_jobs.size;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_jobs(text, text, integer, integer) IS
    'Jobs, newest first, of one tenant or all that you may see, in one state or any: page 1 onward with size (1 to 1000) of them. Errors: 42501 not a member of the tenant, 42704 tenant (for platform members), 22023 state, page or size.';

CREATE OR REPLACE FUNCTION @extschema@.provision_logs(job_id bigint, after_event bigint DEFAULT 0, max_rows integer DEFAULT 100)
    RETURNS SETOF provision.event_log
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_job(provision_logs.job_id, to_act => false);
    IF coalesce(provision_logs.max_rows, 0) NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'max_rows must be from 1 to 10000' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
        SELECT event_log.*
          FROM provision.event_log
         WHERE event_log.job_id = provision_logs.job_id
           AND event_log.event_id > coalesce(provision_logs.after_event, 0)
         ORDER BY event_log.event_id
         LIMIT provision_logs.max_rows;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_logs(bigint, bigint, integer) IS
    'Events of a job, oldest first. Give the last event_id you have as after_event to get what is new. Errors: 42501 not a member of the job''s tenant, 42704 job (for platform members), 22023 max_rows (1 to 10000).';

CREATE OR REPLACE FUNCTION @extschema@.provision_logs(tenant text, after_event bigint DEFAULT 0, max_rows integer DEFAULT 100)
    RETURNS SETOF provision.event_log
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
BEGIN ATOMIC
    SELECT * FROM @extschema@.provision_logs(provision.newest_job(provision_logs.tenant), provision_logs.after_event, provision_logs.max_rows);
END;
COMMENT ON FUNCTION @extschema@.provision_logs(text, bigint, integer) IS 'provision_logs() of the tenant''s newest job.';

-- Commits between looks, so that it holds no snapshot while it waits: no settings on it, and not security definer, for both forbid that.
CREATE OR REPLACE PROCEDURE @extschema@.provision_wait(job_id bigint, timeout interval DEFAULT '10 min')
    LANGUAGE plpgsql
AS $$
DECLARE
    give_up_at timestamptz := pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) least(greatest(provision_wait.timeout, interval '0'), interval '1000 years');
    pause      double precision := 0.05;
    status     jsonb := @extschema@.provision_status(provision_wait.job_id);
BEGIN
    WHILE (status OPERATOR(pg_catalog.->>) 'finished_at') IS NULL LOOP
        COMMIT;
        IF pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>=) give_up_at THEN
            RAISE EXCEPTION 'job % has not ended after %', provision_wait.job_id, provision_wait.timeout
                USING ERRCODE = 'PV006',
                      DETAIL = pg_catalog.format('It is %s at step "%s".', status OPERATOR(pg_catalog.->>) 'state', status OPERATOR(pg_catalog.->>) 'current_step'),
                      HINT = pg_catalog.format('provision_why(%s) tells what it waits for; it goes on by itself.', provision_wait.job_id);
        END IF;
        PERFORM pg_catalog.pg_sleep(pause);
        pause := CASE WHEN pause OPERATOR(pg_catalog.<) 0.5::double precision THEN pause OPERATOR(pg_catalog.*) 1.3::double precision ELSE 0.5 END;
        status := @extschema@.provision_status(provision_wait.job_id);
    END LOOP;
END;
$$;
COMMENT ON PROCEDURE @extschema@.provision_wait(bigint, interval) IS
    'Returns when the job has ended, however. timeout: null waits as long as it takes, what is negative not at all. CALL it outside of a transaction block: it commits between looks. Errors: PV006 not ended after timeout, 42501 and 42704 as provision_status(), 2D000 inside of a transaction block.';
