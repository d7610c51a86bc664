-- Where the engine is at home. Whoever copies a database copies its jobs, and two places must not run the same ones: a copy waits until
-- somebody says that it is to work. A standby that is promoted is none; it takes the place of its primary.

CREATE OR REPLACE FUNCTION provision.stopped_at_recovery_target(since integer, timeline integer)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT
                     FROM regexp_split_to_table(pg_read_file(format('pg_wal/%s.history', lpad(upper(to_hex(timeline)), 8, '0')), 0, 1000000, true), E'\n') AS line
                    WHERE line ~ '^[0-9]+\t'
                      AND split_part(line, E'\t', 1)::bigint >= since
                      AND split_part(line, E'\t', 3) <> 'no recovery target specified');
EXCEPTION WHEN insufficient_privilege OR data_exception THEN
    RETURN false;
END;
$$;
COMMENT ON FUNCTION provision.stopped_at_recovery_target(integer, integer)
    IS 'Since that timeline the server was recovered to a point in time: its history file says so.';

CREATE OR REPLACE FUNCTION provision.copy_detail()
    RETURNS text
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    here record := provision.server_facts();
    home provision.control := (SELECT control FROM provision.control);
BEGIN
    RETURN CASE
        WHEN pg_is_in_recovery() OR home.only_row IS NULL THEN NULL
        WHEN home.system_identifier IS NULL THEN 'Its tables come out of a dump.'
        WHEN home.copy_detail IS NOT NULL THEN home.copy_detail
        WHEN home.system_identifier <> here.system_identifier THEN 'It last worked in another cluster, which this one was made from, by pg_upgrade perhaps.'
        WHEN home.database_oid <> (SELECT oid FROM pg_database WHERE datname = current_database()) THEN 'It last worked in another database, which was the template of this one.'
        WHEN here.started_from_backup AND home.adopted_in IS DISTINCT FROM pg_postmaster_start_time() THEN 'This server was started from a backup.'
        WHEN home.timeline <> here.timeline AND provision.stopped_at_recovery_target(home.timeline, here.timeline)
        THEN 'This server was recovered to a point in time.'
    END;
END;
$$;
COMMENT ON FUNCTION provision.copy_detail() IS 'Why this database counts as a copy of the one in which the engine worked; null: it does not.';

-- What is found is kept, because the next start of the server knows no more about a backup. A row that somebody has locked is being adopted,
-- or another worker is at this very place.
CREATE OR REPLACE FUNCTION provision.come_home()
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    detail text := provision.copy_detail();
    present integer := (SELECT server_facts.timeline FROM provision.server_facts());
    old provision.control;
BEGIN
    SELECT * INTO old FROM provision.control
     WHERE (control.copy_detail, control.timeline) IS DISTINCT FROM (detail, CASE WHEN detail IS NULL THEN present ELSE control.timeline END)
       FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN detail IS NULL;
    END IF;
    IF detail IS NOT NULL THEN
        UPDATE provision.control SET copy_detail = detail;
        RAISE LOG 'provision does not work in database "%": it is a copy', current_database()
            USING DETAIL = detail, HINT = 'If its jobs are to be run here, and nowhere else, call provision_adopt().';
    ELSE
        UPDATE provision.control SET timeline = present;
        INSERT INTO provision.event (event, detail)
        VALUES ('server_promoted', jsonb_build_object('from_timeline', old.timeline, 'timeline', present));
    END IF;
    RETURN detail IS NULL;
END;
$$;
COMMENT ON FUNCTION provision.come_home() IS 'A worker starts: false when this is a copy, which is noted; a promoted standby becomes the home.';

CREATE OR REPLACE FUNCTION provision.settle_here()
    RETURNS void
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE provision.control
       SET system_identifier = here.system_identifier,
           timeline = here.timeline,
           database_oid = pg_database.oid,
           copy_detail = NULL,
           adopted_in = pg_postmaster_start_time()
      FROM provision.server_facts() AS here, pg_database
     WHERE pg_database.datname = current_database();
END;
COMMENT ON FUNCTION provision.settle_here() IS 'This database becomes the home.';
