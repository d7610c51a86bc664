-- provision_doctor(): what a probe need not ask, but a person wants to know. Every look is bounded.

-- Dead rows stay as long as anybody may still see them. Nobody knows how long a slot is unused before PostgreSQL 17, so its age counts.
CREATE OR REPLACE FUNCTION provision.find_held_rows(longer_than interval DEFAULT '10 min', transactions integer DEFAULT 10000)
    RETURNS SETOF provision.finding
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    (SELECT 'held rows', 'warning', 'old rows held by a session',
            format('Process %s of role "%s" (%s, %s) is in a transaction since %s: no row that died since then can be removed.', activity.pid, activity.usename,
                   coalesce(nullif(activity.application_name, ''), activity.backend_type), activity.state, activity.xact_start),
            format('SELECT pg_terminate_backend(%s);', activity.pid)
       FROM pg_stat_activity AS activity
      WHERE activity.datname = current_database()
        AND activity.backend_type NOT IN ('autovacuum worker', 'walsender')
        AND activity.pid <> pg_backend_pid()
        AND coalesce(activity.backend_xmin, activity.backend_xid) IS NOT NULL
        AND activity.xact_start <= clock_timestamp() - longer_than
      ORDER BY activity.xact_start
      LIMIT 10)
    UNION ALL
    (SELECT 'held rows', 'warning', 'old rows held by a prepared transaction',
            format('Transaction %L, prepared by role "%s" at %s, is neither committed nor rolled back: no row that died since then can be removed.',
                   prepared.gid, prepared.owner, prepared.prepared),
            format('ROLLBACK PREPARED %L; or COMMIT PREPARED %L;', prepared.gid, prepared.gid)
       FROM pg_prepared_xacts AS prepared
      WHERE prepared.database = current_database()
        AND prepared.prepared <= clock_timestamp() - longer_than
      ORDER BY prepared.prepared
      LIMIT 10)
    UNION ALL
    (SELECT 'held rows', 'warning', 'old rows held by a replication slot',
            format('Nobody uses replication slot "%s", which keeps the rows of the last %s transactions.', slot.slot_name, greatest(age(slot.xmin), age(slot.catalog_xmin))),
            format('Start its standby or subscriber, or: SELECT pg_drop_replication_slot(%L);', slot.slot_name)
       FROM pg_replication_slots AS slot
      WHERE NOT slot.active
        AND greatest(age(slot.xmin), age(slot.catalog_xmin)) >= transactions
      ORDER BY slot.slot_name
      LIMIT 10);
END;
COMMENT ON FUNCTION provision.find_held_rows(interval, integer) IS 'Who keeps vacuum from removing dead rows: a session or prepared transaction that is older, a slot that is unused for so many transactions.';

CREATE OR REPLACE FUNCTION provision.find_vacuum()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'vacuum', 'warning', 'autovacuum off', format('Setting %s is off: dead rows are never removed.', setting.name),
           format('ALTER SYSTEM SET %s = on; SELECT pg_reload_conf();', setting.name)
      FROM unnest('{autovacuum,track_counts}'::text[]) AS setting (name)
     WHERE current_setting(setting.name) = 'off'
    UNION ALL
    SELECT 'vacuum', 'warning', 'autovacuum off', format('Table %s is excepted from autovacuum: its dead rows are never removed.', pg_class.oid::regclass),
           format('ALTER TABLE %s RESET (autovacuum_enabled);', pg_class.oid::regclass)
      FROM pg_class
     CROSS JOIN LATERAL pg_options_to_table(pg_class.reloptions) AS option
     WHERE pg_class.relnamespace = 'provision'::regnamespace
       AND option.option_name = 'autovacuum_enabled'
       AND option.option_value IN ('off', 'false', 'no', '0')
    UNION ALL
    SELECT 'vacuum', 'warning', 'dead rows', format('Table %s has %s dead rows and %s live ones.', stats.relid::regclass, stats.n_dead_tup, stats.n_live_tup),
           format('VACUUM (ANALYZE) %s;', stats.relid::regclass)
      FROM pg_stat_all_tables AS stats
     WHERE stats.schemaname = 'provision'
       AND stats.n_dead_tup > 100000
       AND stats.n_dead_tup > stats.n_live_tup;
END;
COMMENT ON FUNCTION provision.find_vacuum() IS 'Tables of ours whose dead rows are not removed.';

