-- When each active job should start and end: the one model behind job_status.eta, provision.queue, provision_queue_position() and
-- provision_why(). doc/queue.md tells it in words. It reads what workers have learnt (provision.pace) and the line of the engine as it is
-- now (provision.work_before), which a query reads once however many jobs it shows. (OFFSET 0: computed once, not wherever it is named.)

-- A time too far away is of a clock that has been set back. What waits for an exclusion is woken when it is free, not when it is due.
CREATE OR REPLACE VIEW provision.outlook WITH (security_barrier) AS
    SELECT job.job_id, CASE WHEN job.awaits_remote THEN 'scheduled' ELSE job.state END AS state, job.run_started_at,
           gate.closed_because, gate.for_exclusion, gate.opens_at,
           gate.closed_because IS NULL AND run.run_typical IS NOT NULL AS is_open,
           0.07 + 0.5 / sqrt(run.run_count) AS doubt,
           CASE engine.kind WHEN 'frappe_agent' THEN engine.max_jobs ELSE engine.max_concurrent END AS max_concurrent, engine.rate_per_second, bucket.tokens,
           run.run_count, run.run_low, run.run_typical, run.run_high, run.slot_seconds, run.calls, run.exclusive_seconds,
           remaining.share AS remaining,
           CASE WHEN job.state = 'scheduled' AND NOT gate.for_exclusion
                THEN extract(epoch FROM greatest(job.due_at, gate.opens_at) - gate.opens_at)::double precision ELSE 0 END AS due_seconds,
           before.jobs AS jobs_before,
           before.slots AS slots_before,
           coalesce(before.slot_seconds, 0) AS slot_seconds_before,
           coalesce(before.slot_variance, 0) AS slot_variance_before,
           coalesce(before.calls, 0) AS calls_before,
           coalesce(before.exclusive_seconds, 0) AS exclusive_seconds_before
      FROM provision.job
      JOIN provision.engine ON engine.engine_id = job.engine_id
      JOIN provision.engine_state ON engine_state.engine_id = job.engine_id
     CROSS JOIN (SELECT * FROM provision.control LIMIT 1) AS control     -- there is one; a planner that expects hundreds has all of this compiled first
     CROSS JOIN LATERAL (
           SELECT (job.state = 'scheduled' OR job.awaits_remote)
                  AND EXISTS (SELECT FROM provision.job_step
                               WHERE job_step.job_id = job.job_id AND job_step.waits_for IS NOT NULL AND NOT starts_with(job_step.waits_for, 'signal ')) AS for_exclusion,
                  job.state = 'scheduled'
                  AND EXISTS (SELECT FROM provision.job_step WHERE job_step.job_id = job.job_id AND starts_with(job_step.waits_for, 'signal ')) AS for_signal
          OFFSET 0) AS waiting
     CROSS JOIN LATERAL (
           SELECT CASE WHEN control.worker_stopped_at IS NOT NULL THEN 'worker stopped'
                       WHEN control.paused_at IS NOT NULL THEN 'everything paused'
                       WHEN engine_state.paused_at IS NOT NULL THEN 'engine paused'
                       WHEN job.state = 'paused' THEN 'paused'
                       WHEN job.direction = 'back' THEN 'rolling back'
                       WHEN job.state = 'scheduled' AND EXISTS (SELECT FROM provision.key_wait WHERE key_wait.job_id = job.job_id) THEN 'key missing'
                       WHEN waiting.for_signal THEN 'waits for a signal'
                  END AS closed_because,
                  waiting.for_exclusion,
                  greatest(statement_timestamp(),
                           CASE WHEN engine_state.breaker = 'open'
                                THEN least(engine_state.breaker_until, statement_timestamp() + make_interval(secs => engine.recovery_seconds)) END,
                           CASE WHEN engine_state.not_before <= statement_timestamp() + interval '1 hour' THEN engine_state.not_before END) AS opens_at
          OFFSET 0) AS gate
      LEFT JOIN provision.typical_run AS run ON run.engine_id = job.engine_id AND run.workflow_id = job.workflow_id
     -- Of a typical run. The time for which a step has run counts up to nine tenths of the step, so that one that is overdue keeps a tenth.
     CROSS JOIN LATERAL (
           SELECT CASE WHEN count(*) = 0 THEN 1 ELSE greatest(0.01, sum(job_step.weight - greatest(job_step.weight * job_step.share_done / 1000.0,
                                                                         CASE WHEN job_step.state = 'running' OR job.awaits_remote AND job_step.started_at IS NOT NULL THEN
                                                                              least(job_step.weight * 0.9, extract(epoch FROM statement_timestamp() - job_step.started_at)
                                                                                                           * 1000 / nullif(run.run_typical, 0)) END))
                                              FILTER (WHERE job_step.finished_at IS NULL) / sum(job_step.weight)) END::double precision AS share
             FROM provision.job_step
            WHERE job_step.job_id = job.job_id
              AND (job.run_started_at IS NOT NULL OR job.has_flaw)) AS remaining
      LEFT JOIN LATERAL (
           SELECT least(coalesce(engine.burst, greatest(1, engine.rate_per_second)),
                        gauge.tokens + engine.rate_per_second * extract(epoch FROM statement_timestamp() - greatest(gauge.tokens_at, statement_timestamp() - interval '1 day'))::double precision) AS tokens
             FROM provision.engine_gauge AS gauge
            WHERE gauge.engine_id = engine.engine_id
              AND engine.rate_per_second IS NOT NULL
            ORDER BY gauge.turn DESC
            LIMIT 1) AS bucket ON true
      LEFT JOIN LATERAL provision.work_before(
           CASE WHEN job.state IN ('pending', 'scheduled') THEN job.engine_id END, job.rank, job.job_id, job.site) AS before ON true
     WHERE ((SELECT provision.sees_everything()) OR job.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]))
       AND job.finished_at IS NULL;
