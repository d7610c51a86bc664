-- What must hold of the tables at every commit, whatever died before: for tests, and for whoever wants to know whether a database is sound.
-- Each rule is a function that returns who breaks it; the sentence that names a rule is what must hold.

-- "In flight" and "of its owner" compare what one statement sees; only the death of a worker is seen outside of its snapshot.
CREATE OR REPLACE FUNCTION provision.jobs_that_break_rules()
    RETURNS TABLE (invariant text, culprit text)
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT 'a tenant has one active job of a workflow', format('jobs %s', string_agg(job.job_id::text, ', ' ORDER BY job.job_id))
      FROM provision.job
     WHERE job.state IN ('pending', 'scheduled', 'running', 'paused')
     GROUP BY job.tenant_id, job.workflow
    HAVING count(*) > 1
    UNION ALL
    SELECT 'a job has every step of its workflow once', format('job %s', job.job_id)
      FROM provision.job
     WHERE ARRAY(SELECT step.ordinal FROM provision.step WHERE step.workflow_id = job.workflow_id ORDER BY 1)
        <> ARRAY(SELECT job_step.ordinal FROM provision.job_step WHERE job_step.job_id = job.job_id ORDER BY 1)
    UNION ALL
    SELECT 'a job that runs belongs to a worker that lives', format('job %s', job.job_id)
      FROM provision.job
     WHERE job.owner IS NOT NULL
       AND NOT EXISTS (SELECT FROM provision.worker
                        WHERE worker.incarnation = job.owner
                          AND worker.ended_at IS NULL
                          AND provision.is_alive(worker.incarnation, worker.pid))
    UNION ALL
    SELECT 'an ended job owns and awaits nothing', format('job %s', job.job_id)
      FROM provision.job
     WHERE job.finished_at IS NOT NULL
       AND num_nonnulls(job.owner, job.due_at, job.wish) + job.slots > 0
    UNION ALL
    SELECT 'a failed job says why', format('job %s', job.job_id)
      FROM provision.job
     WHERE job.state IN ('failed', 'partial')
       AND (job.error_code IS NULL OR job.error_message IS NULL)
    UNION ALL
    SELECT 'an engine makes no more calls at once than it may', format('engine %s', engine.name)
      FROM provision.engine
      JOIN provision.job ON job.engine_id = engine.engine_id AND job.state = 'running'
      JOIN provision.job_step ON job_step.job_id = job.job_id AND job_step.attempt_id IS NOT NULL
     GROUP BY engine.engine_id
    HAVING count(*) > engine.max_concurrent
    UNION ALL
    SELECT 'an engine has no more jobs of Frappe Agent than it may', format('engine %s', engine.name)
      FROM provision.engine
      JOIN provision.remote_job AS remote ON remote.engine_id = engine.engine_id AND remote.ended_at IS NULL
     GROUP BY engine.engine_id
    HAVING engine.kind = 'frappe_agent' AND count(DISTINCT remote.job_id) > engine.max_jobs
    UNION ALL
    SELECT 'a job of Frappe Agent is awaited by a job that has not ended', format('job %s, %s', remote.job_id, remote.call)
      FROM provision.remote_job AS remote
      JOIN provision.job ON job.job_id = remote.job_id AND job.finished_at IS NOT NULL
     WHERE remote.ended_at IS NULL;
END;
COMMENT ON FUNCTION provision.jobs_that_break_rules() IS 'Rules about jobs, and who breaks them.';

