-- Deliveries: which are sent now. One worker at a time works on them (take_delivery_turn), so that limits are counted once and no row that
-- waits behind another is forgotten; and it waits for no row that somebody else holds.
--
-- A row that is found behind an earlier one of its subject is taken out of the line (next_at is null) until that one is over. So the line
-- holds what may be sent, and a receiver that is down costs nothing but its own tries.

CREATE OR REPLACE FUNCTION provision.take_delivery_turn()
    RETURNS boolean
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT provision.try_lock(1347571560, 0, for_session => false);
END;
COMMENT ON FUNCTION provision.take_delivery_turn() IS 'Until the end of the transaction nobody else works on deliveries; false: somebody does.';

-- From one webhook to the next in the index, whatever each has in its line.
CREATE OR REPLACE FUNCTION provision.webhooks_in_line()
    RETURNS TABLE (webhook_id bigint, next_at timestamptz)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    webhook_id := 0;
    LOOP
        SELECT first.webhook_id, first.next_at INTO webhook_id, next_at
          FROM provision.webhook_delivery AS first
         WHERE first.state = 'waiting'
           AND first.next_at IS NOT NULL
           AND first.webhook_id > webhooks_in_line.webhook_id
         ORDER BY first.webhook_id, first.next_at
         LIMIT 1;
        EXIT WHEN NOT FOUND;
        RETURN NEXT;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.webhooks_in_line() IS 'Webhooks that have something to send, sooner or later, and when the first of it.';

CREATE OR REPLACE FUNCTION provision.webhooks_to_serve()
    RETURNS TABLE (webhook_id bigint, due_at timestamptz, in_flight bigint, room bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT webhook.webhook_id, greatest(line.next_at, webhook.not_before), use.in_flight, webhook.max_in_flight - use.in_flight
      FROM provision.webhooks_in_line() AS line
      JOIN provision.webhook ON webhook.webhook_id = line.webhook_id
     CROSS JOIN LATERAL (SELECT count(*) AS in_flight
                           FROM provision.webhook_delivery AS sent
                          WHERE sent.webhook_id = webhook.webhook_id AND sent.state = 'sending') AS use
     WHERE webhook.paused_at IS NULL
       AND webhook.disabled_at IS NULL
       AND use.in_flight < webhook.max_in_flight
       AND (SELECT control.paused_at IS NULL FROM provision.control);
END;
$$;
COMMENT ON FUNCTION provision.webhooks_to_serve() IS 'Webhooks that have something to send, are neither paused nor disabled and have room for it: when, and for how many deliveries.';

CREATE OR REPLACE FUNCTION provision.webhooks_of_nobody()
    RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT line.webhook_id
      FROM provision.webhooks_in_line() AS line
     WHERE NOT EXISTS (SELECT FROM provision.webhook WHERE webhook.webhook_id = line.webhook_id);
END;
$$;
COMMENT ON FUNCTION provision.webhooks_of_nobody() IS 'Webhooks that are no more, for which something is in the line all the same.';

CREATE OR REPLACE FUNCTION provision.next_delivery_at(max_in_flight integer)
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (SELECT count(*) FROM provision.webhook_delivery WHERE webhook_delivery.state = 'sending') >= next_delivery_at.max_in_flight THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT min(to_serve.due_at)
              FROM (SELECT serve.due_at FROM provision.webhooks_to_serve() AS serve
                    UNION ALL
                    SELECT clock_timestamp() FROM provision.webhooks_of_nobody()) AS to_serve);
END;
$$;
COMMENT ON FUNCTION provision.next_delivery_at(integer) IS 'When something is to be sent; null: when an answer comes, or something else happens.';

CREATE OR REPLACE FUNCTION provision.release_next_delivery(webhook_id bigint, subject text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.webhook_delivery AS next
       SET next_at = clock_timestamp()
     WHERE next.delivery_id = (SELECT open.delivery_id
                                 FROM provision.webhook_delivery AS open
                                WHERE open.webhook_id = release_next_delivery.webhook_id
                                  AND open.subject = release_next_delivery.subject
                                  AND open.state IN ('waiting', 'sending')
                                ORDER BY open.delivery_id
                                LIMIT 1)
       AND next.state = 'waiting'
       AND next.next_at IS NULL;
END;
$$;
COMMENT ON FUNCTION provision.release_next_delivery(bigint, text) IS 'The first delivery of a subject that is not over comes into the line, after one before it is over.';

-- What is to become of the first of a subject: an older progress than one that waits tells nothing. Each question is one look into an
-- index, however many wait.
CREATE OR REPLACE FUNCTION provision.place_of_delivery(delivery provision.webhook_delivery)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT
                 FROM provision.webhook_delivery AS earlier
                WHERE earlier.webhook_id = delivery.webhook_id
                  AND earlier.subject = delivery.subject
                  AND earlier.delivery_id < delivery.delivery_id
                  AND earlier.state IN ('waiting', 'sending')) THEN
        RETURN 'behind';
    ELSIF delivery.type = 'job.progress' AND delivery.attempt_count = 0
          AND EXISTS (SELECT
                        FROM provision.webhook_delivery AS newer
                       WHERE newer.webhook_id = delivery.webhook_id
                         AND newer.subject = delivery.subject
                         AND newer.delivery_id > delivery.delivery_id
                         AND newer.type = 'job.progress'
                         AND newer.state IN ('waiting', 'sending')) THEN
        RETURN 'outdated';
    END IF;
    RETURN 'first';
END;
$$;
COMMENT ON FUNCTION provision.place_of_delivery(provision.webhook_delivery) IS 'first: it may be sent; behind: an earlier one of its subject is not over; outdated: it need not be sent, because a newer one tells more.';

