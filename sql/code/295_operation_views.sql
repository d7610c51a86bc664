-- Views on engines, workers and history. What belongs to no tenant is for platform members. Statistics look at a bounded part of the newest history, so that they cost the same on any table.

CREATE OR REPLACE VIEW provision.engine_status WITH (security_barrier) AS
    SELECT engine.name AS engine,
           engine.kind,
           engine_state.paused_at IS NOT NULL AS paused,
           engine_state.breaker,
           engine_state.breaker_until,
           (SELECT count(job_step.attempt_id)
              FROM provision.job
              JOIN provision.job_step ON job_step.job_id = job.job_id
             WHERE job.engine_id = engine.engine_id
               AND job.state = 'running') AS in_flight,
           engine.max_concurrent,
           engine.rate_per_second,
           engine_state.failures_in_a_row,
           recent.success_rate AS success_rate_1h,
           recent.p50_ms,
           recent.p95_ms,
           engine.base_url,
           engine_state.paused_at,
           engine_state.paused_reason,
           EXISTS (SELECT FROM provision.secret WHERE secret.engine_id = engine.engine_id AND secret.name = 'credentials') AS has_credentials,
           recent.calls AS calls_1h,
           engine.created_at,
           engine_state.not_before,
           engine_state.breaker_since,
           engine_state.probe_job_id,
           engine_state.clock_skew_seconds
      FROM provision.engine
      JOIN provision.engine_state ON engine_state.engine_id = engine.engine_id
      LEFT JOIN (SELECT attempt.engine_id,
                        count(*) AS calls,
                        round(avg((attempt.verdict IN ('success', 'absent', 'duplicate'))::integer), 4) AS success_rate,
                        percentile_disc(0.5) WITHIN GROUP (ORDER BY attempt.duration_ms) AS p50_ms,
                        percentile_disc(0.95) WITHIN GROUP (ORDER BY attempt.duration_ms) AS p95_ms
                   FROM (SELECT *
                           FROM provision.attempt
                          ORDER BY attempt.attempt_id DESC
                          LIMIT 50000) AS attempt
                  WHERE attempt.finished_at > statement_timestamp() - interval '1 hour'
                    AND attempt.verdict <> 'interrupted'
                  GROUP BY attempt.engine_id) AS recent ON recent.engine_id = engine.engine_id
     WHERE (SELECT provision.sees_everything());
COMMENT ON VIEW provision.engine_status IS 'Are the servers well? Figures of the last hour count at most the 50,000 newest calls of all engines.';
COMMENT ON COLUMN provision.engine_status.breaker IS 'closed: calls are made; open: none until breaker_until; half_open: one job tries.';
COMMENT ON COLUMN provision.engine_status.not_before IS 'No call is made before, because the server asked for it with Retry-After; null or past: it did not.';
COMMENT ON COLUMN provision.engine_status.breaker_since IS 'When it last opened from closed; null while it is closed.';
COMMENT ON COLUMN provision.engine_status.probe_job_id IS 'half_open: the job that tries.';
COMMENT ON COLUMN provision.engine_status.clock_skew_seconds IS 'By how much the server''s clock, as its answers tell it, is ahead of this one''s; 0 when by 5 seconds or less.';
COMMENT ON COLUMN provision.engine_status.in_flight IS 'Calls that are being made now, by all workers.';
COMMENT ON COLUMN provision.engine_status.success_rate_1h IS 'Share of calls, 0 to 1, with a usable answer: done, not there, or already there. Null when none was made.';
COMMENT ON COLUMN provision.engine_status.p50_ms IS 'Median duration of a call in milliseconds.';
COMMENT ON COLUMN provision.engine_status.p95_ms IS '95 of 100 calls took at most this many milliseconds.';

CREATE OR REPLACE VIEW provision.worker_status WITH (security_barrier) AS
    SELECT 'worker ' || worker.incarnation AS worker,
           worker.pid,
           worker.incarnation,
           current_database()::text AS database,
           provision.is_alive(worker.incarnation, worker.pid) AS alive,
           worker.started_at,
           worker.last_round_at,
           (SELECT count(*) FROM provision.job WHERE job.owner = worker.incarnation) AS jobs_owned,
           worker.calls_in_flight,
           worker.rounds,
           worker.calls,
           worker.memory_bytes
      FROM provision.worker
     WHERE worker.ended_at IS NULL
       AND (SELECT provision.sees_everything());
COMMENT ON VIEW provision.worker_status IS 'Is the engine alive? One row for each worker that has not ended; alive is false for one whose death was not noticed yet.';
COMMENT ON COLUMN provision.worker_status.last_round_at IS 'When it last worked; an idle worker sleeps, so an old time is no bad sign.';
COMMENT ON COLUMN provision.worker_status.rounds IS 'Since it started.';
COMMENT ON COLUMN provision.worker_status.calls IS 'Since it started.';

