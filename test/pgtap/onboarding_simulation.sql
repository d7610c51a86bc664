-- A thousand requests of mixed plans on a fleet in a time of its own: eight benches, each with an agent that makes so many sites at once, a little
-- faster or slower than they were. The order is that of the rule, places neither skip nor repeat, and of the real ends some nine tenths lie within
-- the range that was told when the request came.
BEGIN;
SELECT plan(8);
SELECT setseed(0.75);
SELECT provision_engine_create('agent' || n, 'https://agent' || n || '.example.com', 'frappe_agent', jsonb_build_object('bench', 'bench', 'domain', 'f' || n || '.example.com', 'max_jobs', n)),
       provision_engine_create('bench' || n, 'https://bench' || n || '.example.com', options => jsonb_build_object('agent', 'agent' || n, 'max_concurrent', 5))
  FROM generate_series(1, 8) AS n;
INSERT INTO provision.tenant (name, engine_id, plan, config, settings)
SELECT tenant.name, engine.engine_id, tenant.plan, tenant.config, provision.tenant_settings(tenant.config)
  FROM (SELECT format('%s%s-%s', kind, n, m) AS name, 'bench' || n AS engine, (ARRAY['starter', 'professional', 'enterprise'])[1 + (random() * 2.99)::integer % 3] AS plan,
               jsonb_build_object('company_name', format('%s %s-%s', kind, n, m), 'abbr', format('%s%s%s', left(kind, 1), n, m), 'country', 'US') AS config
          FROM generate_series(1, 8) AS n, generate_series(1, 125) AS m, unnest('{past,tenant}'::text[]) AS kind
         WHERE kind = 'tenant' OR m <= 40
         ORDER BY random()) AS tenant
  JOIN provision.engine ON engine.name = tenant.engine;
CREATE FUNCTION pg_temp.luck(spread double precision) RETURNS double precision LANGUAGE sql VOLATILE AS $$
    SELECT exp(spread * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()));
$$;

