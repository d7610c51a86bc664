-- What is not well: each function looks for one kind of trouble and says nothing when all is well. provision_health() asks those that
-- a probe may ask every second, provision_doctor() asks all.

DO $$ BEGIN
    CREATE TYPE provision.finding AS (
        check_name  text,
        severity    text,
        finding     text,
        detail      text,
        fix         text
    );
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
COMMENT ON TYPE provision.finding IS 'Something that is not well. critical: nothing is provisioned, or what is might be lost; warning: something needs a person; info: good to know.';

CREATE OR REPLACE FUNCTION provision.find_standby()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'recovery', 'info', 'standby', 'This server is a standby: jobs are run by its primary.', 'If the primary is lost: SELECT pg_promote();'
     WHERE pg_is_in_recovery();
END;
COMMENT ON FUNCTION provision.find_standby() IS 'This server is a standby.';

CREATE OR REPLACE FUNCTION provision.find_preload()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'preload', 'warning', 'library not preloaded', 'After a restart of the server no worker starts by itself.',
           'Add provision to shared_preload_libraries in postgresql.conf and restart the server.'
      FROM provision.server_facts() AS here
     WHERE NOT here.is_preloaded;
END;
COMMENT ON FUNCTION provision.find_preload() IS 'No launcher runs in this server.';

CREATE OR REPLACE FUNCTION provision.find_weak_limits()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'preload', 'warning', 'requests hardly limited', 'Without the library in shared_preload_libraries each session counts its requests for itself.',
           'Add provision to shared_preload_libraries in postgresql.conf and restart the server.'
      FROM provision.server_facts() AS here
     WHERE provision.requests_are_limited()
       AND NOT here.is_preloaded;
END;
COMMENT ON FUNCTION provision.find_weak_limits() IS 'Limits for callers are set that a new session escapes.';

CREATE OR REPLACE FUNCTION provision.find_worker()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE why_worker.reason WHEN 'everything paused' THEN 'pause' ELSE 'worker' END, 'critical', why_worker.reason, why_worker.detail, why_worker.fix
      FROM provision.why_worker()
     WHERE NOT pg_is_in_recovery();
END;
COMMENT ON FUNCTION provision.find_worker() IS 'Nobody works in this database, and why.';

CREATE OR REPLACE FUNCTION provision.find_credentials()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'credentials', 'warning', 'credentials missing', format('Engines without credentials: %s.', string_agg(lacking.name, ', ' ORDER BY lacking.name)),
           format('SELECT provision_engine_secret(%L, ''...'', ''...'');', min(lacking.name))
      FROM (SELECT engine.name
              FROM provision.engine
             WHERE NOT EXISTS (SELECT FROM provision.secret WHERE secret.engine_id = engine.engine_id AND secret.name = 'credentials')
               AND engine.agent IS NULL     -- its tenants have sites, and credentials, of their own
             ORDER BY engine.name
             LIMIT 100) AS lacking
    HAVING count(*) > 0;
END;
COMMENT ON FUNCTION provision.find_credentials() IS 'Engines to which nothing can be sent.';

CREATE OR REPLACE FUNCTION provision.find_breakers()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'breakers', CASE WHEN engine_state.breaker_since > statement_timestamp() - interval '10 min' THEN 'info' ELSE 'warning' END, 'breaker open',
           format('Engine "%s" does not answer%s; it failed %s times in a row.', engine.name, ' since ' || engine_state.breaker_since, engine_state.failures_in_a_row),
           format('Bring the server back: its breaker then closes by itself within %s seconds, at once with SELECT provision_engine_reset(%L);',
                  engine.recovery_seconds, engine.name)
      FROM provision.engine_state
      JOIN provision.engine ON engine.engine_id = engine_state.engine_id
     WHERE engine_state.breaker <> 'closed'
       AND engine_state.paused_at IS NULL
     ORDER BY engine.name
     LIMIT 20;
END;
COMMENT ON FUNCTION provision.find_breakers() IS 'Engines that do not answer; a warning after 10 minutes.';

CREATE OR REPLACE FUNCTION provision.count_in_words(count bigint, one text, many text, bound bigint)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN count = 1 THEN '1 ' || one WHEN count < bound THEN count || ' ' || many ELSE bound || ' or more ' || many END;
END;
COMMENT ON FUNCTION provision.count_in_words(bigint, text, text, bigint) IS 'A count that was taken up to bound.';

