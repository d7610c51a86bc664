-- Waiting for jobs of Frappe Agent. A job of ours that waits is scheduled: it holds no worker and no slot. The first whose time comes asks
-- for those of the same server that are due with it, too, in one request; what is found about others is noted for them.

-- What a plan about a site is told beside what every plan is.
CREATE OR REPLACE FUNCTION provision.site_context(job_id bigint, tenant provision.tenant, engine provision.engine)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own_site constant text := tenant.settings ->> 'site';
BEGIN
    IF engine.kind = 'erpnext' THEN
        RETURN '{}';
    END IF;
    RETURN jsonb_build_object('agent', jsonb_build_object(
        'kind', engine.kind,
        'bench', engine.bench,
        'domain', engine.domain,
        'team', engine.team,
        'plan', engine.plan,
        'cluster', engine.cluster,
        'release_group', engine.release_group,
        'apps', to_jsonb(coalesce(engine.apps, '{erpnext}')),
        'upstream', (SELECT maker.upstream FROM provision.engine AS maker WHERE maker.engine_id = provision.engine_for(tenant.engine_id, 'site_maker')),
        'run', coalesce((SELECT job.run FROM provision.job WHERE job.job_id = site_context.job_id), 1),
        'site_is_made', coalesce(tenant.metadata ->> 'created_site' = own_site, false),
        'confirmed', coalesce((SELECT job.options -> 'confirmed' = 'true' FROM provision.job WHERE job.job_id = site_context.job_id), false),
        'site_keys', (SELECT coalesce(jsonb_agg(creation.creates ->> 'key' ORDER BY creation.creation_id), '[]')
                        FROM provision.job
                        JOIN provision.creation ON creation.job_id = job.job_id
                       WHERE job.tenant_id = tenant.tenant_id
                         AND creation.kind = 'Site'
                         AND creation.creates ->> 'site' = own_site
                         AND creation.undone_at IS NULL),
        'left_keys', (SELECT coalesce(jsonb_agg(remote.key), '[]')
                        FROM provision.job
                        JOIN provision.remote_job AS remote ON remote.job_id = job.job_id
                       WHERE job.tenant_id = tenant.tenant_id
                         AND remote.engine_id = engine.engine_id
                         AND remote.status = 'Left'
                         AND remote.ended_at > statement_timestamp() - interval '1 day'),       -- no job of Agent lasts longer
        'site_was_accepted', EXISTS (SELECT
                        FROM provision.job
                        JOIN provision.creation ON creation.job_id = job.job_id
                       WHERE job.tenant_id = tenant.tenant_id
                         AND creation.kind = 'Site'
                         AND creation.creates ->> 'site' = own_site
                         AND creation.made_at IS NOT NULL
                         AND creation.undone_at IS NULL)));
END;
$$;
COMMENT ON FUNCTION provision.site_context(bigint, provision.tenant, provision.engine)
    IS 'For an engine that makes sites, else nothing: its kind and the options by which it makes them, the run of the job, and what we know of the tenant''s site: whether one of our jobs finished it, the keys under which we had it made, those of jobs that we left to Agent, whether a platform administrator started the job.';

CREATE OR REPLACE FUNCTION provision.remote_limits(title text)
    RETURNS provision.remote_kind
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT kind
      FROM provision.remote_kind AS kind
     WHERE kind.title IN (remote_limits.title, '')
     ORDER BY kind.title DESC
     LIMIT 1;
END;
COMMENT ON FUNCTION provision.remote_limits(text) IS 'The times of a job of Agent by its title.';

CREATE OR REPLACE FUNCTION provision.poll_pause(remote provision.remote_job)
    RETURNS interval
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT provision.ms(greatest(limits.min_pause_ms, least(limits.max_pause_ms,
               (extract(epoch FROM clock_timestamp() - remote.submitted_at) * 100)::bigint)))
      FROM provision.remote_limits(remote.title) AS limits;