COMMENT ON VIEW provision.outlook IS 'What forecasts of active jobs are made of: why nobody can say when they go on, or from when on only others before them keep them from it; the pace of their workflow; what is before them.';

CREATE OR REPLACE VIEW provision.forecast WITH (security_barrier) AS
    SELECT outlook.job_id,
           CASE WHEN outlook.state = 'pending' THEN outlook.jobs_before END AS jobs_ahead,
           CASE WHEN outlook.state = 'pending' THEN outlook.jobs_before < 5000 END AS is_exact,
           coalesce(outlook.run_started_at, outlook.opens_at + make_interval(secs => likely.start)) AS estimated_start_at,
           outlook.opens_at + make_interval(secs => likely.finish) AS estimated_finish_at,
           coalesce(outlook.run_started_at, outlook.opens_at + make_interval(secs => likely.start - least(likely.start, doubt.of_start))) AS earliest_start_at,
           coalesce(outlook.run_started_at, outlook.opens_at + make_interval(secs => likely.start + doubt.of_start)) AS latest_start_at,
           outlook.opens_at + make_interval(secs => likely.finish - least(likely.finish, doubt.downwards)) AS earliest_finish_at,
           outlook.opens_at + make_interval(secs => likely.finish + doubt.upwards) AS latest_finish_at,
           coalesce(outlook.closed_because, CASE WHEN likely.finish IS NULL THEN 'no history' END) AS unknown_because
      FROM provision.outlook
     CROSS JOIN LATERAL (
           SELECT outlook.run_typical * outlook.remaining AS own_seconds,
                  -- When a slot becomes free, the others are at work still, half way on average.
                  greatest(outlook.due_seconds,
                           CASE WHEN outlook.jobs_before >= outlook.max_concurrent - outlook.slots_before AND NOT outlook.for_exclusion
                                THEN greatest(outlook.slot_seconds_before / outlook.max_concurrent ^ 2,
                                              (outlook.slot_seconds_before - outlook.slot_seconds * (outlook.max_concurrent - 1) / 2) / outlook.max_concurrent) END) AS for_slot,
                  CASE WHEN outlook.exclusive_seconds > 0 THEN outlook.exclusive_seconds_before ELSE 0 END AS for_exclusion,
                  coalesce((outlook.calls_before + outlook.calls * outlook.remaining - outlook.tokens) / greatest(outlook.rate_per_second, 0.000001), 0) AS for_tokens
           ) AS needs
     CROSS JOIN LATERAL (
           SELECT greatest(needs.for_slot + needs.own_seconds, needs.for_exclusion + needs.own_seconds, needs.for_tokens) AS finish) AS sum
     CROSS JOIN LATERAL (
           SELECT CASE WHEN outlook.is_open AND needs.for_slot < 'NaN' THEN least(needs.for_slot, 3e9) END AS start,
                  CASE WHEN outlook.is_open AND sum.finish < 'NaN' THEN least(sum.finish, 3e9) END AS finish) AS likely
     -- Of what is known of the waiting, and of the pace: 90 of 100 lie within 1.645 standard deviations.
     CROSS JOIN LATERAL (
           SELECT 1.645 ^ 2 * (outlook.slot_variance_before / outlook.max_concurrent ^ 2 + (outlook.doubt * (likely.finish - needs.own_seconds - outlook.due_seconds)) ^ 2) AS of_waiting,
                  (outlook.doubt * needs.own_seconds) ^ 2 AS of_pace) AS square
     CROSS JOIN LATERAL (
           SELECT CASE WHEN likely.start > outlook.due_seconds THEN sqrt(square.of_waiting + (outlook.slot_seconds / 2) ^ 2) ELSE 0 END AS of_start,
                  sqrt(square.of_waiting + square.of_pace + ((outlook.run_typical - outlook.run_low) * outlook.remaining) ^ 2) AS downwards,
                  sqrt(square.of_waiting + square.of_pace + ((outlook.run_high - outlook.run_typical) * outlook.remaining) ^ 2) AS upwards) AS doubt;
COMMENT ON VIEW provision.forecast IS 'When active jobs should start and end, and within which times 90 of 100 do.';
