-- Checking the chain of hashes. Each function looks for one kind of problem.

CREATE OR REPLACE FUNCTION provision.broken_links()
    RETURNS TABLE (seal bigint, problem text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT link.seal, 'seal changed', 'Its hash does not belong to what it says.'
      FROM provision.audit_seal AS link
     WHERE link.hash <> provision.hash_text(provision.seal_text(link))
    UNION ALL
    SELECT link.seal, 'chain broken',
           CASE WHEN link.seal <> link.number_before + 1 THEN format('Seals %s to %s are missing before it.', link.number_before + 1, link.seal - 1)
                ELSE 'It does not follow from the seal before it.' END
      FROM (SELECT audit_seal.*,
                   lag(audit_seal.seal, 1, (SELECT coalesce(max(retention.forgets_through), 0) FROM provision.audit_seal AS retention)) OVER in_order AS number_before,
                   lag(audit_seal.hash, 1, CASE audit_seal.seal WHEN 1 THEN '' ELSE audit_seal.previous_hash END) OVER in_order AS hash_before,
                   lag(audit_seal.through_event, 1, audit_seal.after_event) OVER in_order AS event_before
              FROM provision.audit_seal
            WINDOW in_order AS (ORDER BY audit_seal.seal)) AS link
     WHERE link.seal <> link.number_before + 1
        OR link.previous_hash <> link.hash_before
        OR link.after_event <> link.event_before;
END;
COMMENT ON FUNCTION provision.broken_links() IS 'Seals that were changed or do not follow from each other.';

CREATE OR REPLACE FUNCTION provision.seals_that_do_not_hold()
    RETURNS TABLE (seal bigint, problem text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT kept.seal,
           CASE WHEN present.event_count < kept.expected THEN 'events missing'
                WHEN present.event_count > kept.expected THEN 'events added'
                ELSE 'events changed' END,
           format('Of the events %s to %s there were %s; %s are there.', kept.after_event + 1, kept.through_event, kept.expected, present.event_count)
      FROM (SELECT audit_seal.*, CASE WHEN audit_seal.removed_in IS NULL THEN audit_seal.event_count ELSE 0 END AS expected
              FROM provision.audit_seal) AS kept
     CROSS JOIN LATERAL provision.digest_of_events(kept.after_event, kept.through_event) AS present
     WHERE present.event_count <> kept.expected
        OR kept.removed_in IS NULL AND present.digest <> kept.digest
    UNION ALL
    SELECT oldest.seal, 'events added', format('There are events up to number %s, which are older than the chain.', oldest.after_event)
      FROM (SELECT audit_seal.seal, audit_seal.after_event FROM provision.audit_seal ORDER BY audit_seal.seal LIMIT 1) AS oldest
     WHERE EXISTS (SELECT FROM provision.event WHERE event.event_id <= oldest.after_event);
END;
COMMENT ON FUNCTION provision.seals_that_do_not_hold() IS 'Seals whose events are not those that were sealed.';

-- Retention removes nothing that is younger than an hour, and says so in the chain.
CREATE OR REPLACE FUNCTION provision.removals_that_do_not_hold()
    RETURNS TABLE (seal bigint, problem text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT gone.seal, 'removal not by retention', format('Seal %s does not tell of it, or came too early.', gone.removed_in)
      FROM provision.audit_seal AS gone
      LEFT JOIN provision.audit_seal AS teller ON teller.seal = gone.removed_in
     WHERE gone.removed_in IS NOT NULL
       AND (teller.seal > gone.seal AND teller.removes @> gone.seal AND teller.sealed_at >= gone.sealed_at + interval '59 minutes') IS NOT TRUE;
END;
COMMENT ON FUNCTION provision.removals_that_do_not_hold() IS 'Seals that say without proof that retention removed their events.';

-- Numbers and times of events are taken together. Where a clock was set back by more than a minute this is true of the first events after it, too.
CREATE OR REPLACE FUNCTION provision.back_dated_seals()
    RETURNS TABLE (seal bigint, problem text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT dated.seal, 'events back-dated', format('An event is dated %s, one before it %s: it was written later, or the clock was set back.', dated.earliest, dated.latest_before)
      FROM (SELECT sealed.seal, sealed.earliest, lag(sealed.latest) OVER (ORDER BY sealed.seal) AS latest_before
              FROM (SELECT kept.seal, min(event.at) AS earliest, max(event.at) AS latest
                      FROM provision.audit_seal AS kept
                      JOIN provision.event ON event.event_id > kept.after_event AND event.event_id <= kept.through_event
                     GROUP BY kept.seal) AS sealed) AS dated
     WHERE dated.earliest < dated.latest_before - interval '1 minute';
END;
COMMENT ON FUNCTION provision.back_dated_seals() IS 'Seals with an event that is dated more than a minute before the seal in front of them.';

CREATE OR REPLACE FUNCTION provision.lost_head(head text)
    RETURNS TABLE (seal bigint, problem text, detail text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    number bigint;
BEGIN
    IF lost_head.head !~ '^[0-9]{1,18}:[0-9a-f]{64}$' THEN
        RAISE EXCEPTION 'head is not valid'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give what provision_audit_head() returned.';
    END IF;
    number := split_part(lost_head.head, ':', 1)::bigint;
    RETURN QUERY
    SELECT number, 'head missing', CASE WHEN found.seal IS NULL THEN 'The chain does not have this seal: it was cut off, or retention forgot it.'
                                        ELSE 'The chain has another hash there: it was made anew.' END
      FROM (SELECT) AS one
      LEFT JOIN provision.audit_seal AS found ON found.seal = number
     WHERE encode(found.hash, 'hex') IS DISTINCT FROM split_part(lost_head.head, ':', 2);
END;
$$;
COMMENT ON FUNCTION provision.lost_head(text) IS 'A row when the chain does not lead to this head. Error 22023 for what is none.';

CREATE OR REPLACE FUNCTION @extschema@.provision_audit_verify(head text DEFAULT NULL)
    RETURNS TABLE (seal bigint, problem text, detail text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_platform(to_act => false);
    RETURN QUERY
    SELECT found.*
      FROM (SELECT * FROM provision.broken_links()
            UNION ALL
            SELECT * FROM provision.seals_that_do_not_hold()
            UNION ALL
            SELECT * FROM provision.removals_that_do_not_hold()
            UNION ALL
            SELECT * FROM provision.back_dated_seals()
            UNION ALL
            SELECT * FROM provision.lost_head(provision_audit_verify.head) WHERE provision_audit_verify.head IS NOT NULL) AS found
     ORDER BY found.seal, found.problem;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_audit_verify(text) IS
    'Checks every seal and every sealed event; no row: all hold, and the chain leads to head, if one is given that provision_audit_head() returned. Problems: seal changed, chain broken, events missing, events added, events changed, events back-dated, removal not by retention, head missing. Reads all events and takes some seconds for a million. Errors: 22023 head, 42501 not a platform member.';
