-- Last words of an install or upgrade: a worker for this database, where a launcher runs.
-- What pg_dump wrote begins with SET xmloption, which nobody else sets: then rows are about to follow, among them jobs that are due. A
-- worker would disturb the restore, and a copy must not repeat what the original does: such an extension knows no home.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM provision.control) THEN
        INSERT INTO provision.control DEFAULT VALUES;
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_settings WHERE pg_settings.name = 'xmloption' AND pg_settings.source = 'session') THEN
            PERFORM provision.settle_here();
        END IF;
    END IF;
    IF provision.copy_detail() IS NULL THEN
        PERFORM provision.start_worker(even_without_launcher => false);
    END IF;
END;
$$;
