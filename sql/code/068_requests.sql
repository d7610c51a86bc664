-- Limits for callers: how often somebody may start or change work. Counted in shared memory, so that nobody waits for somebody else's
-- transaction and one that is refused counts too; a worker keeps a copy in provision.caller.

CREATE OR REPLACE FUNCTION provision.requests_are_limited() RETURNS boolean
    AS 'MODULE_PATHNAME', 'provision_requests_are_limited' LANGUAGE C STABLE;
COMMENT ON FUNCTION provision.requests_are_limited() IS 'A limit of requests is set.';

CREATE OR REPLACE FUNCTION provision.count_requests(tenants text[], actor_kind text, actor text, address text) RETURNS void
    AS 'MODULE_PATHNAME', 'provision_count_requests' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION provision.count_requests(text[], text, text, text)
    IS 'Counts a request for each tenant, and as many for who acts and for its address. Error PV008 when one of them may not make it now; then none is counted.';

CREATE OR REPLACE FUNCTION provision.callers_are_recalled() RETURNS boolean
    AS 'MODULE_PATHNAME', 'provision_callers_recalled' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION provision.callers_are_recalled() IS 'What provision.caller has is in shared memory since the server started.';

CREATE OR REPLACE FUNCTION provision.mark_recalled() RETURNS void
    AS 'MODULE_PATHNAME', 'provision_mark_recalled' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION provision.mark_recalled() IS 'Everything is recalled.';

CREATE OR REPLACE FUNCTION provision.recall_caller(
    kind text, name text, slice_ms integer, slice bigint, counts integer[], offences integer, waits_until timestamptz) RETURNS void
    AS 'MODULE_PATHNAME', 'provision_recall_caller' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION provision.recall_caller(text, text, integer, bigint, integer[], integer, timestamptz) IS 'Brings a row of provision.caller back, unless something newer is known.';

CREATE OR REPLACE FUNCTION provision.changed_callers(
    since bigint, OUT place integer, OUT kind text, OUT name text, OUT slice_ms integer, OUT slice bigint, OUT counts integer[],
    OUT offences integer, OUT waits_until timestamptz, OUT over_at timestamptz, OUT change bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'provision_changed_callers' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION provision.changed_callers(bigint) IS 'Callers of this database that changed after a change of that number.';

-- A household has one address of IPv4, and 2^64 of IPv6.
CREATE OR REPLACE FUNCTION provision.address_in_words(address inet)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN family(address) = 4 THEN host(address)
                WHEN address <<= '::ffff:0:0/96' THEN substr(host(address), 8)
                ELSE network(set_masklen(address, 64))::text END;
END;
COMMENT ON FUNCTION provision.address_in_words(inet) IS 'What counts as one address: of IPv6 a network of 64 bits.';

CREATE OR REPLACE FUNCTION provision.recall_callers()
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.recall_caller(caller.kind, caller.name, caller.slice_ms, caller.slice, caller.counts, caller.offences, caller.waits_until)
       FROM (SELECT *      -- a caller can have got another place; the newer row goes before
               FROM provision.caller AS kept
              WHERE kept.over_at > clock_timestamp()
              ORDER BY kept.slice DESC, kept.waits_until DESC) AS caller;
    PERFORM provision.mark_recalled();
END;
$$;
COMMENT ON FUNCTION provision.recall_callers() IS 'The first request after a start of the server brings back what was counted before.';

-- Where a role acts for users, its own connection is no user's address.
CREATE OR REPLACE FUNCTION provision.admit_requests(tenants text[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_acted_for constant boolean := provision.actor_user() IS NOT NULL;
BEGIN
    IF NOT provision.requests_are_limited() OR NOT is_acted_for AND provision.is_administrator() THEN
        RETURN;
    END IF;
    PERFORM provision.recall_callers() WHERE NOT provision.callers_are_recalled();
    PERFORM provision.count_requests(ARRAY(SELECT DISTINCT given.name FROM unnest(tenants) AS given (name)),
                CASE WHEN is_acted_for THEN 'user' ELSE 'role' END,
                provision.actor(),
                provision.address_in_words(CASE WHEN is_acted_for THEN provision.actor_given_client() ELSE inet_client_addr() END));
END;
$$;
COMMENT ON FUNCTION provision.admit_requests(text[])
    IS 'Counts a request for each of the tenants; error PV008 when the limit of a tenant, of who acts or of its address is exceeded. Platform administrators who act for themselves are not counted.';

-- Another worker that is at it has the newer numbers: then this one asks again.
CREATE OR REPLACE FUNCTION provision.keep_callers(since bigint)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kept_to bigint;
BEGIN
    IF NOT provision.try_lock(1347571547, 0, for_session => false) THEN
        RETURN since;
    END IF;
    WITH changed AS MATERIALIZED (
        SELECT * FROM provision.changed_callers(keep_callers.since)
    ), told AS (
        INSERT INTO provision.event (tenant, event, detail)
        SELECT CASE changed.kind WHEN 'tenant' THEN changed.name END, 'requests_refused',
               jsonb_build_object('kind', changed.kind, 'name', changed.name, 'offences', changed.offences, 'until', changed.waits_until)
          FROM changed
          LEFT JOIN provision.caller AS known ON known.place = changed.place AND known.kind = changed.kind AND known.name = changed.name
         WHERE changed.waits_until > clock_timestamp()
           AND changed.waits_until > coalesce(known.waits_until, '-infinity')
         ORDER BY changed.place
    ), kept AS (
        INSERT INTO provision.caller (place, kind, name, slice_ms, slice, counts, offences, waits_until, over_at)
        SELECT changed.place, changed.kind, changed.name, changed.slice_ms, changed.slice, changed.counts, changed.offences, changed.waits_until, changed.over_at
          FROM changed
        ON CONFLICT (place) DO UPDATE
           SET (kind, name, slice_ms, slice, counts, offences, waits_until, over_at)
             = (excluded.kind, excluded.name, excluded.slice_ms, excluded.slice, excluded.counts, excluded.offences, excluded.waits_until, excluded.over_at)
    )
    SELECT max(changed.change) INTO kept_to FROM changed;
    DELETE FROM provision.caller WHERE caller.over_at < clock_timestamp();
    RETURN coalesce(kept_to, since);
END;
$$;
COMMENT ON FUNCTION provision.keep_callers(bigint) IS 'Writes what changed of callers after the change of that number to provision.caller, with an event for each new offence, and removes what is over; returns the number of the last change.';
