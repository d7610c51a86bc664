-- The doctor finds each thing that is wrong, and nothing else; each with what to do about it.
BEGIN;
SELECT plan(30);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
CREATE TEMPORARY TABLE healthy AS SELECT * FROM provision_doctor();
-- What this server is by itself: no worker runs in the tests of SQL.
SELECT set_eq('SELECT finding FROM healthy EXCEPT SELECT ''server may lose what it has committed''', '{database not listed,key lies beside the data}'::text[], 'nothing but that no worker runs here');

CREATE FUNCTION pg_temp.found() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' | ', severity, finding, fix), ' & ') FROM (SELECT * FROM provision_doctor() EXCEPT SELECT * FROM healthy) AS new;
$$;
-- Runs the injection, looks, and takes it back.
CREATE FUNCTION pg_temp.finds(injection text, expected text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    BEGIN
        EXECUTE injection;
        found := pg_temp.found();
        RAISE EXCEPTION 'take it back' USING ERRCODE = 'P0123';
    EXCEPTION WHEN SQLSTATE 'P0123' THEN NULL;
    END;
    RETURN is(found, expected, expected);
END;
$$;
SELECT is(pg_temp.found(), NULL, 'twice the same');
SELECT pg_temp.finds('DELETE FROM provision.secret', 'warning | credentials missing | SELECT provision_engine_secret(''main'', ''...'', ''...'');');
SELECT pg_temp.finds('UPDATE provision.secret SET sealed = set_byte(sealed, 3, 57)',
    'warning | key missing | ' || provision.key_fix());
SELECT pg_temp.finds('UPDATE provision.engine_state SET breaker = ''open'', failures_in_a_row = 5, breaker_since = now() - interval ''1 hour'', breaker_until = now() + interval ''1 min''',
    'warning | breaker open | Bring the server back: its breaker then closes by itself within 60 seconds, at once with SELECT provision_engine_reset(''main'');');
SELECT pg_temp.finds('UPDATE provision.engine_state SET breaker = ''open'', failures_in_a_row = 5, breaker_since = now(), breaker_until = now() + interval ''1 min''',
    'info | breaker open | Bring the server back: its breaker then closes by itself within 60 seconds, at once with SELECT provision_engine_reset(''main'');');
SELECT pg_temp.finds('UPDATE provision.engine_state SET paused_at = now() - interval ''2 hours'', paused_reason = ''upgrade''', 'warning | engine paused | SELECT provision_engine_resume(''main'');');
SELECT pg_temp.finds('UPDATE provision.engine_state SET paused_at = now() - interval ''2 minutes''', NULL);
SELECT pg_temp.finds('UPDATE provision.engine_state SET clock_skew_seconds = -90, clock_skew_at = now()',
    'warning | clocks differ | Synchronise the clocks of both hosts, with chrony for example; the next answers are compared again.');
SELECT pg_temp.finds(format('UPDATE provision.job SET rank = rank - 3600, created_at = now() - interval ''1 hour'' WHERE job_id = %s', :job),
    format('warning | queue does not move | SELECT * FROM provision_why(%s);', :job));
SELECT pg_temp.finds(format('UPDATE provision.job SET state = ''paused'' WHERE job_id = %s', :job),
    format('info | jobs paused | SELECT * FROM provision_resume(%s); or SELECT * FROM provision_cancel(%s);', :job, :job));
SELECT pg_temp.finds(format('SELECT provision_pause(%s)', :job), NULL);
SELECT pg_temp.finds(format('SELECT provision.finish_job(%s, ''failed'', ''ENGINE_BUSY'')', :job), 'warning | jobs failed | SELECT * FROM provision.dead_letter; SELECT * FROM provision_retry_all();');
SELECT pg_temp.finds(format('SELECT provision.finish_job(%s, ''failed'', ''QUARANTINED'')', :job),
    'warning | jobs quarantined | Look for the crash in the server''s log, then: SELECT * FROM provision_retry_all(error_code => ''QUARANTINED'');');
SELECT pg_temp.finds($$ INSERT INTO provision.workflow (name) VALUES ('own');
        INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) SELECT workflow_id, 0, 'first', 'app.nowhere' FROM provision.workflow WHERE name = 'own' $$,
    'warning | plan function missing | Create the function, or store a new version of workflow "own".');
