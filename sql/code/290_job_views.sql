-- Views on jobs and tenants. Each shows the rows of the tenants that whoever looks may see, and is a barrier, so that no condition of the
-- looker's is asked of other rows first; what is counted over all jobs counts everybody's. They call no other function of ours
-- but work_before, because
-- a function in a view needs a right of whoever looks, and they read no more than a page of jobs needs: every
-- figure of a job comes from its own few steps.

-- Recent history is found without an index on time: at and before the job that called last.
CREATE OR REPLACE VIEW provision.newest_caller WITH (security_barrier) AS
    SELECT coalesce(max(latest.job_id), 9223372036854775807) AS job_id
      FROM (SELECT attempt.job_id
              FROM provision.attempt
             ORDER BY attempt.attempt_id DESC
             LIMIT 100) AS latest;
COMMENT ON VIEW provision.newest_caller IS 'The newest job among those that made the last 100 calls: where statistics look for recent jobs.';

CREATE OR REPLACE VIEW provision.job_status WITH (security_barrier) AS
    SELECT job.job_id,
           tenant.name AS tenant,
           job.workflow,
           job.state,
           CASE WHEN job.state IN ('completed', 'partial', 'rolled_back') THEN 100
                ELSE least(99, coalesce(steps.thousandths_done / (steps.weight_total * 10), 0))::integer END AS progress,
           CASE WHEN job.finished_at IS NULL THEN steps.first_open ELSE job.error_step END AS current_step,
           steps.steps_done,
           steps.steps_total,
           job.priority,
           steps.attempt_count,
           job.error_code,
           job.error_message,
           job.error_hint,
           (SELECT forecast.estimated_finish_at
              FROM provision.forecast
             WHERE forecast.job_id = job.job_id
               AND job.finished_at IS NULL) AS eta,
           job.created_at,
           job.started_at,
           job.finished_at,
           coalesce(job.finished_at, statement_timestamp()) - job.started_at AS duration,
           engine.name AS engine,
           job.due_at AS due_at,
           job.wish,
           job.direction,
           job.error_step,
           job.crash_count,
           job.correlation_id,
           job.idempotency_key,
           job.created_by,
           job.expires_at,
           job.schedule_id
      FROM provision.job
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
      JOIN provision.engine ON engine.engine_id = job.engine_id
      LEFT JOIN LATERAL (
           SELECT sum(job_step.weight * CASE WHEN job_step.state IN ('completed', 'skipped', 'undone') THEN 1000 ELSE job_step.share_done END) AS thousandths_done,
                  sum(job_step.weight) AS weight_total,
                  count(*) FILTER (WHERE job_step.state IN ('completed', 'skipped', 'undone')) AS steps_done,
                  count(*) AS steps_total,
                  sum(job_step.attempt_count) AS attempt_count,
                  (array_agg(job_step.name ORDER BY array_position('{running,retrying,ready,waiting}', job_step.state),
                                                     CASE job.direction WHEN 'back' THEN -job_step.ordinal ELSE job_step.ordinal END)
                      FILTER (WHERE job_step.finished_at IS NULL))[1] AS first_open
             FROM provision.job_step
            WHERE job_step.job_id = job.job_id) AS steps ON true
     WHERE (SELECT provision.sees_everything()) OR tenant.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[])
     ORDER BY job.job_id DESC;      -- a LIMIT cannot reach through the barrier, but it can stop what comes in the order that is asked for
COMMENT ON VIEW provision.job_status IS 'How are the jobs? One row for each; provision_jobs() gives them in pages.';
COMMENT ON COLUMN provision.job_status.progress IS '0 to 100: the shares of finished steps, by how long such steps took lately when the job was started, and of others what is done of them. It never falls during a run. 100 only when the job is completed, partial or rolled back. In direction back it is the share of steps that are undone.';
COMMENT ON COLUMN provision.job_status.current_step IS 'The step that runs, else waits to be tried again, else comes next; of an ended job the step that explains its error.';
COMMENT ON COLUMN provision.job_status.steps_done IS 'Steps that are completed, skipped or undone.';
COMMENT ON COLUMN provision.job_status.attempt_count IS 'Calls that were sent.';
COMMENT ON COLUMN provision.job_status.eta IS 'When it should end, as provision_queue_position() tells it. Null while nobody can say, which its unknown_because explains.';
COMMENT ON COLUMN provision.job_status.duration IS 'Since it was first claimed, waiting included.';
COMMENT ON COLUMN provision.job_status.due_at IS 'When a scheduled job goes on.';
COMMENT ON COLUMN provision.job_status.wish IS 'cancel, rollback, pause or expire (its deadline has passed): granted as soon as its calls in flight have ended.';
COMMENT ON COLUMN provision.job_status.expires_at IS 'When it fails: before its first claim if it has not started by then, afterwards if it has not ended. Null without a limit.';
COMMENT ON COLUMN provision.job_status.direction IS 'forward; back: what it made is being removed, or was.';

