-- Random graphs of steps, run to their end without a network: no step starts before those it waits for, each starts as soon as it may
-- (so that independent steps overlap), one whose requirement failed is blocked, and every job ends. A failure prints the seed.
BEGIN;
SELECT plan(6);
SELECT (random() * 1000000)::integer AS seed \gset
\echo # seed :seed
SELECT setseed(:seed / 1000000.0);
SELECT provision_engine_create('main', 'https://erp.example.com', options => '{"max_concurrent": 10000, "failure_threshold": 1000}');
SELECT provision_engine_secret('main', 'key', 'word');
CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
    SELECT 'ping', 'POST', '/api/method/ping', '{}'::jsonb, true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text;
$$;

-- Thirty workflows of 2 to 12 steps. Each waits for some of those before it; some have a condition that is not met.
SELECT count(provision_tenant_create('t' || n, 'main', jsonb_build_object('company_name', 'T' || n, 'country', 'Kenya'))) FROM generate_series(1, 30) AS n;
INSERT INTO provision.workflow (name) SELECT 'graph_' || n FROM generate_series(1, 30) AS n;
CREATE TEMP TABLE drawn AS
    SELECT workflow_id, n AS ordinal, 's' || n AS name, random() < 0.2 AS critical, random() < 0.1 AS is_left_out, random() < 0.85 AS succeeds
      FROM (SELECT workflow_id, (2 + random() * 10)::integer AS steps FROM provision.workflow WHERE name LIKE 'graph%') AS w, generate_series(1, w.steps) AS n;
CREATE TEMP TABLE edge AS
    SELECT later.workflow_id, later.ordinal, earlier.name AS awaited, random() < 0.5 AS is_required
      FROM drawn AS later JOIN drawn AS earlier ON earlier.workflow_id = later.workflow_id AND earlier.ordinal < later.ordinal
     WHERE random() < 0.3;
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical, condition, requires, runs_after)
SELECT workflow_id, ordinal, name, 'app.one_call', critical, CASE WHEN is_left_out THEN '$.options.never == true'::jsonpath END,
       ARRAY(SELECT awaited FROM edge AS e WHERE e.workflow_id = d.workflow_id AND e.ordinal = d.ordinal AND is_required),
       ARRAY(SELECT awaited FROM edge AS e WHERE e.workflow_id = d.workflow_id AND e.ordinal = d.ordinal AND NOT is_required)
  FROM drawn AS d;
SELECT count(provision_start('t' || n, 'graph_' || n)) FROM generate_series(1, 30) AS n;

-- The worker: claims, calls, and answers some of its calls in each round, in any order.
CREATE TEMP TABLE seen (problem text, job_id bigint, step text);
CREATE TEMP TABLE flight (attempt_id bigint, answered_in integer);
CREATE TEMP VIEW awaited AS
    SELECT js.job_id, js.name, js.state, edge.is_required, parent.state AS parent_state, parent.finished_at IS NOT NULL AS parent_ended
      FROM provision.job_step AS js JOIN provision.job USING (job_id)
      JOIN edge ON edge.workflow_id = job.workflow_id AND edge.ordinal = js.ordinal
      JOIN provision.job_step AS parent ON parent.job_id = js.job_id AND parent.name = edge.awaited;
CREATE FUNCTION pg_temp.work() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    incarnation bigint;
    answered bigint[] := '{}';
    now_answered bigint[];
    rounds integer := 0;