END;
COMMENT ON FUNCTION provision.poll_pause(provision.remote_job) IS 'Pause until a job of Agent is asked for again: a tenth of its age, within limits.';

-- Rows of its own job nobody else adds.
CREATE OR REPLACE FUNCTION provision.begin_wait(job_id bigint, ordinal smallint, engine_id bigint, call provision.call)
    RETURNS provision.remote_job
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    number constant text := call.body ->> 'id';
    waiting provision.remote_job;
BEGIN
    SELECT * INTO waiting FROM provision.remote_job AS kept
     WHERE kept.job_id = begin_wait.job_id AND kept.ordinal = begin_wait.ordinal AND kept.call = begin_wait.call.name;
    IF waiting.status <> 'Left' AND (waiting.engine_id, waiting.remote_id, waiting.key) = (begin_wait.engine_id, number, begin_wait.call.body ->> 'key')
       AND (waiting.ended_at IS NULL
            OR waiting.ended_at >= (SELECT job_step.started_at FROM provision.job_step      -- not what an earlier run waited for
                                     WHERE job_step.job_id = begin_wait.job_id AND job_step.ordinal = begin_wait.ordinal)) THEN
        RETURN waiting;
    END IF;
    RETURN provision.open_remote_job(begin_wait.job_id, begin_wait.ordinal, begin_wait.call.name, begin_wait.engine_id, number, begin_wait.call.body ->> 'key',
                                     clock_timestamp() + provision.ms((provision.remote_limits('')).min_pause_ms), begin_wait.call.body ? 'until_gone');
END;
$$;
COMMENT ON FUNCTION provision.begin_wait(bigint, smallint, bigint, provision.call) IS 'The job of Agent that a step waits for, noted when it is new; nulls while somebody holds the row of an earlier one.';

-- Steps that a job has usually make nine tenths of the wait; what it has beyond them makes no difference.
CREATE OR REPLACE FUNCTION provision.remote_share(remote provision.remote_job)
    RETURNS integer
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT remote.calls_before + least(9, 9 * remote.steps_done / limits.step_count)
      FROM provision.remote_limits(remote.title) AS limits;
END;
COMMENT ON FUNCTION provision.remote_share(provision.remote_job) IS 'calls_done of the step that waits for it: a wait counts as ten calls.';