CREATE OR REPLACE FUNCTION provision.take_deliveries(incarnation bigint, webhook_id bigint, room bigint)
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    candidate provision.webhook_delivery;
    taken bigint[] := '{}';
    place text;
BEGIN
    FOR candidate IN
        SELECT waiting.*
          FROM provision.webhook_delivery AS waiting
         WHERE waiting.webhook_id = take_deliveries.webhook_id
           AND waiting.state = 'waiting'
           AND waiting.next_at <= (SELECT clock_timestamp())
         ORDER BY waiting.next_at, waiting.delivery_id
         LIMIT 200      -- the rest at the next look
           FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        EXIT WHEN cardinality(taken) >= room;
        place := provision.place_of_delivery(candidate);
        IF place = 'first' THEN
            taken := taken || candidate.delivery_id;
        ELSIF place = 'behind' THEN
            UPDATE provision.webhook_delivery AS behind SET next_at = NULL WHERE behind.delivery_id = candidate.delivery_id;
        ELSE
            DELETE FROM provision.webhook_delivery AS outdated WHERE outdated.delivery_id = candidate.delivery_id;
            PERFORM provision.release_next_delivery(candidate.webhook_id, candidate.subject);
        END IF;
    END LOOP;
    UPDATE provision.webhook_delivery AS sent
       SET state = 'sending',
           incarnation = take_deliveries.incarnation,
           attempt_count = sent.attempt_count + 1,
           next_at = NULL,
           sent_at = clock_timestamp()
     WHERE sent.delivery_id = ANY (taken);
    RETURN taken;
END;
$$;
COMMENT ON FUNCTION provision.take_deliveries(bigint, bigint, bigint) IS 'Writes down that this incarnation sends what a webhook has in its line, so many at most.';

-- Who has the fewest in flight goes first: receivers that are slow leave the places to the others.
CREATE OR REPLACE FUNCTION provision.begin_deliveries(incarnation bigint, max_in_flight integer)
    RETURNS TABLE (delivery_id bigint, url text, body text, message_id text, timeout_ms integer, sealed bytea[], identities text[])
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    room bigint := begin_deliveries.max_in_flight - (SELECT count(*) FROM provision.webhook_delivery AS sent WHERE sent.state = 'sending');
    own bigint[];
    taken bigint[] := '{}';
    hook record;
BEGIN
    PERFORM provision.clear_deliveries_of_nobody();
    FOR hook IN SELECT * FROM provision.webhooks_to_serve() AS to_serve WHERE to_serve.due_at <= clock_timestamp() ORDER BY to_serve.in_flight, to_serve.due_at LOOP
        EXIT WHEN room <= 0;
        own := provision.take_deliveries(incarnation, hook.webhook_id, least(room, hook.room));
        taken := taken || own;
        room := room - cardinality(own);
    END LOOP;
    RETURN QUERY
    SELECT sent.delivery_id, webhook.url, sent.payload::text, 'msg_' || replace(sent.message::text, '-', ''), webhook.timeout_ms, signing.sealed, signing.identities
      FROM provision.webhook_delivery AS sent
      JOIN provision.webhook ON webhook.webhook_id = sent.webhook_id
     CROSS JOIN LATERAL provision.signing_secrets(webhook) AS signing
     WHERE sent.delivery_id = ANY (taken)
     ORDER BY sent.delivery_id;
END;
$$;
COMMENT ON FUNCTION provision.begin_deliveries(bigint, integer) IS 'What is to be sent when this is committed, with the sealed secrets that sign it.';

CREATE OR REPLACE FUNCTION provision.signing_secrets(webhook provision.webhook, OUT sealed bytea[], OUT identities text[])
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT coalesce(array_agg(secret.sealed ORDER BY secret.set_at DESC), '{}'), coalesce(array_agg(secret.identity ORDER BY secret.set_at DESC), '{}')
      INTO sealed, identities
      FROM provision.secret
     WHERE secret.webhook_id = webhook.webhook_id
       AND (secret.name = 'signing_' || webhook.secret_number
            OR secret.name = 'signing_' || webhook.secret_number - 1 AND webhook.former_until > clock_timestamp());
END;
$$;
COMMENT ON FUNCTION provision.signing_secrets(provision.webhook) IS 'The secret of a webhook, and for a while after a rotation the one before it.';

-- Whoever drops a webhook leaves its deliveries, of which some may be sent just now, to be cleared here. Those in the line go last: by them
-- the next look finds the rest.
CREATE OR REPLACE FUNCTION provision.clear_deliveries_of_nobody()
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    max_rows constant integer := 1000;
    nobody bigint;
    cleared bigint;
BEGIN
    FOR nobody IN SELECT * FROM provision.webhooks_of_nobody() LOOP
        DELETE FROM provision.webhook_delivery AS behind
         WHERE behind.delivery_id = ANY (ARRAY(SELECT open.delivery_id
                                                 FROM provision.webhook_delivery AS open
                                                WHERE open.webhook_id = nobody AND open.state = 'waiting' AND open.next_at IS NULL
                                                LIMIT max_rows
                                                  FOR UPDATE SKIP LOCKED));
        GET DIAGNOSTICS cleared = ROW_COUNT;
        DELETE FROM provision.webhook_delivery AS in_line
         WHERE in_line.delivery_id = ANY (ARRAY(SELECT open.delivery_id
                                                  FROM provision.webhook_delivery AS open
                                                 WHERE open.webhook_id = nobody AND open.state = 'waiting' AND open.next_at IS NOT NULL
                                                 LIMIT max_rows - cleared
                                                   FOR UPDATE SKIP LOCKED));
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.clear_deliveries_of_nobody() IS 'Removes what waits for webhooks that are no more, 1,000 of each at a time.';