CREATE OR REPLACE VIEW provision.creation_status WITH (security_barrier) AS
    SELECT creation.creation_id,
           creation.job_id,
           tenant.name AS tenant,
           engine.name AS engine,
           job_step.name AS step,
           creation.kind,
           creation.name,
           CASE WHEN creation.undone_at IS NOT NULL THEN 'undone'
                WHEN creation.kept THEN 'kept'
                WHEN creation.left_reason IS NOT NULL THEN 'left'
                WHEN creation.name IS NULL THEN 'doubtful'
                ELSE 'made' END AS state,
           creation.left_reason AS reason,
           creation.made_at,
           creation.undone_at,
           creation.call,
           creation.attempt_id
      FROM provision.creation
      JOIN provision.job ON job.job_id = creation.job_id
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
      JOIN provision.engine ON engine.engine_id = job.engine_id
      JOIN provision.job_step ON job_step.job_id = creation.job_id AND job_step.ordinal = creation.ordinal
     WHERE (SELECT provision.sees_everything()) OR tenant.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]);
COMMENT ON VIEW provision.creation_status IS 'What have jobs made on the servers, and what became of it? What a rollback would remove.';
COMMENT ON COLUMN provision.creation_status.state IS 'made; doubtful: sent, and not known whether anything was made; undone: proven gone; kept: left on purpose, because the site needs it; left: the last rollback could not remove it.';
COMMENT ON COLUMN provision.creation_status.reason IS 'Why it is kept or left; the server''s own words where it has some.';

CREATE OR REPLACE VIEW provision.step_status WITH (security_barrier) AS
    SELECT job.job_id,
           tenant.name AS tenant,
           job_step.ordinal::integer AS ordinal,
           job_step.name AS step,
           job_step.state,
           step.critical,
           step.optional,
           job_step.weight,
           job_step.attempt_count,
           job_step.calls_done,
           job_step.calls_total,
           job_step.next_attempt_at,
           job_step.error_code,
           job_step.error_message,
           job_step.started_at,
           job_step.finished_at,
           coalesce(job_step.finished_at, statement_timestamp()) - job_step.started_at AS duration,
           step.title,
           job_step.error_hint,
           job_step.tries,
           step.max_attempts,
           job_step.waits_for,
           job_step.started_at + make_interval(secs => step.deadline_ms / 1000.0::double precision) AS deadline_at,
           job_step.result
      FROM provision.job
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
      JOIN provision.job_step ON job_step.job_id = job.job_id
      JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = job_step.ordinal
     WHERE (SELECT provision.sees_everything()) OR tenant.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]);
COMMENT ON VIEW provision.step_status IS 'Where exactly is a job? One row for each of its steps.';
COMMENT ON COLUMN provision.step_status.calls_done IS 'Calls of this step that are done; a call that had to be looked at again counts each time.';
COMMENT ON COLUMN provision.step_status.calls_total IS 'Calls its plan wanted when last asked.';
COMMENT ON COLUMN provision.step_status.weight IS 'Its share of the job''s progress in thousandths.';
COMMENT ON COLUMN provision.step_status.result IS 'What its plan found out, where it concludes with that: the drift of tenant_verify, the problems of preflight.';
COMMENT ON COLUMN provision.step_status.tries IS 'Failed tries in a row of the present call; at max_attempts the step fails.';
COMMENT ON COLUMN provision.step_status.deadline_at IS 'After this time it makes no further call. Null without a limit, and before it has started.';
COMMENT ON COLUMN provision.step_status.waits_for IS 'What another job''s step keeps it from; a remote job; or signal and its name: what provision_signal() brings.';

