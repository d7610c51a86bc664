-- Engines and their secrets. The public functions run with the rights of the extension's owner, so that a role needs nothing but
-- EXECUTE on them and, for engines, to be a platform administrator.

CREATE OR REPLACE FUNCTION provision.engine_option_keys()
    RETURNS TABLE (key text, kind text, smallest double precision, largest double precision, fallback jsonb, kinds text[], needed_by text[])
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    VALUES ('site',               'text',    NULL::double precision, NULL::double precision, NULL::jsonb, '{erpnext}'::text[], '{}'::text[]),
           ('allow_http',         'boolean', NULL,  NULL,     'false', NULL, '{}'),
           ('ca_file',            'text',    NULL,  NULL,     NULL, NULL, '{}'),
           ('client_certificate_file', 'text', NULL, NULL,    NULL, NULL, '{}'),
           ('client_key_file',    'text',    NULL,  NULL,     NULL, NULL, '{}'),
           ('max_concurrent',     'integer', 1,     10000,    '5', NULL, '{}'),
           ('rate_per_second',    'number',  0.001, 100000,   NULL, NULL, '{}'),
           ('burst',              'integer', 1,     100000,   NULL, NULL, '{}'),
           ('failure_threshold',  'integer', 1,     1000,     '5', NULL, '{}'),
           ('recovery_seconds',   'integer', 1,     86400,    '60', NULL, '{}'),
           ('connect_timeout_ms', 'integer', 1,     600000,   NULL, NULL, '{}'),
           ('timeout_ms',         'integer', 1,     3600000,  NULL, NULL, '{}'),
           ('max_queue_depth',    'integer', 1,     10000000, NULL, NULL, '{}'),
           ('bench',              'text',    NULL,  NULL,     NULL, '{frappe_agent}', '{}'),
           ('domain',             'text',    NULL,  NULL,     NULL, '{frappe_agent,frappe_cloud}', '{frappe_cloud}'),
           ('apps',               'list',    NULL,  NULL,     NULL, '{frappe_agent,frappe_cloud}', '{}'),
           ('max_jobs',           'integer', 1,     10000,    '4', '{frappe_agent}', '{}'),
           ('proxy',              'text',    NULL,  NULL,     NULL, '{frappe_agent}', '{}'),
           ('upstream',           'text',    NULL,  NULL,     NULL, '{frappe_agent}', '{}'),
           ('agent',              'text',    NULL,  NULL,     NULL, '{erpnext}', '{}'),
           ('team',               'text',    NULL,  NULL,     NULL, '{frappe_cloud}', '{frappe_cloud}'),
           ('plan',               'text',    NULL,  NULL,     NULL, '{frappe_cloud}', '{frappe_cloud}'),
           ('cluster',            'text',    NULL,  NULL,     NULL, '{frappe_cloud}', '{}'),
           ('release_group',      'text',    NULL,  NULL,     NULL, '{frappe_cloud}', '{}');
END;
COMMENT ON FUNCTION provision.engine_option_keys() IS 'The options of an engine: what each holds, its range, its value when it is not given, for which kinds of engines it is (null: all), and which need it.';

