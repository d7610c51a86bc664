-- What a stored workflow must fulfil. Steps may only wait for earlier ones, so that no two can wait for each other; and what jobs have
-- started with stays as it is.

-- Judged on empty documents: whatever the tenant, a predicate gives true, false or unknown.
CREATE OR REPLACE FUNCTION provision.condition_problem(condition jsonpath)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM jsonb_path_match('{"settings": {}, "facts": {}, "options": {}}', condition);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END;
$$;
COMMENT ON FUNCTION provision.condition_problem(jsonpath) IS 'Why a jsonpath cannot be the condition of a step; null when it can. Never raises.';

CREATE OR REPLACE FUNCTION provision.wait_problems(workflow_id bigint)
    RETURNS TABLE (ordinal smallint, problem text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE waits (ordinal, name, awaited) AS (
        SELECT step.ordinal, step.name, awaited.name
          FROM provision.step
         CROSS JOIN LATERAL unnest(step.requires || step.runs_after) AS awaited (name)
         WHERE step.workflow_id = wait_problems.workflow_id
    ), reach (name, awaited) AS (
        SELECT waits.name, waits.awaited FROM waits
        UNION
        SELECT reach.name, waits.awaited FROM reach JOIN waits ON waits.name = reach.awaited
    )
    SELECT DISTINCT waits.ordinal, format('Step "%s" cannot wait for "%s": %s.', waits.name, coalesce(waits.awaited, '(null)'),
               CASE WHEN waits.awaited = waits.name THEN 'that is itself'
                    WHEN earlier.name IS NULL THEN 'this workflow has no such step'
                    WHEN EXISTS (SELECT FROM reach WHERE reach.name = waits.awaited AND reach.awaited = waits.name)
                    THEN 'each would wait for the other'
                    ELSE format('its ordinal %s is not below %s', earlier.ordinal, waits.ordinal) END)
      FROM waits
      LEFT JOIN provision.step AS earlier ON earlier.workflow_id = wait_problems.workflow_id AND earlier.name = waits.awaited
     WHERE earlier.ordinal IS NULL OR earlier.ordinal >= waits.ordinal;
END;
COMMENT ON FUNCTION provision.wait_problems(bigint) IS 'Waits that can never end: for a step itself, for one that does not exist, and for later ones, which also excludes cycles.';

CREATE OR REPLACE FUNCTION provision.workflow_problems(workflow_id bigint)
    RETURNS SETOF text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT found.problem
      FROM (SELECT wait_problems.ordinal, wait_problems.problem FROM provision.wait_problems(workflow_problems.workflow_id)
            UNION ALL
            SELECT engine_problems.ordinal, engine_problems.problem FROM provision.engine_problems(workflow_problems.workflow_id)
            UNION ALL
            SELECT step.ordinal, provision.signal_problems(step)
              FROM provision.step
             WHERE step.workflow_id = workflow_problems.workflow_id
               AND step.signals IS NOT NULL
            UNION ALL
            SELECT step.ordinal, format('The condition of step "%s" is no predicate: %s.', step.name, reason.text)
              FROM provision.step
             CROSS JOIN LATERAL (SELECT provision.condition_problem(step.condition) AS text) AS reason
             WHERE step.workflow_id = workflow_problems.workflow_id
               AND reason.text IS NOT NULL) AS found
     ORDER BY found.ordinal, found.problem;
END;
COMMENT ON FUNCTION provision.workflow_problems(bigint) IS 'Everything that is wrong with the steps of a workflow, a sentence each.';

-- The whole workflow is looked at, because a step that is renamed, moved or removed may be awaited by one that is not changed.
CREATE OR REPLACE FUNCTION provision.check_workflow()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wrong record;
BEGIN
    SELECT workflow.name, string_agg(problem.text, E'\n') AS problems INTO wrong
      FROM provision.workflow
     CROSS JOIN LATERAL provision.workflow_problems(workflow.workflow_id) AS problem (text)
     WHERE workflow.workflow_id IN (SELECT changed.workflow_id FROM changed_steps AS changed)
     GROUP BY workflow.workflow_id
     ORDER BY workflow.workflow_id
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'workflow "%" cannot be stored', wrong.name
            USING ERRCODE = 'PV003',
                  DETAIL = wrong.problems,
                  HINT = 'requires and runs_after name steps of the same workflow with a smaller ordinal; a condition is a jsonpath predicate such as $.settings.country == "Kenya"; signals are {"name": {"timeout": "1 day"}}.';
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.check_workflow() IS 'Error PV003 with all problems of the workflow whose steps were changed.';

CREATE OR REPLACE TRIGGER workflow_is_sound_insert
    AFTER INSERT ON provision.step
    REFERENCING NEW TABLE AS changed_steps
    FOR EACH STATEMENT EXECUTE FUNCTION provision.check_workflow();

CREATE OR REPLACE TRIGGER workflow_is_sound_update
    AFTER UPDATE ON provision.step
    REFERENCING NEW TABLE AS changed_steps
    FOR EACH STATEMENT EXECUTE FUNCTION provision.check_workflow();

CREATE OR REPLACE TRIGGER workflow_is_sound_delete
    AFTER DELETE ON provision.step
    REFERENCING OLD TABLE AS changed_steps
    FOR EACH STATEMENT EXECUTE FUNCTION provision.check_workflow();

-- A job whose steps are not there yet is being restored from a dump.
CREATE OR REPLACE FUNCTION provision.refuse_later_steps()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    started text := (SELECT min(workflow.name)
                       FROM provision.workflow
                       JOIN provision.job ON job.workflow_id = workflow.workflow_id
                       JOIN added_steps AS added ON added.workflow_id = workflow.workflow_id
                      WHERE EXISTS (SELECT FROM provision.job_step WHERE job_step.job_id = job.job_id)
                        AND NOT EXISTS (SELECT FROM provision.job_step WHERE job_step.job_id = job.job_id AND job_step.ordinal = added.ordinal));
BEGIN
    IF started IS NOT NULL THEN
        RAISE EXCEPTION 'workflow "%" cannot get another step: jobs have started with this version of it', started
            USING ERRCODE = 'PV001', HINT = 'Store a new version of the workflow and make it the current one.';
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.refuse_later_steps() IS 'Error PV001 for a step that jobs of its workflow have started without.';

CREATE OR REPLACE TRIGGER jobs_have_all_steps
    AFTER INSERT ON provision.step
    REFERENCING NEW TABLE AS added_steps
    FOR EACH STATEMENT EXECUTE FUNCTION provision.refuse_later_steps();

CREATE OR REPLACE FUNCTION provision.keep_step_of_jobs()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.workflow_id, OLD.ordinal, OLD.name, OLD.plan_function, OLD.undo_function, OLD.critical, OLD.optional, OLD.requires,
                             OLD.runs_after, OLD.condition::text, OLD.exclusive, OLD.only_looks, OLD.works_at, provision.signal_names(OLD.signals))
                            IS NOT DISTINCT FROM
                            (NEW.workflow_id, NEW.ordinal, NEW.name, NEW.plan_function, NEW.undo_function, NEW.critical, NEW.optional, NEW.requires,
                             NEW.runs_after, NEW.condition::text, NEW.exclusive, NEW.only_looks, NEW.works_at, provision.signal_names(NEW.signals)) THEN
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT FROM provision.job WHERE job.workflow_id = OLD.workflow_id) THEN
        RAISE EXCEPTION 'step "%" cannot be changed: jobs have started with this version of its workflow', OLD.name
            USING ERRCODE = 'PV001',
                  HINT = 'Store a new version of the workflow and make it the current one. Titles, weights, time limits and retry policies may be changed.';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END;
$$;
COMMENT ON FUNCTION provision.keep_step_of_jobs() IS 'Error PV001 for a change to a step that some job has started with.';

CREATE OR REPLACE TRIGGER steps_of_jobs_stay
    BEFORE UPDATE OR DELETE ON provision.step
    FOR EACH ROW EXECUTE FUNCTION provision.keep_step_of_jobs();
