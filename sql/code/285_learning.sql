-- Learning how long jobs take. A worker does it when it writes its figures, at most every 10 seconds and from at most 500 jobs, so that
-- rounds pay nothing for it; medians and capped means keep one job that hung from spoiling the picture.

CREATE OR REPLACE FUNCTION provision.is_time_to_learn()
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known record;
BEGIN
    SELECT control.learnt_at, provision.learnt_to(control) AS learnt_to INTO known FROM provision.control;
    RETURN (known.learnt_at IS NULL OR abs(extract(epoch FROM clock_timestamp() - known.learnt_at)) >= 10)
           AND EXISTS (SELECT FROM provision.job WHERE job.finished_at > known.learnt_to);
END;
$$;
COMMENT ON FUNCTION provision.is_time_to_learn() IS 'Jobs have ended since durations were last learnt, and that was 10 seconds ago.';

-- A time to come is of a clock that has been set back.
CREATE OR REPLACE FUNCTION provision.learnt_to(control provision.control)
    RETURNS timestamptz
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT CASE WHEN control.learnt_to <= clock_timestamp() THEN control.learnt_to ELSE '-infinity' END;
END;
COMMENT ON FUNCTION provision.learnt_to(provision.control) IS 'Jobs that ended later have not been learnt from.';

CREATE OR REPLACE FUNCTION provision.quantile(samples real[], share double precision)
    RETURNS double precision
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT percentile_cont(quantile.share) WITHIN GROUP (ORDER BY sample) FROM unnest(samples) AS sample;
END;
COMMENT ON FUNCTION provision.quantile(real[], double precision) IS 'Value below which this share of the samples lies.';

CREATE OR REPLACE FUNCTION provision.capped(samples real[], OUT mean double precision, OUT variance double precision)
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT avg(least(sample, cap.highest)), coalesce(var_samp(least(sample, cap.highest)), 0)
      FROM unnest(samples) AS sample, (SELECT provision.quantile(samples, 0.95) AS highest) AS cap;
END;
COMMENT ON FUNCTION provision.capped(real[]) IS 'Mean and variance of samples, of which the highest 5 of 100 count as much as the one below them.';

-- How long an exclusion was not free for others: while somebody waits for it, from the end of the one before on, for to pass it on takes time, too.
CREATE OR REPLACE FUNCTION provision.step_samples(job_ids bigint[])
    RETURNS TABLE (job_id bigint, engine_id bigint, exclusive text, has_waited boolean, calls integer, seconds double precision, exclusive_seconds double precision)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT job.job_id, place.engine_id, step.exclusive, job_step.waits_since IS NOT NULL, job_step.attempt_count,
           extract(epoch FROM job_step.finished_at - job_step.started_at)::double precision,
           extract(epoch FROM job_step.finished_at - CASE WHEN job_step.waits_since < lag(job_step.finished_at) OVER on_site
                                                          THEN lag(job_step.finished_at) OVER on_site
                                                          ELSE job_step.started_at END)::double precision
      FROM unnest(job_ids) AS ended (job_id)
      JOIN provision.job ON job.job_id = ended.job_id
      JOIN provision.job_step ON job_step.job_id = job.job_id
      JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = job_step.ordinal
     CROSS JOIN LATERAL (SELECT CASE WHEN coalesce(step.works_at, 'proxy') = 'proxy' THEN job.engine_id       -- that of a proxy is soon done
                                     ELSE (SELECT provision.engine_for(tenant.engine_id, step.works_at) FROM provision.tenant WHERE tenant.tenant_id = job.tenant_id)
                                END AS engine_id) AS place
     WHERE job_step.started_at IS NOT NULL
    WINDOW on_site AS (PARTITION BY place.engine_id, job.site, step.exclusive ORDER BY job_step.finished_at);
END;
$$;
COMMENT ON FUNCTION provision.step_samples(bigint[]) IS 'What the steps of these jobs tell: at which engine they worked, whether they had to wait, calls, and seconds from the first call to the end and for which they kept others off.';

-- While a job waits for an exclusion it holds no slot, and how long that takes tells of the others: what it took by itself is the sum of its steps.
CREATE OR REPLACE FUNCTION provision.run_samples(job_ids bigint[])
    RETURNS TABLE (engine_id bigint, workflow_id bigint, finished_at timestamptz,
                   run_seconds double precision, slot_seconds double precision, calls double precision, exclusive_seconds double precision)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT own.engine_id, job.workflow_id, job.finished_at,
           CASE WHEN own.has_waited THEN least(own.all_seconds, lasted.seconds) ELSE lasted.seconds END,
           CASE WHEN own.has_waited OR own.busy_seconds < own.all_seconds THEN own.busy_seconds ELSE greatest(own.busy_seconds, lasted.seconds) END,
           own.calls, coalesce(own.exclusive_seconds, 0)
      FROM (SELECT word.job_id, coalesce(word.engine_id, 0) AS engine_id, bool_or(bool_or(word.has_waited)) OVER its_job AS has_waited,
                   sum(word.calls)::double precision AS calls, sum(word.busy_seconds) AS busy_seconds, max(sum(word.busy_seconds)) OVER its_job AS all_seconds,
                   max(word.exclusive_seconds) FILTER (WHERE word.exclusive IS NOT NULL) AS exclusive_seconds
              FROM (SELECT sample.job_id, sample.engine_id, sample.exclusive, bool_or(sample.has_waited) AS has_waited, sum(sample.calls) AS calls,
                           sum(sample.seconds) AS busy_seconds, sum(sample.exclusive_seconds) AS exclusive_seconds
                      FROM provision.step_samples(job_ids) AS sample
                     GROUP BY sample.job_id, sample.engine_id, sample.exclusive) AS word
             GROUP BY GROUPING SETS ((word.job_id, word.engine_id), (word.job_id))
            WINDOW its_job AS (PARTITION BY word.job_id)) AS own
      JOIN provision.job ON job.job_id = own.job_id
     CROSS JOIN LATERAL (SELECT extract(epoch FROM job.finished_at - job.run_started_at)::double precision AS seconds) AS lasted;
