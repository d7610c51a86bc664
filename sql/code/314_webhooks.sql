-- Webhooks: who is told of what. Those of a tenant are its owners' and admins', those of the platform its administrators'.

CREATE OR REPLACE FUNCTION provision.webhook_url_problem(url text) RETURNS text
    AS 'MODULE_PATHNAME', 'provision_webhook_url_problem' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION provision.webhook_url_problem(text) IS 'Why a webhook must not have this URL, judged by what is written and by provision.webhook_allowed_hosts; null: it may. What its name stands for is judged with each connection.';

CREATE OR REPLACE FUNCTION provision.new_webhook_secret() RETURNS text
    AS 'MODULE_PATHNAME', 'provision_new_webhook_secret' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION provision.new_webhook_secret() IS 'A secret for signing: whsec_ and 32 random bytes in base64.';

CREATE OR REPLACE FUNCTION provision.webhook_option_keys()
    RETURNS TABLE (key text, kind text, smallest double precision, largest double precision, fallback jsonb)
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    VALUES ('max_in_flight',         'integer', 1::double precision, 50::double precision, '5'::jsonb),
           ('max_waiting',           'integer', 100, 100000,   '10000'),
           ('timeout_ms',            'integer', 100, 30000,    '15000'),
           ('retry_seconds',         'pauses',  NULL, NULL,    '[5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800]'),
           ('disable_after_seconds', 'integer', 1,   31536000, '432000');
END;
COMMENT ON FUNCTION provision.webhook_option_keys() IS 'The options of a webhook: what each holds, its range, and its value when it is not given.';

CREATE OR REPLACE FUNCTION provision.pauses_problem(pauses jsonb)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF pauses = 'null' OR jsonb_typeof(pauses) = 'array' AND jsonb_array_length(pauses) BETWEEN 1 AND 20
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(pauses) AS pause
                        WHERE CASE WHEN jsonb_typeof(pause) = 'number' THEN pause::numeric NOT BETWEEN 0.01 AND 86400 ELSE true END) THEN
        RETURN NULL;
    END IF;
    RETURN 'Option "retry_seconds" must be a list of 1 to 20 numbers from 0.01 to 86400.';
END;
$$;
COMMENT ON FUNCTION provision.pauses_problem(jsonb) IS 'What is wrong with the pauses between tries; null: nothing.';

CREATE OR REPLACE FUNCTION provision.events_problem(events text[])
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known constant text[] := ARRAY(SELECT kind.type FROM provision.webhook_event AS kind WHERE kind.events <> '{}' ORDER BY kind.position);
    strange constant text := (SELECT coalesce(left(given.type, 100), '(null)') FROM unnest(events) AS given (type)
                               WHERE given.type IS NULL OR given.type <> ALL (known) LIMIT 1);
BEGIN
    RETURN CASE WHEN cardinality(events) = 0 THEN 'events must name at least one type; null means all.'
                WHEN cardinality(events) > 100 THEN 'events must name 100 types at most.'
                WHEN strange IS NOT NULL THEN rtrim(format('Event type "%s" is not known. %s', strange, provision.did_you_mean(strange, known, ''))) END;
END;
$$;
COMMENT ON FUNCTION provision.events_problem(text[]) IS 'What is wrong with a list of event types; null: nothing.';