CREATE OR REPLACE FUNCTION provision.find_clock_skew()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'clock skew', 'warning', 'clocks differ',
           format('The clock of engine "%s" is %s seconds %s this server''s, as its answers said at %s.', engine.name, abs(engine_state.clock_skew_seconds),
                  CASE WHEN engine_state.clock_skew_seconds > 0 THEN 'ahead of' ELSE 'behind' END, engine_state.clock_skew_at),
           'Synchronise the clocks of both hosts, with chrony for example; the next answers are compared again.'
      FROM provision.engine_state
      JOIN provision.engine ON engine.engine_id = engine_state.engine_id
     WHERE engine_state.clock_skew_seconds <> 0
     ORDER BY abs(engine_state.clock_skew_seconds) DESC
     LIMIT 20;
END;
COMMENT ON FUNCTION provision.find_clock_skew() IS 'Engines whose Date headers differ from our clock.';

CREATE OR REPLACE FUNCTION provision.find_long_pauses()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    (SELECT 'pauses', 'warning', 'engine paused', concat_ws(' ', format('Engine "%s" is paused since %s.', engine.name, engine_state.paused_at),
                                                           'Reason: ' || engine_state.paused_reason),
            format('SELECT provision_engine_resume(%L);', engine.name)
       FROM provision.engine_state
       JOIN provision.engine ON engine.engine_id = engine_state.engine_id
      WHERE engine_state.paused_at <= statement_timestamp() - interval '1 hour'
      ORDER BY engine_state.paused_at
      LIMIT 20)
    UNION ALL
    SELECT 'pauses', 'info', 'jobs paused', format('%s paused for more than a day, the first of them job %s.', provision.count_in_words(count(*), 'job is', 'jobs are', 100), min(paused.job_id)),
           format('SELECT * FROM provision_resume(%s); or SELECT * FROM provision_cancel(%s);', min(paused.job_id), min(paused.job_id))
      FROM (SELECT job.job_id
              FROM provision.job
             WHERE job.state = 'paused'
               AND NOT EXISTS (SELECT FROM provision.event
                                WHERE event.job_id = job.job_id AND event.event LIKE 'job\_pause%' AND event.at > statement_timestamp() - interval '1 day')
             ORDER BY job.job_id
             LIMIT 100) AS paused
    HAVING count(*) > 0;
END;
COMMENT ON FUNCTION provision.find_long_pauses() IS 'Engines paused for an hour, jobs paused for a day.';

CREATE OR REPLACE FUNCTION provision.find_plan_functions()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'plan functions', 'warning', 'plan function missing',
           format('Steps of workflow "%s" cannot be planned, because there is no %s.', workflow.name, string_agg(DISTINCT step.plan_function || '(jsonb)', ', ')),
           format('Create the function, or store a new version of workflow "%s".', workflow.name)
      FROM provision.workflow
      JOIN provision.step ON step.workflow_id = workflow.workflow_id
     WHERE workflow.is_current
       AND to_regprocedure(step.plan_function || '(jsonb)') IS NULL
     GROUP BY workflow.workflow_id, workflow.name
     ORDER BY workflow.name
     LIMIT 20;
END;
COMMENT ON FUNCTION provision.find_plan_functions() IS 'Workflows whose jobs cannot run.';

-- Only what may be removed counts, among the oldest: events of a job that is still active stay.
CREATE OR REPLACE FUNCTION provision.find_old_history()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'history', 'warning', 'history not removed', format('There are events of %s, a day or more older than provision.retention keeps.', min(oldest.at)),
           'Look for errors of the worker in the server''s log; until it does it again, call provision_purge() until it returns 0.'
      FROM (SELECT event.job_id, event.at FROM provision.event ORDER BY event.event_id LIMIT 1000) AS oldest
      LEFT JOIN provision.job ON job.job_id = oldest.job_id
     WHERE greatest(oldest.at, job.finished_at) < statement_timestamp() - make_interval(mins => provision.setting_number('provision.retention'), days => 1)
       AND (job.job_id IS NULL OR job.finished_at IS NOT NULL)
    HAVING count(*) > 0;
END;
COMMENT ON FUNCTION provision.find_old_history() IS 'The worker does not get round to removing old history.';

CREATE OR REPLACE FUNCTION provision.find_restarts()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'restarts', 'warning', 'worker restarts again and again', format('Workers have started %s times in the last 10 minutes.', count(*)),
           'Look in the server''s log for the error before each end.'
      FROM provision.worker
     WHERE worker.started_at > statement_timestamp() - interval '10 min'
       AND worker.incarnation > (SELECT max(newest.incarnation) - 100 FROM provision.worker AS newest)
    HAVING count(*) > 5 + provision.setting_number('provision.workers');
END;
COMMENT ON FUNCTION provision.find_restarts() IS 'Workers end soon after they start.';