-- Others came before: their sites took some minutes, in which nothing was held, their setups half a minute, and their keys were handed over.
CREATE FUNCTION pg_temp.past(made bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ended constant timestamptz := now() - interval '1 day' * (1 + random());
    making constant interval := make_interval(secs => 150 * pg_temp.luck(0.4));
    setting_up constant interval := make_interval(secs => 30 * pg_temp.luck(0.4));
BEGIN
    UPDATE provision.job_step SET state = 'completed', started_at = ended, finished_at = ended WHERE job_id = made;
    UPDATE provision.job_step SET state = 'skipped', started_at = NULL WHERE job_id = made AND name LIKE 'keys%';
    UPDATE provision.job_step SET started_at = ended - making - setting_up - interval '1 h', finished_at = ended - setting_up - interval '1 h', waits_since = ended - making WHERE job_id = made AND name = 'site_1_site';
    UPDATE provision.job_step SET started_at = ended - interval '1 h' - setting_up, finished_at = ended - setting_up, waits_since = ended - setting_up WHERE job_id = made AND name = 'credentials';
    UPDATE provision.job_step SET started_at = ended - setting_up WHERE job_id = made AND name = 'step_2_company';
    UPDATE provision.job_step SET started_at = finished_at WHERE job_id = made AND name = 'credentials';
    UPDATE provision.job SET state = 'completed', run_started_at = ended - making - setting_up - interval '1 h', finished_at = ended,
                             engine_id = (SELECT tenant.engine_id FROM provision.tenant WHERE tenant.tenant_id = job.tenant_id) WHERE job_id = made;
END;
$$;
SELECT count(pg_temp.past(job_id)) FROM provision_start_many(ARRAY(SELECT name FROM provision.tenant WHERE name LIKE 'past%'), 'onboarding', '{"credentials": "handed_over"}') AS job_id;
SELECT provision.learn_paces();
UPDATE provision.pace SET run_count = run_count + 400;         -- those whose samples are forgotten
SELECT is(count(*) FILTER (WHERE engine.kind = 'frappe_agent' AND pace.slot_seconds BETWEEN 120 AND 220), 8::bigint, 'it is known how long each agent takes') FROM provision.pace JOIN provision.engine USING (engine_id);
SELECT is(count(*) FILTER (WHERE engine.kind = 'erpnext' AND pace.slot_seconds BETWEEN 20 AND 45), 8::bigint, 'and each bench') FROM provision.pace JOIN provision.engine USING (engine_id);
SELECT is(count(*) FILTER (WHERE run_typical BETWEEN 150 AND 250), 17::bigint, 'and the whole, without waiting for the customer') FROM provision.pace;

-- The requests.
SELECT count(*) FROM provision_start_many(ARRAY(SELECT name FROM provision.tenant WHERE name LIKE 'tenant%'), 'onboarding', '{"credentials": "handed_over"}');       -- as provision_onboard() does
CREATE TEMP TABLE told AS
    SELECT status.*, engine.name AS agent, engine.max_jobs,
           extract(epoch FROM earliest_finish_at - statement_timestamp()) AS earliest, extract(epoch FROM latest_finish_at - statement_timestamp()) AS latest
      FROM provision.onboarding_status AS status JOIN provision.job USING (job_id) JOIN provision.engine ON engine.engine_id = job.engine_id
     WHERE status.status = 'pending';
SELECT is(count(*), 1000::bigint, 'a thousand wait, and each is told how long') FROM told WHERE earliest < latest AND estimated_wait IS NOT NULL AND jobs_ahead = queue_position - 1;
SELECT is(array_agg(DISTINCT is_whole), '{t}', 'in places from 1 on at each agent, without a gap or a repetition')
  FROM (SELECT array_agg(queue_position ORDER BY queue_position) = array_agg(n ORDER BY n) AS is_whole
          FROM (SELECT agent, queue_position, row_number() OVER (PARTITION BY agent) AS n FROM told) AS numbered GROUP BY agent) AS engine;
SELECT is(count(*), 0::bigint, 'the better plan first, and of one plan who came first')
  FROM (SELECT provision.plan_priority(plan) AS priority, job_id, lag(provision.plan_priority(plan)) OVER line AS priority_before, lag(job_id) OVER line AS job_before
          FROM told WINDOW line AS (PARTITION BY agent ORDER BY queue_position)) AS neighbours
 WHERE priority > priority_before OR priority = priority_before AND job_id < job_before;
SELECT is(count(*), 0::bigint, 'estimates follow the places') FROM (SELECT estimated_wait, lag(estimated_wait) OVER (PARTITION BY agent ORDER BY queue_position) AS before FROM told) AS step WHERE estimated_wait < before;

-- Each takes the first place that is free at its agent, in the order of the queue, then the first at its bench.
CREATE FUNCTION pg_temp.run_fleet() RETURNS TABLE (job_id bigint, finish double precision) LANGUAGE plpgsql AS $$
DECLARE
    server record;
    request record;
    sites double precision[];
    setups double precision[];
    slot integer;
    slowness double precision;
BEGIN
    FOR server IN SELECT DISTINCT agent, max_jobs FROM told ORDER BY agent LOOP
        sites := array_fill(0::double precision, ARRAY[server.max_jobs]);
        setups := array_fill(0::double precision, ARRAY[5]);
        slowness := exp(0.1 * (ARRAY[-1.53, 0.89, -0.49, 0.16, -0.16, 0.49, -0.89, 1.53])[server.max_jobs]);
        FOR request IN SELECT told.job_id FROM told WHERE told.agent = server.agent ORDER BY told.queue_position LOOP
            slot := array_position(sites, (SELECT min(free_at) FROM unnest(sites) AS free_at));
            sites[slot] := sites[slot] + slowness * 150 * pg_temp.luck(0.4);
            finish := sites[slot];
            slot := array_position(setups, (SELECT min(free_at) FROM unnest(setups) AS free_at));
            setups[slot] := greatest(setups[slot], finish) + slowness * 30 * pg_temp.luck(0.4);
            job_id := request.job_id;
            finish := setups[slot];
            RETURN NEXT;
        END LOOP;
    END LOOP;
END;
$$;
SELECT ok(share BETWEEN 78 AND 97, format('%s %% end within the range that was told', share))
  FROM (SELECT round(100 * avg((finish BETWEEN earliest AND latest)::integer), 1) AS share FROM pg_temp.run_fleet() JOIN told USING (job_id)) AS fleet;
SELECT * FROM finish();
ROLLBACK;
