-- What a customer may be shown of an onboarding: no server, no step, no error of ours.

CREATE OR REPLACE VIEW provision.onboarding_status WITH (security_barrier) AS
    SELECT job.job_id,
           tenant.name AS tenant,
           CASE WHEN job.state IN ('completed', 'partial') THEN 'completed'
                WHEN job.state = 'failed' THEN 'failed'
                WHEN job.direction = 'back' OR job.state IN ('cancelled', 'rolled_back') THEN 'cancelled'
                WHEN turn.has_not_come THEN 'pending'
                WHEN steps.migration_began THEN 'migrating'
                WHEN steps.has_credentials OR EXISTS (SELECT FROM provision.signal
                                                       WHERE signal.job_id = job.job_id AND signal.name = 'credentials' AND signal.received_at IS NOT NULL)
                THEN 'credentials_received'
                ELSE 'in_progress' END AS status,
           CASE WHEN turn.has_not_come THEN forecast.jobs_ahead + 1 END AS queue_position,
           CASE WHEN turn.has_not_come THEN forecast.jobs_ahead END AS jobs_ahead,
           CASE WHEN turn.has_not_come AND forecast.estimated_start_at IS NOT NULL THEN greatest(forecast.estimated_start_at - statement_timestamp(), '0') END AS estimated_wait,
           forecast.estimated_finish_at,
           forecast.earliest_finish_at,
           forecast.latest_finish_at,
           awaited.expires_at AS credentials_wanted_until,
           tenant.plan,
           job.created_at AS requested_at,
           job.started_at,
           job.finished_at
      FROM provision.job
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
     CROSS JOIN LATERAL (SELECT job.run_started_at IS NULL AND job.finished_at IS NULL AND job.direction = 'forward' AS has_not_come) AS turn     -- a retry waits for it again
     CROSS JOIN LATERAL (SELECT bool_or(job_step.name = 'credentials' AND job_step.state IN ('completed', 'skipped')) AS has_credentials,
                                bool_or(job_step.name LIKE 'step\_%' AND job_step.started_at IS NOT NULL) AS migration_began
                           FROM provision.job_step
                          WHERE job_step.job_id = job.job_id) AS steps
      LEFT JOIN LATERAL (SELECT signal.expires_at
                           FROM provision.signal
                          WHERE signal.job_id = job.job_id
                            AND signal.name = 'credentials'
                            AND signal.received_at IS NULL
                            AND job.finished_at IS NULL) AS awaited ON true
      LEFT JOIN LATERAL (SELECT * FROM provision.forecast WHERE forecast.job_id = job.job_id AND job.finished_at IS NULL LIMIT 1) AS forecast ON true
     WHERE ((SELECT provision.sees_everything()) OR tenant.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]))
       AND job.workflow = 'onboarding'
       AND job.job_id = (SELECT max(newest.job_id)
                           FROM provision.job AS newest
                          WHERE newest.tenant_id = job.tenant_id
                            AND newest.workflow = 'onboarding');
COMMENT ON VIEW provision.onboarding_status IS 'How far is the onboarding? One row for each tenant that was taken on with provision_onboard(), about its newest request, in words for the customer.';
COMMENT ON COLUMN provision.onboarding_status.status IS 'pending: in the queue, and not begun, or after a retry not begun again; in_progress: the site is being made, or its credentials are waited for; credentials_received; migrating: the site is being set up; completed; failed; cancelled: by somebody, or what it made is being removed or was.';
COMMENT ON COLUMN provision.onboarding_status.queue_position IS '1 is the next. Null unless pending, like jobs_ahead and estimated_wait.';
COMMENT ON COLUMN provision.onboarding_status.estimated_wait IS 'Until it begins. Null while nobody can say.';
COMMENT ON COLUMN provision.onboarding_status.estimated_finish_at IS 'When it should end, and within which times 90 of 100 do. Null while nobody can say, as while credentials are waited for.';
COMMENT ON COLUMN provision.onboarding_status.credentials_wanted_until IS 'The job waits for the signal "credentials", and fails at this time. Null: it does not.';