CREATE OR REPLACE FUNCTION provision.find_full_notification_queue(usage double precision DEFAULT pg_notification_queue_usage())
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'notifications', 'warning', 'notification queue fills', format('It is %s %% full; above 50 %% the engine announces no events.', round((usage * 100)::numeric)),
           'A session that listens does not end its transaction: SELECT pid, state, xact_start FROM pg_stat_activity ORDER BY xact_start; then pg_terminate_backend().'
     WHERE usage > 0.3;
END;
COMMENT ON FUNCTION provision.find_full_notification_queue(double precision) IS 'NOTIFY has little room left; usage is a share from 0 to 1.';

CREATE OR REPLACE FUNCTION provision.find_files()
    RETURNS SETOF provision.finding
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT 'files', 'warning', 'certificate authorities not usable', format('%s: %s', judged.named_by, judged.problem), judged.fix
      FROM (SELECT file.named_by, file.fix, provision.authorities_problem(file.path) AS problem
              FROM (SELECT current_setting('provision.ca_file', true) AS path, 'provision.ca_file' AS named_by,
                           'Correct the file, or: ALTER SYSTEM RESET provision.ca_file; SELECT pg_reload_conf();' AS fix
                    UNION ALL
                    (SELECT engine.ca_file, format('ca_file of engine "%s"', engine.name),
                            format('Correct the file, or: SELECT provision_engine_update(%L, ''{"ca_file": null}'');', engine.name)
                       FROM provision.engine
                      WHERE engine.ca_file IS NOT NULL
                      ORDER BY engine.name
                      LIMIT 100)) AS file
             WHERE file.path <> '') AS judged
     WHERE judged.problem IS NOT NULL;
END;
COMMENT ON FUNCTION provision.find_files() IS 'Files of certificate authorities that the server cannot use.';

CREATE OR REPLACE FUNCTION provision.find_odd_settings()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'settings', 'warning', 'time limits contradict', 'provision.connect_timeout is longer than provision.http_timeout, within which a call must end.',
           'ALTER SYSTEM RESET provision.connect_timeout; ALTER SYSTEM RESET provision.http_timeout; SELECT pg_reload_conf();'
     WHERE provision.setting_ms('provision.connect_timeout') > provision.setting_ms('provision.http_timeout')
    UNION ALL
    (SELECT 'settings', 'warning', 'time limits contradict', format('connect_timeout_ms of engine "%s" is longer than its timeout_ms, within which a call must end.', engine.name),
            format('SELECT provision_engine_update(%L, ''{"connect_timeout_ms": null}'');', engine.name)
       FROM provision.engine
      WHERE coalesce(engine.connect_timeout_ms, provision.setting_ms('provision.connect_timeout')) > engine.timeout_ms
      ORDER BY engine.name
      LIMIT 20)
    UNION ALL
    SELECT 'settings', 'critical', 'server may lose what it has committed', format('Setting %s is off: after a crash the tables can be damaged or forget calls that were made.', setting.name),
           format('ALTER SYSTEM SET %s = on; SELECT pg_reload_conf();', setting.name)
      FROM unnest('{fsync,full_page_writes}'::text[]) AS setting (name)
     WHERE current_setting(setting.name) = 'off'
    UNION ALL
    SELECT 'settings', 'warning', 'few locks',
           format('A round can take %s locks at once, and max_locks_per_transaction makes room for %s.', wanted.locks, wanted.room),
           format('ALTER SYSTEM SET max_locks_per_transaction = %s; and restart the server, or lower provision.max_in_flight.', current_setting('max_locks_per_transaction')::bigint * 2)
      FROM (SELECT provision.setting_number('provision.max_in_flight')::bigint * provision.setting_number('provision.workers') + 100 AS locks,
                   current_setting('max_locks_per_transaction')::bigint
                       * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint) AS room) AS wanted
     WHERE wanted.locks > wanted.room;
END;
COMMENT ON FUNCTION provision.find_odd_settings() IS 'Settings that make no sense together, or that durable work cannot rest on.';

CREATE OR REPLACE FUNCTION @extschema@.provision_doctor()
    RETURNS TABLE (severity text, finding text, detail text, fix text)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.require_platform(to_act => false);
    RETURN QUERY
    SELECT found.severity, found.finding, found.detail, found.fix
      FROM provision.findings('{standby,preload,weak_limits,worker,credentials,key,key_beside_data,breakers,dead_letters,queue,held_rows,vacuum,clock_skew,long_pauses,plan_functions,schedules,
                                planner,planner_rights,foreign_code,old_history,restarts,webhooks,full_notification_queue,files,client_certificates,hosts,odd_settings}') AS found
     ORDER BY array_position('{critical,warning,info}', found.severity), found.finding, found.detail;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_doctor() IS
    'What is set up wrongly or decays in this database and its server, the worst first, each with what to do about it; no row when all is well. severity: critical, warning or info. A check that fails is a finding. Error: 42501 not a platform member.';