BEGIN
    INSERT INTO provision.worker (pid) VALUES (0) RETURNING worker.incarnation INTO incarnation;
    SELECT c.claimed_jobs INTO answered FROM provision.claim_jobs(incarnation, 1000) AS c;
    WHILE EXISTS (SELECT FROM provision.job WHERE finished_at IS NULL) AND rounds < 200 LOOP
        rounds := rounds + 1;
        INSERT INTO flight SELECT attempt_id FROM provision.begin_calls(incarnation, answered);
        INSERT INTO seen SELECT 'started too early', a.job_id, a.name FROM awaited AS a
         WHERE a.state = 'running' AND (NOT a.parent_ended OR a.is_required AND a.parent_state <> 'completed');
        INSERT INTO seen SELECT 'could have started', js.job_id, js.name FROM provision.job_step AS js JOIN provision.job USING (job_id)
         WHERE job.state = 'running' AND js.state = 'waiting' AND NOT provision.has_failed_for_good(js.job_id)
           AND NOT EXISTS (SELECT FROM awaited AS a WHERE a.job_id = js.job_id AND a.name = js.name AND NOT a.parent_ended);
        UPDATE flight SET answered_in = rounds WHERE answered_in IS NULL AND random() < 0.5;
        now_answered := ARRAY(SELECT attempt_id FROM flight WHERE answered_in = rounds);
        SELECT r.answered_jobs INTO answered FROM (
            SELECT array_agg(a.attempt_id) AS ids, array_agg(CASE WHEN d.succeeds THEN 200 ELSE 417 END) AS statuses,
                   array_agg(CASE WHEN d.succeeds THEN '{"message": "pong"}' ELSE '{"exc_type": "ValidationError"}' END) AS bodies
              FROM provision.attempt AS a JOIN provision.job USING (job_id) JOIN drawn AS d ON d.workflow_id = job.workflow_id AND d.ordinal = a.ordinal
             WHERE a.attempt_id = ANY (now_answered)) AS g
          CROSS JOIN LATERAL provision.record_answers(incarnation, ids, array_fill('answered'::text, ARRAY[cardinality(ids)]), statuses, array_fill(0, ARRAY[cardinality(ids)]),
                       bodies, array_fill(NULL::text, ARRAY[cardinality(ids)]), array_fill(NULL::text, ARRAY[cardinality(ids)]),
                       array_fill(NULL::bigint, ARRAY[cardinality(ids)]), array_fill('{1,1,1,1,1}'::text, ARRAY[cardinality(ids)])) AS r
         WHERE g.ids IS NOT NULL;
        answered := coalesce(answered, '{}');
    END LOOP;
    RETURN rounds;
END;
$$;
SELECT cmp_ok(pg_temp.work(), '<', 200, 'it comes to an end');
SELECT is(array_agg(DISTINCT s.problem || ': job ' || job_id || ' ' || step), NULL, 'each step starts when it may, and not before') FROM seen AS s;
SELECT is(count(*), 0::bigint, 'every job has ended, and every step of it') FROM provision.job JOIN provision.job_step AS s USING (job_id) WHERE job.finished_at IS NULL OR s.finished_at IS NULL;
SELECT is(count(*), 0::bigint, 'a job failed exactly when a critical step did not succeed') FROM provision.job
 WHERE (state = 'failed') <> EXISTS (SELECT FROM provision.job_step AS s WHERE s.job_id = job.job_id AND s.critical AND s.state IN ('failed', 'blocked'));
-- Where no critical step failed, each step stands where its own answer, its condition and what it requires put it.
SELECT is(array_agg(s.job_id || ' ' || s.name || ' is ' || s.state), NULL, 'the others ended as they should')
  FROM provision.job JOIN provision.job_step AS s USING (job_id) JOIN drawn AS d ON d.workflow_id = job.workflow_id AND d.ordinal = s.ordinal
 WHERE job.state IN ('completed', 'partial')
   AND s.state <> CASE WHEN EXISTS (SELECT FROM awaited AS a WHERE a.job_id = s.job_id AND a.name = s.name AND a.is_required AND a.parent_state <> 'completed') THEN 'blocked'
                       WHEN d.is_left_out THEN 'skipped' WHEN d.succeeds THEN 'completed' ELSE 'failed' END;
SELECT is(count(*), 0::bigint, 'a step was called at most once') FROM provision.job_step WHERE attempt_count > 1;
SELECT * FROM finish();
ROLLBACK;
