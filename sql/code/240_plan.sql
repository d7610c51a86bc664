-- Planning: from what is known to the next call of a step. The dry run and the worker both go through planned_calls().

CREATE OR REPLACE FUNCTION provision.plan_context(job_id bigint, tenant provision.tenant, engine text, step text, answers jsonb, options jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'job_id', plan_context.job_id,
        'tenant', tenant.name,
        'key', tenant.key,
        'engine', plan_context.engine,
        'step', plan_context.step,
        'settings', tenant.settings,
        'facts', tenant.metadata,
        'answers', coalesce(plan_context.answers, '{}'),
        'options', plan_context.options);
END;
COMMENT ON FUNCTION provision.plan_context(bigint, provision.tenant, text, text, jsonb, jsonb) IS 'What a plan function is told: its argument "job".';

-- Plan functions read no tables, so a step that looks at another workflow is told of it, and of what the steps before it have found out.
CREATE OR REPLACE FUNCTION provision.looking_context(job_id bigint, workflow_id bigint)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_object(
        'results', (SELECT coalesce(jsonb_object_agg(job_step.name, coalesce(job_step.result, 'null')), '{}')
                      FROM provision.job_step
                     WHERE job_step.job_id = looking_context.job_id
                       AND job_step.state IN ('completed', 'failed', 'blocked')),
        'about', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', step.name, 'plan_function', step.plan_function, 'undo_function', step.undo_function,
                                                               'awaited', step.requires || step.runs_after, 'condition', step.condition::text) ORDER BY step.ordinal), '[]')
                    FROM provision.workflow AS own
                    JOIN provision.workflow AS other ON other.name = own.about AND other.is_current
                    JOIN provision.step ON step.workflow_id = other.workflow_id
                   WHERE own.workflow_id = looking_context.workflow_id));
END;
$$;
COMMENT ON FUNCTION provision.looking_context(bigint, bigint)
    IS 'What a step with only_looks is told beside: results (of the ended steps of its job) and about (the steps of the workflow that its own looks at).';

CREATE OR REPLACE FUNCTION provision.run_plan(plan_function text, job jsonb) RETURNS SETOF provision.call
    AS 'MODULE_PATHNAME', 'provision_run_plan' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION provision.run_plan(text, jsonb) IS 'Calls a plan function by its schema-qualified name.';

