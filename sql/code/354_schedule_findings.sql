-- What is not well with schedules; provision_doctor() asks.

CREATE OR REPLACE FUNCTION provision.find_schedules()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    (SELECT 'schedules', 'warning', 'schedule fails',
            format('Schedule %s ("%s" of tenant "%s") has failed %s times in a row%s.', schedule.schedule_id, schedule.name, tenant.name, schedule.failure_count,
                   coalesce(': ' || rtrim(schedule.reason, '.'), CASE WHEN schedule.last_job_id IS NOT NULL THEN ': its jobs fail' END)),
            CASE WHEN schedule.reason IS NULL THEN format('SELECT * FROM provision_why(%s);', schedule.last_job_id)
                 ELSE format('Mend that, or: SELECT provision_unschedule(%s);', schedule.schedule_id) END
       FROM provision.schedule
       JOIN provision.tenant ON tenant.tenant_id = schedule.tenant_id
      WHERE schedule.failure_count >= 3
        AND schedule.paused_at IS NULL
      ORDER BY schedule.failure_count DESC, schedule.schedule_id
      LIMIT 20)
    UNION ALL
    (SELECT 'schedules', 'warning', 'workflow of schedule missing',
            format('Schedule %s of tenant "%s" starts workflow "%s", which does not exist.', schedule.schedule_id, tenant.name, schedule.workflow),
            format('Store the workflow again, or: SELECT provision_unschedule(%s);', schedule.schedule_id)
       FROM provision.schedule
       JOIN provision.tenant ON tenant.tenant_id = schedule.tenant_id
      WHERE schedule.paused_at IS NULL
        AND NOT EXISTS (SELECT FROM provision.workflow WHERE workflow.name = schedule.workflow AND workflow.is_current)
      ORDER BY schedule.schedule_id
      LIMIT 20);
END;
COMMENT ON FUNCTION provision.find_schedules() IS 'Schedules that failed three times in a row, or whose workflow is gone.';
