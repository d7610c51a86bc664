-- The view on schedules.

CREATE OR REPLACE VIEW provision.schedule_status WITH (security_barrier) AS
    SELECT schedule.schedule_id,
           tenant.name AS tenant,
           schedule.name,
           schedule.workflow,
           schedule.cron,
           schedule.time_zone,
           CASE WHEN schedule.paused_at IS NULL THEN schedule.next_at END AS next_at,
           schedule.last_at,
           schedule.last_job_id,
           job.state AS last_state,
           schedule.missed_count,
           schedule.overlap_count,
           schedule.failure_count,
           schedule.paused_at IS NOT NULL AS paused,
           schedule.reason,
           schedule.missed,
           make_interval(secs => schedule.spread_seconds) AS spread,
           schedule.options,
           schedule.priority,
           coalesce(schedule.made_for, schedule.made_as)::text AS made_by,
           schedule.made_at
      FROM provision.schedule
      JOIN provision.tenant ON tenant.tenant_id = schedule.tenant_id
      LEFT JOIN provision.job ON job.job_id = schedule.last_job_id
     WHERE (SELECT provision.sees_everything()) OR schedule.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]);
COMMENT ON VIEW provision.schedule_status IS 'What is started again and again, when next, and what came of it last? One row for each schedule.';
COMMENT ON COLUMN provision.schedule_status.next_at IS 'Its next time; null while it is paused. A schedule with a spread starts its job so much later.';
COMMENT ON COLUMN provision.schedule_status.last_at IS 'When it last started a job.';
COMMENT ON COLUMN provision.schedule_status.last_state IS 'State of that job now; null when it was removed with old history.';
COMMENT ON COLUMN provision.schedule_status.missed_count IS 'Times for which nothing was started because nobody was there, or it was paused; of each such absence at most 100.';
COMMENT ON COLUMN provision.schedule_status.overlap_count IS 'Times for which nothing was started because a job of the tenant and workflow was active.';
COMMENT ON COLUMN provision.schedule_status.failure_count IS 'Times in a row at which no job could be started, or the one before had failed.';
COMMENT ON COLUMN provision.schedule_status.reason IS 'Why its last time started nothing, or why it is paused; null: it did.';
COMMENT ON COLUMN provision.schedule_status.made_by IS 'With whose authority it starts jobs.';