CREATE OR REPLACE FUNCTION provision.refuse_invalid_webhook(url text, events text[], options jsonb, extra_keys text[] DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys constant text[] := ARRAY(SELECT known.key FROM provision.webhook_option_keys() AS known) || extra_keys;
    problems text[];
BEGIN
    IF jsonb_typeof(refuse_invalid_webhook.options) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'options must be a JSON object'
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Options are %s.', array_to_string(keys, ', '));
    END IF;
    SELECT array_agg(problem.words ORDER BY problem.position, problem.words) INTO problems
      FROM (SELECT 1 AS position, CASE WHEN coalesce(length(refuse_invalid_webhook.url) NOT BETWEEN 8 AND 2000, true) THEN 'url must have 8 to 2000 characters.'
                                       ELSE provision.webhook_url_problem(refuse_invalid_webhook.url) END AS words
            UNION ALL
            SELECT 2, provision.events_problem(refuse_invalid_webhook.events)
            UNION ALL
            SELECT 3, CASE known.kind WHEN 'pauses' THEN provision.pauses_problem(given.value)
                                      ELSE provision.option_problem(given.key, given.value, known.kind, known.smallest, known.largest) END
              FROM jsonb_each(refuse_invalid_webhook.options) AS given
              JOIN provision.webhook_option_keys() AS known ON known.key = given.key
            UNION ALL
            SELECT 4, format('Option "%s" is not known. %s', left(given.key, 100), provision.did_you_mean(given.key, keys, ''))
              FROM jsonb_object_keys(refuse_invalid_webhook.options) AS given (key)
             WHERE given.key <> ALL (keys)) AS problem
     WHERE problem.words IS NOT NULL;
    IF problems IS NOT NULL THEN
        RAISE EXCEPTION 'webhook is not valid: %', CASE cardinality(problems) WHEN 1 THEN '1 problem' ELSE cardinality(problems) || ' problems' END
            USING ERRCODE = 'invalid_parameter_value', DETAIL = array_to_string(problems[1:50], E'\n'), HINT = format('Options are %s.', array_to_string(keys, ', '));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_webhook(text, text[], jsonb, text[]) IS 'Error 22023 with every problem of a webhook in its DETAIL; the URL is not repeated.';

CREATE OR REPLACE FUNCTION provision.webhook_with_options(webhook provision.webhook, options jsonb)
    RETURNS provision.webhook
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_populate_record(webhook, coalesce((
               SELECT jsonb_object_agg(known.key, coalesce(nullif(options -> known.key, 'null'), known.fallback))
                 FROM provision.webhook_option_keys() AS known
                WHERE options ? known.key), '{}'));
END;
$$;
COMMENT ON FUNCTION provision.webhook_with_options(provision.webhook, jsonb) IS 'The webhook with the given options; a null sets one back to its default.';

-- The same words whether there is none or it is another one's.
CREATE OR REPLACE FUNCTION provision.refuse_unseen_webhook(webhook_id bigint)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'webhook % does not exist, or you are no member of its tenant', refuse_unseen_webhook.webhook_id
        USING ERRCODE = 'insufficient_privilege', DETAIL = provision.actor_in_words(), HINT = 'The view provision.webhook_status lists the webhooks that you may see.';
END;
$$;
COMMENT ON FUNCTION provision.refuse_unseen_webhook(bigint) IS 'Error 42501 for a webhook that who acts may not see.';

CREATE OR REPLACE FUNCTION provision.open_webhook(webhook_id bigint)
    RETURNS provision.webhook
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_webhook provision.webhook;
    owner_name text;
BEGIN
    SELECT * INTO found_webhook FROM provision.webhook WHERE webhook.webhook_id = open_webhook.webhook_id;
    owner_name := (SELECT tenant.name FROM provision.tenant WHERE tenant.tenant_id = found_webhook.tenant_id);
    IF found_webhook.webhook_id IS NULL AND provision.sees_everything() THEN
        RAISE EXCEPTION 'webhook % does not exist', open_webhook.webhook_id
            USING ERRCODE = 'undefined_object', HINT = 'The view provision.webhook_status lists the webhooks.';
    ELSIF NOT provision.sees_everything() AND coalesce(found_webhook.tenant_id <> ALL (provision.visible_tenants()), true) THEN
        PERFORM provision.refuse_unseen_webhook(open_webhook.webhook_id);
    ELSIF owner_name IS NULL THEN
        PERFORM provision.require_platform(to_act => true);
    ELSE
        PERFORM provision.require_tenants(ARRAY[owner_name], to_act => true);
        PERFORM provision.admit_requests(ARRAY[owner_name]);
    END IF;
    SELECT * INTO found_webhook FROM provision.webhook WHERE webhook.webhook_id = open_webhook.webhook_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN       -- dropped in this moment
        PERFORM provision.refuse_unseen_webhook(open_webhook.webhook_id);
    END IF;
    RETURN found_webhook;
END;
$$;
COMMENT ON FUNCTION provision.open_webhook(bigint) IS 'The door to a webhook, locked: for owners and admins of its tenant, or, when it is of the platform, for platform administrators. Errors: 42501, PV008; 42704 for platform members.';

-- Who makes one at the same time for the same owner waits here, so that both are counted. The row of the tenant is not locked: its jobs go on.
CREATE OR REPLACE FUNCTION provision.require_webhook_owner(tenant text)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner_id bigint;
BEGIN
    IF require_webhook_owner.tenant IS NULL THEN
        PERFORM provision.require_platform(to_act => true);
    ELSE
        PERFORM provision.require_tenants(ARRAY[require_webhook_owner.tenant], to_act => true);
        PERFORM provision.admit_requests(ARRAY[require_webhook_owner.tenant]);
        owner_id := (SELECT tenant.tenant_id FROM provision.tenant WHERE tenant.name = require_webhook_owner.tenant);
    END IF;
    PERFORM provision.wait_for_lock(1347571561, (coalesce(owner_id, 0) & 2147483647)::integer);
    IF (SELECT count(*) FROM provision.webhook WHERE coalesce(webhook.tenant_id, 0) = coalesce(owner_id, 0)) >= 20 THEN
        RAISE EXCEPTION 'there are too many webhooks'
            USING ERRCODE = 'program_limit_exceeded', DETAIL = '20 are possible for a tenant, and 20 for the platform.', HINT = 'provision_webhook_drop() removes one.';
    END IF;
    RETURN owner_id;
END;
$$;
COMMENT ON FUNCTION provision.require_webhook_owner(text) IS 'The door to a new webhook: the id of its tenant, null for the platform. Errors: 42501, 54000, PV008; 42704 for platform members.';

-- By assignments alone: a statement that had the secret as a parameter could be logged with it.
CREATE OR REPLACE FUNCTION provision.make_webhook_secret(webhook_id bigint, secret_number integer)
    RETURNS text
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    word constant text := 'signing_' || secret_number;
    identity constant text := provision.secret_identity(NULL, NULL, word, make_webhook_secret.webhook_id);
    may_make_key constant boolean := provision.may_make_key();
    new_secret text;
    new_value bytea;
BEGIN
    new_secret := provision.new_webhook_secret();
    new_value := provision.seal_value(new_secret, identity, may_make_key);
    INSERT INTO provision.secret (webhook_id, name, sealed) VALUES (make_webhook_secret.webhook_id, word, new_value);
    RETURN new_secret;
END;
$$;
COMMENT ON FUNCTION provision.make_webhook_secret(bigint, integer) IS 'Makes and seals the secret of a webhook, and returns it, which nothing else does. Error F0000 without a key.';

CREATE OR REPLACE FUNCTION @extschema@.provision_webhook_create(
    url text, events text[] DEFAULT NULL, tenant text DEFAULT NULL, options jsonb DEFAULT '{}', OUT webhook_id bigint, OUT secret text)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner_id constant bigint := provision.require_webhook_owner(provision_webhook_create.tenant);
    new provision.webhook;
BEGIN
    PERFORM provision.refuse_invalid_webhook(url, events, options);
    new := provision.webhook_with_options(new, (SELECT jsonb_object_agg(known.key, NULL) FROM provision.webhook_option_keys() AS known) || options);
    INSERT INTO provision.webhook AS created (tenant_id, url, events, max_in_flight, max_waiting, timeout_ms, retry_seconds, disable_after_seconds)
    VALUES (owner_id, provision_webhook_create.url, provision_webhook_create.events, new.max_in_flight, new.max_waiting, new.timeout_ms, new.retry_seconds, new.disable_after_seconds)
    RETURNING created.* INTO new;
    webhook_id := new.webhook_id;
    secret := provision.make_webhook_secret(webhook_id, new.secret_number);
    PERFORM provision.log_webhook_event(new, 'webhook_created', jsonb_build_object('events', to_jsonb(new.events)) || options);
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_webhook_create(text, text[], text, jsonb) IS
    'Has events told to a URL from now on: of a tenant, or, without one, of all and of the engines. events: types of provision.webhook_event; null: all. Returns the number of the webhook and the secret that signs its messages, which is shown only this once. Options: max_in_flight (5), max_waiting (10000), timeout_ms (15000), retry_seconds, disable_after_seconds (432000). Errors: 22023 with all problems, 42501 not an owner or admin of the tenant, or not a platform administrator, 54000 more than 20, F0000 no key to seal with, PV008 too many requests; for platform members, 42704 tenant.';

CREATE OR REPLACE FUNCTION @extschema@.provision_webhook_update(webhook_id bigint, options jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed provision.webhook := provision.open_webhook(provision_webhook_update.webhook_id);
BEGIN
    IF jsonb_typeof(options -> 'events') NOT IN ('array', 'null') OR jsonb_typeof(options -> 'url') <> 'string' THEN
        RAISE EXCEPTION 'url must be a string, events a list of strings or null' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    changed := jsonb_populate_record(changed, (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(CASE WHEN jsonb_typeof(options) = 'object' THEN options ELSE '{}' END) WHERE key IN ('url', 'events')));
    PERFORM provision.refuse_invalid_webhook(changed.url, changed.events, options, '{url,events}');
    changed := provision.webhook_with_options(changed, options);
    UPDATE provision.webhook
       SET (url, events, max_in_flight, max_waiting, timeout_ms, retry_seconds, disable_after_seconds, not_before)
         = (changed.url, changed.events, changed.max_in_flight, changed.max_waiting, changed.timeout_ms, changed.retry_seconds, changed.disable_after_seconds, NULL)
     WHERE webhook.webhook_id = changed.webhook_id;
    PERFORM provision.log_webhook_event(changed, 'webhook_updated', options - 'url' || jsonb_build_object('url_changed', options ? 'url'));
    PERFORM provision.wake_workers();
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_webhook_update(bigint, jsonb) IS
    'Changes "url", "events" and options of a webhook and leaves the others; null sets one back to its default, "events" to all. What waits goes to the new URL. Errors: 22023 with all problems, 42501 as for provision_webhook_create(), PV008 too many requests; for platform members, 42704 webhook.';

CREATE OR REPLACE FUNCTION @extschema@.provision_webhook_rotate(webhook_id bigint, grace interval DEFAULT '1 day')
    RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hook constant provision.webhook := provision.open_webhook(provision_webhook_rotate.webhook_id);
    new_secret text;
BEGIN
    IF coalesce(grace NOT BETWEEN interval '0' AND interval '30 days', true) THEN
        RAISE EXCEPTION 'grace must be between 0 and 30 days' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM provision.secret
     WHERE secret.webhook_id = hook.webhook_id
       AND (secret.name <> 'signing_' || hook.secret_number OR grace = interval '0');
    new_secret := provision.make_webhook_secret(hook.webhook_id, hook.secret_number + 1);
    UPDATE provision.webhook
       SET secret_number = hook.secret_number + 1,
           former_until = clock_timestamp() + grace,
           key_problem = NULL,
           not_before = CASE WHEN hook.key_problem IS NULL THEN hook.not_before END
     WHERE webhook.webhook_id = hook.webhook_id;
    PERFORM provision.log_webhook_event(hook, 'webhook_secret_rotated', jsonb_build_object('former_until', clock_timestamp() + grace));
    PERFORM provision.wake_workers();
    RETURN new_secret;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_webhook_rotate(bigint, interval) IS
    'Makes a new secret for a webhook and returns it, which is shown only this once. For the time of grace, 30 days at most, messages carry a signature by each of the two, so that the receiver can change over. Errors: 22023 grace, 42501 as for provision_webhook_create(), F0000 no key to seal with, PV008 too many requests; for platform members, 42704 webhook.';
