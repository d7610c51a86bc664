-- Sealing events into the chain of hashes: by the worker while provision.audit_chain is on, or by hand. Nobody who writes an event waits for it.

-- The same in every session, whatever it has set, and after a dump. A column that is added to the table needs a place here.
CREATE OR REPLACE FUNCTION provision.event_text(event provision.event)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_array((event).event_id, extract(epoch FROM (event).at)::text, (event).job_id, (event).tenant, (event).engine, (event).step,
                             (event).actor, (event).event, (event).from_state, (event).to_state, (event).detail, (event).correlation_id,
                             (event).via)::text;
END;
COMMENT ON FUNCTION provision.event_text(provision.event) IS 'What is sealed of an event: its columns as a JSON array, its time in seconds since the epoch.';

CREATE OR REPLACE FUNCTION provision.seal_text(seal provision.audit_seal)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_array((seal).seal, (seal).after_event, (seal).through_event, (seal).event_count, encode((seal).digest, 'hex'), (seal).removes::text,
                             (seal).forgets_through, extract(epoch FROM (seal).sealed_at)::text, encode((seal).previous_hash, 'hex'))::text;
END;
COMMENT ON FUNCTION provision.seal_text(provision.audit_seal) IS 'What the hash of a seal is made of.';

CREATE OR REPLACE FUNCTION provision.hash_text(words text)
    RETURNS bytea
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT sha256(convert_to(words, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END));
END;
COMMENT ON FUNCTION provision.hash_text(text) IS 'SHA-256 of a text in UTF-8, so that a dump can be restored into a database of another encoding.';

CREATE OR REPLACE FUNCTION provision.digest_of_events(after_event bigint, through_event bigint, OUT event_count bigint, OUT digest bytea)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT count(*), provision.hash_text(coalesce(string_agg(provision.event_text(sealed), E'\n' ORDER BY sealed.event_id), ''))
      INTO event_count, digest
      FROM provision.event AS sealed
     WHERE sealed.event_id > digest_of_events.after_event
       AND sealed.event_id <= digest_of_events.through_event;
END;
$$;
COMMENT ON FUNCTION provision.digest_of_events(bigint, bigint) IS 'How many events there are in a range, and the hash of their texts, a line each.';

CREATE OR REPLACE FUNCTION provision.newest_seal()
    RETURNS provision.audit_seal
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT audit_seal.* FROM provision.audit_seal ORDER BY audit_seal.seal DESC LIMIT 1;
END;
COMMENT ON FUNCTION provision.newest_seal() IS 'The end of the chain; null when there is none.';

-- Whoever appends holds this lock to the end of the transaction.
CREATE OR REPLACE FUNCTION provision.lock_chain()
    RETURNS boolean
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT provision.try_lock(1347571546, 0, for_session => false);
END;
COMMENT ON FUNCTION provision.lock_chain() IS 'This transaction may append to the chain; false when another one is about it.';

CREATE OR REPLACE FUNCTION provision.append_seal(through_event bigint, removes int8multirange DEFAULT NULL, forgets_through bigint DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    previous provision.audit_seal := provision.newest_seal();
    new provision.audit_seal;
BEGIN
    new.seal := coalesce(previous.seal, 0) + 1;
    new.after_event := coalesce(previous.through_event, (SELECT min(event.event_id) - 1 FROM provision.event), append_seal.through_event);
    new.through_event := append_seal.through_event;
    SELECT * INTO new.event_count, new.digest FROM provision.digest_of_events(new.after_event, new.through_event);
    new.removes := append_seal.removes;
    new.forgets_through := append_seal.forgets_through;
    new.sealed_at := clock_timestamp();
    new.previous_hash := coalesce(previous.hash, '');
    new.hash := provision.hash_text(provision.seal_text(new));
    INSERT INTO provision.audit_seal VALUES (new.*);
    RETURN new.event_count;
END;
$$;
COMMENT ON FUNCTION provision.append_seal(bigint, int8multirange, bigint) IS 'Adds the next seal; returns the number of events in it. The caller holds lock_chain().';

-- Numbers of events are taken before their transactions end, in any order. A number that was handed out belongs to a transaction that had its own
-- number by then (trigger begin_events); so all events up to it are there, or never will be, once every transaction is over that was numbered
-- before we read it. The number is read first, the horizon after it.
CREATE OR REPLACE FUNCTION provision.sealable_through()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    newest constant bigint := (SELECT numbers.last_value - (NOT numbers.is_called)::integer FROM provision.event_event_id_seq AS numbers);
    next_number constant xid8 := provision.next_transaction();
    over_below constant xid8 := pg_snapshot_xmin(pg_current_snapshot());
    reached bigint;
BEGIN
    IF over_below >= next_number THEN
        RETURN newest;
    END IF;
    DELETE FROM provision.audit_horizon WHERE audit_horizon.horizon <= over_below RETURNING audit_horizon.through_event INTO reached;
    INSERT INTO provision.audit_horizon (through_event, horizon) VALUES (newest, next_number) ON CONFLICT DO NOTHING;
    RETURN reached;
END;
$$;
COMMENT ON FUNCTION provision.sealable_through() IS 'No event up to this number can appear any more; null: not known yet, ask again later.';

CREATE OR REPLACE FUNCTION provision.seal_events(max_events bigint, OUT sealed bigint, OUT is_behind boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    events_of_a_seal constant bigint := 1000;
    done_through bigint := (provision.newest_seal()).through_event;
    reached bigint;
    next_through bigint;
BEGIN
    sealed := 0;
    is_behind := EXISTS (SELECT FROM provision.event WHERE event.event_id > coalesce(done_through, '-9223372036854775808'));
    IF NOT is_behind OR NOT provision.lock_chain() THEN
        RETURN;
    END IF;
    done_through := (provision.newest_seal()).through_event;
    reached := provision.sealable_through();
    WHILE sealed < max_events LOOP
        next_through := (SELECT max(next.event_id)
                           FROM (SELECT event.event_id
                                   FROM provision.event
                                  WHERE event.event_id > coalesce(done_through, '-9223372036854775808')
                                    AND event.event_id <= reached
                                  ORDER BY event.event_id
                                  LIMIT events_of_a_seal) AS next);
        EXIT WHEN next_through IS NULL;
        sealed := sealed + provision.append_seal(next_through);
        done_through := next_through;
    END LOOP;
    is_behind := EXISTS (SELECT FROM provision.event WHERE event.event_id > coalesce(done_through, '-9223372036854775808'));
END;
$$;
COMMENT ON FUNCTION provision.seal_events(bigint) IS 'Seals what can be sealed, about max_events at most. is_behind: there are more, perhaps of transactions that are not over.';

CREATE OR REPLACE FUNCTION @extschema@.provision_audit_seal()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_platform(to_act => true);
    RETURN (SELECT seal_events.sealed FROM provision.seal_events(100000));
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_audit_seal() IS
    'Seals new events with the chain of hashes, as the worker does while provision.audit_chain is on; returns how many, at most about 100,000. What transactions wrote that were open, this one among them, comes next time. While another session seals it returns 0. Waits for nobody. Error: 42501 not a platform administrator.';

CREATE OR REPLACE FUNCTION @extschema@.provision_audit_head()
    RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_platform(to_act => false);
    RETURN (SELECT newest.seal || ':' || encode(newest.hash, 'hex') FROM provision.newest_seal() AS newest);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_audit_head() IS
    'The newest seal as one word, number:hash; null when nothing is sealed. Kept outside of the database it proves to provision_audit_verify() that nothing up to it was changed. Error: 42501 not a platform member.';
