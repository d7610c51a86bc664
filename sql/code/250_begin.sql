-- The second half of a round: what the touched jobs want next. Intent is written here and committed before the first byte is sent.

-- A step that requires one which did not succeed can never run.
CREATE OR REPLACE FUNCTION provision.block_steps(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    flawed bigint[] := ARRAY(SELECT job.job_id
                               FROM unnest(job_ids) AS touched (job_id)
                               JOIN provision.job ON job.job_id = touched.job_id
                              WHERE job.has_flaw
                                AND job.direction = 'forward');
BEGIN
    IF flawed = '{}' THEN
        RETURN;
    END IF;
    LOOP        -- each pass blocks those that required what the pass before blocked
        WITH blocked AS (
            UPDATE provision.job_step AS waiting
               SET state = 'blocked',
                   error_code = 'STEP_BLOCKED',
                   error_message = text.message,
                   error_hint = text.hint,
                   finished_at = clock_timestamp()
              FROM provision.job, provision.step, provision.job_step AS required,
                   LATERAL provision.explain_failure(job.job_id, step.name, NULL, 'STEP_BLOCKED', NULL, required.name) AS text
             WHERE waiting.job_id = ANY (flawed)
               AND waiting.state = 'waiting'
               AND job.job_id = waiting.job_id
               AND step.workflow_id = job.workflow_id
               AND step.ordinal = waiting.ordinal
               AND required.job_id = waiting.job_id
               AND required.name = ANY (step.requires)
               AND required.state IN ('failed', 'blocked', 'skipped', 'undone')
            RETURNING waiting.job_id, waiting.name, required.name AS cause
        )
        INSERT INTO provision.event (job_id, tenant, step, event, from_state, to_state, detail, correlation_id)
        SELECT job.job_id, tenant.name, blocked.name, 'step_blocked', 'waiting', 'blocked',
               jsonb_build_object('by', blocked.cause), job.correlation_id
          FROM blocked
          JOIN provision.job ON job.job_id = blocked.job_id
          JOIN provision.tenant ON tenant.tenant_id = job.tenant_id;
        EXIT WHEN NOT FOUND;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.block_steps(bigint[]) IS 'Waiting steps whose required step did not succeed become blocked.';

-- Jobs to look at in this round: those just answered (locked already), those claimed in the round before, and those that are due: by a
-- wish, or by themselves. Locked; nobody is waited for.
CREATE OR REPLACE FUNCTION provision.touch_jobs(
    incarnation bigint, answered bigint[], claimed bigint[], bookmark provision.bookmark, OUT touched bigint[], OUT left_over bigint[])
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    begun bigint[] := ARRAY(SELECT job.job_id
                              FROM provision.job
                             WHERE job.job_id = ANY (claimed)
                               AND job.owner IS NOT DISTINCT FROM touch_jobs.incarnation      -- in a form that tempts no index on owner
                             ORDER BY job.job_id
                               FOR NO KEY UPDATE SKIP LOCKED);
    waking bigint[];
BEGIN
    IF bookmark.own_due_at <= clock_timestamp() THEN
        WITH due AS MATERIALIZED (
            SELECT job_id
              FROM provision.job
             WHERE owner = touch_jobs.incarnation
               AND due_at >= bookmark.own_due_at
               AND due_at <= (SELECT clock_timestamp())
             ORDER BY due_at
             LIMIT 1000
               FOR NO KEY UPDATE SKIP LOCKED
        ), woken AS (
            UPDATE provision.job
               SET due_at = NULL
              FROM due
             WHERE job.job_id = due.job_id
            RETURNING job.job_id
        )
        SELECT array_agg(job_id) INTO waking FROM woken;
    END IF;
    left_over := CASE WHEN cardinality(begun) = cardinality(claimed) THEN '{}'
                      ELSE ARRAY(SELECT job.job_id FROM provision.job
                                  WHERE job.job_id = ANY (claimed) AND job.owner = touch_jobs.incarnation
                                    AND job.job_id NOT IN (SELECT unnest(begun))) END;
    touched := provision.single_out_suspect(incarnation, ARRAY(SELECT DISTINCT unnest(answered || begun || waking)));
END;
$$;
COMMENT ON FUNCTION provision.touch_jobs(bigint, bigint[], bigint[], provision.bookmark)
    IS 'The jobs of this incarnation whose steps are planned in this round. left_over: claimed ones that somebody else has locked just now.';

CREATE OR REPLACE FUNCTION provision.has_failed_for_good(job_id bigint)
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM provision.job_step
                    WHERE job_step.job_id = has_failed_for_good.job_id
                      AND job_step.critical
                      AND job_step.state IN ('failed', 'blocked'));
