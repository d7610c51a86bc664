-- Workflows whose steps work at several engines: a job is at one at a time, so all that is ready must work there.

CREATE OR REPLACE FUNCTION provision.engine_problems(workflow_id bigint)
    RETURNS TABLE (ordinal smallint, problem text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE own AS (
        SELECT step.*
          FROM provision.step
         WHERE step.workflow_id = engine_problems.workflow_id
           AND EXISTS (SELECT FROM provision.step AS other WHERE other.workflow_id = step.workflow_id AND other.works_at IS NOT NULL)
    ), reach (name, awaited) AS (
        SELECT own.name, awaited.name FROM own CROSS JOIN LATERAL unnest(own.requires || own.runs_after) AS awaited (name)
        UNION
        SELECT reach.name, awaited.name FROM reach JOIN own ON own.name = reach.awaited CROSS JOIN LATERAL unnest(own.requires || own.runs_after) AS awaited (name)
    )
    SELECT own.ordinal, format('Step "%s" names no works_at, and others do.', own.name)
      FROM own
     WHERE own.works_at IS NULL
    UNION ALL
    SELECT own.ordinal, format('Step "%s" works at another engine than "%s", and does not wait for it.', own.name, earlier.name)
      FROM own
      JOIN own AS earlier ON earlier.ordinal < own.ordinal AND earlier.works_at <> own.works_at
     WHERE NOT EXISTS (SELECT FROM reach WHERE reach.name = own.name AND reach.awaited = earlier.name);
END;
COMMENT ON FUNCTION provision.engine_problems(bigint) IS 'Steps that could be ready beside one that works at another engine, and steps that do not say where they work although others do.';
