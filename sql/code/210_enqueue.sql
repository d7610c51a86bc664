-- Putting jobs in the queue: rows in the caller's transaction, nothing else.

CREATE OR REPLACE FUNCTION provision.current_workflow(name text)
    RETURNS provision.workflow
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_workflow provision.workflow;
BEGIN
    SELECT * INTO found_workflow
      FROM provision.workflow
     WHERE workflow.name = current_workflow.name
       AND workflow.is_current;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'workflow "%" does not exist', left(current_workflow.name, 100)
            USING ERRCODE = 'undefined_object',
                  HINT = 'The table provision.workflow lists the workflows of this database.';
    END IF;
    IF NOT EXISTS (SELECT FROM provision.step WHERE step.workflow_id = found_workflow.workflow_id) THEN
        RAISE EXCEPTION 'workflow "%" has no steps', current_workflow.name
            USING ERRCODE = 'PV001', HINT = 'Insert its steps into provision.step.';
    END IF;
    RETURN found_workflow;
END;
$$;
COMMENT ON FUNCTION provision.current_workflow(text) IS 'The version new jobs take. Errors: 42704 there is none, PV001 it has no steps.';

CREATE OR REPLACE FUNCTION provision.option_problems(options jsonb, workflow provision.workflow)
    RETURNS SETOF text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT format('Option "%s" is not known.', left(key, 100))
      FROM jsonb_object_keys(options) AS key
     WHERE key NOT IN ('skip_steps', 'correlation_id', 'traceparent', 'deadline', 'max_wait', 'rollback_on_failure')
       AND NOT (key IN ('with_files', 'keep') AND (workflow).name = 'backup_site')
       AND NOT (key = 'renew' AND (workflow).name = 'site_credentials')
       AND NOT (key = 'credentials' AND (workflow).name = 'onboarding')
    UNION ALL
    SELECT 'Option "skip_steps" must be an array of step names.'
     WHERE jsonb_typeof(options -> 'skip_steps') <> 'array'
    UNION ALL
    SELECT format('Step "%s" is not an optional step of workflow "%s".', left(given.name, 100), (workflow).name)
      FROM jsonb_array_elements_text(CASE jsonb_typeof(options -> 'skip_steps') WHEN 'array' THEN options -> 'skip_steps' ELSE '[]' END) AS given (name)
     WHERE NOT EXISTS (SELECT FROM provision.step
                        WHERE step.workflow_id = (workflow).workflow_id AND step.name = given.name AND step.optional)
    UNION ALL
    SELECT 'Option "correlation_id" must be 1 to 200 visible ASCII characters.'
     WHERE NOT options ->> 'correlation_id' ~ '^[!-~]{1,200}$'
    UNION ALL
    SELECT 'Option "traceparent" must have the form of a W3C trace context.'
     WHERE NOT options ->> 'traceparent' ~ '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'
    UNION ALL
    SELECT 'Option "credentials" must be made or handed_over.'
     WHERE options -> 'credentials' NOT IN ('"made"', '"handed_over"')
    UNION ALL
    SELECT format('Option "%s" must be true or false.', flag)
      FROM unnest('{rollback_on_failure,with_files,renew}'::text[]) AS flag
     WHERE jsonb_typeof(options -> flag) <> 'boolean'
    UNION ALL
    SELECT 'Option "keep" must be an interval from 1 hour to 10 years, such as "30 days".'
     WHERE options ? 'keep'
       AND (jsonb_typeof(options -> 'keep') <> 'string' OR coalesce(provision.interval_ms(options ->> 'keep'), 0) NOT BETWEEN 3600000 AND 315576000000)
    UNION ALL
    SELECT time_problem.text
      FROM unnest('{deadline,max_wait}'::text[]) AS given (name)
     CROSS JOIN LATERAL (SELECT provision.time_option_problem(options, given.name) AS text) AS time_problem
     WHERE time_problem.text IS NOT NULL;