END;
COMMENT ON FUNCTION provision.has_failed_for_good(bigint) IS 'A critical step failed: the job starts nothing further.';

-- Anything but true is no: what is not there, what cannot be compared.
CREATE OR REPLACE FUNCTION provision.meets(condition jsonpath, tenant provision.tenant, options jsonb)
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_path_match(jsonb_build_object('settings', (tenant).settings, 'facts', (tenant).metadata, 'options', options),
                                     condition, '{}', true), false);
END;
COMMENT ON FUNCTION provision.meets(jsonpath, provision.tenant, jsonb) IS 'Whether the condition of a step is true for a tenant and the options of a job.';

-- Open steps of these jobs that may plan their next call, each with its plan, in the order of the queue.
CREATE OR REPLACE FUNCTION provision.startable_steps(job_ids bigint[])
    RETURNS TABLE (job_id bigint, ordinal smallint, state text, direction text, engine_id bigint, is_limited boolean, calls_in_flight bigint,
                   exclusion text, is_wanted boolean, time_left_ms bigint, only_looks boolean, is_withdrawn boolean, signals jsonb, elsewhere text, may_call boolean, next provision.next_call)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT live.job_id, live.ordinal, live.state, live.direction, live.engine_id, engine.rate_per_second IS NOT NULL,
           live.calls_in_flight,
           provision.exclusion_name(step.exclusive, engine, tenant.settings),
           begun.is_wanted, begun.time_left_ms, step.only_looks, live.wish IS NOT NULL, step.signals,
           CASE WHEN step.works_at <> provision.place_of(engine) THEN step.works_at END,
           (SELECT control.paused_at IS NULL FROM provision.control)
               AND provision.takes_calls(engine_state)
               AND (engine_state.breaker = 'closed'
                    OR engine_state.breaker = 'half_open' AND engine_state.probe_job_id = live.job_id),
           CASE WHEN begun.is_wanted AND coalesce(begun.time_left_ms > 0, true) AND coalesce(step.works_at = provision.place_of(engine), true) THEN
               provision.next_call(CASE WHEN live.wish IS NOT NULL THEN 'provision.plan_withdrawal' WHEN live.direction = 'back' THEN step.undo_function ELSE step.plan_function END,
                   CASE WHEN live.wish IS NOT NULL THEN provision.plan_context(live.job_id, tenant, engine.name, step.name, live.answers, live.options)
                                                  || provision.withdrawal_context(live.job_id, live.ordinal)
                        WHEN live.direction = 'back' THEN provision.undo_context(live.job_id, live.ordinal)
                        WHEN step.only_looks THEN provision.plan_context(live.job_id, tenant, engine.name, step.name, live.answers, live.options)
                                                  || provision.looking_context(live.job_id, live.workflow_id)
                        WHEN engine.kind <> 'erpnext' THEN provision.plan_context(live.job_id, tenant, engine.name, step.name, live.answers, live.options)
                                                  || provision.site_context(live.job_id, tenant, engine)
                                                  || CASE WHEN step.signals IS NULL THEN '{}' ELSE provision.signal_context(live.job_id) END
                        WHEN step.signals IS NOT NULL THEN provision.plan_context(live.job_id, tenant, engine.name, step.name, live.answers, live.options)
                                                  || provision.signal_context(live.job_id)
                        ELSE provision.plan_context(live.job_id, tenant, engine.name, step.name, live.answers, live.options) END) END
      FROM (SELECT job.job_id, job.workflow_id, job.engine_id, job.tenant_id, job.rank, job.options, job.direction, job.wish,
                   job_step.ordinal, job_step.state, job_step.attempt_id, job_step.next_attempt_at, job_step.answers, job_step.started_at,
                   count(job_step.attempt_id) OVER its_job AS calls_in_flight,
                   array_agg(job_step.name) OVER its_job AS open_steps,
                   max(job_step.ordinal) OVER its_job AS last_open
              FROM unnest(job_ids) AS touched (job_id)
              JOIN provision.job ON job.job_id = touched.job_id
              JOIN provision.job_step ON job_step.job_id = job.job_id
             WHERE (job.wish IS NULL OR job.wish IN ('cancel', 'rollback') AND provision.is_to_be_withdrawn(job_step.job_id, job_step.ordinal))
               AND job.finished_at IS NULL      -- it may have failed while its answer was recorded
               AND job_step.finished_at IS NULL
               AND NOT (job.has_flaw AND job.direction = 'forward' AND provision.has_failed_for_good(job.job_id))
            WINDOW its_job AS (PARTITION BY job.job_id)) AS live
      JOIN provision.step ON step.workflow_id = live.workflow_id AND step.ordinal = live.ordinal
      JOIN provision.tenant ON tenant.tenant_id = live.tenant_id
      JOIN provision.engine ON engine.engine_id = live.engine_id
      JOIN provision.engine_state ON engine_state.engine_id = live.engine_id
     CROSS JOIN LATERAL (SELECT CASE WHEN live.started_at IS NOT NULL OR live.direction = 'back' THEN true
                                     WHEN step.works_at = 'proxy' AND provision.engine_for(tenant.engine_id, 'proxy') IS NULL THEN false
                                     WHEN step.condition IS NULL THEN true
                                     ELSE provision.meets(step.condition, tenant, live.options) END AS is_wanted,
                                CASE WHEN step.deadline_ms IS NOT NULL THEN
                                     step.deadline_ms - coalesce((extract(epoch FROM clock_timestamp() - live.started_at) * 1000)::bigint, 0) END AS time_left_ms) AS begun
     WHERE live.attempt_id IS NULL
       AND CASE live.state
               WHEN 'waiting' THEN CASE live.direction WHEN 'back' THEN live.ordinal = live.last_open
                                        ELSE NOT (step.requires || step.runs_after) && live.open_steps END
               WHEN 'retrying' THEN live.next_attempt_at <= clock_timestamp()
               ELSE true
           END
     ORDER BY live.rank, live.job_id, live.ordinal;