-- Of the workflows that make a tenant active, the newest job tells how far it is.
CREATE OR REPLACE VIEW provision.tenant_status WITH (security_barrier) AS
    SELECT tenant.name AS tenant,
           engine.name AS engine,
           CASE WHEN latest.job_id IS NULL THEN 'NOT_STARTED'
                WHEN status.state IN ('pending', 'scheduled', 'running', 'paused') THEN 'IN_PROGRESS'
                WHEN status.state = 'completed' THEN 'COMPLETED'
                WHEN status.state = 'partial' THEN 'PARTIAL'
                WHEN status.state = 'rolled_back' OR status.attempt_count = 0 AND status.state = 'cancelled' THEN 'NOT_STARTED'
                ELSE 'FAILED' END AS provisioning_status,
           CASE WHEN tenant.lifecycle = 'pending' AND status.started_at IS NOT NULL AND status.finished_at IS NULL
                THEN 'provisioning' ELSE tenant.lifecycle END AS lifecycle,
           latest.job_id,
           coalesce(status.progress, 0) AS progress,
           tenant.plan,
           status.current_step,
           status.error_code,
           status.error_message,
           tenant.created_at,
           tenant.updated_at
      FROM provision.tenant
      JOIN provision.engine ON engine.engine_id = tenant.engine_id
      LEFT JOIN LATERAL (SELECT job.job_id
                           FROM provision.job
                           JOIN provision.workflow ON workflow.workflow_id = job.workflow_id
                          WHERE job.tenant_id = tenant.tenant_id
                            AND workflow.activates
                          ORDER BY job.job_id DESC
                          LIMIT 1) AS latest ON true
      -- Looked up one by one: a barrier cannot be joined but as a whole.
      LEFT JOIN LATERAL (SELECT * FROM provision.job_status WHERE job_status.job_id = latest.job_id OFFSET 0) AS status ON true
     WHERE (SELECT provision.sees_everything()) OR tenant.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]);
COMMENT ON VIEW provision.tenant_status IS 'How are the tenants? One row for each, with its newest job that sets it up.';
COMMENT ON COLUMN provision.tenant_status.provisioning_status IS 'NOT_STARTED, IN_PROGRESS, COMPLETED, PARTIAL, or FAILED (also: cancelled after something was sent).';

-- Bounded, so that a look at it costs the same however long the lines are. Everybody's jobs count before those of others are left out.
CREATE OR REPLACE VIEW provision.queue WITH (security_barrier) AS
    SELECT forecast.jobs_ahead + 1 AS queue_position,
           job.job_id,
           tenant.name AS tenant,
           engine.name AS engine,
           job.priority,
           job.created_at AS waiting_since,
           forecast.estimated_start_at,
           job.workflow,
           forecast.estimated_finish_at,
           forecast.earliest_finish_at,
           forecast.latest_finish_at,
           forecast.unknown_because
      FROM provision.engine
     CROSS JOIN LATERAL (SELECT pending.*
                           FROM provision.job AS pending
                          WHERE pending.engine_id = engine.engine_id
                            AND pending.state = 'pending'
                            AND NOT pending.awaits_remote
                          ORDER BY pending.rank, pending.job_id
                          LIMIT 5000) AS job
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
     CROSS JOIN LATERAL (SELECT * FROM provision.forecast WHERE forecast.job_id = job.job_id OFFSET 0) AS forecast
     WHERE (SELECT provision.sees_everything()) OR tenant.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]);
COMMENT ON VIEW provision.queue IS 'Who waits, in which order, how long? The first 5,000 pending jobs of each engine; provision_queue_position() tells the place of any.';
COMMENT ON COLUMN provision.queue.queue_position IS '1 is the next of its engine.';
COMMENT ON COLUMN provision.queue.estimated_start_at IS 'This and the times after it are those of provision_queue_position().';
COMMENT ON COLUMN provision.queue.unknown_because IS 'Why there are no times: no history, paused, engine paused, everything paused, worker stopped, rolling back, key missing or waits for a signal.';

-- A failed job that was started anew needs nobody any more: the newest of its tenant and workflow speaks.
CREATE OR REPLACE VIEW provision.dead_letter WITH (security_barrier) AS
    SELECT job.job_id,
           tenant.name AS tenant,
           job.workflow,
           job.state,
           job.error_step AS step,
           job.error_code,
           job.error_message,
           job.error_hint,
           job.finished_at AS failed_at,
           (SELECT sum(job_step.attempt_count) FROM provision.job_step WHERE job_step.job_id = job.job_id) AS attempt_count,
           engine.name AS engine
      FROM provision.job
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
      JOIN provision.engine ON engine.engine_id = job.engine_id
     WHERE ((SELECT provision.sees_everything()) OR tenant.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]))
       AND job.state IN ('failed', 'partial')
       AND job.job_id = (SELECT max(newest.job_id)
                           FROM provision.job AS newest
                          WHERE newest.tenant_id = job.tenant_id
                            AND newest.workflow = job.workflow);
COMMENT ON VIEW provision.dead_letter IS 'What needs a person? Jobs that failed or ended in part, unless a newer one of the same tenant and workflow exists.';
