-- Last words of an install or upgrade: a worker for this database, where a launcher runs.
-- What pg_dump wrote begins with SET row_security = off: then rows are about to follow, among them jobs that are due. A worker would
-- disturb the restore, and a copy must not repeat what the original does. It stays stopped until somebody starts it.

DO $$
BEGIN
    IF pg_catalog.current_setting('row_security') = 'off' AND NOT EXISTS (SELECT FROM provision.engine) THEN
        UPDATE provision.control SET worker_stopped_at = pg_catalog.clock_timestamp();
    ELSE
        PERFORM provision.start_worker(even_without_launcher => false);
    END IF;
END;
$$;
