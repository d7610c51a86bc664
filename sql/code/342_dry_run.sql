-- The dry run: what would be sent, forward and back, by the functions that the worker uses.

-- The plan function's own refusal is told with its code; a bug in it keeps its SQLSTATE.
CREATE OR REPLACE FUNCTION provision.dry_run_of_step(step text, plan_function text, context jsonb)
    RETURNS TABLE (place bigint, call text, method text, path text, body jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given_detail text;
BEGIN
    RETURN QUERY
        SELECT planned.ordinal,
               (planned.call).name || CASE WHEN planned.wanted THEN ''
                                           WHEN planned.missing_fact IS NOT NULL THEN format(' (needs %s)', planned.missing_fact)
                                           ELSE ' (depends on an earlier answer)' END,
               (planned.call).method, (planned.call).path, (planned.call).body
          FROM provision.planned_calls(dry_run_of_step.plan_function, dry_run_of_step.context) AS planned
         WHERE planned.wanted IS DISTINCT FROM false;
EXCEPTION WHEN SQLSTATE 'PV205' THEN
    RETURN;             -- it concludes without a call
WHEN SQLSTATE 'PV206' THEN
    RETURN QUERY SELECT 1::bigint, format('(waits for signal "%s")', SQLERRM), NULL::text, NULL::text, NULL::jsonb;
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS given_detail = PG_EXCEPTION_DETAIL;
    RAISE EXCEPTION 'step "%" cannot be planned: %', dry_run_of_step.step, SQLERRM
        USING ERRCODE = SQLSTATE, DETAIL = given_detail,
              HINT = format('Its plan is made by the function %s from the tenant''s config.', dry_run_of_step.plan_function);
END;
$$;
COMMENT ON FUNCTION provision.dry_run_of_step(text, text, jsonb) IS 'The calls of a step as far as they are known now, in sending order.';

CREATE OR REPLACE FUNCTION provision.dry_context(planned provision.tenant, chosen provision.workflow, step provision.step)
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT provision.plan_context(NULL, planned, home.name, step.name, '{}', '{}')
           || provision.site_context(NULL, planned, home)
           || CASE WHEN step.only_looks THEN provision.looking_context(NULL, (chosen).workflow_id) ELSE '{}' END
      FROM provision.engine AS home
     WHERE home.engine_id = provision.engine_for(planned.engine_id, coalesce(step.works_at, (chosen).works_at));
END;
COMMENT ON FUNCTION provision.dry_context(provision.tenant, provision.workflow, provision.step) IS 'What a plan function is told before anything ran, with the engine at which its step would work.';

-- Before anything ran, what a full run would make is read off its plan; names that only the server gives are markers.
CREATE OR REPLACE FUNCTION provision.would_create(calls provision.call[])
    RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'creation_id', place, 'call', name, 'kind', creates ->> 'kind',
               'name', format('{?%s}', btrim(regexp_replace(lower(name), '[^a-z0-9]+', '_', 'g'), '_')),
               'creates', creates, 'look', NULL, 'known_before', '[]'::jsonb) ORDER BY place DESC), '[]')
      FROM unnest(calls) WITH ORDINALITY AS planned (name, method, path, body, wanted, guard, repeatable, effort, learn, creates, refusable, seals, auth, place)
     WHERE creates IS NOT NULL;
END;
COMMENT ON FUNCTION provision.would_create(provision.call[]) IS 'What these calls would create, newest first, as undo functions are told.';

