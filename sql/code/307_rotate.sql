-- Changing the key of the secrets while jobs run: the new key comes first in the key file, the old one stays until all is sealed again.

CREATE OR REPLACE FUNCTION @extschema@.provision_rotate_secrets()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    secrets record;
    sealed_again bigint;
    names text;
BEGIN
    PERFORM provision.require_platform(to_act => true);
    SELECT coalesce(array_agg(kept.secret_id), '{}') AS ids,
           coalesce(array_agg(kept.sealed), '{}') AS sealed,
           provision.reseal_secrets(coalesce(array_agg(kept.sealed), '{}'), coalesce(array_agg(kept.identity), '{}')) AS again
      INTO secrets
      FROM (SELECT * FROM provision.secret ORDER BY secret.secret_id FOR NO KEY UPDATE) AS kept;
    UPDATE provision.secret
       SET sealed = changed.again,
           sealed_at = clock_timestamp()
      FROM ROWS FROM (unnest(secrets.ids), unnest(secrets.sealed), unnest(secrets.again)) AS changed (secret_id, was, again)
     WHERE secret.secret_id = changed.secret_id
       AND changed.again <> changed.was;
    GET DIAGNOSTICS sealed_again = ROW_COUNT;
    SELECT string_agg(DISTINCT secret.identity, ', ') INTO names
      FROM ROWS FROM (unnest(secrets.ids), unnest(secrets.again)) AS changed (secret_id, again)
      JOIN provision.secret ON secret.secret_id = changed.secret_id
     WHERE changed.again IS NULL;
    IF names IS NOT NULL THEN
        RAISE WARNING 'some secrets could not be opened and stay as they are'
            USING DETAIL = format('They are those of: %s.', left(names, 1000)), HINT = provision.key_fix();
    END IF;
    INSERT INTO provision.event (event, detail) VALUES ('secrets_rotated', jsonb_build_object('secrets', sealed_again));
    PERFORM provision.end_key_waits(true);
    PERFORM provision.wake_workers();
    RETURN sealed_again;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_rotate_secrets() IS
    'Seals every secret with the first key of the key file, while jobs run; returns how many were sealed anew. A WARNING names those that none of the keys opens; they stay as they are. Errors: F0000 no key, 42501 not a platform administrator.';