CREATE OR REPLACE FUNCTION provision.go_on_after_agent(job_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.job SET awaits_remote = false WHERE job.job_id = go_on_after_agent.job_id AND job.awaits_remote;
    IF FOUND THEN
        PERFORM provision.log_job_event(ARRAY[go_on_after_agent.job_id], 'job_started', 'scheduled', 'running');
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.go_on_after_agent(bigint) IS 'A running job that waited for one of Frappe Agent has something to do again, which its history tells.';

CREATE OR REPLACE FUNCTION provision.give_back_to_agent(job_id bigint)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.give_back_job(give_back_to_agent.job_id, 'scheduled', provision.next_poll_at(give_back_to_agent.job_id), '{"for": "a remote job"}');
    UPDATE provision.job SET awaits_remote = true WHERE job.job_id = give_back_to_agent.job_id AND NOT job.awaits_remote;
END;
$$;
COMMENT ON FUNCTION provision.give_back_to_agent(bigint) IS 'A running job waits for one of Frappe Agent. Its history tells that once, however often it looks.';

-- Its end becomes the answer of the call that waits for it.
CREATE OR REPLACE FUNCTION provision.end_wait(remote provision.remote_job)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.job_step
       SET state = 'running',
           waits_for = NULL,
           tries = 0,
           calls_done = greatest(job_step.calls_done, remote.calls_before + 10),
           answers = coalesce(job_step.answers, '{}') || jsonb_build_object(remote.call, jsonb_build_object(
                         'verdict', 'success', 'status', 200, 'body', coalesce(remote.answer, '{}') || jsonb_build_object(
                             'id', remote.remote_id, 'key', remote.key, 'status', remote.status)))
     WHERE job_step.job_id = remote.job_id
       AND job_step.ordinal = remote.ordinal;
    PERFORM provision.go_on_after_agent(remote.job_id);
    IF remote.answer ->> 'site_existed' = 'true' THEN       -- it was made by somebody else: a rollback must not touch it
        DELETE FROM provision.creation
         WHERE creation.job_id = remote.job_id
           AND creation.creates ->> 'key' = remote.key;
    END IF;
    IF remote.answer ->> 'title' = 'Archive Site' AND remote.status = 'Success' THEN      -- another site of its name would be somebody else's
        UPDATE provision.creation
           SET undone_at = clock_timestamp()
          FROM provision.job AS own
          JOIN provision.job AS maker ON maker.tenant_id = own.tenant_id
         WHERE own.job_id = remote.job_id
           AND creation.job_id = maker.job_id
           AND creation.kind = 'Site'
           AND creation.undone_at IS NULL;
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.end_wait(provision.remote_job) IS 'A step whose job of Agent has ended goes on with its plan.';

CREATE OR REPLACE FUNCTION provision.is_overdue(remote provision.remote_job)
    RETURNS boolean
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT CASE WHEN remote.running_since IS NULL THEN remote.submitted_at + provision.ms(limits.max_pending_ms) <= clock_timestamp()
                ELSE remote.running_since + provision.ms(limits.max_running_ms) <= clock_timestamp() END
      FROM provision.remote_limits(remote.title) AS limits;
END;
COMMENT ON FUNCTION provision.is_overdue(provision.remote_job) IS 'A job of Agent has waited or worked for longer than provision.remote_kind allows.';

-- The row is locked for poll_path() when it is time to ask; a row that somebody holds is being asked for.
CREATE OR REPLACE FUNCTION provision.holds_wait(job_id bigint, ordinal smallint, engine_id bigint, call provision.call)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    remote provision.remote_job := provision.begin_wait(holds_wait.job_id, holds_wait.ordinal, holds_wait.engine_id, holds_wait.call);
BEGIN
    IF remote.ended_at IS NOT NULL THEN
        PERFORM provision.end_wait(remote);
        RETURN true;
    END IF;
    PERFORM FROM provision.remote_job AS kept
      WHERE (kept.job_id, kept.ordinal, kept.call) = (remote.job_id, remote.ordinal, remote.call)
        AND kept.next_poll_at <= clock_timestamp()
        FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        RETURN false;
    END IF;
    PERFORM provision.hold_step(holds_wait.job_id, holds_wait.ordinal, 'a remote job');
    RETURN true;
END;
$$;
COMMENT ON FUNCTION provision.holds_wait(bigint, smallint, bigint, provision.call)
    IS 'Deals with a step whose next call is a wait: its job of Agent has ended, or it is not time to ask. False: it is.';

CREATE OR REPLACE FUNCTION provision.wait_has_ended(job_id bigint, ordinal smallint, call text)
    RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM provision.job_step
                    WHERE job_step.job_id = wait_has_ended.job_id AND job_step.ordinal = wait_has_ended.ordinal AND job_step.answers ? wait_has_ended.call);
END;
COMMENT ON FUNCTION provision.wait_has_ended(bigint, smallint, text) IS 'The wait has its answer, so its step is planned again.';

-- Those that are due soon are asked for along with it, and put off for as long as if each had asked itself.
CREATE OR REPLACE FUNCTION provision.poll_path(job_id bigint, ordinal smallint, call provision.call)
    RETURNS text
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own provision.remote_job;
    others bigint[];
    numbers text;