CREATE OR REPLACE FUNCTION provision.planned_calls(plan_function text, job jsonb)
    RETURNS TABLE (ordinal bigint, call provision.call, wanted boolean, missing_fact text, is_malformed boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT plan.ordinality,
           ROW(plan.name, plan.method, plan.path, plan.body, plan.wanted, plan.guard, plan.repeatable, plan.effort, plan.learn, plan.creates, plan.refusable,
               plan.seals, plan.auth)::provision.call,
           CASE WHEN fact.missing IS NULL THEN plan.wanted WHEN NOT plan.wanted THEN false END,
           fact.missing,
           coalesce(plan.method NOT IN ('GET', 'POST', 'PUT', 'PATCH', 'DELETE') OR plan.path NOT LIKE '/%'
                    OR plan.learn IS NOT NULL AND jsonb_typeof(plan.learn) <> 'object'
                    OR plan.creates IS NOT NULL AND (plan.creates ->> 'kind') IS NULL
                    OR plan.seals IS NOT NULL AND NOT provision.seals_are_valid(plan.seals)
                    OR plan.auth NOT IN ('own', 'session') AND plan.auth IS NOT NULL, true)
      FROM provision.run_plan(provision.plan_of_kind(plan_function, job #>> '{agent,kind}'), job) WITH ORDINALITY AS plan
     CROSS JOIN LATERAL (SELECT CASE WHEN strpos(plan.path, '{?') > 0 OR strpos(plan.body::text, '{?') > 0 OR strpos(plan.seals::text, '{?') > 0 THEN     -- dear to look for otherwise
                                    substring(concat_ws(' ', plan.path, plan.body::text, plan.seals::text) FROM '\{\?([a-z0-9_]+)\}') END AS missing) AS fact
     WHERE plan.name IS NOT NULL;
END;
COMMENT ON FUNCTION provision.planned_calls(text, jsonb)
    IS 'All calls of a step in sending order. wanted: true send, false not needed, null not known yet, also while a fact in it ({?name}) is missing. is_malformed: call_problem() says why.';

DO $$ BEGIN
    CREATE TYPE provision.next_call AS (
        outcome       text,
        call          provision.call,
        position      bigint,
        is_last_call  boolean,
        calls_total   integer,
        error_code    text,
        detail        text,
        result        jsonb
    );
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
COMMENT ON TYPE provision.next_call IS 'What planning a step came to: send (a call), complete or fail (with a code), both perhaps with a result, later (the step is planned again in a moment), again (detail names the call to ask again after a pause), or wait (detail names the signal).';

CREATE OR REPLACE FUNCTION provision.only_looks(call provision.call)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN call.method = 'GET' OR coalesce(call.repeatable AND call.effort = 'read', false);
COMMENT ON FUNCTION provision.only_looks(provision.call) IS 'The call changes nothing on the server: a GET, or what is asked by POST and may be repeated.';

-- What is wrong with a call, null when nothing is. names are those of the calls before it that may be asked again.
CREATE OR REPLACE FUNCTION provision.call_problem(call provision.call, names text[], guards text[])
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN call.name = ANY (names) THEN format('two calls have the name "%s"', call.name)
        WHEN coalesce(call.method NOT IN ('GET', 'POST', 'PUT', 'PATCH', 'DELETE'), true) THEN format('call "%s" has no HTTP method', call.name)
        WHEN coalesce(call.path NOT LIKE '/%', true) THEN format('the path of call "%s" does not begin with a slash', call.name)
        WHEN call.guard IS NOT NULL AND call.guard <> ALL (guards) THEN format('guard "%s" of call "%s" is no wanted GET or repeatable call before it', call.guard, call.name)
        WHEN call.learn IS NOT NULL AND jsonb_typeof(call.learn) <> 'object' THEN format('what call "%s" learns is no object', call.name)
        WHEN call.creates IS NOT NULL AND (call.creates ->> 'kind') IS NULL THEN format('what call "%s" creates has no kind', call.name)
        WHEN call.seals IS NOT NULL AND NOT provision.seals_are_valid(call.seals) THEN format('what call "%s" seals is not {"secret": "text{path.of.keys}"}', call.name)
        WHEN call.auth NOT IN ('own', 'session') THEN format('auth of call "%s" is neither own nor session', call.name)
    END;
END;
COMMENT ON FUNCTION provision.call_problem(provision.call, text[], text[]) IS 'Why a planned call cannot be made; null when it can.';

-- Bounded, because it is kept with the job and shown whole.
CREATE OR REPLACE FUNCTION provision.conclusion(told jsonb)
    RETURNS provision.next_call
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN jsonb_typeof(told -> 'result') NOT IN ('array', 'object') OR octet_length(told ->> 'result') > 262144
                THEN ROW('fail', NULL, 0, false, 0, 'PLAN_FAILED', 'the result is neither array nor object, or larger than 256 kB', NULL)::provision.next_call
                ELSE ROW(CASE WHEN told ->> 'code' IS NULL THEN 'complete' ELSE 'fail' END, NULL, 0, true, 0, told ->> 'code', told ->> 'detail',
                         provision.redact(told -> 'result'))::provision.next_call END;
END;
COMMENT ON FUNCTION provision.conclusion(jsonb) IS 'How a step ends whose plan called conclude(): completed, or failed with its code, with the result.';

-- The worker puts a secret wherever a body names one. Where the step was told such an object, by an answer or a fact, somebody else may have
-- written it, to be told the secret in a place of his choice. What signals brought in confidence is named by us.
CREATE OR REPLACE FUNCTION provision.may_pass_secret_on(call provision.call, job jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN strpos(call.body::text, '{"$secret"') > 0 THEN strpos((job - 'signals')::text, '{"$secret"') > 0 ELSE false END;
COMMENT ON FUNCTION provision.may_pass_secret_on(provision.call, jsonb) IS 'The body names a secret, and so does what the plan was told.';

CREATE OR REPLACE FUNCTION provision.next_call(plan_function text, job jsonb)
    RETURNS provision.next_call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    planned record;
    names text[] := '{}';
    guards text[] := '{}';
    result provision.next_call := ROW('complete', NULL, 0, true, 0, NULL, NULL, NULL);
BEGIN
    FOR planned IN SELECT * FROM provision.planned_calls(plan_function, job) LOOP
        IF (planned.is_malformed OR (planned.call).name = ANY (names) OR (planned.call).guard IS NOT NULL AND (planned.call).guard <> ALL (guards))
           AND planned.wanted IS DISTINCT FROM false THEN
            RETURN ROW('fail', NULL, 0, false, 0, 'PLAN_FAILED',
                       provision.call_problem(planned.call, names, guards), NULL)::provision.next_call;
        END IF;
        names := names || (planned.call).name;
        CONTINUE WHEN NOT planned.wanted AND planned.wanted IS NOT NULL;
        IF coalesce((planned.call).repeatable, (planned.call).method IN ('GET', 'PUT', 'DELETE')) THEN
            guards := guards || (planned.call).name;
        END IF;
        result.calls_total := result.calls_total + CASE WHEN (planned.call).effort = 'wait' THEN 10 ELSE 1 END;        -- it takes its time
        IF result.calls_total > 1000 THEN
            RETURN ROW('fail', NULL, 0, false, 0, 'PLAN_FAILED', 'the plan has more than 1,000 calls', NULL)::provision.next_call;
        END IF;
        CONTINUE WHEN job -> 'answers' ? (planned.call).name;
        IF result.outcome = 'send' THEN
            result.is_last_call := false;
        ELSIF planned.wanted AND provision.may_pass_secret_on(planned.call, job) THEN
            RETURN ROW('fail', NULL, 0, false, 0, 'PLAN_FAILED', format('call "%s" names a secret, and so does something that the step was told', (planned.call).name), NULL)::provision.next_call;
        ELSIF planned.wanted THEN
            result.outcome := 'send';
            result.call := planned.call;
            -- What has no form in UTF-8 cannot be sent: found here, it fails this step alone.
            PERFORM convert_to((planned.call).path || coalesce((planned.call).body::text, ''), 'UTF8') WHERE getdatabaseencoding() <> 'UTF8';
            result.position := planned.ordinal;
        ELSIF planned.missing_fact IS NOT NULL THEN
            RETURN ROW('fail', NULL, 0, false, 0, 'FACT_MISSING', planned.missing_fact, NULL)::provision.next_call;
        ELSE
            RETURN ROW('fail', NULL, 0, false, 0, 'PLAN_STUCK', (planned.call).name, NULL)::provision.next_call;
        END IF;
    END LOOP;
    RETURN result;
-- One bad plan stops nothing else. One that takes too long is its own failure (PV202); a cancellation by somebody is nobody's, and gives up the round.
EXCEPTION
    WHEN SQLSTATE 'PV200' THEN
        DECLARE
            given_detail text;
        BEGIN
            GET STACKED DIAGNOSTICS given_detail = PG_EXCEPTION_DETAIL;
            RETURN ROW('fail', NULL, 0, false, 0, SQLERRM, given_detail, NULL)::provision.next_call;
        END;
    WHEN SQLSTATE 'PV205' THEN
        RETURN provision.conclusion(SQLERRM::jsonb);
    WHEN SQLSTATE 'PV203' OR SQLSTATE 'PV206' THEN
        RETURN ROW(CASE SQLSTATE WHEN 'PV203' THEN 'again' ELSE 'wait' END, NULL, 0, false, 0, NULL, SQLERRM, NULL)::provision.next_call;
    -- PV201: it has hung before, and the others have to be served first. PV204: there is no role to run it as. A locked table is nobody's fault.
    WHEN SQLSTATE 'PV201' OR SQLSTATE 'PV204' OR lock_not_available OR deadlock_detected THEN
        RETURN ROW('later', NULL, 0, false, 0, NULL, NULL, NULL)::provision.next_call;
    WHEN insufficient_privilege THEN
        RETURN ROW('fail', NULL, 0, false, 0, 'PLAN_FAILED', format('%s (SQLSTATE %s; plan functions run as role provision_planner, and only read)', SQLERRM, SQLSTATE), NULL)::provision.next_call;
    WHEN OTHERS THEN
        RETURN ROW('fail', NULL, 0, false, 0, 'PLAN_FAILED', format('%s (SQLSTATE %s)', SQLERRM, SQLSTATE), NULL)::provision.next_call;
END;
$$;
COMMENT ON FUNCTION provision.next_call(text, jsonb) IS 'The first call in order that has no answer and is wanted. Raises nothing but a cancellation.';

CREATE OR REPLACE FUNCTION provision.call_timeout_ms(call provision.call, engine_timeout_ms integer)
    RETURNS integer
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT least(coalesce((SELECT effort.timeout_ms FROM provision.effort
                            WHERE effort.effort = coalesce(call.effort, CASE call.method WHEN 'GET' THEN 'read' ELSE 'write' END)),
                          provision.setting_ms('provision.http_timeout')),
                 engine_timeout_ms);
END;
COMMENT ON FUNCTION provision.call_timeout_ms(provision.call, integer) IS 'Time limit of a call: that of its effort, bounded by the engine''s.';