CREATE OR REPLACE VIEW provision.call_log WITH (security_barrier) AS
    SELECT attempt.attempt_id,
           attempt.job_id,
           job_step.name AS step,
           attempt.call,
           attempt.method,
           attempt.url,
           attempt.http_status::integer AS http_status,
           attempt.delivery,
           attempt.verdict,
           attempt.duration_ms,
           attempt.request_body,
           attempt.response_excerpt,
           attempt.started_at AS at,
           attempt.finished_at,
           attempt.error_code,
           attempt.error_detail,
           attempt.exc_type,
           attempt.curl_code::integer AS curl_code,
           attempt.dns_ms,
           attempt.connect_ms,
           attempt.tls_ms,
           attempt.first_byte_ms,
           attempt.timeout_ms,
           attempt.incarnation
      FROM provision.attempt
      LEFT JOIN provision.job_step ON job_step.job_id = attempt.job_id AND job_step.ordinal = attempt.ordinal
     WHERE (SELECT provision.sees_everything())
        OR EXISTS (SELECT FROM provision.job WHERE job.job_id = attempt.job_id AND job.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]))
     ORDER BY attempt.attempt_id DESC;
COMMENT ON VIEW provision.call_log IS 'What was sent, what came back? One row for each try at a call, the newest first. Credentials are in headers that are never stored; secrets in bodies are redacted.';
COMMENT ON COLUMN provision.call_log.delivery IS 'not_sent, answered, or unknown (sent without an answer); null while in flight.';
COMMENT ON COLUMN provision.call_log.verdict IS 'What the answer meant; null while in flight.';
COMMENT ON COLUMN provision.call_log.duration_ms IS 'Milliseconds from the start of the call to its end.';
COMMENT ON COLUMN provision.call_log.response_excerpt IS 'First 1,000 characters of the body.';

-- Behind a barrier a LIMIT can use no order but the one in which rows come: the newest first.
-- A name may be used again when a tenant is gone: what happened before belongs to another.
CREATE OR REPLACE VIEW provision.event_log WITH (security_barrier) AS
    SELECT event.event_id,
           event.at,
           event.job_id,
           event.tenant,
           event.actor,
           event.event,
           event.from_state,
           event.to_state,
           event.detail,
           event.correlation_id,
           event.step,
           event.engine,
           event.via
      FROM provision.event
     WHERE (SELECT provision.sees_everything())
        OR EXISTS (SELECT FROM provision.job WHERE job.job_id = event.job_id AND job.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]))
        OR event.job_id IS NULL
           AND EXISTS (SELECT FROM provision.tenant
                        WHERE tenant.name = event.tenant
                          AND tenant.created_at <= event.at
                          AND tenant.tenant_id = ANY ((SELECT provision.visible_tenants())::bigint[]))
     ORDER BY event.event_id DESC;
COMMENT ON VIEW provision.event_log IS 'What happened, who did it? One row for each change of state and each action, the newest first.';
COMMENT ON COLUMN provision.event_log.actor IS 'Who did it: the user who was acted for, else the role of the session; the worker''s for what it did by itself.';
COMMENT ON COLUMN provision.event_log.via IS 'The role that connected, where it is not the actor itself.';

CREATE OR REPLACE VIEW provision.step_stats WITH (security_barrier) AS
    SELECT run.workflow,
           run.step,
           count(*) AS runs,
           round(avg((run.state = 'completed')::integer), 4) AS success_rate,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY run.ms) FILTER (WHERE run.state = 'completed'))::bigint AS p50_ms,
           round(percentile_cont(0.95) WITHIN GROUP (ORDER BY run.ms) FILTER (WHERE run.state = 'completed'))::bigint AS p95_ms,
           round(percentile_cont(0.99) WITHIN GROUP (ORDER BY run.ms) FILTER (WHERE run.state = 'completed'))::bigint AS p99_ms
      FROM (SELECT recent.workflow, job_step.name AS step, job_step.state,
                   extract(epoch FROM job_step.finished_at - job_step.started_at)::double precision * 1000 AS ms
              FROM (SELECT job.job_id, job.workflow
                      FROM provision.job
                     WHERE job.job_id <= (SELECT newest_caller.job_id FROM provision.newest_caller)
                     ORDER BY job.job_id DESC
                     LIMIT 5000) AS recent
              JOIN provision.job_step ON job_step.job_id = recent.job_id
             WHERE job_step.state IN ('completed', 'failed')
               AND job_step.started_at IS NOT NULL) AS run
     WHERE (SELECT provision.sees_everything())
     GROUP BY run.workflow, run.step;
COMMENT ON VIEW provision.step_stats IS 'How long do steps take, how often do they fail? Over the last 5,000 jobs up to the one that called last.';
COMMENT ON COLUMN provision.step_stats.runs IS 'Steps that completed or failed.';
COMMENT ON COLUMN provision.step_stats.success_rate IS 'Share of runs that completed, 0 to 1.';
COMMENT ON COLUMN provision.step_stats.p50_ms IS 'Median duration of completed runs in milliseconds, pauses between tries included.';
