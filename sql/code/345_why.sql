-- provision_why: every reason why a job is not running or not done, each with what to do about it.

CREATE OR REPLACE FUNCTION provision.why_ended(job provision.job)
    RETURNS TABLE (reason text, detail text, fix text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'completed', format('It ended at %s; there is nothing to do.', (job).finished_at), NULL
     WHERE (job).state = 'completed'
    UNION ALL
    SELECT 'rolled back', concat_ws(' ', format('What it had made was removed by %s.', (job).finished_at),
                                    'It had failed: ' || ((job).earlier_failure ->> 'message')), format('SELECT provision_start(%L, %L);', tenant.name, (job).workflow)
      FROM provision.tenant
     WHERE tenant.tenant_id = (job).tenant_id
       AND (job).state = 'rolled_back'
    UNION ALL
    SELECT CASE WHEN thing.kept THEN 'kept on purpose' ELSE 'not removed' END,
           format('%s "%s" of %s: %s', thing.kind, coalesce(thing.name, '?'), thing.step, coalesce(thing.reason, 'not tried yet')),
           CASE WHEN NOT thing.kept THEN format('SELECT provision_rollback(%s);', (job).job_id) END
      FROM provision.left_by_job((job).job_id) AS thing
     WHERE (job).direction = 'back'
    UNION ALL
    SELECT 'cancelled', concat_ws(' ', format('%s cancelled it at %s.', coalesce((job).wish_actor, 'Somebody'), (job).finished_at),
                                  'Reason: ' || (job).wish_reason),
           format('SELECT %s(%s);', CASE (job).direction WHEN 'back' THEN 'provision_rollback' ELSE 'provision_retry' END, (job).job_id)
     WHERE (job).state = 'cancelled'
    UNION ALL
    SELECT 'left to the server', format('Job %s of the server%s goes on, and what it makes stays.', remote.remote_id, ' (' || nullif(remote.title, '') || ')'),
           CASE WHEN remote.title = 'New Site' THEN format('SELECT provision_rollback(%s);', (job).job_id) END
      FROM provision.remote_job AS remote
     WHERE remote.job_id = (job).job_id
       AND remote.status = 'Left'
       AND remote.remote_id IS NOT NULL
       AND (job).state IN ('failed', 'cancelled')
    UNION ALL
    SELECT 'site may be gone', provision.doubt_in_words(tenant.name), format('SELECT provision_retry(%s);', (job).job_id)
      FROM provision.tenant
      JOIN provision.workflow ON workflow.workflow_id = (job).workflow_id AND workflow.deletes
     WHERE tenant.tenant_id = (job).tenant_id
       AND tenant.lifecycle = 'deleting'
       AND tenant.lifecycle_before IS NULL
       AND (job).state = 'cancelled'        -- the error of one that failed says so itself
    UNION ALL
    SELECT 'job failed', concat_ws(' ', (job).error_code || ':', (job).error_message, (job).error_hint),
           format('SELECT %s(%s);', CASE (job).direction WHEN 'back' THEN 'provision_rollback' ELSE 'provision_retry' END, (job).job_id)
     WHERE (job).state IN ('failed', 'partial') AND ((job).error_step IS NULL OR (job).direction = 'back')
    UNION ALL
    (SELECT 'step failed', concat_ws(' ', job_step.name || ':', job_step.error_code || ':', job_step.error_message, job_step.error_hint),
            format('SELECT %s(%s);', CASE (job).direction WHEN 'back' THEN 'provision_rollback' ELSE 'provision_retry' END, (job).job_id)
       FROM provision.job_step
      WHERE job_step.job_id = (job).job_id
        AND job_step.state = 'failed'
        AND (job).state IN ('failed', 'partial')
      ORDER BY job_step.ordinal)
    UNION ALL
    SELECT 'steps blocked', format('Not run, because a step before them failed: %s.', string_agg(job_step.name, ', ' ORDER BY job_step.ordinal)), NULL
      FROM provision.job_step
     WHERE job_step.job_id = (job).job_id
       AND job_step.state = 'blocked'
       AND (job).direction = 'forward'
       AND (job).state IN ('failed', 'partial')
    HAVING count(*) > 0;
END;
COMMENT ON FUNCTION provision.why_ended(provision.job) IS 'How a job came to its end; no row while it is active.';

-- Names stand in provision.databases as in postgresql.conf, quoted or not.
CREATE OR REPLACE FUNCTION provision.is_listed_database()
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(current_setting('provision.databases', true), '') = ''
           OR current_database() IN (SELECT btrim(listed.name, E' \t"') FROM regexp_split_to_table(current_setting('provision.databases', true), ',') AS listed (name));
END;
COMMENT ON FUNCTION provision.is_listed_database() IS 'The launcher looks after this database.';

CREATE OR REPLACE FUNCTION provision.why_idle()
    RETURNS TABLE (reason text, detail text, fix text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT cause.*
      FROM provision.server_facts() AS here
     CROSS JOIN LATERAL (
            SELECT 'worker not running', 'This server is a standby; the worker starts when it is promoted.', NULL
             WHERE pg_is_in_recovery()
            UNION ALL
            SELECT 'worker processes used up', format('Of max_worker_processes (%s) a quarter is left to others and the rest is in use, so no worker can start in this database.',
                                                          current_setting('max_worker_processes')),
                   format('ALTER SYSTEM SET max_worker_processes = %s; and restart the server.', current_setting('max_worker_processes')::integer + 8)
             WHERE here.lacks_processes
            UNION ALL
            SELECT 'database not listed', format('provision.databases names %s, but not this database.', current_setting('provision.databases', true)),
                   'ALTER SYSTEM RESET provision.databases; SELECT pg_reload_conf();'
             WHERE here.is_preloaded AND NOT provision.is_listed_database()
            UNION ALL
            SELECT 'worker not running', 'No worker of this database is alive.', 'SELECT provision_worker_start();') AS cause (reason, detail, fix)
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.why_idle() IS 'Why no worker is alive although none was stopped: the first cause that applies.';

CREATE OR REPLACE FUNCTION provision.why_worker()
    RETURNS TABLE (reason text, detail text, fix text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'restored copy', copy.detail || ' Its jobs wait, because they may be run elsewhere too.', 'SELECT provision_adopt();'
      FROM provision.copy_detail() AS copy (detail)
     WHERE copy.detail IS NOT NULL
    UNION ALL
    SELECT 'no role to plan as', problem.detail || ' Jobs wait.', problem.fix
      FROM provision.planner_problem() AS problem
    UNION ALL
    SELECT 'everything paused', concat_ws(' ', format('%s paused everything at %s.', control.paused_by, control.paused_at), 'Reason: ' || control.paused_reason),
           'SELECT provision_resume_all();'
      FROM provision.control
     WHERE control.paused_at IS NOT NULL
    UNION ALL
    SELECT 'worker stopped', format('provision_worker_stop() was called at %s.', control.worker_stopped_at), 'SELECT provision_worker_start();'
      FROM provision.control
     WHERE control.worker_stopped_at IS NOT NULL
    UNION ALL
    SELECT idle.reason, idle.detail, idle.fix
      FROM provision.control
     CROSS JOIN LATERAL provision.why_idle() AS idle
     WHERE control.worker_stopped_at IS NULL
       AND provision.copy_detail() IS NULL
       AND NOT EXISTS (SELECT FROM provision.worker WHERE worker.ended_at IS NULL AND provision.is_alive(worker.incarnation, worker.pid));
END;
COMMENT ON FUNCTION provision.why_worker() IS 'Why nothing is done in this database; no row when somebody works.';

CREATE OR REPLACE FUNCTION provision.why_engine(job provision.job)
    RETURNS TABLE (reason text, detail text, fix text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH engine AS (
        SELECT engine.*, state.paused_at, state.paused_reason, state.not_before, state.breaker, state.breaker_until, state.probe_job_id, state.failures_in_a_row,
               (SELECT ' by jobs ' || string_agg(holder.job_id::text, ', ' ORDER BY holder.job_id)
                  FROM (SELECT job.job_id FROM provision.job WHERE job.engine_id = engine.engine_id AND job.state = 'running' ORDER BY job.job_id LIMIT 20) AS holder
                 WHERE (SELECT provision.sees_everything())) AS holders
          FROM provision.engine
          JOIN provision.engine_state AS state ON state.engine_id = engine.engine_id
         WHERE engine.engine_id = (job).engine_id
    )
    SELECT 'engine paused', concat_ws(' ', format('Engine "%s" was paused at %s.', engine.name, engine.paused_at), 'Reason: ' || engine.paused_reason),
           format('SELECT provision_engine_resume(%L);', engine.name)
      FROM engine
     WHERE engine.paused_at IS NOT NULL
    UNION ALL
    SELECT 'engine asked to wait', format('The server of engine "%s" takes no calls before %s (Retry-After).', engine.name, engine.not_before),
           format('SELECT provision_engine_resume(%L);', engine.name)
      FROM engine
     WHERE engine.not_before > clock_timestamp()
    UNION ALL
    SELECT 'breaker open', CASE engine.breaker
               WHEN 'open' THEN format('Engine "%s" failed %s times in a row; one job tries it again at %s.', engine.name, engine.failures_in_a_row, engine.breaker_until)
               ELSE format('Job %s is trying whether engine "%s" is back.', engine.probe_job_id, engine.name) END, NULL
      FROM engine
     WHERE engine.breaker <> 'closed'
       AND engine.probe_job_id IS DISTINCT FROM (job).job_id
    UNION ALL
    SELECT 'credentials missing', format('Neither engine "%s" nor the tenant has credentials.', engine.name),
           format('SELECT provision_engine_secret(%L, ''...'', ''...'');', engine.name)
      FROM engine
     WHERE NOT EXISTS (SELECT FROM provision.secret WHERE (secret.engine_id = engine.engine_id OR secret.tenant_id = (job).tenant_id) AND secret.name = 'credentials')
    UNION ALL
    SELECT 'engine busy', format('All %s calls at once of engine "%s" are in use%s.', engine.max_concurrent, engine.name, engine.holders),
           format('SELECT provision_engine_update(%L, ''{"max_concurrent": %s}'');', engine.name, least(10000, engine.max_concurrent * 2))
      FROM engine
     WHERE (job).state = 'pending'
       AND provision.slots_in_use(engine.engine_id) >= engine.max_concurrent
    UNION ALL
    SELECT 'agent busy', format('Frappe Agent of engine "%s" has as many jobs to do as it gets at once (max_jobs %s).', engine.name, engine.max_jobs),
           format('SELECT provision_engine_update(%L, ''{"max_jobs": %s}'');', engine.name, least(10000, engine.max_jobs * 2))
      FROM engine
     WHERE (job).state = 'pending'
       AND (job).run_started_at IS NULL
       AND provision.free_places(engine.engine_id) <= 0
    UNION ALL
    SELECT 'rate limit', format('Engine "%s" takes %s calls per second.', engine.name, engine.rate_per_second),
           format('SELECT provision_engine_update(%L, ''{"rate_per_second": %s}'');', engine.name, least(100000, engine.rate_per_second * 2))
      FROM engine
     WHERE (job).state = 'running'
       AND (job).due_at > statement_timestamp()
       AND engine.rate_per_second IS NOT NULL
       AND NOT EXISTS (SELECT FROM provision.job_step WHERE job_step.job_id = (job).job_id AND job_step.attempt_id IS NOT NULL);
END;
COMMENT ON FUNCTION provision.why_engine(provision.job) IS 'What its engine keeps a job from.';

CREATE OR REPLACE FUNCTION provision.why_job(job provision.job)
    RETURNS TABLE (reason text, detail text, fix text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'paused', concat_ws(' ', 'It waits for provision_resume().',
               (SELECT format('%s paused it at %s.', event.actor, event.at) FROM provision.event
                 WHERE event.job_id = (job).job_id AND event.event IN ('job_paused', 'job_pause_requested') ORDER BY event.event_id DESC LIMIT 1)),
           format('SELECT provision_resume(%s);', (job).job_id)
     WHERE (job).state = 'paused'
    UNION ALL
    SELECT CASE (job).wish WHEN 'expire' THEN 'deadline passed' ELSE (job).wish || ' asked for' END,
           concat_ws(' ', CASE (job).wish WHEN 'expire' THEN format('It was to end by %s.', (job).expires_at)
                                          ELSE format('%s asked for it.', (job).wish_actor) END,
                     coalesce((SELECT format('It waits for %s to end, at the latest at %s.',
                                             string_agg(format('call "%s"', attempt.call), ', ' ORDER BY attempt.attempt_id),
                                             max(attempt.started_at + provision.ms(attempt.timeout_ms)))
                                 FROM provision.job_step
                                 JOIN provision.attempt ON attempt.attempt_id = job_step.attempt_id
                                WHERE job_step.job_id = (job).job_id
                               HAVING count(*) > 0),
                              CASE WHEN (job).wish IN ('cancel', 'rollback') AND provision.is_to_be_withdrawn((job).job_id)
                                   THEN 'Frappe Agent is to take back first what it has to do for it.' ELSE 'It is granted at once.' END)),
           CASE WHEN (job).state = 'pending' AND (job).wish IN ('cancel', 'rollback')
                THEN format('SELECT provision_cancel(%s%s);', (job).job_id, CASE (job).wish WHEN 'rollback' THEN ', rollback => true' END) END
     WHERE (job).wish IS NOT NULL
    UNION ALL
    SELECT 'time limit', format(CASE WHEN (job).run_started_at IS NULL THEN 'It fails at %s if it has not started by then.'
                                     ELSE 'It fails at %s if it has not ended by then.' END, (job).expires_at), NULL
     WHERE (job).expires_at IS NOT NULL AND (job).wish IS DISTINCT FROM 'expire'
    UNION ALL
    SELECT 'key missing', 'A secret cannot be opened. ' || key_wait.reason, provision.key_fix()
      FROM provision.key_wait
     WHERE key_wait.job_id = (job).job_id
       AND (job).state = 'scheduled'
    UNION ALL
    SELECT 'scheduled', format('It goes on at %s.', (job).due_at), NULL
     WHERE (job).state = 'scheduled'
       AND NOT EXISTS (SELECT FROM provision.key_wait WHERE key_wait.job_id = (job).job_id)
       AND NOT EXISTS (SELECT FROM provision.job_step WHERE job_step.job_id = (job).job_id AND starts_with(job_step.waits_for, 'signal '))
    UNION ALL
    SELECT 'queued', format('It is number %s in the queue of engine "%s": %s jobs ahead, priority %s.%s', concat(CASE WHEN NOT forecast.is_exact THEN 'about ' END, forecast.jobs_ahead + 1),
                            (SELECT engine.name FROM provision.engine WHERE engine.engine_id = (job).engine_id), forecast.jobs_ahead, (job).priority,
                            CASE WHEN (job).run_started_at IS NULL THEN ' It should start at ' || date_trunc('second', forecast.estimated_start_at) || '.' END), NULL
      FROM provision.forecast
     WHERE forecast.job_id = (job).job_id
       AND (job).state = 'pending'
    UNION ALL
    SELECT 'crashed before', format('It was in flight in the last %s crashes of its worker.', (job).crash_count), NULL
     WHERE (job).crash_count > 0;
END;
COMMENT ON FUNCTION provision.why_job(provision.job) IS 'What an active job itself waits for.';

CREATE OR REPLACE FUNCTION provision.why_steps(job provision.job)
    RETURNS TABLE (reason text, detail text, fix text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN step.state = 'failed' THEN 'step failed'
                WHEN step.state = 'blocked' THEN 'step blocked'
                WHEN step.state = 'retrying' THEN 'next attempt later'
                WHEN step.waits_for = 'a remote job' THEN 'waits for the server'
                WHEN starts_with(step.waits_for, 'place at ') THEN 'agent busy'
                WHEN signal.name IS NOT NULL THEN 'waits for a signal'
                WHEN step.waits_for IS NOT NULL THEN 'excluded'
                ELSE 'call in flight' END,
           CASE WHEN step.state IN ('failed', 'blocked')
                THEN concat_ws(' ', step.name || ':', step.error_code || ':', step.error_message, step.error_hint)
                WHEN step.state = 'retrying'
                THEN concat_ws(' ', format('%s is tried again at %s after %s.', step.name, step.next_attempt_at, coalesce(step.error_code, 'a pause')), step.error_message)
                WHEN step.waits_for = 'a remote job'
                THEN (SELECT format('%s waits for job %s of its server (%s), asked for again at %s.', step.name, remote.remote_id, lower(remote.status), date_trunc('second', remote.next_poll_at))
                        FROM provision.remote_job AS remote
                       WHERE remote.job_id = step.job_id AND remote.ordinal = step.ordinal
                       ORDER BY remote.ended_at NULLS FIRST
                       LIMIT 1)
                WHEN starts_with(step.waits_for, 'place at ')
                THEN format('%s waits for a %s, whose Frappe Agent has as many jobs to do as it gets at once (max_jobs).', step.name, step.waits_for)
                WHEN signal.name IS NOT NULL
                THEN format('%s waits for signal "%s" since %s, and fails at %s if it has not come.', step.name, signal.name, signal.asked_at, signal.expires_at)
                WHEN step.waits_for IS NOT NULL
                THEN format('%s waits for "%s", held by %s.', step.name, step.waits_for, coalesce('job ' || exclusion.job_id, 'nobody any more'))
                ELSE format('%s: call "%s" (%s) since %s, at most %s s.', step.name, attempt.call, attempt.method, attempt.started_at, trim_scale(attempt.timeout_ms / 1000.0)) END,
           CASE WHEN signal.name IS NOT NULL THEN format('SELECT provision_signal(%s, %L, ''{...}'');', (job).job_id, signal.name) END
      FROM provision.job_step AS step
      LEFT JOIN provision.exclusion ON exclusion.exclusion = step.waits_for
      LEFT JOIN provision.signal ON signal.job_id = step.job_id AND step.waits_for = 'signal ' || signal.name
      LEFT JOIN provision.attempt ON attempt.attempt_id = step.attempt_id
     WHERE step.job_id = (job).job_id
       AND (step.state IN ('failed', 'retrying') OR step.state = 'blocked' AND (job).direction = 'forward' OR step.waits_for IS NOT NULL OR step.attempt_id IS NOT NULL)
     ORDER BY step.ordinal;
END;
COMMENT ON FUNCTION provision.why_steps(provision.job) IS 'What the steps of an active job are at or wait for.';

CREATE OR REPLACE FUNCTION @extschema@.provision_why(job_id bigint)
    RETURNS TABLE (reason text, detail text, fix text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job provision.job;
BEGIN
    PERFORM provision.require_job(provision_why.job_id, to_act => false);
    SELECT * INTO job FROM provision.job AS asked WHERE asked.job_id = provision_why.job_id;
    IF job.finished_at IS NOT NULL THEN
        RETURN QUERY SELECT * FROM provision.why_ended(job);
    ELSIF job.state = 'paused' THEN
        RETURN QUERY SELECT * FROM provision.why_job(job);
    ELSE
        RETURN QUERY SELECT * FROM provision.why_worker();
        RETURN QUERY SELECT * FROM provision.why_engine(job);
        RETURN QUERY SELECT * FROM provision.why_job(job);
        RETURN QUERY SELECT * FROM provision.why_steps(job);
    END IF;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_why(bigint) IS
    'Why is the job not running, or not done? One row for each reason, the widest first; fix is a statement to run, where there is one. Errors: 42501 not a member of the job''s tenant, 42704 job (for platform members).';

CREATE OR REPLACE FUNCTION @extschema@.provision_why(tenant text)
    RETURNS TABLE (reason text, detail text, fix text)
    LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT * FROM @extschema@.provision_why(provision.newest_job(provision_why.tenant));
END;
COMMENT ON FUNCTION @extschema@.provision_why(text) IS 'provision_why() of the tenant''s newest job.';
