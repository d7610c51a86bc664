-- Deliveries that nobody sends any more, wait for a key, are too many, too old, or put off by a clock that was set.

-- Of a worker that stopped before anything was sent, or that died: then nobody knows, and it is sent again.
CREATE OR REPLACE FUNCTION provision.take_back_deliveries(incarnation bigint, tries_count boolean)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM provision.webhook_delivery WHERE webhook_delivery.state = 'sending') THEN
        RETURN true;
    END IF;
    UPDATE provision.webhook_delivery AS lost
       SET state = 'waiting',
           incarnation = NULL,
           next_at = clock_timestamp(),
           attempt_count = lost.attempt_count - (NOT tries_count)::integer,
           last_error = CASE WHEN tries_count THEN 'the worker died before the answer was recorded' ELSE lost.last_error END
     WHERE lost.delivery_id = ANY (ARRAY(SELECT sent.delivery_id
                                           FROM provision.webhook_delivery AS sent
                                          WHERE sent.state = 'sending' AND sent.incarnation = take_back_deliveries.incarnation
                                            FOR NO KEY UPDATE SKIP LOCKED));
    RETURN NOT EXISTS (SELECT FROM provision.webhook_delivery AS sent WHERE sent.state = 'sending' AND sent.incarnation = take_back_deliveries.incarnation);
END;
$$;
COMMENT ON FUNCTION provision.take_back_deliveries(bigint, boolean) IS 'What this incarnation was sending waits again; false: somebody else has locked some of it.';

