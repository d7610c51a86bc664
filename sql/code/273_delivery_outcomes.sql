-- What becomes of a delivery: delivered, tried again, given up; and of a webhook that fails for long.

-- Times a fifth more or less, so that what failed together does not come back together. A receiver may ask for up to a day.
CREATE OR REPLACE FUNCTION provision.delivery_pause(retry_seconds double precision[], attempt_count integer, retry_after_ms bigint)
    RETURNS interval
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT make_interval(secs => greatest(retry_seconds[attempt_count] * (0.8 + 0.4 * random()), least(coalesce(retry_after_ms, 0), 86400000) / 1000.0))
     WHERE attempt_count <= cardinality(retry_seconds);
END;
COMMENT ON FUNCTION provision.delivery_pause(double precision[], integer, bigint) IS 'How long after this try failed the next one is made; null: there is none.';

-- A receiver that fails many times in a row is asked seldom, whatever waits for it: as often as one delivery would be. The failure that has
-- just come is not counted in the row yet.
CREATE OR REPLACE FUNCTION provision.webhook_rest(webhook provision.webhook, http_status integer, retry_after_ms bigint)
    RETURNS timestamptz
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT greatest(webhook.not_before,
                    CASE WHEN http_status IN (429, 503) THEN clock_timestamp() + make_interval(secs => least(coalesce(retry_after_ms, 0), 3600000) / 1000.0) END,
                    CASE WHEN webhook.failures_in_a_row + 1 >= 10
                         THEN clock_timestamp() + make_interval(secs => least(webhook.retry_seconds[1] * (webhook.failures_in_a_row - 8), 60)) END);
END;
COMMENT ON FUNCTION provision.webhook_rest(provision.webhook, integer, bigint) IS 'Until when nothing is sent to a webhook that has just failed: as long as a 429 or 503 asks for, an hour at most; from the tenth failure in a row on growing pauses, a minute at most.';