CREATE OR REPLACE FUNCTION provision.steps_that_break_rules()
    RETURNS TABLE (invariant text, culprit text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT broken.invariant, format('job %s, %s', job.job_id, job_step.name)
      FROM provision.job_step
      JOIN provision.job ON job.job_id = job_step.job_id
     CROSS JOIN LATERAL (
           SELECT 'a completed job has only completed and skipped steps' AS invariant
            WHERE job.state = 'completed' AND job_step.state NOT IN ('completed', 'skipped')
           UNION ALL
           SELECT 'a step of an ended job has ended or never began'
            WHERE job.finished_at IS NOT NULL AND job_step.finished_at IS NULL
              AND NOT (job.state = 'cancelled' AND job_step.state = 'waiting')
           UNION ALL
           SELECT 'only steps of running jobs make calls'
            WHERE job_step.attempt_id IS NOT NULL AND job.state <> 'running') AS broken
    UNION ALL
    SELECT 'a job holds a slot for each of its calls', format('job %s', job.job_id)
      FROM provision.job
      JOIN provision.job_step ON job_step.job_id = job.job_id AND job_step.attempt_id IS NOT NULL
     GROUP BY job.job_id
    HAVING count(*) > job.slots
    UNION ALL
    SELECT 'an exclusion is held by a job that runs', held.exclusion
      FROM provision.exclusion AS held
     WHERE NOT EXISTS (SELECT FROM provision.job WHERE job.job_id = held.job_id AND job.state = 'running')
       AND NOT provision.awaits_agent(held.job_id, held.ordinal);
END;
COMMENT ON FUNCTION provision.steps_that_break_rules() IS 'Rules about steps and what they hold, and who breaks them.';

CREATE OR REPLACE FUNCTION provision.attempts_that_break_rules()
    RETURNS TABLE (invariant text, culprit text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'a call in flight has an open attempt of its job''s worker', format('job %s, %s', job.job_id, job_step.name)
      FROM provision.job_step
      JOIN provision.job ON job.job_id = job_step.job_id
     WHERE job_step.attempt_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM provision.attempt
                        WHERE attempt.attempt_id = job_step.attempt_id
                          AND attempt.job_id = job_step.job_id
                          AND attempt.ordinal = job_step.ordinal
                          AND attempt.incarnation = job.owner
                          AND attempt.finished_at IS NULL)
    UNION ALL
    SELECT 'an attempt without an outcome is a call in flight', format('attempt %s', attempt.attempt_id)
      FROM provision.attempt
     WHERE attempt.finished_at IS NULL
       AND NOT EXISTS (SELECT FROM provision.job_step
                        WHERE job_step.job_id = attempt.job_id
                          AND job_step.ordinal = attempt.ordinal
                          AND job_step.attempt_id = attempt.attempt_id)
    UNION ALL
    -- History may be removed an hour after a job has ended, not before.
    SELECT 'a step counts the attempts that were written', format('job %s, %s', job_step.job_id, job_step.name)
      FROM provision.job
      JOIN provision.job_step ON job_step.job_id = job.job_id
      LEFT JOIN (SELECT attempt.job_id, attempt.ordinal, count(*) AS attempts
                   FROM provision.attempt
                  GROUP BY attempt.job_id, attempt.ordinal) AS written
             ON written.job_id = job_step.job_id AND written.ordinal = job_step.ordinal
     WHERE job.created_at > statement_timestamp() - interval '1 hour'
       AND job_step.attempt_count <> coalesce(written.attempts, 0);
END;
COMMENT ON FUNCTION provision.attempts_that_break_rules() IS 'Rules about attempts, and who breaks them.';

CREATE OR REPLACE FUNCTION provision.events_that_break_rules()
    RETURNS TABLE (invariant text, culprit text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'the last event of a job tells its state', format('job %s: %s, event %s', job.job_id, job.state, coalesce(last.to_state, 'none'))
      FROM provision.job
      LEFT JOIN (SELECT DISTINCT ON (event.job_id) event.job_id, event.to_state
                   FROM provision.event
                  WHERE event.event LIKE 'job\_%' AND event.to_state IS NOT NULL
                  ORDER BY event.job_id, event.event_id DESC) AS last ON last.job_id = job.job_id
     WHERE job.created_at > statement_timestamp() - interval '1 hour'
       AND last.to_state IS DISTINCT FROM CASE WHEN job.awaits_remote THEN 'scheduled' ELSE job.state END
    UNION ALL
    SELECT 'the last event of an ended step tells its state', format('job %s, %s: %s, event %s', job_step.job_id, job_step.name, job_step.state, last.to_state)
      FROM provision.job
      JOIN provision.job_step ON job_step.job_id = job.job_id AND job_step.finished_at IS NOT NULL
      JOIN (SELECT DISTINCT ON (event.job_id, event.step) event.job_id, event.step, event.to_state
              FROM provision.event
             WHERE event.event LIKE 'step\_%' AND event.to_state IS NOT NULL
             ORDER BY event.job_id, event.step, event.event_id DESC) AS last
        ON last.job_id = job_step.job_id AND last.step = job_step.name
     WHERE job.created_at > statement_timestamp() - interval '1 hour'
       AND last.to_state <> job_step.state;
END;
COMMENT ON FUNCTION provision.events_that_break_rules() IS 'Rules about the history, and who breaks them.';

CREATE OR REPLACE FUNCTION provision.invariants()
    RETURNS TABLE (invariant text, violations bigint, example text)
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT coalesce(rule.name, broken.invariant), count(broken.culprit), min(broken.culprit)
      FROM unnest(ARRAY['a tenant has one active job of a workflow',
                        'a job has every step of its workflow once',
                        'a job that runs belongs to a worker that lives',
                        'an ended job owns and awaits nothing',
                        'a failed job says why',
                        'an engine makes no more calls at once than it may',
                        'an engine has no more jobs of Frappe Agent than it may',
                        'a job of Frappe Agent is awaited by a job that has not ended',
                        'a completed job has only completed and skipped steps',
                        'a step of an ended job has ended or never began',
                        'only steps of running jobs make calls',
                        'a job holds a slot for each of its calls',
                        'an exclusion is held by a job that runs',
                        'a call in flight has an open attempt of its job''s worker',
                        'an attempt without an outcome is a call in flight',
                        'a step counts the attempts that were written',
                        'the last event of a job tells its state',
                        'the last event of an ended step tells its state']) WITH ORDINALITY AS rule (name, position)
      FULL JOIN (SELECT * FROM provision.jobs_that_break_rules()
                 UNION ALL
                 SELECT * FROM provision.steps_that_break_rules()
                 UNION ALL
                 SELECT * FROM provision.attempts_that_break_rules()
                 UNION ALL
                 SELECT * FROM provision.events_that_break_rules()) AS broken ON broken.invariant = rule.name
     GROUP BY rule.position, coalesce(rule.name, broken.invariant)
     ORDER BY rule.position;
END;
COMMENT ON FUNCTION provision.invariants() IS
    'What must hold of the tables, one row for each rule: how many break it, and one of them. All are 0 in a sound database, also while workers run; for the moment between the death of a worker and its rescue, its jobs break the rule on living workers. Reads whole tables; rules about history look at jobs of the last hour, whose history nothing has removed.';