CREATE OR REPLACE FUNCTION provision.possible_calls(plan_function text, context jsonb)
    RETURNS provision.call[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(array_agg(planned.call ORDER BY planned.ordinal), '{}')
      FROM provision.planned_calls(plan_function, context) AS planned
     WHERE planned.wanted IS DISTINCT FROM false;
END;
COMMENT ON FUNCTION provision.possible_calls(text, jsonb) IS 'The calls of a plan that are wanted, or may be when answers come.';

CREATE OR REPLACE FUNCTION provision.undo_contexts(chosen provision.workflow, planned provision.tenant)
    RETURNS TABLE (ordinal smallint, step text, undo_function text, context jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH newest AS (
        SELECT job.job_id, job.workflow_id
          FROM provision.job
         WHERE job.tenant_id = (planned).tenant_id
           AND job.workflow = (chosen).name
         ORDER BY job.job_id DESC
         LIMIT 1
    ), known AS (       -- nothing of it stands when it never ran or is rolled back
        SELECT newest.* FROM newest JOIN provision.job ON job.job_id = newest.job_id
         WHERE job.started_at IS NOT NULL AND job.state <> 'rolled_back'
    ), imagined AS MATERIALIZED (
        SELECT step.ordinal, step.name, step.undo_function, plain.context, provision.would_create(provision.possible_calls(step.plan_function, plain.context)) AS created
          FROM provision.step
         CROSS JOIN LATERAL (SELECT provision.dry_context(planned, chosen, step) AS context) AS plain
         WHERE step.workflow_id = (chosen).workflow_id
           AND (step.condition IS NULL OR provision.meets(step.condition, planned, '{}'))
           AND NOT EXISTS (SELECT FROM known)
    )
    SELECT step.ordinal, step.name, step.undo_function, provision.undo_context(known.job_id, step.ordinal) || '{"answers": {}}'
      FROM known
      JOIN provision.step ON step.workflow_id = known.workflow_id
    UNION ALL
    SELECT imagined.ordinal, imagined.name, imagined.undo_function,
           imagined.context || jsonb_build_object('created', imagined.created, 'site_is_shared', provision.site_is_shared(planned),
               'made', (SELECT coalesce(jsonb_agg(DISTINCT made.value ->> 'kind'), '[]') FROM imagined AS every, jsonb_array_elements(every.created) AS made))
      FROM imagined;
END;
COMMENT ON FUNCTION provision.undo_contexts(provision.workflow, provision.tenant)
    IS 'What the undo functions of a workflow would be told now: from the tenant''s newest job of it, or as after a full run where nothing stands.';

CREATE OR REPLACE FUNCTION provision.dry_run(chosen provision.workflow, planned provision.tenant, direction text)
    RETURNS TABLE (ordinal smallint, step text, place bigint, call text, method text, url text, body jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF dry_run.direction = 'back' THEN
        RETURN QUERY
            SELECT undo.ordinal, undo.step, dry.place, dry.call, dry.method, engine.base_url || dry.path, dry.body
              FROM provision.undo_contexts(chosen, planned) AS undo
              JOIN provision.engine ON engine.name = undo.context ->> 'engine'
             CROSS JOIN LATERAL provision.dry_run_of_step(undo.step, undo.undo_function, undo.context) AS dry
             WHERE undo.undo_function IS NOT NULL
               AND undo.context -> 'created' <> '[]'
             ORDER BY undo.ordinal DESC, dry.place;
    ELSE
        RETURN QUERY
            SELECT wanted.ordinal, wanted.name, dry.place, dry.call, dry.method, engine.base_url || dry.path, dry.body
              FROM provision.step AS wanted
             CROSS JOIN LATERAL provision.dry_context(planned, chosen, wanted) AS context
              JOIN provision.engine ON engine.name = context ->> 'engine'
             CROSS JOIN LATERAL provision.dry_run_of_step(wanted.name, wanted.plan_function, context) AS dry
             WHERE wanted.workflow_id = (chosen).workflow_id
               AND (wanted.condition IS NULL OR provision.meets(wanted.condition, planned, '{}'))
             ORDER BY wanted.ordinal, dry.place;
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.dry_run(provision.workflow, provision.tenant, text) IS 'The calls of a workflow for a tenant in the order in which they would be sent, forward or back.';

CREATE OR REPLACE FUNCTION @extschema@.provision_plan(tenant text, workflow text DEFAULT 'tenant_setup', direction text DEFAULT 'forward')
    RETURNS TABLE (ordinal integer, step text, call text, method text, url text, body jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chosen  provision.workflow;
    planned provision.tenant;
    home    provision.engine;
BEGIN
    IF coalesce(provision_plan.direction NOT IN ('forward', 'back'), true) THEN
        RAISE EXCEPTION 'direction must be forward or back' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM provision.require_tenants(ARRAY[provision_plan.tenant], to_act => false);
    chosen := provision.current_workflow(provision_plan.workflow);
    SELECT * INTO planned FROM provision.tenant AS named WHERE named.name = provision_plan.tenant;
    SELECT * INTO home FROM provision.engine WHERE engine.engine_id = provision.engine_for(planned.engine_id, chosen.works_at);
    planned.settings := planned.settings || CASE chosen.works_at WHEN 'site_maker' THEN jsonb_build_object('site', provision.site_name(planned, home)) ELSE '{}' END;
    IF provision.is_site_given(planned, home, chosen) THEN
        planned.metadata := planned.metadata || jsonb_build_object('given_site', planned.settings ->> 'site');
    END IF;
    RETURN QUERY
        SELECT row_number() OVER ()::integer, dry.step, dry.call, dry.method, dry.url, dry.body
          FROM provision.dry_run(chosen, planned, provision_plan.direction) AS dry;
END;
$$;
COMMENT ON FUNCTION @extschema@.provision_plan(text, text, text) IS
    'The dry run: the calls a job would make, in order, without making any. What only an answer will tell is marked: "(depends on an earlier answer)" after the call, {?name} in place of a fact. A step whose condition is not true by what is known now is left out. direction back: the calls of provision_rollback() for the newest job of the tenant and workflow, or where nothing stands, of one after a full run. Errors: 42501 not a member of the tenant, 42704 workflow, or tenant (for platform members), 22023 direction, PV200 the plan refuses.';
