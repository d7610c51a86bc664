-- Events: written with every change of state, announced on the channel "provision" when the transaction commits.

-- A full queue would make the COMMIT of whoever is calling fail: from half of it on nothing is added, and listeners fall back to polling
-- provision_logs(). It fills when some session listens, on any channel of the server, and never reads.
CREATE OR REPLACE FUNCTION provision.may_notify()
    RETURNS boolean
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT pg_notification_queue_usage() <= 0.5;
END;
COMMENT ON FUNCTION provision.may_notify() IS 'There is enough room in the server''s queue of notifications.';

-- Every role of the database may LISTEN, so no tenant or engine is named. Above this many in one statement (a bulk start, a restored dump) one summary is sent instead, so that listeners poll once.
CREATE OR REPLACE FUNCTION provision.announce_events()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event_count bigint := (SELECT count(*) FROM new_events);
BEGIN
    IF event_count = 0 OR NOT provision.may_notify() THEN
        RETURN NULL;
    END IF;
    IF event_count > 1000 THEN
        PERFORM pg_notify('provision', json_build_object('event', 'many_events', 'count', event_count)::text);
    ELSE
        PERFORM pg_notify('provision', json_build_object(
                    'event_id', event_id, 'event', event, 'job_id', job_id, 'step', step, 'from', from_state, 'to', to_state, 'at', at)::text)
           FROM new_events;
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.announce_events() IS 'Sends one JSON object per new event to LISTEN provision.';

CREATE OR REPLACE TRIGGER announce_events
    AFTER INSERT ON provision.event
    REFERENCING NEW TABLE AS new_events
    FOR EACH STATEMENT EXECUTE FUNCTION provision.announce_events();

-- A job that waits for one of Frappe Agent and looks how that is has not moved, as far as anybody cares.
CREATE OR REPLACE FUNCTION provision.log_job_event(job_ids bigint[], event text, from_state text, to_state text, detail jsonb DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO provision.event (job_id, tenant, event, from_state, to_state, detail, correlation_id)
    SELECT job.job_id, tenant.name, log_job_event.event, log_job_event.from_state, log_job_event.to_state,
           log_job_event.detail, job.correlation_id
      FROM unnest(job_ids) WITH ORDINALITY AS given (job_id, position)
      JOIN provision.job ON job.job_id = given.job_id
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
     WHERE NOT (job.awaits_remote AND log_job_event.event IN ('job_due', 'job_started', 'job_waits'))
     ORDER BY given.position;
END;
$$;
COMMENT ON FUNCTION provision.log_job_event(bigint[], text, text, text, jsonb) IS 'One event for each job, but none for looks at a job of Frappe Agent.';

CREATE OR REPLACE FUNCTION provision.mark_flaws(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.job SET has_flaw = true WHERE job.job_id = ANY (job_ids) AND NOT job.has_flaw;
END;
$$;
COMMENT ON FUNCTION provision.mark_flaws(bigint[]) IS 'Called wherever a step fails or is skipped, so that rounds need not look for such steps.';

CREATE OR REPLACE FUNCTION provision.log_engine_event(engine text, event text, from_state text, to_state text, detail jsonb DEFAULT NULL)
    RETURNS void
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    INSERT INTO provision.event (engine, event, from_state, to_state, detail)
    VALUES (log_engine_event.engine, log_engine_event.event, log_engine_event.from_state, log_engine_event.to_state, log_engine_event.detail);
END;
COMMENT ON FUNCTION provision.log_engine_event(text, text, text, text, jsonb) IS 'One event about an engine.';

CREATE OR REPLACE FUNCTION provision.log_tenant_event(tenant text, event text, from_state text, to_state text, detail jsonb DEFAULT NULL)
    RETURNS void
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    INSERT INTO provision.event (tenant, event, from_state, to_state, detail)
    VALUES (log_tenant_event.tenant, log_tenant_event.event, log_tenant_event.from_state, log_tenant_event.to_state, log_tenant_event.detail);
END;
COMMENT ON FUNCTION provision.log_tenant_event(text, text, text, text, jsonb) IS 'One event about a tenant.';
