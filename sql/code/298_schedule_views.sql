-- The views on schedules, and on the backups that are what most of them make.

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

CREATE OR REPLACE VIEW provision.backup WITH (security_barrier) AS
    SELECT job.job_id,
           tenant.name AS tenant,
           tenant.settings ->> 'site' AS site,
           job.finished_at AS taken_at,
           made.files,
           made.size,
           made.urls,
           job.finished_at + (job.options ->> 'keep')::interval AS expires_at,
           coalesce(job.finished_at + (job.options ->> 'keep')::interval <= statement_timestamp(), false) AS expired,
           job.schedule_id
      FROM provision.job
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
     CROSS JOIN LATERAL (SELECT array_agg(file ->> 'file' ORDER BY file ->> 'kind') AS files,
                                sum((file ->> 'size')::bigint)::bigint AS size,
                                array_agg(file ->> 'url' ORDER BY file ->> 'kind') AS urls
                           FROM provision.job_step
                          CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(job_step.result) WHEN 'array' THEN job_step.result ELSE '[]' END) AS file
                          WHERE job_step.job_id = job.job_id) AS made
     WHERE ((SELECT provision.sees_everything()) OR job.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]))
       AND job.workflow = 'backup_site'
       AND job.state = 'completed';
COMMENT ON VIEW provision.backup IS 'Which backups of sites were made? One row for each job that made one, as long as it is known (provision.retention, and while the backup is kept).';
COMMENT ON COLUMN provision.backup.size IS 'Of all its files together, in bytes.';
COMMENT ON COLUMN provision.backup.urls IS 'Where the files can be fetched by who is logged in at the site, in the order of files.';
COMMENT ON COLUMN provision.backup.expires_at IS 'From then on the next backup of the site removes its files. Null: it was made without the option keep, and the site''s own keep_backups_for_hours decides, which is 24 unless it was changed.';
