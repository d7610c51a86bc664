-- The line of an engine: what has to be done before a waiting job begins. Read once in a query, however many jobs it shows (src/line.c).

CREATE OR REPLACE VIEW provision.typical_run WITH (security_barrier) AS
    SELECT engine.engine_id,
           anywhere.workflow_id,
           coalesce(own.run_count, anywhere.run_count) AS run_count,
           coalesce(own.run_low, anywhere.run_low) AS run_low,
           coalesce(own.run_typical, anywhere.run_typical) AS run_typical,
           coalesce(own.run_high, anywhere.run_high) AS run_high,
           coalesce(own.slot_seconds, anywhere.slot_seconds) AS slot_seconds,
           coalesce(own.slot_variance, anywhere.slot_variance) AS slot_variance,
           coalesce(own.calls, anywhere.calls) AS calls,
           coalesce(own.exclusive_seconds, anywhere.exclusive_seconds) AS exclusive_seconds
      FROM provision.engine
     CROSS JOIN provision.pace AS anywhere
      LEFT JOIN provision.pace AS own ON own.engine_id = engine.engine_id AND own.workflow_id = anywhere.workflow_id AND own.run_count >= 5
     WHERE anywhere.engine_id = 0;
COMMENT ON VIEW provision.typical_run IS 'How long jobs of a workflow take on each engine: by its own history, or by that of all engines while it has less than five jobs.';

DO $$ BEGIN
    CREATE TYPE provision.stop AS (
        rank               double precision,
        job_id             bigint,
        site               integer,
        jobs               double precision,
        slots              double precision,
        slot_seconds       double precision,
        slot_variance      double precision,
        calls              double precision,
        exclusive_seconds  double precision
    );
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
COMMENT ON TYPE provision.stop IS 'One job in the line of an engine, or what stands for several: what it adds for those behind it. NaN: nobody knows.';
COMMENT ON COLUMN provision.stop.jobs IS 'Waiting jobs it stands for; 0 where it has begun.';
COMMENT ON COLUMN provision.stop.slots IS 'Calls of max_concurrent it holds now.';

-- What has begun is counted as what is left of a typical run; one that takes longer as a tenth of it, however long it takes. So is what has a
-- place at Frappe Agent, whatever it does itself meanwhile.
CREATE OR REPLACE FUNCTION provision.begun_stops(engine_id bigint, up_to double precision)
    RETURNS SETOF provision.stop
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT CASE WHEN job.is_at_work THEN '-Infinity' ELSE job.rank END, job.job_id,
           job.site,
           0::double precision, CASE WHEN job.is_at_work THEN greatest(job.slots, 1) ELSE 0 END::double precision,
           coalesce(run.slot_seconds * remaining.share, 'NaN'), coalesce(run.slot_variance * remaining.share, 'NaN'),
           coalesce(run.calls * remaining.share, 'NaN'), coalesce(run.exclusive_seconds * remaining.share, 'NaN')
      FROM (SELECT begun.*, true AS is_at_work FROM provision.job AS begun
             WHERE begun.engine_id = begun_stops.engine_id
               AND begun.state = 'running'
               AND begun.claim_number >= coalesce((SELECT gauge.oldest_claim FROM provision.engine_gauge AS gauge
                                                    WHERE gauge.engine_id = begun_stops.engine_id ORDER BY gauge.turn DESC LIMIT 1), 0)
            UNION ALL
            SELECT awaiting.*, true FROM provision.job AS awaiting
             WHERE awaiting.job_id IN (SELECT remote.job_id FROM provision.remote_job AS remote
                                        WHERE remote.engine_id = begun_stops.engine_id AND remote.ended_at IS NULL)
               AND (awaiting.state <> 'running' OR awaiting.engine_id <> begun_stops.engine_id)
            UNION ALL
            SELECT excluded.*, false FROM provision.job AS excluded
             WHERE excluded.job_id IN (SELECT job_step.job_id FROM provision.job_step WHERE job_step.waits_for IS NOT NULL AND NOT starts_with(job_step.waits_for, 'signal ') LIMIT 5000)
               AND excluded.engine_id = begun_stops.engine_id
               AND excluded.state = 'scheduled'
               AND NOT excluded.awaits_remote
               AND excluded.rank <= begun_stops.up_to) AS job
      LEFT JOIN provision.typical_run AS run ON run.engine_id = job.engine_id AND run.workflow_id = job.workflow_id
     CROSS JOIN LATERAL (SELECT CASE WHEN NOT job.is_at_work THEN 1
                                     ELSE greatest(0.1, 1 - extract(epoch FROM statement_timestamp() - job.run_started_at)::double precision
                                                            / nullif(run.run_typical, 0)) END AS share) AS remaining;
END;
$$;
COMMENT ON FUNCTION provision.begun_stops(bigint, double precision) IS 'Jobs of an engine that run, have a place at Frappe Agent, or wait for an exclusion with a rank up to this.';