-- Dead letters as in provision.dead_letter; looked for in what failed last, because most of what failed may have been started anew.
CREATE OR REPLACE FUNCTION provision.find_dead_letters()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'dead letters', 'warning', CASE WHEN letters.quarantined THEN 'jobs quarantined' ELSE 'jobs failed' END,
           provision.count_in_words(count(*), 'job', 'jobs', 1000)
               || CASE WHEN letters.quarantined THEN ' was in flight in provision.max_crashes crashes of a worker in a row.' ELSE ' failed or ended in part.' END,
           CASE WHEN letters.quarantined THEN 'Look for the crash in the server''s log, then: SELECT * FROM provision_retry_all(error_code => ''QUARANTINED'');'
                ELSE 'SELECT * FROM provision.dead_letter; SELECT * FROM provision_retry_all();' END
      FROM (SELECT failed.error_code IS NOT DISTINCT FROM 'QUARANTINED' AS quarantined
              FROM (SELECT job.job_id, job.tenant_id, job.workflow, job.error_code
                      FROM provision.job
                     WHERE job.state IN ('failed', 'partial')
                     ORDER BY job.job_id DESC
                     LIMIT 5000) AS failed
             WHERE failed.job_id = (SELECT max(newest.job_id)
                                      FROM provision.job AS newest
                                     WHERE newest.tenant_id = failed.tenant_id
                                       AND newest.workflow = failed.workflow)
             LIMIT 1000) AS letters
     GROUP BY letters.quarantined;
END;
COMMENT ON FUNCTION provision.find_dead_letters() IS 'Jobs that need a person, of the last 5,000 that failed or ended in part.';

-- Engines that are paused, or do not answer, or have asked for it, are excepted: the first two have findings of their own.
CREATE OR REPLACE FUNCTION provision.find_queue()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'queue', 'warning', 'queue does not move', format('The first job in the queue of engine "%s" waits since %s.', engine.name, first.waiting_since),
           format('SELECT * FROM provision_why(%s);', first.job_id)
      FROM provision.engine
      JOIN provision.engine_state ON engine_state.engine_id = engine.engine_id
     CROSS JOIN LATERAL (SELECT job.job_id, greatest(job.created_at, to_timestamp(job.rank)) AS waiting_since
                           FROM provision.job
                          WHERE job.engine_id = engine.engine_id
                            AND job.state = 'pending'
                          ORDER BY job.rank, job.job_id
                          LIMIT 1) AS first
     WHERE engine_state.paused_at IS NULL
       AND engine_state.breaker = 'closed'
       AND NOT EXISTS (SELECT FROM provision.control WHERE control.paused_at IS NOT NULL)
       AND coalesce(engine_state.not_before < statement_timestamp(), true)
       AND first.waiting_since < statement_timestamp() - interval '10 min'
     ORDER BY first.waiting_since
     LIMIT 20;
END;
COMMENT ON FUNCTION provision.find_queue() IS 'Engines for which somebody waits for 10 minutes or more.';

CREATE OR REPLACE FUNCTION provision.findings(checks text[])
    RETURNS SETOF provision.finding
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '1s'
AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY checks LOOP
        BEGIN
            RETURN QUERY EXECUTE format('SELECT * FROM provision.%I()', 'find_' || name);
        EXCEPTION WHEN OTHERS THEN
            RETURN NEXT ROW(replace(name, '_', ' '), 'warning', 'check failed', format('Check "%s" failed: %s', name, SQLERRM), NULL)::provision.finding;
        END;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.findings(text[]) IS 'What the functions find_... of these names find; one that fails is itself a finding.';

CREATE OR REPLACE FUNCTION @extschema@.provision_health()
    RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    WITH found AS (
        SELECT finding.check_name, CASE WHEN bool_or(finding.severity = 'critical') THEN 'down' ELSE 'degraded' END AS status,
               string_agg(finding.detail, ' ') AS detail, min(finding.fix) AS fix
          FROM provision.findings('{standby,preload,worker,credentials,key,breakers,dead_letters,queue}') AS finding
         GROUP BY finding.check_name
    ), result AS (
        SELECT known.position, known.check_name, coalesce(found.status, 'ok') AS status, found.detail, found.fix
          FROM unnest('{recovery,preload,worker,pause,credentials,key,breakers,dead letters,queue}'::text[]) WITH ORDINALITY AS known (check_name, position)
          LEFT JOIN found ON found.check_name = known.check_name
    )
    SELECT jsonb_build_object(
               'status', CASE WHEN bool_or(status = 'down') THEN 'down' WHEN bool_or(status = 'degraded') THEN 'degraded' ELSE 'ok' END,
               'checks', jsonb_agg(jsonb_build_object('check', check_name, 'status', status, 'detail', detail, 'fix', fix) ORDER BY position))
      FROM result;
END;
COMMENT ON FUNCTION @extschema@.provision_health() IS
    'For a load balancer or probe: {"status": "ok" | "degraded" | "down", "checks": [{"check", "status", "detail", "fix"}]}. down: nothing is provisioned; degraded: something needs a person.';