END;
COMMENT ON FUNCTION provision.option_problems(jsonb, provision.workflow) IS 'Everything that is wrong with the options of a start, a sentence each.';

CREATE OR REPLACE FUNCTION provision.refuse_invalid_options(options jsonb, workflow provision.workflow)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known constant text := 'Options are skip_steps, correlation_id, traceparent, deadline, max_wait and rollback_on_failure; for backup_site also with_files and keep, for site_credentials renew, for onboarding credentials.';
    problems text;
BEGIN
    IF options = '{}' THEN
        RETURN;
    ELSIF jsonb_typeof(options) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'options must be a JSON object' USING ERRCODE = 'invalid_parameter_value', HINT = known;
    END IF;
    SELECT string_agg(problem, E'\n') INTO problems FROM provision.option_problems(options, workflow) AS problem;
    IF problems IS NOT NULL THEN
        RAISE EXCEPTION 'options are not valid'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = left(problems, 10000), HINT = known;
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_options(jsonb, provision.workflow) IS 'Error 22023 for options of provision_start that are not known or do not fit.';

-- A time limit is added to run_at, so it is not the last that a timestamp can tell.
CREATE OR REPLACE FUNCTION provision.refuse_invalid_start(tenants text[], priority integer, run_at timestamptz, idempotency_key text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF tenants IS NULL THEN
        RAISE EXCEPTION 'tenants must be given' USING ERRCODE = 'invalid_parameter_value', HINT = 'An array of names; for an empty one nothing is started.';
    ELSIF priority NOT BETWEEN -100 AND 100 THEN
        RAISE EXCEPTION 'priority % is out of range', priority
            USING ERRCODE = 'numeric_value_out_of_range', HINT = 'Priorities go from -100 to 100; higher runs sooner.';
    ELSIF NOT isfinite(run_at) OR run_at > clock_timestamp() + interval '100 years' THEN
        RAISE EXCEPTION 'run_at must be a finite time'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'At most 100 years ahead; a time that has passed is now.';
    ELSIF length(idempotency_key) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'idempotency_key must have 1 to 200 characters'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out to start without one.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_start(text[], integer, timestamptz, text) IS 'Errors 22023 and 22003 for arguments of a start that cannot be.';

-- Each state in the order of an index that begins with the engine: else the planner counts on finding some in any part of the table, and
-- reads all of it where the jobs are those of other engines.
CREATE OR REPLACE FUNCTION provision.waiting_count(engine_id bigint, max_jobs integer)
    RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pending constant bigint := (SELECT count(*)
                                  FROM (SELECT FROM provision.job
                                         WHERE job.engine_id = waiting_count.engine_id AND job.state = 'pending'
                                         ORDER BY job.rank, job.job_id LIMIT waiting_count.max_jobs) AS counted);
BEGIN
    RETURN pending + (SELECT count(*)
                        FROM (SELECT FROM provision.job
                               WHERE job.engine_id = waiting_count.engine_id AND job.state = 'scheduled'
                               ORDER BY job.job_id LIMIT waiting_count.max_jobs - pending) AS counted);
END;
$$;
COMMENT ON FUNCTION provision.waiting_count(bigint, integer) IS 'Pending and scheduled jobs of an engine, counted up to max_jobs.';

CREATE OR REPLACE FUNCTION provision.refuse_full_queue(tenants text[])
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    full_engine record;
BEGIN
    SELECT engine.name, engine.max_queue_depth, waiting.job_count INTO full_engine
      FROM (SELECT engine_id, count(*) AS new_jobs
              FROM provision.tenant
             WHERE tenant.name = ANY (tenants)
             GROUP BY engine_id) AS wanted
      JOIN provision.engine ON engine.engine_id = wanted.engine_id
     CROSS JOIN LATERAL (SELECT provision.waiting_count(engine.engine_id, engine.max_queue_depth) AS job_count
                          WHERE engine.max_queue_depth IS NOT NULL OFFSET 0) AS waiting
     WHERE engine.max_queue_depth IS NOT NULL
       AND waiting.job_count + wanted.new_jobs > engine.max_queue_depth;
    IF FOUND THEN
        RAISE EXCEPTION 'queue of engine "%" is full', full_engine.name
            USING ERRCODE = 'PV004',
                  DETAIL = format('%s jobs wait; max_queue_depth is %s.', full_engine.job_count, full_engine.max_queue_depth),
                  HINT = 'Try again later, or raise max_queue_depth with provision_engine_update().';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_full_queue(text[]) IS 'Error PV004 when the jobs would exceed their engine''s max_queue_depth.';

-- An active job is as good as a new one only while it goes forward.
CREATE OR REPLACE FUNCTION provision.refuse_tenants_going_back(tenants text[], workflow text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    undoing record;
BEGIN
    SELECT min(tenant.name) AS tenant, min(job.job_id) AS job_id, string_agg(format('%s (job %s)', tenant.name, job.job_id), ', ' ORDER BY tenant.name) AS jobs
      INTO undoing
      FROM provision.tenant
      JOIN provision.job ON job.tenant_id = tenant.tenant_id
     WHERE tenant.name = ANY (tenants)
       AND job.workflow = refuse_tenants_going_back.workflow
       AND job.state IN ('pending', 'scheduled', 'running', 'paused')
       AND job.direction = 'back';
    IF undoing.tenant IS NOT NULL THEN
        RAISE EXCEPTION 'tenant "%" is being rolled back', undoing.tenant
            USING ERRCODE = 'PV001',
                  DETAIL = format('Tenants that are being rolled back: %s.', left(undoing.jobs, 1000)),
                  HINT = format('Wait for the end of it with CALL provision_wait(%s), then start again.', undoing.job_id);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_tenants_going_back(text[], text) IS 'Error PV001 naming every tenant whose active job of the workflow rolls back.';

-- Where a tenant's line ends: its next job queues behind its own, not only behind those of the moment. Jobs that are scheduled for later
-- do not count; those that another transaction is adding now are not seen.
CREATE OR REPLACE FUNCTION provision.end_of_line(tenant_id bigint)
    RETURNS double precision
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- In a form that asks the index of the tenant's active jobs, and does not tempt that of all pending ones.
    RETURN (SELECT max(job.rank + job.priority * provision.setting_seconds('provision.priority_aging')) FILTER (WHERE job.state = 'pending')
              FROM provision.job
             WHERE job.tenant_id = end_of_line.tenant_id
               AND job.state IN ('pending', 'scheduled', 'running', 'paused'));
END;
$$;
COMMENT ON FUNCTION provision.end_of_line(bigint) IS 'Place of the last pending job of a tenant, its priority left aside; null: it has none.';

-- Start-time fair queueing: of two tenants with many jobs each, the one with twice the weight gets twice as many through; a tenant with one
-- job passes the long line of another. The smaller, the sooner; one unit of priority is worth provision.priority_aging of waiting.
CREATE OR REPLACE FUNCTION provision.queue_rank(
    enters_at timestamptz, priority integer, end_of_line double precision DEFAULT NULL, weight integer DEFAULT 1)
    RETURNS double precision
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT greatest(extract(epoch FROM enters_at)::double precision,
                    queue_rank.end_of_line + provision.setting_seconds('provision.fair_spacing') / queue_rank.weight)
           - queue_rank.priority * provision.setting_seconds('provision.priority_aging');
END;
COMMENT ON FUNCTION provision.queue_rank(timestamptz, integer, double precision, integer) IS 'Place in the queue; see provision.job.rank.';

CREATE OR REPLACE FUNCTION provision.plan_weight(plan text)
    RETURNS integer
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE plan_weight.plan WHEN 'enterprise' THEN 4 WHEN 'professional' THEN 2 ELSE 1 END;
END;
COMMENT ON FUNCTION provision.plan_weight(text) IS 'Share of an engine that a tenant gets by its plan while others wait too.';

CREATE OR REPLACE FUNCTION provision.plan_priority(plan text)
    RETURNS integer
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE plan_priority.plan WHEN 'enterprise' THEN 2 WHEN 'professional' THEN 1 ELSE 0 END;
END;
COMMENT ON FUNCTION provision.plan_priority(text) IS 'Priority of a tenant''s jobs by its plan.';

-- Fixed with the job: weights that followed what is learnt meanwhile would let its progress fall. A step nobody has completed yet has the
-- share that its workflow gives it.
CREATE OR REPLACE FUNCTION provision.weighed_steps(workflow_id bigint)
    RETURNS TABLE (ordinal smallint, name text, critical boolean, weight integer)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT step.ordinal, step.name, step.critical,
           greatest(1, round(1000 * coalesce(pace.typical / nullif(sum(pace.typical) OVER (), 0),
                                             step.weight / (sum(step.weight) OVER ())::double precision)))::integer
      FROM provision.step
      LEFT JOIN provision.step_pace AS pace ON pace.workflow_id = step.workflow_id AND pace.ordinal = step.ordinal
     WHERE step.workflow_id = weighed_steps.workflow_id;
END;
$$;
COMMENT ON FUNCTION provision.weighed_steps(bigint) IS 'The steps of a workflow with their shares of the progress of a job that is started now, in thousandths.';

CREATE OR REPLACE FUNCTION provision.insert_jobs(
    tenants text[], chosen provision.workflow, options jsonb, priority integer, run_at timestamptz, idempotency_key text, schedule_id bigint)
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    max_wait_ms constant bigint := coalesce(provision.interval_ms(options ->> 'max_wait'), chosen.max_wait_ms);
    deadline_ms constant bigint := coalesce(provision.interval_ms(options ->> 'deadline'), chosen.deadline_ms);
    new_jobs bigint[];
BEGIN
    WITH inserted AS (
        INSERT INTO provision.job (tenant_id, engine_id, site, workflow_id, workflow, state, priority, rank, due_at, options,
                                   has_flaw, rollback_on_failure, correlation_id, idempotency_key, created_by, max_wait_ms, deadline_ms, expires_at, schedule_id)
        SELECT tenant.tenant_id, engine.engine_id, provision.site_number(tenant, engine), chosen.workflow_id, chosen.name,
               CASE WHEN run_at > now() THEN 'scheduled' ELSE 'pending' END,
               wanted.priority,
               provision.queue_rank(greatest(run_at, clock_timestamp()), wanted.priority,
                                    provision.end_of_line(tenant.tenant_id), provision.plan_weight(tenant.plan)),
               CASE WHEN run_at > now() THEN run_at END,
               insert_jobs.options,
               insert_jobs.options ? 'skip_steps',
               coalesce((insert_jobs.options ->> 'rollback_on_failure')::boolean, chosen.rollback_on_failure),
               coalesce(insert_jobs.options ->> 'correlation_id', gen_random_uuid()::text),
               insert_jobs.idempotency_key, provision.actor(), max_wait_ms, deadline_ms,
               greatest(run_at, clock_timestamp()) + provision.ms(max_wait_ms), insert_jobs.schedule_id
          FROM (SELECT name, min(position) AS position FROM unnest(tenants) WITH ORDINALITY AS given (name, position) GROUP BY name) AS given
          JOIN provision.tenant ON tenant.name = given.name
          JOIN provision.engine ON engine.engine_id = CASE chosen.works_at WHEN 'home' THEN tenant.engine_id ELSE provision.engine_for(tenant.engine_id, chosen.works_at) END
         CROSS JOIN LATERAL (SELECT coalesce(insert_jobs.priority, provision.plan_priority(tenant.plan)) AS priority) AS wanted
         ORDER BY tenant.tenant_id      -- the same for everyone, so that two bulk starts cannot deadlock
        ON CONFLICT DO NOTHING
        RETURNING job_id
    )
    SELECT coalesce(array_agg(job_id ORDER BY job_id), '{}') INTO new_jobs FROM inserted;
    INSERT INTO provision.job_step (job_id, ordinal, name, critical, weight, state, finished_at)
    SELECT job.job_id, step.ordinal, step.name, step.critical, step.weight,
           CASE WHEN skipped.yes THEN 'skipped' ELSE 'waiting' END,
           CASE WHEN skipped.yes THEN now() END
      FROM unnest(new_jobs) AS job (job_id)
     CROSS JOIN provision.weighed_steps(chosen.workflow_id) AS step
     CROSS JOIN LATERAL (SELECT coalesce(insert_jobs.options -> 'skip_steps' ? step.name, false) AS yes) AS skipped;
    PERFORM provision.log_job_event(new_jobs, 'job_enqueued', NULL,
                                    CASE WHEN run_at > now() THEN 'scheduled' ELSE 'pending' END,
                                    CASE WHEN insert_jobs.schedule_id IS NOT NULL THEN jsonb_build_object('schedule_id', insert_jobs.schedule_id) END);
    RETURN new_jobs;
END;
$$;
COMMENT ON FUNCTION provision.insert_jobs(text[], provision.workflow, jsonb, integer, timestamptz, text, bigint)
    IS 'Inserts a job with its steps for each tenant that has no active one of this workflow; returns the new ones.';

CREATE OR REPLACE FUNCTION provision.enqueue_jobs(
    tenants text[], workflow text, options jsonb, priority integer, run_at timestamptz, idempotency_key text, schedule_id bigint DEFAULT NULL)
    RETURNS SETOF bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chosen provision.workflow := provision.current_workflow(enqueue_jobs.workflow);
    new_jobs bigint[];
BEGIN
    PERFORM provision.require_tenants(tenants, to_act => true);
    PERFORM provision.admit_requests(tenants);
    PERFORM provision.refuse_invalid_options(options, chosen);
    -- What every tenant has is not asked for at every start.
    PERFORM provision.refuse_missing_settings(tenants, chosen) WHERE NOT chosen.needs <@ '{company_name,country}';
    PERFORM provision.refuse_invalid_start(tenants, priority, run_at, idempotency_key);
    PERFORM provision.refuse_missing_engines(tenants, chosen);
    PERFORM provision.refuse_full_queue(tenants);
    IF chosen.works_at = 'site_maker' THEN
        PERFORM provision.prepare_site_jobs(tenants, chosen, options);
        options := options - 'confirmed' || jsonb_build_object('confirmed', provision.is_administrator());
    END IF;
    PERFORM provision.claim_companies(tenants) WHERE chosen.activates;
    new_jobs := provision.insert_jobs(tenants, chosen, options, priority, run_at, idempotency_key, schedule_id);
    IF cardinality(new_jobs) < cardinality(tenants) THEN
        PERFORM provision.refuse_tenants_going_back(tenants, chosen.name);
    END IF;
    IF new_jobs <> '{}' THEN
        PERFORM provision.wake_workers();
    END IF;
    RETURN QUERY
        SELECT (SELECT max(job.job_id)
                  FROM provision.job
                 WHERE job.tenant_id = tenant.tenant_id
                   AND job.workflow = chosen.name
                   AND job.state IN ('pending', 'scheduled', 'running', 'paused'))
          FROM unnest(tenants) WITH ORDINALITY AS given (name, position)
          JOIN provision.tenant ON tenant.name = given.name
         ORDER BY given.position;
END;
$$;
COMMENT ON FUNCTION provision.enqueue_jobs(text[], text, jsonb, integer, timestamptz, text, bigint)
    IS 'The active or new job of each tenant, in the order given. Error PV001 when the active one of a tenant rolls back.';
