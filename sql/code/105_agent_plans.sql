-- What authors of plan functions for Frappe Agent work with. A job of Agent is three calls: a look for it by its key, the submission, which
-- that look guards, and the wait for its end, during which our job holds nothing.

CREATE OR REPLACE FUNCTION provision.remote_key(tenant_key text, job_id bigint, run integer, call text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'p' || md5(concat_ws('/', remote_key.tenant_key, remote_key.job_id, remote_key.run, remote_key.call));
COMMENT ON FUNCTION provision.remote_key(text, bigint, integer, text)
    IS 'The key under which Agent keeps what a call submits: the same however often it is sent, another in another run of the job. The name of the call must be unique in its workflow.';

CREATE OR REPLACE FUNCTION provision.job_key(job jsonb, call text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN job ->> 'job_id' IS NULL THEN '{?job_key}'
                ELSE provision.remote_key(job ->> 'key', (job ->> 'job_id')::bigint, (job #>> '{agent,run}')::integer, job_key.call) END;
COMMENT ON FUNCTION provision.job_key(jsonb, text) IS 'remote_key() of a call of this job; a marker in the dry run.';

CREATE OR REPLACE FUNCTION provision.bench_path(job jsonb, rest text DEFAULT '')
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '/benches/' || provision.url_encode(job #>> '{agent,bench}') || bench_path.rest;
COMMENT ON FUNCTION provision.bench_path(jsonb, text) IS 'Path below the bench of the engine.';

CREATE OR REPLACE FUNCTION provision.site_path(job jsonb, rest text DEFAULT '')
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.bench_path(job, '/sites/' || provision.url_encode(coalesce(provision.setting(job, 'site'), '{?site}')) || site_path.rest);
COMMENT ON FUNCTION provision.site_path(jsonb, text) IS 'Path of the tenant''s site, or below it.';

CREATE OR REPLACE FUNCTION provision.agent_look(name text, path text, learn jsonb DEFAULT NULL, wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ROW(name, 'GET', path, NULL, wanted, NULL, true, 'agent', learn, NULL, NULL, NULL, NULL)::provision.call;
COMMENT ON FUNCTION provision.agent_look(text, text, jsonb, boolean) IS 'A call that only reads from Agent, which may take half a minute when its two processes are busy.';

CREATE OR REPLACE FUNCTION provision.named_secret(name text)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('$secret', name);
COMMENT ON FUNCTION provision.named_secret(text) IS 'Stands in a body for a secret of the tenant or the engine, which the worker puts there when the request is written.';

-- Of those found under our key the first is the original, should there be two.
CREATE OR REPLACE FUNCTION provision.remote_number(job jsonb, call text)
    RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce((SELECT min((found ->> 'id')::bigint)
                       FROM provision.answer_rows(job, 'look for ' || remote_number.call) AS found
                      WHERE found ->> 'key' = provision.job_key(job, remote_number.call)),
                    (provision.answer(job, remote_number.call) ->> 'job')::bigint);
END;
COMMENT ON FUNCTION provision.remote_number(jsonb, text) IS 'The number that Agent gave to what this call submitted; null while it is not known.';

CREATE OR REPLACE FUNCTION provision.wait_for_job(name text, key text, remote_id bigint, wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ROW('wait for ' || name, 'GET', format('/jobs/%1$s,%1$s', coalesce(remote_id::text, '{?job}')), jsonb_build_object('key', key, 'id', remote_id::text),
               CASE WHEN remote_id IS NOT NULL OR NOT wanted THEN wanted END, NULL, true, 'wait', NULL, NULL, NULL, NULL, NULL)::provision.call;
COMMENT ON FUNCTION provision.wait_for_job(text, text, bigint, boolean)
    IS 'A call that is done when a job of Agent has ended, however; its answer is the job, shortened. Many are asked for in one request, at growing intervals.';

CREATE OR REPLACE FUNCTION provision.submit_job(job jsonb, name text, path text, body jsonb, wanted boolean DEFAULT true, creates jsonb DEFAULT NULL, method text DEFAULT 'POST')
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key constant text := provision.job_key(job, submit_job.name);
    look constant text := 'look for ' || submit_job.name;
BEGIN
    RETURN NEXT provision.agent_look(look, '/agent-jobs/' || key, wanted => submit_job.wanted);
    RETURN NEXT ROW(submit_job.name, submit_job.method, submit_job.path, submit_job.body,
                    CASE WHEN submit_job.wanted THEN NOT provision.found(job, look) ELSE submit_job.wanted END,
                    look, false, 'submit', NULL, submit_job.creates, NULL, NULL, NULL)::provision.call;
    RETURN NEXT provision.wait_for_job(submit_job.name, key, provision.remote_number(job, submit_job.name), submit_job.wanted);
END;
$$;
COMMENT ON FUNCTION provision.submit_job(jsonb, text, text, jsonb, boolean, jsonb, text)
    IS 'The calls that have Agent do something: "look for ...", the submission itself, "wait for ...". The name must be unique in the workflow.';

CREATE OR REPLACE FUNCTION provision.remote_end(job jsonb, name text)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.answer(job, 'wait for ' || remote_end.name);
COMMENT ON FUNCTION provision.remote_end(jsonb, text) IS 'How a job of Agent ended: status (Success, Failure, Overdue, Lost), step, reason; null while it has not.';

CREATE OR REPLACE FUNCTION provision.give_up_unless_done(job jsonb, name text)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ended constant jsonb := provision.remote_end(job, give_up_unless_done.name);
BEGIN
    IF ended IS NULL OR ended ->> 'status' = 'Success' THEN
        RETURN;
    END IF;
    PERFORM provision.give_up(CASE ended ->> 'status' WHEN 'Failure' THEN 'REMOTE_JOB_FAILED' WHEN 'Lost' THEN 'REMOTE_JOB_LOST' ELSE 'REMOTE_JOB_OVERDUE' END,
                              format('%s, job %s: %s', give_up_unless_done.name, ended ->> 'id', coalesce(ended ->> 'reason', ended ->> 'status')));
END;
$$;
COMMENT ON FUNCTION provision.give_up_unless_done(jsonb, text) IS 'Gives up when a job of Agent ended otherwise than well.';

-- Until the calls of cancel_overdue() have been made, nothing is judged.
CREATE OR REPLACE FUNCTION provision.is_to_be_cancelled(job jsonb, name text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(provision.remote_end(job, is_to_be_cancelled.name) ->> 'status' = 'Overdue', false)
       AND NOT provision.answered(job, 'cancel ' || is_to_be_cancelled.name)
       AND NOT coalesce((SELECT bool_and(found ->> 'status' NOT IN ('Pending', 'Running'))
                           FROM provision.answer_rows(job, 'look at overdue ' || is_to_be_cancelled.name) AS found)
                        , false)
       AND NOT coalesce(provision.answered(job, 'look at overdue ' || is_to_be_cancelled.name)
                        AND NOT provision.found(job, 'look at overdue ' || is_to_be_cancelled.name), false);
COMMENT ON FUNCTION provision.is_to_be_cancelled(jsonb, text) IS 'A job of Agent took too long, and is still to be looked at or cancelled.';

CREATE OR REPLACE FUNCTION provision.cancel_job(name text, remote_id text, guard text, wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.may_be_refused(ROW(cancel_job.name, 'POST', format('/jobs/%s/cancel', cancel_job.remote_id), '{}', cancel_job.wanted, cancel_job.guard, false,
                                        'agent', NULL, NULL, NULL, NULL, NULL)::provision.call);
COMMENT ON FUNCTION provision.cancel_job(text, text, text, boolean) IS 'A call that cancels a job of Agent, of which the guard has found that it has not ended.';

-- One that takes too long is cancelled, but never one that has ended, which Agent would make a failure of.
CREATE OR REPLACE FUNCTION provision.cancel_overdue(job jsonb, name text)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ended constant jsonb := provision.remote_end(job, cancel_overdue.name);
    is_overdue constant boolean := ended ->> 'status' = 'Overdue';
    look constant text := 'look at overdue ' || cancel_overdue.name;
BEGIN
    IF NOT coalesce(is_overdue, false) THEN
        RETURN;
    END IF;
    RETURN NEXT provision.agent_look(look, format('/jobs/%1$s,%1$s', ended ->> 'id'));
    RETURN NEXT provision.cancel_job('cancel ' || cancel_overdue.name, ended ->> 'id', look,
        CASE WHEN provision.answered(job, look)
             THEN EXISTS (SELECT FROM provision.answer_rows(job, look) AS remote
                           WHERE remote ->> 'key' = ended ->> 'key' AND remote ->> 'status' IN ('Pending', 'Running')) END);
    IF NOT provision.answered(job, 'cancel ' || cancel_overdue.name) THEN       -- the plan is not over until that is judged
        RETURN NEXT provision.agent_look('judge ' || cancel_overdue.name, '/ping', wanted => NULL);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.cancel_overdue(jsonb, text) IS 'The calls that cancel a job of Agent which took too long, unless it has ended meanwhile.';

-- A job that its server lost (its row is there, its queue is not) never began: cancelled, it never will, so another may be submitted.
CREATE OR REPLACE FUNCTION provision.never_began(job jsonb, name text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(provision.remote_end(job, never_began.name) ->> 'status' = 'Overdue', false)
       AND coalesce((SELECT bool_and(found -> 'has_begun' = 'false' AND found ->> 'status' = 'Failure')
                       FROM provision.answer_rows(job, 'cancel ' || never_began.name) AS found), false);
COMMENT ON FUNCTION provision.never_began(jsonb, text) IS 'A job of Agent was cancelled before it began.';

CREATE OR REPLACE FUNCTION provision.submission_end(job jsonb, name text)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.remote_end(job, submission_end.name || CASE WHEN provision.never_began(job, submission_end.name) THEN ' once more' ELSE '' END);
COMMENT ON FUNCTION provision.submission_end(jsonb, text) IS 'remote_end() of what plan_submission() had submitted, or had submitted once more.';

CREATE OR REPLACE FUNCTION provision.plan_submission(job jsonb, name text, path text, body jsonb, wanted boolean DEFAULT true, creates jsonb DEFAULT NULL, method text DEFAULT 'POST')
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    attempt text;
BEGIN
    FOREACH attempt IN ARRAY ARRAY[plan_submission.name, plan_submission.name || ' once more'] LOOP
        RETURN QUERY SELECT * FROM provision.submit_job(job, attempt, plan_submission.path, plan_submission.body, plan_submission.wanted,
                                                        plan_submission.creates || jsonb_build_object('key', provision.job_key(job, attempt)), plan_submission.method);
        RETURN QUERY SELECT * FROM provision.cancel_overdue(job, attempt);
        EXIT WHEN NOT provision.never_began(job, attempt);
    END LOOP;
    PERFORM provision.give_up_unless_done(job, attempt) WHERE NOT provision.is_to_be_cancelled(job, attempt);
END;
$$;
COMMENT ON FUNCTION provision.plan_submission(jsonb, text, text, jsonb, boolean, jsonb, text)
    IS 'Has Agent do something and waits for it: submit_job(), cancelled when it takes too long, submitted once more when it never began. Gives up when it does not end well.';