END;
$$;
COMMENT ON FUNCTION provision.run_samples(bigint[]) IS 'What each of these jobs tells about the pace of its workflow on each engine at which it worked, and (engine 0) on all together; nothing when no step of it took any time. run_seconds is always of the whole job.';

CREATE OR REPLACE FUNCTION provision.add_run_samples(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO provision.pace AS pace (engine_id, workflow_id, run_count, run_samples, slot_samples, call_samples, exclusive_samples)
    SELECT sample.engine_id, sample.workflow_id, count(*),
           (array_agg(sample.run_seconds ORDER BY sample.finished_at DESC))[:100], (array_agg(sample.slot_seconds ORDER BY sample.finished_at DESC))[:100],
           (array_agg(sample.calls ORDER BY sample.finished_at DESC))[:100], (array_agg(sample.exclusive_seconds ORDER BY sample.finished_at DESC))[:100]
      FROM provision.run_samples(job_ids) AS sample
     GROUP BY sample.engine_id, sample.workflow_id
     ORDER BY sample.engine_id, sample.workflow_id
    ON CONFLICT ON CONSTRAINT pace_pkey DO UPDATE
       SET run_count = pace.run_count + EXCLUDED.run_count,
           run_samples = (EXCLUDED.run_samples || pace.run_samples)[:100],
           slot_samples = (EXCLUDED.slot_samples || pace.slot_samples)[:100],
           call_samples = (EXCLUDED.call_samples || pace.call_samples)[:100],
           exclusive_samples = (EXCLUDED.exclusive_samples || pace.exclusive_samples)[:100];
END;
$$;
COMMENT ON FUNCTION provision.add_run_samples(bigint[]) IS 'Adds these jobs to the samples of their engines and of all engines together.';

CREATE OR REPLACE FUNCTION provision.judge_paces(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE provision.pace
       SET run_low = provision.quantile(pace.run_samples, 0.05),
           run_typical = provision.quantile(pace.run_samples, 0.5),
           run_high = provision.quantile(pace.run_samples, 0.95),
           slot_seconds = (provision.capped(pace.slot_samples)).mean,
           slot_variance = (provision.capped(pace.slot_samples)).variance,
           calls = (provision.capped(pace.call_samples)).mean,
           exclusive_seconds = (provision.capped(pace.exclusive_samples)).mean
     WHERE (pace.engine_id, pace.workflow_id) IN (SELECT sample.engine_id, sample.workflow_id FROM provision.run_samples(job_ids) AS sample);
END;
$$;
COMMENT ON FUNCTION provision.judge_paces(bigint[]) IS 'Draws from the samples what estimates use, where these jobs have added to them.';

CREATE OR REPLACE FUNCTION provision.learn_steps(job_ids bigint[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO provision.step_pace AS pace (workflow_id, ordinal, samples)
    SELECT job.workflow_id, job_step.ordinal,
           (array_agg(extract(epoch FROM job_step.finished_at - job_step.started_at)::real ORDER BY job_step.finished_at DESC))[:100]
      FROM unnest(job_ids) AS ended (job_id)
      JOIN provision.job ON job.job_id = ended.job_id
      JOIN provision.job_step ON job_step.job_id = job.job_id
     WHERE job_step.state = 'completed'
       AND job_step.started_at IS NOT NULL
     GROUP BY job.workflow_id, job_step.ordinal
     ORDER BY job.workflow_id, job_step.ordinal
    ON CONFLICT ON CONSTRAINT step_pace_pkey DO UPDATE
       SET samples = (EXCLUDED.samples || pace.samples)[:100];
    UPDATE provision.step_pace
       SET typical = provision.quantile(step_pace.samples, 0.5)
     WHERE step_pace.workflow_id IN (SELECT job.workflow_id FROM provision.job WHERE job.job_id = ANY (job_ids));
END;
$$;
COMMENT ON FUNCTION provision.learn_steps(bigint[]) IS 'Adds the steps of these jobs to the samples of their workflows.';

-- When more have ended than it looks at, the newest tell enough. One worker learns at a time, and waits for nobody.
CREATE OR REPLACE FUNCTION provision.learn_paces()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    since timestamptz;
    ended bigint[];
BEGIN
    SELECT provision.learnt_to(control) INTO since FROM provision.control FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    ended := ARRAY(SELECT job.job_id FROM provision.job WHERE job.finished_at > since ORDER BY job.finished_at DESC LIMIT 500);
    UPDATE provision.control
       SET learnt_at = clock_timestamp(),
           learnt_to = coalesce((SELECT job.finished_at FROM provision.job WHERE job.job_id = ended[1]), control.learnt_to);
    ended := ARRAY(SELECT job.job_id FROM provision.job
                    WHERE job.job_id = ANY (ended) AND job.state IN ('completed', 'partial') AND job.run_started_at IS NOT NULL);
    PERFORM provision.add_run_samples(ended);
    PERFORM provision.judge_paces(ended);
    PERFORM provision.learn_steps(ended);
    RETURN cardinality(ended);
END;
$$;
COMMENT ON FUNCTION provision.learn_paces() IS 'Learns from the newest 500 jobs that have ended since it was last called how long jobs and steps take; returns how many ended well.';
