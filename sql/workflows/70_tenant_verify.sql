-- tenant_verify: compares what is on the server with what the plans of tenant_setup want, and changes nothing. Its steps ask the same plan
-- functions, send their looks alone, and conclude with the changes that are still wanted.

-- A call that lacks a fact is not known to be wanted. What a look would teach is not learnt: it must not change what is known of the tenant.
-- A look that the server refuses (by a field that tenant_setup has yet to make, for example) is a finding too.
CREATE OR REPLACE FUNCTION provision.looks_and_changes(plan_function text, job jsonb,
                                                       OUT looks provision.call[], OUT changes provision.call[], OUT code text, OUT detail text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    planned record;
    call provision.call;
BEGIN
    looks := '{}';
    changes := '{}';
    FOR planned IN SELECT * FROM provision.planned_calls(plan_function, job) AS listed WHERE listed.wanted LOOP
        call := planned.call;
        IF provision.only_looks(call) THEN
            call.learn := NULL;
            looks := looks || provision.may_be_refused(call);
        ELSE
            changes := changes || call;
        END IF;
    END LOOP;
EXCEPTION WHEN SQLSTATE 'PV200' THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    code := SQLERRM;
END;
$$;
COMMENT ON FUNCTION provision.looks_and_changes(text, jsonb)
    IS 'What a plan function wants for certain by what is known: calls that look, and calls that would change something; or the code with which it gives up.';

CREATE OR REPLACE FUNCTION provision.all_answered(job jsonb, calls provision.call[])
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN NOT EXISTS (SELECT FROM unnest(calls) AS call WHERE NOT provision.answered(job, call.name));
COMMENT ON FUNCTION provision.all_answered(jsonb, provision.call[]) IS 'Each of these calls has its answer.';

-- Never sent: it keeps the step's plan from being over before the last answer was judged.
CREATE OR REPLACE FUNCTION provision.await_answers()
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN provision.look('judge the answers', provision.method_path('ping'), wanted => NULL);
COMMENT ON FUNCTION provision.await_answers() IS 'The last call of a plan that concludes: it depends on all answers, and by then the plan has concluded.';

CREATE OR REPLACE FUNCTION provision.refused_looks(job jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_agg(jsonb_build_object('step', job ->> 'step', 'drift', 'unjudged', 'call', call, 'detail', provision.refusal(job, call)) ORDER BY call)
      FROM jsonb_object_keys(job -> 'answers') AS call
     WHERE job #>> ARRAY['answers', call, 'verdict'] = 'refused';
END;
COMMENT ON FUNCTION provision.refused_looks(jsonb) IS 'Findings for looks that the server refused: what they look for cannot be judged. Null: there is none.';

CREATE OR REPLACE FUNCTION provision.drift(step text, changes provision.call[])
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'step', drift.step,
               'drift', CASE method WHEN 'POST' THEN 'missing' WHEN 'DELETE' THEN 'surplus' ELSE 'different' END,
               'call', name,
               'method', method,
               'path', path,
               'wanted', CASE WHEN octet_length(body::text) <= 1000 THEN body END)) ORDER BY place), '[]')
      FROM unnest(changes) WITH ORDINALITY AS change (name, method, path, body, wanted, guard, repeatable, effort, learn, creates, refusable, seals, auth, place)
     WHERE place <= 100;
END;
COMMENT ON FUNCTION provision.drift(text, provision.call[]) IS 'Changes that are still wanted, at most 100, as findings: missing (POST), different (PUT) or surplus (DELETE).';

-- Of what builds on a step that has drift nobody can tell whether it would be in order afterwards.
CREATE OR REPLACE FUNCTION provision.builds_on_drift(job jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN EXISTS (SELECT
                     FROM jsonb_array_elements(job -> 'about') AS step, jsonb_array_elements_text(step -> 'awaited') AS awaited
                    WHERE step -> 'name' = job -> 'step'
                      AND job -> 'results' -> awaited <> '[]');
COMMENT ON FUNCTION provision.builds_on_drift(jsonb) IS 'A step that the present one awaits found something, or failed.';

CREATE OR REPLACE FUNCTION provision.plan_verify(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    setup jsonb := (SELECT step FROM jsonb_array_elements(job -> 'about') AS step WHERE step -> 'name' = job -> 'step');
    unseen jsonb := provision.refused_looks(job);
    known record;
BEGIN
    PERFORM provision.conclude(unseen) WHERE unseen IS NOT NULL;
    SELECT * INTO known FROM provision.looks_and_changes(setup ->> 'plan_function', job);
    IF known.code IS NOT NULL THEN
        PERFORM provision.conclude(jsonb_build_array(jsonb_build_object('step', job -> 'step', 'code', known.code, 'detail', left(known.detail, 1000),
            'drift', CASE WHEN provision.builds_on_drift(job) THEN 'unjudged' ELSE 'refused' END)));
    ELSIF provision.all_answered(job, known.looks) THEN
        PERFORM provision.conclude(provision.drift(job ->> 'step', known.changes));
    END IF;
    RETURN QUERY SELECT * FROM unnest(known.looks);
    RETURN NEXT provision.await_answers();
END;
$$;
COMMENT ON FUNCTION provision.plan_verify(jsonb)
    IS 'The step of a verification: the looks of the step with its name in the workflow it is about; concludes with the changes that one would still make, or with its refusal.';

INSERT INTO provision.workflow (name, version, is_builtin, needs, about, description) VALUES
    ('tenant_verify', 1, true, '{company_name,country}', 'tenant_setup', 'Compares ERPNext with what tenant_setup wants, and only looks; the drift is its result.')
ON CONFLICT (name, version) DO UPDATE SET description = EXCLUDED.description, needs = EXCLUDED.needs;

-- Nothing is judged where the server cannot be asked; all else is judged whatever was found before.
INSERT INTO provision.step (workflow_id, ordinal, name, title, plan_function, critical, weight, requires, runs_after, condition, only_looks)
SELECT workflow.workflow_id, setup.ordinal, setup.name, 'Verify: ' || setup.title, 'provision.plan_verify', setup.ordinal = 0, 1,
       CASE WHEN setup.ordinal > 0 THEN ARRAY['step_0_engine_check'] ELSE '{}' END,
       setup.requires || setup.runs_after, setup.condition, true
  FROM provision.workflow
 CROSS JOIN (SELECT step.* FROM provision.workflow AS whole JOIN provision.step ON step.workflow_id = whole.workflow_id
              WHERE whole.name = 'tenant_setup' AND whole.is_current) AS setup
 WHERE workflow.name = 'tenant_verify'
   AND workflow.version = 1
ON CONFLICT (workflow_id, ordinal) DO UPDATE SET title = EXCLUDED.title;