CREATE OR REPLACE FUNCTION provision.note_webhook_failure(webhook provision.webhook, http_status integer, retry_after_ms bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    since constant timestamptz := coalesce(webhook.failing_since, clock_timestamp());
    reason constant text := CASE WHEN http_status = 410 THEN 'The receiver answered 410 Gone.'
                                 WHEN since <= clock_timestamp() - make_interval(secs => webhook.disable_after_seconds)
                                 THEN format('No delivery has succeeded since %s.', since) END;
BEGIN
    UPDATE provision.webhook AS failing
       SET failing_since = since,
           failures_in_a_row = failing.failures_in_a_row + 1,
           not_before = provision.webhook_rest(webhook, note_webhook_failure.http_status, note_webhook_failure.retry_after_ms),
           disabled_at = coalesce(failing.disabled_at, CASE WHEN reason IS NOT NULL THEN clock_timestamp() END),
           disabled_reason = coalesce(failing.disabled_reason, reason)
     WHERE failing.webhook_id = webhook.webhook_id;
    PERFORM provision.log_webhook_event(webhook, 'webhook_disabled', jsonb_build_object('reason', reason, 'failing_since', since))
      WHERE reason IS NOT NULL AND webhook.disabled_at IS NULL;
END;
$$;
COMMENT ON FUNCTION provision.note_webhook_failure(provision.webhook, integer, bigint) IS 'A delivery failed: the webhook, whose row the caller holds, rests, or is disabled when it has failed for too long or the receiver is gone.';

CREATE OR REPLACE FUNCTION provision.log_webhook_event(webhook provision.webhook, event text, detail jsonb DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO provision.event (tenant, event, detail)
    VALUES ((SELECT tenant.name FROM provision.tenant WHERE tenant.tenant_id = webhook.tenant_id), log_webhook_event.event,
            jsonb_strip_nulls(jsonb_build_object('webhook_id', webhook.webhook_id) || log_webhook_event.detail));
END;
$$;
COMMENT ON FUNCTION provision.log_webhook_event(provision.webhook, text, jsonb) IS 'One event about a webhook.';

-- Locked only when it is to be written: of a webhook that works, deliveries leave no trace in its row.
CREATE OR REPLACE FUNCTION provision.lock_webhook_if_needed(INOUT webhook provision.webhook, is_success boolean, OUT is_locked boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    is_locked := is_success AND webhook.failing_since IS NULL AND webhook.key_problem IS NULL;
    IF is_locked THEN
        RETURN;
    END IF;
    SELECT kept.* INTO webhook FROM provision.webhook AS kept WHERE kept.webhook_id = webhook.webhook_id FOR NO KEY UPDATE SKIP LOCKED;
    is_locked := FOUND;
END;
$$;
COMMENT ON FUNCTION provision.lock_webhook_if_needed(provision.webhook, boolean) IS 'Holds the row of a webhook that a delivery changes; false: somebody else does.';

-- Interrupted (42, CURLE_ABORTED_BY_CALLBACK, with nothing sent) was a worker that stops: that counts as no try.
CREATE OR REPLACE FUNCTION provision.settle_delivery(sent provision.webhook_delivery, hook provision.webhook, is_success boolean, was_interrupted boolean,
                                                     http_status integer, error text, excerpt text, retry_after_ms bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pause constant interval := CASE WHEN was_interrupted THEN interval '0' WHEN NOT is_success
                                    THEN coalesce(provision.delivery_pause(hook.retry_seconds, sent.attempt_count, settle_delivery.retry_after_ms),
                                                  CASE WHEN settle_delivery.http_status = 410 THEN interval '0' END) END;
BEGIN
    UPDATE provision.webhook_delivery AS settled
       SET state = CASE WHEN is_success THEN 'delivered' WHEN pause IS NULL THEN 'dead' ELSE 'waiting' END,
           incarnation = NULL,
           attempt_count = settled.attempt_count - was_interrupted::integer,
           next_at = clock_timestamp() + pause,
           finished_at = CASE WHEN pause IS NULL THEN clock_timestamp() END,
           http_status = settle_delivery.http_status,
           last_error = CASE WHEN NOT is_success THEN provision.redact_text(left(settle_delivery.error, 500)) END,
           response_excerpt = left(provision.redact_text(settle_delivery.excerpt), 200)
     WHERE settled.delivery_id = sent.delivery_id;
    PERFORM provision.release_next_delivery(sent.webhook_id, sent.subject) WHERE pause IS NULL;
    IF is_success AND coalesce(hook.failing_since::text, hook.key_problem) IS NOT NULL THEN
        UPDATE provision.webhook AS well SET failing_since = NULL, failures_in_a_row = 0,       -- the rest that was asked for is kept
               not_before = CASE WHEN hook.key_problem IS NULL THEN well.not_before END, key_problem = NULL
         WHERE well.webhook_id = hook.webhook_id;
    ELSIF NOT is_success AND NOT was_interrupted THEN
        PERFORM provision.note_webhook_failure(hook, settle_delivery.http_status, settle_delivery.retry_after_ms);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.settle_delivery(provision.webhook_delivery, provision.webhook, boolean, boolean, integer, text, text, bigint) IS 'Records what became of a try: delivered, to be tried again, or dead.';

-- An answer's number is that of its delivery, below zero. The fence: what somebody else has taken over is not ours to record.
CREATE OR REPLACE FUNCTION provision.record_delivery(incarnation bigint, answer provision.raw_answer)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_success constant boolean := answer.delivery = 'answered' AND answer.http_status BETWEEN 200 AND 299;
    sent provision.webhook_delivery;
    hook record;
BEGIN
    SELECT * INTO sent FROM provision.webhook_delivery AS own
     WHERE own.delivery_id = -answer.attempt_id AND own.state = 'sending' AND own.incarnation = record_delivery.incarnation;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    SELECT locked.* INTO hook
      FROM provision.webhook
     CROSS JOIN LATERAL provision.lock_webhook_if_needed(webhook, is_success) AS locked
     WHERE webhook.webhook_id = sent.webhook_id;
    IF NOT FOUND THEN
        DELETE FROM provision.webhook_delivery AS of_nobody WHERE of_nobody.delivery_id = sent.delivery_id;
        PERFORM provision.release_next_delivery(sent.webhook_id, sent.subject);
        RETURN true;
    ELSIF hook.is_locked THEN
        PERFORM provision.settle_delivery(sent, hook.webhook, is_success, answer.delivery = 'not_sent' AND answer.curl_code = 42, nullif(answer.http_status, 0),
                    CASE WHEN answer.delivery = 'answered' THEN concat_ws(', ', 'answered with ' || answer.http_status, answer.error) ELSE answer.error END,
                    answer.excerpt, answer.retry_after_ms);
    END IF;
    RETURN hook.is_locked;
END;
$$;
COMMENT ON FUNCTION provision.record_delivery(bigint, provision.raw_answer) IS 'Records one answer, if it is to what this incarnation sent; false: somebody has locked the webhook.';

-- Whatever is wrong with a delivery, it must keep neither the others nor the worker from going on.
CREATE OR REPLACE FUNCTION provision.give_up_delivery(delivery provision.webhook_delivery, state text, message text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reason constant text := left(format('could not be recorded: %s (SQLSTATE %s)', provision.redact_text(message), state), 500);
BEGIN
    RAISE LOG 'delivery % of webhook % %', delivery.delivery_id, delivery.webhook_id, reason;
    BEGIN
        UPDATE provision.webhook_delivery AS dead
           SET state = 'dead', incarnation = NULL, finished_at = clock_timestamp(), last_error = reason
         WHERE dead.delivery_id = delivery.delivery_id;
    EXCEPTION WHEN OTHERS THEN
        PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
        DELETE FROM provision.webhook_delivery AS hopeless WHERE hopeless.delivery_id = delivery.delivery_id;
    END;
    BEGIN
        PERFORM provision.release_next_delivery(delivery.webhook_id, delivery.subject);
    EXCEPTION WHEN OTHERS THEN      -- that row is bad, and what waits behind it stays where it is
        PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
    END;
END;
$$;
COMMENT ON FUNCTION provision.give_up_delivery(provision.webhook_delivery, text, text) IS 'A delivery whose answer could not be recorded is dead; one that cannot even be that is removed. The server''s log says why.';

CREATE OR REPLACE FUNCTION provision.record_delivery_or_give_up(incarnation bigint, answer provision.raw_answer)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN provision.record_delivery(incarnation, answer);
EXCEPTION WHEN OTHERS THEN
    PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
    PERFORM provision.give_up_delivery(own, SQLSTATE, SQLERRM)
       FROM provision.webhook_delivery AS own
      WHERE own.delivery_id = -answer.attempt_id AND own.incarnation = record_delivery_or_give_up.incarnation;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION provision.record_delivery_or_give_up(bigint, provision.raw_answer) IS 'Records one answer; a delivery for which that cannot be done is given up.';

CREATE OR REPLACE FUNCTION provision.record_deliveries_or_isolate(incarnation bigint, answers provision.raw_answer[])
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT answer.attempt_id FROM unnest(answers) AS answer WHERE NOT provision.record_delivery(incarnation, answer));
EXCEPTION WHEN OTHERS THEN
    PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
    RETURN ARRAY(SELECT answer.attempt_id FROM unnest(answers) AS answer WHERE NOT provision.record_delivery_or_give_up(incarnation, answer));
END;
$$;
COMMENT ON FUNCTION provision.record_deliveries_or_isolate(bigint, provision.raw_answer[]) IS 'Records answers; where one of them cannot be, each for itself. Returns those whose webhook somebody has locked.';

CREATE OR REPLACE FUNCTION provision.record_deliveries(
    incarnation bigint, ids bigint[], deliveries text[], statuses integer[], curl_codes integer[], excerpts text[], errors text[], retry_after_ms bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN provision.record_deliveries_or_isolate(incarnation, ARRAY(
        SELECT ROW(given.id, given.delivery, given.status, given.curl_code, NULL, given.excerpt, given.error, given.retry_after_ms, NULL, NULL)::provision.raw_answer
          FROM ROWS FROM (unnest(ids), unnest(deliveries), unnest(statuses), unnest(curl_codes), unnest(excerpts), unnest(errors), unnest(record_deliveries.retry_after_ms))
            AS given (id, delivery, status, curl_code, excerpt, error, retry_after_ms)));
END;
$$;
COMMENT ON FUNCTION provision.record_deliveries(bigint, bigint[], text[], integer[], integer[], text[], text[], bigint[])
    IS 'Records the answers to what this incarnation sent; ids are numbers of deliveries below zero. Returns those whose webhook somebody has locked.';
