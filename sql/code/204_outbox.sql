-- The outbox: what webhooks are to be told is written with the event itself, so that it is told if and only if it happened. Where there
-- was never a webhook, a look at the size of its table is all that an event costs.

CREATE OR REPLACE FUNCTION provision.wake_for_deliveries() RETURNS void
    AS 'MODULE_PATHNAME', 'provision_wake_for_deliveries' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION provision.wake_for_deliveries() IS 'Wakes the workers when the transaction commits, unless it is one''s own: that looks by itself.';

CREATE OR REPLACE FUNCTION provision.may_have_webhooks() RETURNS boolean
    AS 'MODULE_PATHNAME', 'provision_may_have_webhooks' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION provision.may_have_webhooks() IS 'There is a webhook, or there was one; false: the table has never held a row.';

-- The same as job_status shows, without asking who looks.
CREATE OR REPLACE FUNCTION provision.job_progress(job_id bigint, state text)
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF job_progress.state IN ('completed', 'partial', 'rolled_back') THEN
        RETURN 100;
    END IF;
    RETURN (SELECT least(99, coalesce(sum(job_step.weight * CASE WHEN job_step.state IN ('completed', 'skipped', 'undone') THEN 1000 ELSE job_step.share_done END)
                                      / (sum(job_step.weight) * 10), 0))::integer
              FROM provision.job_step
             WHERE job_step.job_id = job_progress.job_id);
END;
$$;
COMMENT ON FUNCTION provision.job_progress(bigint, text) IS 'Progress of a job in this state, 0 to 100, as in provision.job_status.';

-- A job that gives its place back and is claimed again has not started anew.
CREATE OR REPLACE FUNCTION provision.is_first_start(job provision.job, event_id bigint)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NOT EXISTS (SELECT
                         FROM provision.event AS earlier
                        WHERE earlier.job_id = (is_first_start.job).job_id
                          AND earlier.event_id < is_first_start.event_id
                          AND earlier.event = 'job_started'
                          AND earlier.at >= (is_first_start.job).run_started_at);
END;
$$;
COMMENT ON FUNCTION provision.is_first_start(provision.job, bigint) IS 'No event before this one tells that the job was started in its present run.';

-- What tells of a step has the step's error, what tells of a job the job's.
CREATE OR REPLACE FUNCTION provision.webhook_data(told provision.event, job provision.job)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_of_step constant boolean := told.event LIKE 'step\_%';
    step provision.job_step;
BEGIN
    IF told.job_id IS NULL THEN
        RETURN jsonb_build_object('event_id', told.event_id, 'engine', told.engine, 'state', told.to_state);
    END IF;
    IF is_of_step THEN
        SELECT * INTO step FROM provision.job_step WHERE job_step.job_id = told.job_id AND job_step.name = told.step;
    END IF;
    RETURN jsonb_build_object(
        'event_id', told.event_id, 'job_id', told.job_id, 'tenant', told.tenant, 'workflow', job.workflow,
        'state', job.state, 'direction', job.direction, 'run', job.run, 'progress', provision.job_progress(job.job_id, job.state),
        'step', told.step, 'step_state', step.state,
        'error_code', CASE WHEN is_of_step THEN step.error_code ELSE job.error_code END,
        'error_message', left(CASE WHEN is_of_step THEN step.error_message ELSE job.error_message END, 1000),
        'correlation_id', left(told.correlation_id, 200));
END;
$$;
COMMENT ON FUNCTION provision.webhook_data(provision.event, provision.job) IS 'The field data of a payload; doc/webhooks.md describes it.';

CREATE OR REPLACE FUNCTION provision.webhook_payload(type text, at timestamptz, data jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('type', webhook_payload.type,
                              'timestamp', to_char(webhook_payload.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                              'data', webhook_payload.data);
END;
COMMENT ON FUNCTION provision.webhook_payload(text, timestamptz, jsonb) IS 'The body of a message, as Standard Webhooks recommends it.';

-- Silent in a database that a dump is restored to, where events come that were told, or whose deliveries are among the rows that come.
-- pg_restore may load webhooks before events.
CREATE OR REPLACE FUNCTION provision.queue_deliveries()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM provision.webhook) OR NOT EXISTS (SELECT FROM provision.control WHERE control.system_identifier IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    INSERT INTO provision.webhook_delivery (webhook_id, subject, job_id, event_id, type, payload)
    SELECT webhook.webhook_id, coalesce('job/' || told.job_id, 'engine/' || told.engine), told.job_id, told.event_id, kind.type,
           provision.webhook_payload(kind.type, told.at, provision.webhook_data(ROW(told.*)::provision.event, job))
      FROM new_events AS told
      JOIN provision.webhook_event AS kind ON told.event = ANY (kind.events)
      LEFT JOIN provision.job ON job.job_id = told.job_id
     CROSS JOIN LATERAL (VALUES (0), (job.tenant_id)) AS owner (tenant_id)
      JOIN provision.webhook ON coalesce(webhook.tenant_id, 0) = owner.tenant_id
     WHERE (webhook.events IS NULL OR kind.type = ANY (webhook.events))
       AND (kind.type <> 'job.started' OR provision.is_first_start(job, told.event_id))
     ORDER BY told.event_id, kind.position;
    IF FOUND THEN
        PERFORM provision.wake_for_deliveries();
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.queue_deliveries() IS 'A delivery for each webhook that wants to be told of a new event; none in a restored copy before provision_adopt().';

CREATE OR REPLACE TRIGGER queue_deliveries
    AFTER INSERT ON provision.event
    REFERENCING NEW TABLE AS new_events
    FOR EACH STATEMENT
    WHEN (provision.may_have_webhooks())
    EXECUTE FUNCTION provision.queue_deliveries();