CREATE OR REPLACE FUNCTION provision.waiting_stops(engine_id bigint, up_to double precision, max_jobs integer)
    RETURNS SETOF provision.stop
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT job.rank, job.job_id,
           job.site,
           1::double precision, 0::double precision, coalesce(run.slot_seconds, 'NaN'), coalesce(run.slot_variance, 'NaN'),
           coalesce(run.calls, 'NaN'), coalesce(run.exclusive_seconds, 'NaN')
      FROM (SELECT pending.engine_id, pending.rank, pending.job_id, pending.workflow_id, pending.site
              FROM provision.job AS pending
             WHERE pending.engine_id = waiting_stops.engine_id
               AND pending.state = 'pending'
               AND NOT pending.awaits_remote
               AND pending.rank <= waiting_stops.up_to
             ORDER BY pending.rank, pending.job_id
             LIMIT max_jobs) AS job
      LEFT JOIN provision.typical_run AS run ON run.engine_id = job.engine_id AND run.workflow_id = job.workflow_id;
END;
$$;
COMMENT ON FUNCTION provision.waiting_stops(bigint, double precision, integer) IS 'The first pending jobs of an engine, as far as their rank is up to this: at most max_jobs, which is 5,000 (NEAR_JOBS in src/line.c) where the rest is asked of distant_stops().';

-- Far behind nobody needs to know the place to the last job: the numbers that jobs have there are cut into 2,048 to 4,096 pieces, and one job
-- of each stands for its piece. Which one is left to chance, for engines may take turns, but always the same one, so that places do not dance.
CREATE OR REPLACE FUNCTION provision.distant_stops(engine_id bigint, up_to double precision)
    RETURNS SETOF provision.stop
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    near record;
    first_job bigint;
    last_job constant bigint := (SELECT max(job.job_id) FROM provision.job);
    distance bigint;
BEGIN
    SELECT job.rank, job.job_id INTO near
      FROM provision.job
     WHERE job.engine_id = distant_stops.engine_id AND job.state = 'pending' AND job.rank <= distant_stops.up_to
     ORDER BY job.rank, job.job_id
    OFFSET 4999 LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT percentile_disc(0.01) WITHIN GROUP (ORDER BY first.job_id) INTO first_job       -- not that of one which was started anew
      FROM (SELECT job.job_id FROM provision.job
             WHERE job.engine_id = distant_stops.engine_id AND job.state = 'pending'
             ORDER BY job.rank, job.job_id LIMIT 1000) AS first;
    distance := power(2, ceil(log(2, greatest(1, (last_job - first_job) / 4096)::numeric)));
    RETURN QUERY
    SELECT job.rank, job.job_id,
           job.site,
           distance::double precision, 0::double precision, coalesce(run.slot_seconds * distance, 'NaN'), coalesce(run.slot_variance * distance, 'NaN'),
           coalesce(run.calls * distance, 'NaN'), coalesce(run.exclusive_seconds * distance, 'NaN')
      FROM generate_series(first_job / distance * distance, last_job, distance) AS piece (begin)
      JOIN provision.job ON job.job_id = piece.begin + abs(hashint8(piece.begin)::bigint) % distance
      LEFT JOIN provision.typical_run AS run ON run.engine_id = job.engine_id AND run.workflow_id = job.workflow_id
     WHERE job.engine_id = distant_stops.engine_id
       AND job.state = 'pending'
       AND NOT job.awaits_remote
       AND job.rank <= distant_stops.up_to
       AND (job.rank, job.job_id) > (near.rank, near.job_id);
END;
$$;
COMMENT ON FUNCTION provision.distant_stops(bigint, double precision) IS 'Pending jobs of an engine behind its first 5,000, as a sample.';

CREATE OR REPLACE FUNCTION provision.is_own_place(engine_id bigint, rank double precision, job_id bigint, site integer)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT
                     FROM provision.job
                    WHERE job.job_id = is_own_place.job_id
                      AND job.engine_id = is_own_place.engine_id
                      AND job.rank = is_own_place.rank
                      AND job.site = is_own_place.site
                      AND job.tenant_id = ANY (provision.visible_tenants()));
END;
$$;
COMMENT ON FUNCTION provision.is_own_place(bigint, double precision, bigint, integer) IS 'At this place in the line of an engine is a job of a tenant that who acts is a member of.';

-- For the views, which call it with the rights of whoever looks. Whoever calls it otherwise could ask for any place: how busy which engine is,
-- and whether there are jobs for a site.
CREATE OR REPLACE FUNCTION provision.work_before(
    engine_id bigint, rank double precision, job_id bigint, site integer,
    OUT jobs bigint, OUT slots double precision, OUT slot_seconds double precision, OUT slot_variance double precision,
    OUT calls double precision, OUT exclusive_seconds double precision)
    AS 'MODULE_PATHNAME', 'provision_work_before' LANGUAGE C STABLE STRICT SECURITY DEFINER COST 500;
COMMENT ON FUNCTION provision.work_before(bigint, double precision, bigint, integer)
    IS 'What is in the line of an engine before this place: waiting jobs, calls at once in use, and the seconds, calls and, on the same site, exclusive seconds that all of them together still take. NaN: some have no history. Exact for the first 5,000. Null for a place where no job is that who acts may look at.';