CREATE OR REPLACE FUNCTION provision.option_problem(key text, value jsonb, kind text, smallest double precision, largest double precision)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN value = 'null' THEN NULL
        WHEN kind = 'boolean' AND jsonb_typeof(value) <> 'boolean' THEN format('Option "%s" must be true or false.', key)
        WHEN kind = 'text' AND jsonb_typeof(value) <> 'string' THEN format('Option "%s" must be a string.', key)
        WHEN kind = 'list' AND jsonb_typeof(value) <> 'array' THEN format('Option "%s" must be a list of strings.', key)
        WHEN kind IN ('integer', 'number')
             AND CASE WHEN jsonb_typeof(value) <> 'number' THEN true
                      WHEN kind = 'integer' AND value::numeric % 1 <> 0 THEN true
                      ELSE value::numeric NOT BETWEEN smallest::numeric AND largest::numeric END
        THEN format('Option "%s" must be %s from %s to %s.', key,
                    CASE kind WHEN 'integer' THEN 'a whole number' ELSE 'a number' END, smallest, largest)
        WHEN key = 'site' AND value #>> '{}' !~ '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?$'
        THEN 'Option "site" must be a host name, perhaps with a port.'
        WHEN key = 'bench' AND value #>> '{}' !~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'
        THEN 'Option "bench" must be the name of a folder of Frappe Agent, such as bench-0001-000001-f1.'
        WHEN key = 'domain' AND (NOT provision.is_host_name(value #>> '{}') OR value #>> '{}' <> lower(value #>> '{}'))
        THEN 'Option "domain" must be a domain name in lower case.'
        WHEN key = 'agent' AND NOT EXISTS (SELECT FROM provision.engine WHERE engine.name = value #>> '{}' AND engine.kind <> 'erpnext')
        THEN 'Option "agent" must be the name of an engine of kind frappe_agent or frappe_cloud.'
        WHEN key = 'proxy' AND NOT EXISTS (SELECT FROM provision.engine WHERE engine.name = value #>> '{}' AND engine.kind = 'frappe_agent' AND engine.bench IS NULL)
        THEN 'Option "proxy" must be the name of an engine of kind frappe_agent without a bench.'
        WHEN key = 'upstream' AND value #>> '{}' !~ '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$'
        THEN 'Option "upstream" must be an address or a host name, such as 10.0.0.5.'
        WHEN key = 'team' AND value #>> '{}' !~ '^[A-Za-z0-9][A-Za-z0-9@._+-]{0,139}$'
        THEN 'Option "team" must be the name of a team of Frappe Cloud, such as 5c1d0e8a2b.'
        WHEN key IN ('plan', 'cluster', 'release_group') AND value #>> '{}' !~ '^[!-~]([ -~]{0,138}[!-~])?$'
        THEN format('Option "%s" must be a name of at most 140 visible ASCII characters.', key)
        WHEN key = 'apps' THEN (SELECT format('Option "apps": %s %s', problem.message, problem.hint) FROM provision.app_problems(value) AS problem LIMIT 1)
        WHEN key LIKE '%\_file' AND (value #>> '{}' !~ '^/[^[:cntrl:]]+$' OR length(value #>> '{}') > 1000)
        THEN format('Option "%s" must be the absolute path of a file on the database server.', key)
    END;
END;
COMMENT ON FUNCTION provision.option_problem(text, jsonb, text, double precision, double precision) IS 'What is wrong with the value of one option; null: nothing.';

-- The address itself is never repeated in a message: it may hold a password that somebody put there by mistake.
CREATE OR REPLACE FUNCTION provision.base_url_problem(base_url text, allow_http boolean)
    RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN base_url IS NULL THEN 'base_url must be given.'
        WHEN base_url !~ '^https?://' THEN 'base_url must begin with https:// or http://.'
        WHEN base_url ~ '^https?://[^/?#]*@' THEN 'base_url must not hold a user or password; provision_engine_secret() sets the credentials.'
        WHEN base_url ~ '[?#]' THEN 'base_url must not have a query or fragment.'
        WHEN base_url ~ '[[:space:][:cntrl:]]' THEN 'base_url must not hold spaces or control characters.'
        WHEN length(base_url) > 1000 THEN 'base_url must have at most 1000 characters.'
        WHEN base_url !~ '^https?://(\[[0-9A-Fa-f:.]+\]|[^][/:]+)(:[0-9]{1,5})?(/|$)' THEN 'base_url must name a host, perhaps with a port.'
        WHEN NOT allow_http AND base_url !~ '^https:'
             AND base_url !~ '^http://(127\.[0-9.]+|localhost|\[::1\])(:[0-9]+)?(/|$)'
        THEN 'base_url must use https: over plain http the credentials could be read on the way. Option "allow_http" allows it all the same.'
        ELSE provision.host_problem(base_url)
    END;
END;
COMMENT ON FUNCTION provision.base_url_problem(text, boolean) IS 'What is wrong with an engine''s address; null: nothing.';

CREATE OR REPLACE FUNCTION provision.clean_base_url(base_url text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT rtrim(regexp_replace(lower(origin.words), '([a-z0-9_-])\.(:[0-9]*)?$', '\1\2') || substr(base_url, length(origin.words) + 1), '/')
      FROM (SELECT substring(base_url FROM '^[A-Za-z]+://[^/]*') AS words) AS origin
     WHERE base_url ~ '^[A-Za-z]+://'
    UNION ALL
    SELECT base_url
     WHERE base_url !~ '^[A-Za-z]+://';
END;
COMMENT ON FUNCTION provision.clean_base_url(text) IS 'The address with scheme and host in lower case, without the final point of a host name and without trailing slashes.';

-- What is said about a file tells whether it is there, and a key that is named is used: as for the file of a foreign table, that takes the right to read it.
CREATE OR REPLACE FUNCTION provision.refuse_naming_files(options jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_strip_nulls(options) ?| '{ca_file,client_certificate_file,client_key_file}' AND NOT provision.actor_reads_files() THEN
        RAISE EXCEPTION 'permission denied to name files of the database server'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = provision.actor_in_words() || ' Options "ca_file", "client_certificate_file" and "client_key_file" need the rights of role pg_read_server_files.',
                  HINT = 'Let a superuser set them, or use the setting provision.ca_file.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_naming_files(jsonb) IS 'Error 42501 for options that name files, unless who acts may read the server''s files.';

CREATE OR REPLACE FUNCTION provision.authorities_refusal(options jsonb)
    RETURNS text
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT CASE WHEN options ->> 'ca_file' LIKE '/%' THEN provision.authorities_problem(options ->> 'ca_file') END;
END;
COMMENT ON FUNCTION provision.authorities_refusal(jsonb) IS 'What is wrong with the file of certificate authorities that these options name; null: nothing.';

-- Files are looked at when they are given: one that goes missing later must not keep anything else from being changed.
CREATE OR REPLACE FUNCTION provision.client_certificate_refusal(options jsonb, former provision.engine)
    RETURNS text
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT CASE
        WHEN (given.certificate_file IS NULL) <> (given.key_file IS NULL)
        THEN 'Options "client_certificate_file" and "client_key_file" belong together: both are given, or neither.'
        WHEN options ?| '{client_certificate_file,client_key_file}' AND given.certificate_file LIKE '/%' AND given.key_file LIKE '/%'
        THEN provision.client_certificate_problem(given.certificate_file, given.key_file)
    END
      FROM (SELECT CASE WHEN options ? 'client_certificate_file' THEN options ->> 'client_certificate_file'
                        ELSE former.client_certificate_file END AS certificate_file,
                   CASE WHEN options ? 'client_key_file' THEN options ->> 'client_key_file' ELSE former.client_key_file END AS key_file) AS given;
END;
COMMENT ON FUNCTION provision.client_certificate_refusal(jsonb, provision.engine) IS 'What is wrong with the client certificate an engine would have with these options; null: nothing.';

-- What a kind of engine cannot do without, and what it has no use for.
CREATE OR REPLACE FUNCTION provision.kind_problems(kind text, options jsonb, former provision.engine)
    RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT format('Option "%s" is for engines of kind %s.', known.key, array_to_string(known.kinds, ' or '))
      FROM provision.engine_option_keys() AS known
     WHERE kind_problems.kind <> ALL (known.kinds)
       AND jsonb_strip_nulls(options) ? known.key
    UNION ALL
    SELECT format('An engine of kind %s needs the option "%s".', kind_problems.kind, known.key)
      FROM provision.engine_option_keys() AS known
     WHERE kind_problems.kind = ANY (known.needed_by)
       AND CASE WHEN options ? known.key THEN options ->> known.key ELSE to_jsonb(former) ->> known.key END IS NULL
    UNION ALL
    SELECT CASE WHEN (given.bench IS NULL) <> (given.domain IS NULL) OR given.bench IS NULL AND coalesce(given.proxy, given.upstream) IS NOT NULL
                THEN 'An engine of kind frappe_agent that makes sites needs the options "bench" and "domain"; that of a proxy server has neither, and no "proxy".'
                WHEN (given.proxy IS NULL) <> (given.upstream IS NULL)
                THEN 'Options "proxy" and "upstream" belong together: both are given, or neither.' END
      FROM (SELECT CASE WHEN options ? 'bench' THEN options ->> 'bench' ELSE (former).bench END AS bench,
                   CASE WHEN options ? 'domain' THEN options ->> 'domain' ELSE (former).domain END AS domain,
                   CASE WHEN options ? 'proxy' THEN options ->> 'proxy' ELSE (former).proxy END AS proxy,
                   CASE WHEN options ? 'upstream' THEN options ->> 'upstream' ELSE (former).upstream END AS upstream) AS given
     WHERE kind_problems.kind = 'frappe_agent';
END;
COMMENT ON FUNCTION provision.kind_problems(text, jsonb, provision.engine) IS 'What is wrong with the options of an engine of this kind.';

CREATE OR REPLACE FUNCTION provision.refuse_invalid_engine(base_url text, kind text, options jsonb, extra_keys text[], former provision.engine)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    allow_http boolean := CASE WHEN refuse_invalid_engine.options ? 'allow_http'
                               THEN coalesce(refuse_invalid_engine.options -> 'allow_http' = 'true', false) ELSE coalesce((former).allow_http, false) END;
    keys text[] := ARRAY(SELECT known.key FROM provision.engine_option_keys() AS known) || refuse_invalid_engine.extra_keys;
    kinds constant text[] := '{erpnext,frappe_agent,frappe_cloud}';
    problems text[];
BEGIN
    IF jsonb_typeof(refuse_invalid_engine.options) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'options must be a JSON object'
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Options are %s.', array_to_string(keys, ', '));
    END IF;
    PERFORM provision.refuse_naming_files(refuse_invalid_engine.options);
    SELECT array_agg(problem.words ORDER BY problem.position, problem.words) INTO problems
      FROM (SELECT 1 AS position, provision.base_url_problem(refuse_invalid_engine.base_url, allow_http) AS words
            UNION ALL
            SELECT 2, format('kind must be "erpnext", "frappe_agent" or "frappe_cloud", not "%s".', left(refuse_invalid_engine.kind, 100))
             WHERE coalesce(refuse_invalid_engine.kind <> ALL (kinds), true)
            UNION ALL
            SELECT 2, provision.kind_problems(refuse_invalid_engine.kind, refuse_invalid_engine.options, former)
             WHERE refuse_invalid_engine.kind = ANY (kinds)
            UNION ALL
            SELECT 3, provision.option_problem(given.key, given.value, known.kind, known.smallest, known.largest)
              FROM jsonb_each(refuse_invalid_engine.options) AS given
              JOIN provision.engine_option_keys() AS known ON known.key = given.key
            UNION ALL
            SELECT 4, format('Option "%s" is not known. %s', left(given.key, 100), provision.did_you_mean(given.key, keys, ''))
              FROM jsonb_object_keys(refuse_invalid_engine.options) AS given (key)
             WHERE given.key <> ALL (keys)
            UNION ALL
            SELECT 5, provision.authorities_refusal(refuse_invalid_engine.options)
            UNION ALL
            SELECT 5, provision.client_certificate_refusal(refuse_invalid_engine.options, former)) AS problem
     WHERE problem.words IS NOT NULL;
    IF problems IS NOT NULL THEN
        RAISE EXCEPTION 'engine settings are not valid: %',
                        CASE cardinality(problems) WHEN 1 THEN '1 problem' ELSE cardinality(problems) || ' problems' END
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = array_to_string(problems[1:50], E'\n'),
                  HINT = format('Options are %s.', array_to_string(keys, ', '));
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_engine(text, text, jsonb, text[], provision.engine) IS 'Error 22023 with every problem of an engine''s address, kind and options in its DETAIL; 42501 as refuse_naming_files().';

CREATE OR REPLACE FUNCTION provision.engine_with_options(engine provision.engine, options jsonb)
    RETURNS provision.engine
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_populate_record(engine_with_options.engine,
               coalesce((SELECT jsonb_object_agg(known.key, coalesce(nullif(options -> known.key, 'null'), known.fallback, 'null'))
                           FROM provision.engine_option_keys() AS known
                          WHERE options ? known.key), '{}'));
END;
COMMENT ON FUNCTION provision.engine_with_options(provision.engine, jsonb) IS 'The engine with the given options; a null sets one back to its default.';

CREATE OR REPLACE FUNCTION provision.engine_named(name text)
    RETURNS provision.engine
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_engine provision.engine;
BEGIN
    SELECT * INTO found_engine FROM provision.engine WHERE engine.name = engine_named.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'engine "%" does not exist', left(engine_named.name, 100)
            USING ERRCODE = 'undefined_object', HINT = 'The view provision.engine_status lists the engines of this database.';
    END IF;
    RETURN found_engine;
END;
$$;
COMMENT ON FUNCTION provision.engine_named(text) IS 'The engine with this name; error 42704 when there is none.';

CREATE OR REPLACE FUNCTION provision.open_engine(name text)
    RETURNS provision.engine
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_platform(to_act => true);
    RETURN provision.engine_named(open_engine.name);
END;
$$;
COMMENT ON FUNCTION provision.open_engine(text) IS 'The door to an engine: engine_named(), for platform administrators; error 42501 for others.';

CREATE OR REPLACE FUNCTION provision.refuse_invalid_name(object text, name text)
    RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(refuse_invalid_name.name !~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$', true) THEN
        RAISE EXCEPTION 'name of % is not valid', refuse_invalid_name.object
            USING ERRCODE = 'invalid_name',
                  HINT = 'Names have 1 to 63 ASCII letters, digits, points, hyphens and underscores, and begin with a letter or digit.';
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_invalid_name(text, text) IS 'Error 42602 for what cannot be the name of an engine or tenant.';

CREATE OR REPLACE FUNCTION @extschema@.provision_engine_create(
    name text, base_url text, kind text DEFAULT 'erpnext', options jsonb DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    address text := provision.clean_base_url(provision_engine_create.base_url);
    blank   provision.engine;
    new     provision.engine;
BEGIN
    PERFORM provision.require_platform(to_act => true);
    PERFORM provision.refuse_invalid_name('engine', provision_engine_create.name);
    PERFORM provision.refuse_invalid_engine(address, provision_engine_create.kind, provision_engine_create.options, '{}', blank);
    new := provision.engine_with_options(blank, (SELECT jsonb_object_agg(known.key, NULL) FROM provision.engine_option_keys() AS known)
                                                || provision_engine_create.options);
    INSERT INTO provision.engine (name, kind, base_url, site, allow_http, ca_file, client_certificate_file, client_key_file,
                                  max_concurrent, rate_per_second, burst,
                                  failure_threshold, recovery_seconds, connect_timeout_ms, timeout_ms, max_queue_depth,
                                  bench, domain, apps, agent, max_jobs, proxy, upstream, team, plan, cluster, release_group)
    VALUES (provision_engine_create.name, provision_engine_create.kind, address, new.site, new.allow_http, new.ca_file,
            new.client_certificate_file, new.client_key_file, new.max_concurrent, new.rate_per_second, new.burst, new.failure_threshold, new.recovery_seconds,
            new.connect_timeout_ms, new.timeout_ms, new.max_queue_depth, new.bench, new.domain, new.apps, new.agent, new.max_jobs, new.proxy, new.upstream, new.team, new.plan, new.cluster, new.release_group)
    ON CONFLICT DO NOTHING
    RETURNING engine_id INTO new.engine_id;
    IF new.engine_id IS NULL THEN
        RAISE EXCEPTION 'engine "%" already exists', provision_engine_create.name
            USING ERRCODE = 'duplicate_object', HINT = 'provision_engine_update() changes it.';
    END IF;
    INSERT INTO provision.engine_state (engine_id) VALUES (new.engine_id);
    INSERT INTO provision.engine_gauge (engine_id) VALUES (new.engine_id);
    PERFORM provision.log_engine_event(provision_engine_create.name, 'engine_created', NULL, NULL,
                provision_engine_create.options || jsonb_build_object('kind', provision_engine_create.kind, 'base_url', address));
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_engine_create(text, text, text, jsonb) IS
    'Makes a server known. Options: allow_http, ca_file, client_certificate_file and client_key_file, max_concurrent (5), rate_per_second, burst, failure_threshold (5), recovery_seconds (60), connect_timeout_ms, timeout_ms, max_queue_depth; of kind erpnext site and agent; of kind frappe_agent bench and domain, without which it is that of a proxy server, max_jobs (4), proxy and upstream; of kind frappe_cloud team, plan and domain, which it needs, cluster and release_group; of both apps (["erpnext"]). Errors: 22023 with all problems, 42602 name, 42710 exists, 42501 not a platform administrator, or files are named without the rights of pg_read_server_files.';

CREATE OR REPLACE FUNCTION @extschema@.provision_engine_update(name text, options jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed provision.engine := provision.open_engine(provision_engine_update.name);
    address text := provision.clean_base_url(CASE WHEN provision_engine_update.options ? 'base_url'
                                                  THEN provision_engine_update.options ->> 'base_url' ELSE changed.base_url END);
    former  provision.engine;
BEGIN
    PERFORM FROM provision.engine WHERE engine.engine_id = changed.engine_id FOR NO KEY UPDATE;
    changed := provision.engine_named(provision_engine_update.name);
    PERFORM provision.refuse_invalid_engine(address, changed.kind, provision_engine_update.options, '{base_url}', changed);
    former := changed;
    changed := provision.engine_with_options(changed, provision_engine_update.options);
    changed.base_url := address;
    UPDATE provision.engine
       SET (base_url, site, allow_http, ca_file, client_certificate_file, client_key_file, max_concurrent, rate_per_second, burst, failure_threshold,
            recovery_seconds, connect_timeout_ms, timeout_ms, max_queue_depth, bench, domain, apps, agent, max_jobs, proxy, upstream, team, plan, cluster, release_group)
         = (address, changed.site, changed.allow_http, changed.ca_file, changed.client_certificate_file, changed.client_key_file, changed.max_concurrent, changed.rate_per_second, changed.burst,
            changed.failure_threshold, changed.recovery_seconds, changed.connect_timeout_ms, changed.timeout_ms, changed.max_queue_depth,
            changed.bench, changed.domain, changed.apps, changed.agent, changed.max_jobs, changed.proxy, changed.upstream, changed.team, changed.plan, changed.cluster, changed.release_group)
     WHERE engine.engine_id = changed.engine_id;
    UPDATE provision.job        -- what waits for a token of the old rate looks again
       SET due_at = '-infinity'
     WHERE job.engine_id = changed.engine_id
       AND job.state = 'running'
       AND job.due_at > clock_timestamp();
    PERFORM provision.move_claims(changed) WHERE (changed.base_url, changed.site) IS DISTINCT FROM (former.base_url, former.site);
    PERFORM provision.log_engine_event(changed.name, 'engine_updated', NULL, NULL, provision_engine_update.options);
    PERFORM provision.wake_workers();
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_engine_update(text, jsonb) IS
    'Changes the given options and leaves the others; null sets one back to its default; "base_url" moves the engine. Calls in flight are not touched. Errors: 22023 with all problems, 42704 engine, 42501 not a platform administrator, or files are named without the rights of pg_read_server_files.';
