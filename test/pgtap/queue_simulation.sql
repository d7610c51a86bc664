-- A fleet in a time of its own: eight servers with different limits, each a little faster or slower than it was; 1,000 requests of mixed plans. Of
-- the real finishes some nine tenths lie within the range that was told when the jobs were enqueued.
BEGIN;
SELECT plan(3);
SELECT setseed(0.25);
SELECT provision_engine_create('e' || n, 'https://erp' || n || '.example.com', options => jsonb_build_object('max_concurrent', n)) FROM generate_series(1, 8) AS n;
INSERT INTO provision.tenant (name, engine_id, plan, config, settings)
SELECT engine.name || 't' || n, engine.engine_id, (ARRAY['starter', 'professional', 'enterprise'])[1 + (random() * 2.99)::integer % 3], '{}', '{}'
  FROM provision.engine, generate_series(1, 125) AS n;
INSERT INTO provision.workflow (name) VALUES ('short');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) SELECT workflow_id, 0, 'only', 'public.nothing' FROM provision.workflow WHERE name = 'short';

-- Seconds a job takes: most about a minute, some several; of the exponential of a normal distribution.
CREATE FUNCTION pg_temp.luck(spread double precision) RETURNS double precision LANGUAGE sql VOLATILE AS $$
    SELECT exp(spread * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()));
$$;
-- Each has run before.
SELECT count(provision_start(name, 'short')) FROM provision.tenant;
UPDATE provision.job SET state = 'completed', finished_at = now() - interval '1 day' * (1 + random());
UPDATE provision.job SET run_started_at = finished_at - make_interval(secs => 60 * pg_temp.luck(0.5));
UPDATE provision.job_step SET state = 'completed', started_at = run_started_at, finished_at = job.finished_at FROM provision.job WHERE job.job_id = job_step.job_id;
SELECT provision.learn_paces();         -- of the newest 500: enough of each
SELECT is(count(*), 8::bigint, 'the pace of every server is known') FROM provision.pace WHERE engine_id > 0 AND run_count > 30;

SELECT count(provision_start(name, 'short')) FROM (SELECT name FROM provision.tenant ORDER BY random()) AS request;
CREATE TEMP TABLE told AS
    SELECT engine, queue_position, job_id,
           extract(epoch FROM earliest_finish_at - statement_timestamp()) AS earliest, extract(epoch FROM latest_finish_at - statement_timestamp()) AS latest
      FROM provision.queue;
SELECT is(count(*), 1000::bigint, 'a thousand wait') FROM told WHERE earliest < latest;

-- Each job takes the first slot that is free, in the order of the queue.
CREATE FUNCTION pg_temp.run_fleet() RETURNS TABLE (job_id bigint, finish double precision) LANGUAGE plpgsql AS $$
DECLARE
    server record;
    slots double precision[];
    slot integer;
    slowness double precision;
BEGIN
    FOR server IN SELECT * FROM provision.engine ORDER BY engine.name LOOP
        slots := array_fill(0::double precision, ARRAY[server.max_concurrent]);
        slowness := exp(0.1 * (ARRAY[-1.53, 0.89, -0.49, 0.16, -0.16, 0.49, -0.89, 1.53])[server.max_concurrent]);       -- normal, too
        FOR job_id IN SELECT told.job_id FROM told WHERE told.engine = server.name ORDER BY told.queue_position LOOP
            slot := array_position(slots, (SELECT min(free_at) FROM unnest(slots) AS free_at));
            slots[slot] := slots[slot] + slowness * 60 * pg_temp.luck(0.5);
            finish := slots[slot];
            RETURN NEXT;
        END LOOP;
    END LOOP;
END;
$$;
SELECT ok(share BETWEEN 75 AND 98, format('%s %% end within the range that was told', share))
  FROM (SELECT round(100 * avg((finish BETWEEN earliest AND latest)::integer), 1) AS share FROM pg_temp.run_fleet() JOIN told USING (job_id)) AS fleet;
SELECT * FROM finish();
ROLLBACK;