BEGIN
    UPDATE provision.remote_job AS kept
       SET next_poll_at = clock_timestamp() + provision.poll_pause(kept),
           asked_at = clock_timestamp()
     WHERE kept.job_id = poll_path.job_id AND kept.ordinal = poll_path.ordinal AND kept.call = poll_path.call.name
    RETURNING * INTO own;
    IF call.path NOT LIKE '/jobs/%' THEN      -- its server tells of one job at a time
        RETURN call.path;
    ELSIF own.is_large THEN
        RETURN format('/jobs/%1$s,%1$s', own.remote_id);
    END IF;
    WITH due AS MATERIALIZED (
        SELECT kept.job_id, kept.ordinal, kept.call
          FROM provision.remote_job AS kept
         WHERE kept.engine_id = own.engine_id
           AND kept.ended_at IS NULL
           AND NOT kept.is_large
           AND kept.next_poll_at <= clock_timestamp() + provision.poll_pause(kept) / 2
           AND kept.job_id <> own.job_id
         ORDER BY kept.next_poll_at
         LIMIT 99
           FOR NO KEY UPDATE SKIP LOCKED
    ), put_off AS (
        UPDATE provision.remote_job AS kept
           SET next_poll_at = clock_timestamp() + provision.poll_pause(kept),
               asked_at = clock_timestamp()
          FROM due
         WHERE (kept.job_id, kept.ordinal, kept.call) = (due.job_id, due.ordinal, due.call)
        RETURNING kept.job_id, kept.remote_id
    )
    SELECT array_agg(put_off.job_id), string_agg(',' || put_off.remote_id, '') INTO others, numbers FROM put_off;
    PERFORM provision.put_off_polls(others) WHERE others IS NOT NULL;
    RETURN format('/jobs/%s%s', own.remote_id, coalesce(numbers, ',' || own.remote_id));
END;
$$;
COMMENT ON FUNCTION provision.poll_path(bigint, smallint, provision.call) IS 'Path of one request for the remote jobs that are due: of Agent up to 100, of others the one that is waited for.';

CREATE OR REPLACE FUNCTION provision.next_poll_at(job_id bigint)
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce((SELECT min(CASE WHEN remote.ended_at IS NULL THEN remote.next_poll_at ELSE '-infinity' END)
                       FROM provision.remote_job AS remote
                       JOIN provision.job_step ON job_step.job_id = remote.job_id AND job_step.ordinal = remote.ordinal AND job_step.finished_at IS NULL
                      WHERE remote.job_id = next_poll_at.job_id
                        AND NOT coalesce(job_step.answers ? remote.call, false)), clock_timestamp());
END;
$$;
COMMENT ON FUNCTION provision.next_poll_at(bigint) IS 'When a job that waits for Agent goes on.';

-- The caller has locked none of them: what somebody else holds comes at its own time, and finds that it need not ask.
CREATE OR REPLACE FUNCTION provision.put_off_polls(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH waiting AS MATERIALIZED (
        SELECT job.job_id
          FROM provision.job
         WHERE job.job_id = ANY (job_ids)
           AND coalesce(job.state, '') = 'scheduled'
           AND EXISTS (SELECT FROM provision.job_step WHERE job_step.job_id = job.job_id AND job_step.waits_for = 'a remote job')
         ORDER BY job.job_id
           FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE provision.job
       SET due_at = provision.next_poll_at(job.job_id)
      FROM waiting
     WHERE job.job_id = waiting.job_id;
END;
$$;
COMMENT ON FUNCTION provision.put_off_polls(bigint[]) IS 'Sets anew when scheduled jobs that wait for Agent go on.';

-- A job of Agent that is in the works keeps what it excludes excluded, whoever waits for it.
CREATE OR REPLACE FUNCTION provision.awaits_agent(job_id bigint, ordinal smallint)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT
                     FROM provision.remote_job AS remote
                     JOIN provision.job_step ON job_step.job_id = remote.job_id AND job_step.ordinal = remote.ordinal
                    WHERE remote.job_id = awaits_agent.job_id
                      AND remote.ordinal = awaits_agent.ordinal
                      AND (remote.ended_at IS NULL OR job_step.waits_for = 'a remote job')
                      AND job_step.finished_at IS NULL
                      AND NOT coalesce(job_step.answers ? remote.call, false));
END;
$$;
COMMENT ON FUNCTION provision.awaits_agent(bigint, smallint) IS 'A step waits for a job of Agent, or for its turn to learn how that ended.';
