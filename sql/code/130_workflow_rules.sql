-- What a stored workflow must fulfil. Steps may only wait for earlier ones, so that no two can wait for each other; and what jobs have
-- started with stays as it is.

CREATE OR REPLACE FUNCTION provision.check_step_order()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wrong record;
BEGIN
    SELECT step.name AS step, awaited.name AS awaited, workflow.name AS workflow INTO wrong
      FROM changed_steps AS changed
      JOIN provision.step ON step.workflow_id = changed.workflow_id AND step.ordinal = changed.ordinal
      JOIN provision.workflow ON workflow.workflow_id = step.workflow_id
     CROSS JOIN LATERAL unnest(step.requires || step.runs_after) AS awaited (name)
     WHERE NOT EXISTS (SELECT FROM provision.step AS earlier
                        WHERE earlier.workflow_id = step.workflow_id AND earlier.name = awaited.name AND earlier.ordinal < step.ordinal)
     ORDER BY step.ordinal
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'step "%" of workflow "%" cannot wait for "%"', wrong.step, wrong.workflow, wrong.awaited
            USING ERRCODE = 'PV003',
                  DETAIL = 'requires and runs_after name steps of the same workflow with a smaller ordinal.',
                  HINT = 'Insert the steps in the order in which they depend on each other.';
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.check_step_order() IS 'Error PV003 for a step that waits for an unknown or later one, which also excludes cycles.';

CREATE OR REPLACE TRIGGER steps_wait_for_earlier_ones_insert
    AFTER INSERT ON provision.step
    REFERENCING NEW TABLE AS changed_steps
    FOR EACH STATEMENT EXECUTE FUNCTION provision.check_step_order();

CREATE OR REPLACE TRIGGER steps_wait_for_earlier_ones_update
    AFTER UPDATE ON provision.step
    REFERENCING NEW TABLE AS changed_steps
    FOR EACH STATEMENT EXECUTE FUNCTION provision.check_step_order();

CREATE OR REPLACE FUNCTION provision.keep_step_of_jobs()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.workflow_id, OLD.ordinal, OLD.name, OLD.plan_function, OLD.critical, OLD.optional, OLD.requires,
                             OLD.runs_after, OLD.enabled_by, OLD.exclusive)
                            IS NOT DISTINCT FROM
                            (NEW.workflow_id, NEW.ordinal, NEW.name, NEW.plan_function, NEW.critical, NEW.optional, NEW.requires,
                             NEW.runs_after, NEW.enabled_by, NEW.exclusive) THEN
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT FROM provision.job WHERE job.workflow_id = OLD.workflow_id) THEN
        RAISE EXCEPTION 'step "%" cannot be changed: jobs have started with this version of its workflow', OLD.name
            USING ERRCODE = 'PV001',
                  HINT = 'Store a new version of the workflow and make it the current one. Titles, weights and retry policies may be changed.';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END;
$$;
COMMENT ON FUNCTION provision.keep_step_of_jobs() IS 'Error PV001 for a change to a step that some job has started with.';

CREATE OR REPLACE TRIGGER steps_of_jobs_stay
    BEFORE UPDATE OR DELETE ON provision.step
    FOR EACH ROW EXECUTE FUNCTION provision.keep_step_of_jobs();
