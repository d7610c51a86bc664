-- Events that are old enough to go. Those that are sealed go by whole seals, and the chain tells of it.

CREATE OR REPLACE FUNCTION provision.purge_unsealed_events(cutoff timestamptz, max_rows bigint)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET provision.may_change_history = on
AS $$
DECLARE
    sealed_through constant bigint := coalesce((provision.newest_seal()).through_event, '-9223372036854775808');
    removed bigint;
BEGIN
    DELETE FROM provision.event
     WHERE event.event_id = ANY (ARRAY(
           SELECT old.event_id
             FROM provision.event AS old
             LEFT JOIN provision.job ON job.job_id = old.job_id
            WHERE old.at < purge_unsealed_events.cutoff
              AND old.event_id > sealed_through
              AND (job.job_id IS NULL OR job.finished_at < purge_unsealed_events.cutoff)
            LIMIT purge_unsealed_events.max_rows));
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END;
$$;
COMMENT ON FUNCTION provision.purge_unsealed_events(timestamptz, bigint) IS 'Removes events before cutoff that no seal holds, those of active jobs excepted; returns how many.';

CREATE OR REPLACE FUNCTION provision.seal_is_old(seal provision.audit_seal, cutoff timestamptz)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NOT EXISTS (SELECT
                         FROM provision.event
                         LEFT JOIN provision.job ON job.job_id = event.job_id
                        WHERE event.event_id > (seal_is_old.seal).after_event
                          AND event.event_id <= (seal_is_old.seal).through_event
                          AND (event.at >= seal_is_old.cutoff
                               OR job.job_id IS NOT NULL AND (job.finished_at < seal_is_old.cutoff) IS NOT TRUE));
END;
$$;
COMMENT ON FUNCTION provision.seal_is_old(provision.audit_seal, timestamptz) IS 'All of its events are from before cutoff, and none is of a job that was active then.';

CREATE OR REPLACE FUNCTION provision.seal_holds(seal provision.audit_seal)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT present.event_count = (seal_holds.seal).event_count AND present.digest = (seal_holds.seal).digest
              FROM provision.digest_of_events((seal_holds.seal).after_event, (seal_holds.seal).through_event) AS present);
END;
$$;
COMMENT ON FUNCTION provision.seal_holds(provision.audit_seal) IS 'Its events are those that were sealed.';

-- The seals up to the first that must stay: it has events, or is not old enough.
CREATE OR REPLACE FUNCTION provision.forgettable_through(cutoff timestamptz, max_rows bigint)
    RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT nullif(least(first_to_stay.seal - 1, oldest.seal + forgettable_through.max_rows), oldest.seal - 1)
      FROM (SELECT audit_seal.seal FROM provision.audit_seal ORDER BY audit_seal.seal LIMIT 1) AS oldest,
           (SELECT min(audit_seal.seal) AS seal
              FROM provision.audit_seal
             WHERE audit_seal.sealed_at >= forgettable_through.cutoff
                OR audit_seal.removed_in IS NULL AND audit_seal.event_count > 0
                OR audit_seal.seal = (provision.newest_seal()).seal) AS first_to_stay;
END;
COMMENT ON FUNCTION provision.forgettable_through(timestamptz, bigint) IS 'The last of the oldest seals that are from before cutoff and have no events left, some max_rows at most; null: there is none.';

-- A seal that does not hold stays with what is left of it, because that is evidence.
CREATE OR REPLACE FUNCTION provision.purge_sealed_events(cutoff timestamptz, max_rows bigint)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET provision.may_change_history = on
AS $$
DECLARE
    newest constant provision.audit_seal := provision.newest_seal();
    old provision.audit_seal;
    gone int8multirange := '{}';
    forgotten bigint;
    removed bigint := 0;
BEGIN
    FOR old IN
        SELECT audit_seal.*
          FROM provision.audit_seal
         WHERE audit_seal.removed_in IS NULL
           AND audit_seal.event_count > 0
           AND audit_seal.sealed_at < purge_sealed_events.cutoff
           AND provision.seal_is_old(audit_seal, purge_sealed_events.cutoff)
         ORDER BY audit_seal.seal
    LOOP
        EXIT WHEN removed >= max_rows;
        CONTINUE WHEN NOT provision.seal_holds(old);
        DELETE FROM provision.event WHERE event.event_id > old.after_event AND event.event_id <= old.through_event;
        UPDATE provision.audit_seal SET removed_in = newest.seal + 1 WHERE audit_seal.seal = old.seal;
        gone := gone + int8multirange(int8range(old.seal, old.seal, '[]'));
        removed := removed + old.event_count;
    END LOOP;
    IF removed > 0 THEN
        forgotten := provision.forgettable_through(cutoff, max_rows);
        PERFORM provision.append_seal(newest.through_event, gone, forgotten);
        DELETE FROM provision.audit_seal WHERE audit_seal.seal <= forgotten;
    END IF;
    RETURN removed;
END;
$$;
COMMENT ON FUNCTION provision.purge_sealed_events(timestamptz, bigint) IS 'Removes the events of whole seals that are before cutoff, and seals that have none left, and appends a seal that says so; returns how many events. The caller holds lock_chain().';

CREATE OR REPLACE FUNCTION provision.purge_events(cutoff timestamptz, max_rows bigint)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (provision.newest_seal()).seal IS NULL THEN
        RETURN provision.purge_unsealed_events(cutoff, max_rows);
    ELSIF NOT provision.lock_chain() THEN
        RETURN 0;
    END IF;
    RETURN provision.purge_sealed_events(cutoff, max_rows) + provision.purge_unsealed_events(cutoff, max_rows);
END;
$$;
COMMENT ON FUNCTION provision.purge_events(timestamptz, bigint) IS 'Removes events before cutoff, those of active jobs excepted; returns how many. None while another session seals.';