END;
COMMENT ON FUNCTION provision.startable_steps(bigint[]) IS 'Steps of these running jobs that could send something now.';

DO $$ BEGIN
    CREATE TYPE provision.intent AS (
        attempt_id    bigint,
        job_id        bigint,
        ordinal       smallint,
        was           text,
        engine_id     bigint,
        call          provision.call,
        position      bigint,
        is_last_call  boolean,
        calls_total   integer,
        time_left_ms  bigint
    );
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
COMMENT ON TYPE provision.intent IS 'A call about to be made.';

-- Goes over the startable steps once. Steps that need no call end here, which may make others startable.
CREATE OR REPLACE FUNCTION provision.gather_intents(job_ids bigint[], OUT intents provision.intent[], OUT ended_any boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    startable record;
    present_job bigint;
    calls_at_once bigint;       -- of the present job, with those gathered here
    call provision.call;
BEGIN
    ended_any := false;
    FOR startable IN SELECT * FROM provision.startable_steps(job_ids) LOOP
        IF startable.job_id IS DISTINCT FROM present_job THEN
            present_job := startable.job_id;
            calls_at_once := startable.calls_in_flight;
        END IF;
        call := (startable.next).call;
        PERFORM provision.note_used_signals(startable.job_id, startable.signals) WHERE startable.signals IS NOT NULL AND (startable.next).outcome <> 'wait';
        IF NOT startable.is_wanted THEN
            PERFORM provision.end_step(startable.job_id, startable.ordinal, 'skipped');
            PERFORM provision.mark_flaws(ARRAY[startable.job_id]);
            ended_any := true;
        ELSIF startable.elsewhere IS NOT NULL THEN      -- all that is ready is, and settle_jobs() moves the job
            PERFORM provision.hold_step(startable.job_id, startable.ordinal, 'engine ' || startable.elsewhere);
        ELSIF startable.time_left_ms <= 0 THEN
            PERFORM provision.fail_late_step(startable.job_id, startable.ordinal);
            ended_any := true;
        ELSIF (startable.next).outcome = 'later' THEN
            PERFORM provision.hold_step(startable.job_id, startable.ordinal, NULL);
        ELSIF startable.is_withdrawn AND (startable.next).outcome <> 'send' THEN
            PERFORM provision.end_withdrawal(startable.job_id, startable.ordinal);
            ended_any := true;
        ELSIF (startable.next).outcome = 'again' THEN
            PERFORM provision.ask_later(startable.job_id, startable.ordinal, (startable.next).detail);
            ended_any := true;
        ELSIF (startable.next).outcome = 'wait' THEN
            ended_any := provision.await_signal(startable.job_id, startable.ordinal, startable.signals, (startable.next).detail) OR ended_any;
        ELSIF (startable.next).outcome <> 'send' AND startable.direction = 'back' THEN
            PERFORM provision.end_undo(startable.job_id, startable.ordinal, (startable.next).error_code, (startable.next).detail);
            ended_any := true;
        ELSIF (startable.next).outcome <> 'send' THEN
            PERFORM provision.end_step(startable.job_id, startable.ordinal,
                        CASE (startable.next).outcome WHEN 'complete' THEN 'completed' ELSE 'failed' END,
                        (startable.next).error_code, (startable.next).detail, (startable.next).result);
            UPDATE provision.job SET crash_count = 0 WHERE job.job_id = startable.job_id AND job.crash_count > 0;
            PERFORM provision.mark_flaws(ARRAY[startable.job_id]) WHERE (startable.next).outcome = 'fail';
            ended_any := true;
        ELSIF startable.only_looks AND NOT provision.only_looks((startable.next).call) THEN
            PERFORM provision.end_step(startable.job_id, startable.ordinal, 'failed', 'PLAN_FAILED',
                        format('the call "%s" would change something, and the step may only look', ((startable.next).call).name));
            PERFORM provision.mark_flaws(ARRAY[startable.job_id]);
            ended_any := true;
        ELSIF startable.time_left_ms IS NOT NULL
              AND provision.lacks_time(startable.job_id, startable.ordinal, (startable.next).call, startable.time_left_ms) THEN
            PERFORM provision.fail_late_step(startable.job_id, startable.ordinal);
            ended_any := true;
        ELSIF NOT startable.may_call THEN
            PERFORM provision.hold_step(startable.job_id, startable.ordinal, NULL);
        ELSIF coalesce(call.effort = 'wait', false) AND provision.holds_wait(startable.job_id, startable.ordinal, startable.engine_id, call) THEN
            ended_any := ended_any OR provision.wait_has_ended(startable.job_id, startable.ordinal, call.name);
        ELSIF calls_at_once > 0
              AND NOT provision.take_slot(startable.engine_id, startable.job_id, calls_at_once + 1) THEN
            -- It goes on when a call beside it has ended; a time that has passed would have it looked at over and over until then.
            PERFORM provision.hold_step(startable.job_id, startable.ordinal, NULL) WHERE startable.state = 'retrying';
        ELSIF startable.exclusion IS NOT NULL
              AND NOT provision.take_exclusion(startable.exclusion, startable.job_id, startable.ordinal) THEN
            PERFORM provision.hold_step(startable.job_id, startable.ordinal, startable.exclusion);
        ELSIF coalesce(call.effort = 'submit', false) AND NOT provision.take_place(startable.job_id, startable.ordinal, startable.engine_id, call.name) THEN
            PERFORM provision.hold_step(startable.job_id, startable.ordinal, provision.place_at(startable.engine_id));
        ELSIF startable.is_limited AND NOT provision.take_token(startable.engine_id) THEN
            PERFORM provision.hold_step(startable.job_id, startable.ordinal, NULL);
        ELSE
            calls_at_once := calls_at_once + 1;
            IF call.effort = 'wait' THEN
                call.path := provision.poll_path(startable.job_id, startable.ordinal, call);
                call.body := NULL;
            END IF;
            intents := intents || ROW(nextval('provision.attempt_attempt_id_seq'), startable.job_id, startable.ordinal, startable.state, startable.engine_id, call,
                                      (startable.next).position, (startable.next).is_last_call AND startable.direction = 'forward' AND NOT startable.is_withdrawn AND call.effort IS DISTINCT FROM 'wait', (startable.next).calls_total, startable.time_left_ms)::provision.intent;
        END IF;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.gather_intents(bigint[]) IS 'The calls these jobs make next, within every limit.';

CREATE OR REPLACE FUNCTION provision.write_intents(incarnation bigint, intents provision.intent[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO provision.attempt (attempt_id, job_id, ordinal, engine_id, incarnation, call, method, url, guard, repeatable, learn,
                                   creates, refusable, seals, auth, only_looks, request_body, timeout_ms, started_at)
    OVERRIDING SYSTEM VALUE
    SELECT intent.attempt_id, intent.job_id, intent.ordinal, intent.engine_id, write_intents.incarnation,
           (intent.call).name, (intent.call).method, engine.base_url || (intent.call).path, (intent.call).guard,
           coalesce((intent.call).repeatable, (intent.call).method IN ('GET', 'PUT', 'DELETE')), (intent.call).learn,
           (intent.call).creates, coalesce((intent.call).refusable, false), (intent.call).seals, (intent.call).auth,
           provision.only_looks(intent.call),
           provision.redact((intent.call).body), least(provision.call_timeout_ms(intent.call, engine.timeout_ms), intent.time_left_ms), clock_timestamp()
      FROM unnest(intents) AS intent
      JOIN provision.engine ON engine.engine_id = intent.engine_id;
    IF EXISTS (SELECT FROM unnest(intents) AS intent WHERE (intent.call).creates IS NOT NULL) THEN
        PERFORM provision.expect_creations(intents);
    END IF;
    UPDATE provision.job_step
       SET state = 'running',
           attempt_id = intent.attempt_id,
           is_last_call = intent.is_last_call,
           tries = CASE WHEN intent.position > job_step.furthest THEN 0 ELSE job_step.tries END,
           furthest = greatest(job_step.furthest, intent.position),
           calls_total = intent.calls_total,
           attempt_count = job_step.attempt_count + 1,
           next_attempt_at = NULL,
           waits_for = NULL,
           started_at = coalesce(job_step.started_at, clock_timestamp())
      FROM unnest(intents) AS intent
     WHERE job_step.job_id = intent.job_id
       AND job_step.ordinal = intent.ordinal;
    INSERT INTO provision.event (job_id, tenant, step, event, from_state, to_state, correlation_id)
    SELECT job.job_id, tenant.name, step.name, 'step_started', intent.was, 'running', job.correlation_id
      FROM unnest(intents) AS intent
      JOIN provision.job ON job.job_id = intent.job_id
      JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = intent.ordinal
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
     WHERE intent.was <> 'running'
       AND NOT coalesce((intent.call).effort = 'wait' AND intent.was = 'ready', false);      -- a look at a job of Frappe Agent
END;
$$;
COMMENT ON FUNCTION provision.write_intents(bigint, provision.intent[]) IS 'Writes the attempts that are about to be made and moves their steps to running.';

CREATE OR REPLACE FUNCTION provision.begin_jobs(incarnation bigint, job_ids bigint[])
    RETURNS provision.intent[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    intents provision.intent[] := '{}';
    gathered record;
BEGIN
    LOOP
        PERFORM provision.release_exclusions(job_ids);
        PERFORM provision.block_steps(job_ids);
        SELECT * INTO gathered FROM provision.gather_intents(job_ids);
        PERFORM provision.write_intents(incarnation, gathered.intents);
        intents := intents || gathered.intents;
        EXIT WHEN NOT gathered.ended_any;
    END LOOP;
    PERFORM provision.settle_jobs(ARRAY(
        SELECT job.job_id       -- a job that holds one slot and just got a call for it is settled
          FROM unnest(job_ids) AS given (job_id)
          JOIN provision.job ON job.job_id = given.job_id
         WHERE job.slots > 1
            OR job.job_id NOT IN (SELECT intent.job_id FROM unnest(intents) AS intent)));
    RETURN intents;
END;
$$;
COMMENT ON FUNCTION provision.begin_jobs(bigint, bigint[]) IS 'Plans these jobs, writes the intents, and ends or gives back those with nothing to send.';

CREATE OR REPLACE FUNCTION provision.begin_touched_jobs(incarnation bigint, job_ids bigint[])
    RETURNS provision.intent[]
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    intents provision.intent[] := '{}';
    single bigint;
BEGIN
    RETURN provision.begin_jobs(incarnation, job_ids);
EXCEPTION WHEN OTHERS THEN
    PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
    FOREACH single IN ARRAY job_ids LOOP        -- one of them cannot be planned: only that one fails
        BEGIN
            intents := intents || provision.begin_jobs(incarnation, ARRAY[single]);
        EXCEPTION WHEN OTHERS THEN
            PERFORM provision.raise_again_unless_of_a_job(SQLSTATE, SQLERRM);
            PERFORM provision.fail_job_internally(single, SQLSTATE, SQLERRM);
        END;
    END LOOP;
    RETURN intents;
END;
$$;
COMMENT ON FUNCTION provision.begin_touched_jobs(bigint, bigint[]) IS 'begin_jobs() in which one bad job stops no other.';

CREATE OR REPLACE FUNCTION provision.begin_calls(incarnation bigint, touched bigint[])
    RETURNS TABLE (attempt_id bigint, method text, url text, body text, site text, ca_file text, engine_id bigint, tenant_id bigint,
                   correlation_id text, traceparent text, idempotency_key text, connect_timeout_ms integer, timeout_ms integer,
                   base_url text, client_certificate_file text, client_key_file text, is_agent boolean, holder_id bigint, job_key text,
                   auth text, note text, team text)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    intents provision.intent[];
BEGIN
    IF touched = '{}' THEN
        RETURN;
    END IF;
    intents := provision.begin_touched_jobs(incarnation, touched);
    RETURN QUERY
        SELECT attempt.attempt_id, attempt.method, attempt.url, (intent.call).body::text,
               CASE engine.kind WHEN 'erpnext' THEN coalesce(tenant.settings ->> 'site', engine.site) END, engine.ca_file, job.engine_id,
               CASE engine.kind WHEN 'erpnext' THEN job.tenant_id END,      -- what it keeps for its site is for no other server
               job.correlation_id, job.options ->> 'traceparent',
               CASE WHEN attempt.method <> 'GET' THEN format('provision-%s-%s-%s', job.job_id, attempt.ordinal, md5(attempt.call)) END,
               coalesce(engine.connect_timeout_ms, provision.setting_ms('provision.connect_timeout')),
               attempt.timeout_ms,
               left(attempt.url, length(attempt.url) - length((intent.call).path)),     -- as it was then: somebody may have moved the engine
               engine.client_certificate_file, engine.client_key_file,
               engine.kind = 'frappe_agent', job.tenant_id,
               CASE WHEN engine.kind = 'frappe_agent' AND attempt.method <> 'GET' THEN provision.remote_key(tenant.key::text, job.job_id, job.run, attempt.call) END,
               attempt.auth, CASE WHEN attempt.seals IS NOT NULL THEN provision.seal_note(job.tenant_id, attempt.seals) END,
               engine.team
          FROM unnest(intents) AS intent
          JOIN provision.attempt ON attempt.attempt_id = intent.attempt_id
          JOIN provision.job ON job.job_id = attempt.job_id
          JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
          JOIN provision.engine ON engine.engine_id = job.engine_id;
END;
$$;
COMMENT ON FUNCTION provision.begin_calls(bigint, bigint[])
    IS 'Plans the touched jobs, writes the intents and returns the requests to send once this transaction is committed.';