CREATE OR REPLACE FUNCTION provision.wait_for_signing_keys(delivery_ids bigint[], problems text[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held record;
BEGIN
    FOR held IN
        UPDATE provision.webhook_delivery AS taken
           SET state = 'waiting',
               incarnation = NULL,
               attempt_count = taken.attempt_count - 1,
               next_at = clock_timestamp() + interval '10 s'        -- in case the webhook is locked
         WHERE taken.delivery_id = ANY (wait_for_signing_keys.delivery_ids)
        RETURNING taken.webhook_id, wait_for_signing_keys.problems[array_position(wait_for_signing_keys.delivery_ids, taken.delivery_id)] AS problem
    LOOP
        UPDATE provision.webhook
           SET key_problem = held.problem,
               not_before = clock_timestamp() + interval '1 hour'
         WHERE webhook.webhook_id = (SELECT kept.webhook_id FROM provision.webhook AS kept
                                      WHERE kept.webhook_id = held.webhook_id
                                        AND (kept.key_problem IS DISTINCT FROM held.problem OR kept.not_before IS NULL OR kept.not_before <= clock_timestamp())
                                        FOR NO KEY UPDATE SKIP LOCKED);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.wait_for_signing_keys(bigint[], text[]) IS 'Deliveries that cannot be signed are taken back, and their webhooks wait until the keys change, or for an hour.';

CREATE OR REPLACE FUNCTION provision.hasten_deliveries(webhook_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.webhook_delivery AS late
       SET next_at = clock_timestamp()
     WHERE late.delivery_id = ANY (ARRAY(SELECT waiting.delivery_id
                                           FROM provision.webhook_delivery AS waiting
                                          WHERE waiting.webhook_id = hasten_deliveries.webhook_id
                                            AND waiting.state = 'waiting'
                                            AND waiting.next_at > clock_timestamp()
                                            FOR NO KEY UPDATE SKIP LOCKED));
END;
$$;
COMMENT ON FUNCTION provision.hasten_deliveries(bigint) IS 'What a webhook would try later, it tries now.';

CREATE OR REPLACE FUNCTION provision.end_waits_for_signing_keys()
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    free bigint[] := ARRAY(SELECT webhook.webhook_id FROM provision.webhook WHERE webhook.key_problem IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED);
BEGIN
    UPDATE provision.webhook SET key_problem = NULL, not_before = NULL WHERE webhook.webhook_id = ANY (free);
    PERFORM provision.hasten_deliveries(webhook_id) FROM unnest(free) AS webhook_id;
END;
$$;
COMMENT ON FUNCTION provision.end_waits_for_signing_keys() IS 'The keys have changed: webhooks that wait for one try again.';

-- While somebody holds the webhook's row it is left out until the next time.
CREATE OR REPLACE FUNCTION provision.trim_deliveries_of(webhook provision.webhook)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    excess constant bigint := (SELECT count(*) FROM provision.webhook_delivery AS waiting
                                WHERE waiting.webhook_id = webhook.webhook_id AND waiting.state = 'waiting') - webhook.max_waiting;
    subjects text[];
    dropped bigint;
BEGIN
    IF excess <= 0 THEN
        RETURN;
    END IF;
    WITH gone AS (
        DELETE FROM provision.webhook_delivery AS oldest
         WHERE oldest.delivery_id = ANY (ARRAY(SELECT waiting.delivery_id
                                                 FROM provision.webhook_delivery AS waiting
                                                WHERE waiting.webhook_id = webhook.webhook_id AND waiting.state = 'waiting'
                                                ORDER BY waiting.delivery_id
                                                LIMIT least(excess, 2000)        -- the rest at the next count
                                                  FOR UPDATE SKIP LOCKED))
        RETURNING oldest.subject
    )
    SELECT array_agg(DISTINCT gone.subject), count(*) INTO subjects, dropped FROM gone;
    PERFORM provision.release_next_delivery(webhook.webhook_id, subject) FROM unnest(subjects) AS subject;
    UPDATE provision.webhook AS full_one SET dropped_count = full_one.dropped_count + dropped WHERE full_one.webhook_id = webhook.webhook_id;
    PERFORM provision.log_webhook_event(webhook, 'webhook_overflowed', jsonb_build_object('dropped', dropped, 'max_waiting', webhook.max_waiting)) WHERE dropped > 0;
END;
$$;
COMMENT ON FUNCTION provision.trim_deliveries_of(provision.webhook) IS 'Removes the oldest of what waits for a webhook beyond its max_waiting, with an event that says how many.';

CREATE OR REPLACE FUNCTION provision.trim_deliveries()
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hook provision.webhook;
BEGIN
    FOR hook IN
        SELECT webhook.*
          FROM provision.webhooks_in_line() AS line
          JOIN provision.webhook ON webhook.webhook_id = line.webhook_id
           FOR NO KEY UPDATE OF webhook SKIP LOCKED
    LOOP
        PERFORM provision.trim_deliveries_of(hook);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.trim_deliveries() IS 'Keeps every webhook to its max_waiting.';

CREATE OR REPLACE FUNCTION provision.purge_deliveries(cutoff timestamptz, max_rows bigint)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removed bigint;
BEGIN
    DELETE FROM provision.webhook_delivery AS old
     WHERE old.delivery_id = ANY (ARRAY(
           SELECT over.delivery_id
             FROM provision.webhook_delivery AS over
            WHERE over.created_at < purge_deliveries.cutoff
              AND (over.finished_at < purge_deliveries.cutoff
                   OR NOT EXISTS (SELECT FROM provision.webhook WHERE webhook.webhook_id = over.webhook_id))
            LIMIT purge_deliveries.max_rows
              FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END;
$$;
COMMENT ON FUNCTION provision.purge_deliveries(timestamptz, bigint) IS 'Removes deliveries that were over before cutoff, and older ones of webhooks that are no more; returns how many.';

-- A pause is as long as it was made: what was last tried at a time that is still to come was put off by the clock as it was before, and
-- what was never tried is put off for seconds at most.
CREATE OR REPLACE FUNCTION provision.correct_delivery_times(now_it_is timestamptz)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.webhook_delivery AS late
       SET next_at = now_it_is + CASE WHEN late.attempt_count > 0 THEN late.next_at - late.sent_at ELSE interval '0' END,
           sent_at = least(late.sent_at, now_it_is)
     WHERE late.delivery_id = ANY (ARRAY(SELECT waiting.delivery_id
                                           FROM provision.webhook_delivery AS waiting
                                          WHERE waiting.state = 'waiting'
                                            AND waiting.next_at > now_it_is
                                            AND CASE WHEN waiting.attempt_count > 0 THEN waiting.sent_at > now_it_is
                                                     ELSE waiting.next_at > now_it_is + interval '1 min' END
                                            FOR NO KEY UPDATE SKIP LOCKED));
    UPDATE provision.webhook AS resting
       SET not_before = now_it_is
     WHERE resting.webhook_id = ANY (ARRAY(SELECT webhook.webhook_id FROM provision.webhook
                                            WHERE webhook.not_before > now_it_is + interval '61 min'        -- longer than any rest
                                              FOR NO KEY UPDATE SKIP LOCKED));
END;
$$;
COMMENT ON FUNCTION provision.correct_delivery_times(timestamptz) IS 'Ends pauses of deliveries and rests of webhooks that are longer than they were made: the clock was set back.';