SELECT pg_temp.finds('INSERT INTO provision.worker (pid, started_at, ended_at) SELECT 1, now() - n * interval ''20 s'', now() FROM generate_series(1, 20) AS n',
    'warning | worker restarts again and again | Look in the server''s log for the error before each end.');
SELECT pg_temp.finds('ALTER TABLE provision.job SET (autovacuum_enabled = off)', 'warning | autovacuum off | ALTER TABLE provision.job RESET (autovacuum_enabled);');
SELECT pg_temp.finds('UPDATE provision.engine SET ca_file = ''/nowhere/ca.pem''',
    'warning | certificate authorities not usable | Correct the file, or: SELECT provision_engine_update(''main'', ''{"ca_file": null}'');');
SELECT pg_temp.finds('UPDATE provision.engine SET ca_file = ''/etc/ssl/certs/ca-certificates.crt''', NULL);
SELECT pg_temp.finds('SELECT provision_engine_update(''main'', ''{"connect_timeout_ms": 900, "timeout_ms": 800}'')',
    'warning | time limits contradict | SELECT provision_engine_update(''main'', ''{"connect_timeout_ms": null}'');');
SELECT pg_temp.finds('ALTER FUNCTION provision.find_files() RENAME TO find_nothing', 'warning | check failed');

SELECT pg_temp.finds($$ INSERT INTO provision.event (event_id, event, at) OVERRIDING SYSTEM VALUE VALUES (-1, 'old', now() - interval '92 days') $$,
    'warning | history not removed | Look for errors of the worker in the server''s log; until it does it again, call provision_purge() until it returns 0.');
SELECT pg_temp.finds(format($$ INSERT INTO provision.event (event_id, job_id, event, at) OVERRIDING SYSTEM VALUE VALUES (-1, %s, 'old', now() - interval '92 days') $$, :job), NULL);

-- What replaces the reason why no worker runs.
CREATE FUNCTION pg_temp.reason(injection text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    BEGIN
        EXECUTE injection;
        found := (SELECT string_agg(concat_ws(' | ', finding, fix), ' & ') FROM provision_doctor() WHERE severity = 'critical' AND finding NOT LIKE 'server may%');
        RAISE EXCEPTION 'take it back' USING ERRCODE = 'P0123';
    EXCEPTION WHEN SQLSTATE 'P0123' THEN NULL;
    END;
    RETURN found;
END;
$$;
SELECT is(pg_temp.reason('SELECT provision_worker_stop()'), 'worker stopped | SELECT provision_worker_start();', 'worker stopped');
SELECT is(pg_temp.reason('SELECT provision_pause_all()'), 'database not listed | ALTER SYSTEM RESET provision.databases; SELECT pg_reload_conf(); & everything paused | SELECT provision_resume_all();', 'everything paused');
SELECT is(pg_temp.reason('UPDATE provision.control SET system_identifier = system_identifier + 1'), 'restored copy | SELECT provision_adopt();', 'another cluster');
SELECT is(pg_temp.reason('UPDATE provision.control SET (system_identifier, database_oid, timeline) = (NULL, NULL, NULL)'), 'restored copy | SELECT provision_adopt();', 'a dump');

-- What cannot be brought about within a transaction is told to the check.
SELECT is(count(*), 1::bigint, 'the notification queue fills') FROM provision.find_full_notification_queue(0.4);
SELECT is(count(*), 0::bigint, 'it is empty') FROM provision.find_full_notification_queue(0);
SELECT is(array_agg(severity ORDER BY position), (SELECT array_agg(severity ORDER BY array_position('{critical,warning,info}', severity), position) FROM provision_doctor() WITH ORDINALITY AS d (severity, finding, detail, fix, position)),
          'the worst comes first') FROM provision_doctor() WITH ORDINALITY AS d (severity, finding, detail, fix, position);
SELECT * FROM finish();
ROLLBACK;
