-- What is done to a webhook once it is there.

CREATE OR REPLACE FUNCTION @extschema@.provision_webhook_pause(webhook_id bigint, reason text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hook constant provision.webhook := provision.open_webhook(provision_webhook_pause.webhook_id);
BEGIN
    IF hook.paused_at IS NOT NULL THEN
        RETURN;
    END IF;
    UPDATE provision.webhook
       SET paused_at = clock_timestamp(),
           paused_reason = left(provision_webhook_pause.reason, 1000)
     WHERE webhook.webhook_id = hook.webhook_id;
    PERFORM provision.log_webhook_event(hook, 'webhook_paused', jsonb_build_object('reason', left(provision_webhook_pause.reason, 1000)));
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_webhook_pause(bigint, text) IS
    'Sends nothing to a webhook until provision_webhook_resume(); what happens meanwhile waits, up to its max_waiting. Deliveries in flight end normally. Errors: 42501 as for provision_webhook_create(), PV008 too many requests; for platform members, 42704 webhook.';

CREATE OR REPLACE FUNCTION @extschema@.provision_webhook_resume(webhook_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hook constant provision.webhook := provision.open_webhook(provision_webhook_resume.webhook_id);
BEGIN
    UPDATE provision.webhook
       SET paused_at = NULL, paused_reason = NULL, disabled_at = NULL, disabled_reason = NULL,
           failing_since = NULL, failures_in_a_row = 0, not_before = NULL, key_problem = NULL
     WHERE webhook.webhook_id = hook.webhook_id;
    PERFORM provision.hasten_deliveries(hook.webhook_id);
    PERFORM provision.log_webhook_event(hook, 'webhook_resumed', jsonb_build_object('was_paused', hook.paused_at IS NOT NULL, 'was_disabled', hook.disabled_at IS NOT NULL));
    PERFORM provision.wake_workers();
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_webhook_resume(bigint) IS
    'Ends a pause of a webhook, enables one that was disabled because it failed for too long, and tries what waits at once. Errors: 42501 as for provision_webhook_create(), PV008 too many requests; for platform members, 42704 webhook.';

-- Its deliveries are cleared by a worker, which may be sending some of them.
CREATE OR REPLACE FUNCTION @extschema@.provision_webhook_drop(webhook_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hook constant provision.webhook := provision.open_webhook(provision_webhook_drop.webhook_id);
BEGIN
    DELETE FROM provision.webhook WHERE webhook.webhook_id = hook.webhook_id;
    PERFORM provision.log_webhook_event(hook, 'webhook_dropped');
    PERFORM provision.wake_workers();
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_webhook_drop(bigint) IS
    'Removes a webhook with its secrets; what waits for it is not sent. Errors: 42501 as for provision_webhook_create(), PV008 too many requests; for platform members, 42704 webhook.';

CREATE OR REPLACE FUNCTION @extschema@.provision_webhook_test(webhook_id bigint)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hook constant provision.webhook := provision.open_webhook(provision_webhook_test.webhook_id);
    own_subject constant text := 'webhook/' || hook.webhook_id;
    ping bigint;
BEGIN
    SELECT waiting.delivery_id INTO ping
      FROM provision.webhook_delivery AS waiting
     WHERE waiting.webhook_id = hook.webhook_id AND waiting.subject = own_subject AND waiting.state IN ('waiting', 'sending')
     LIMIT 1;
    IF ping IS NULL THEN
        INSERT INTO provision.webhook_delivery AS new (webhook_id, subject, type, payload)
        VALUES (hook.webhook_id, own_subject, 'webhook.ping', provision.webhook_payload('webhook.ping', clock_timestamp(), jsonb_build_object('webhook_id', hook.webhook_id)))
        RETURNING new.delivery_id INTO ping;
        PERFORM provision.log_webhook_event(hook, 'webhook_tested', jsonb_build_object('delivery_id', ping));
        PERFORM provision.wake_workers();
    END IF;
    RETURN ping;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_webhook_test(bigint) IS
    'Sends a message of type webhook.ping, which is delivered like any other; returns the number of its delivery (provision.webhook_log), that of the last while it waits. Errors: 42501 as for provision_webhook_create(), PV008 too many requests; for platform members, 42704 webhook.';

CREATE OR REPLACE FUNCTION @extschema@.provision_webhook_redeliver(webhook_id bigint, delivery_id bigint DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hook constant provision.webhook := provision.open_webhook(provision_webhook_redeliver.webhook_id);
    again bigint;
BEGIN
    UPDATE provision.webhook_delivery AS repeated
       SET state = 'waiting', attempt_count = 0, next_at = clock_timestamp(), finished_at = NULL
     WHERE repeated.delivery_id = ANY (ARRAY(
           SELECT over.delivery_id
             FROM provision.webhook_delivery AS over
            WHERE over.webhook_id = hook.webhook_id
              AND CASE WHEN provision_webhook_redeliver.delivery_id IS NULL THEN over.state = 'dead'
                       ELSE over.state IN ('delivered', 'dead') AND over.delivery_id = provision_webhook_redeliver.delivery_id END
            ORDER BY over.delivery_id
            LIMIT 1000
              FOR UPDATE));
    GET DIAGNOSTICS again = ROW_COUNT;
    IF again = 0 AND provision_webhook_redeliver.delivery_id IS NOT NULL THEN
        RAISE EXCEPTION 'delivery % of webhook % cannot be repeated', provision_webhook_redeliver.delivery_id, hook.webhook_id
            USING ERRCODE = 'PV001', HINT = 'provision.webhook_log lists the deliveries; those that are delivered or dead can be repeated.';
    ELSIF again > 0 THEN
        PERFORM provision.log_webhook_event(hook, 'webhook_redelivered', jsonb_build_object('deliveries', again, 'delivery_id', provision_webhook_redeliver.delivery_id));
        PERFORM provision.wake_workers();
    END IF;
    RETURN again;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_webhook_redeliver(bigint, bigint) IS
    'Sends a delivery again that is over, delivered or dead, under the same webhook-id; without a number all that are dead, 1,000 at a time. Returns how many. Errors: PV001 there is no such delivery, or it is not over, 42501 as for provision_webhook_create(), PV008 too many requests; for platform members, 42704 webhook.';
