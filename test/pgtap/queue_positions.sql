-- A thousand requests of mixed plans: places are 1 to n on each engine, in the order of the rule, and that is the order in which jobs are claimed.
BEGIN;
SELECT plan(8);
SELECT provision_engine_create('one', 'https://erp1.example.com', options => '{"max_concurrent": 7}');
SELECT provision_engine_create('two', 'https://erp2.example.com', options => '{"max_concurrent": 10000}');
INSERT INTO provision.tenant (name, engine_id, plan, config, settings)
SELECT 't' || n, engine.engine_id, (ARRAY['starter', 'professional', 'enterprise'])[1 + (n * 7919) % 3], '{}', '{}'
  FROM generate_series(1, 1000) AS n
  JOIN provision.engine ON engine.name = CASE WHEN n % 3 = 0 THEN 'two' ELSE 'one' END;
INSERT INTO provision.workflow (name) VALUES ('short');
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function) SELECT workflow_id, 0, 'only', 'public.nothing' FROM provision.workflow WHERE name = 'short';
SELECT setseed(0.5);
SELECT count(provision_start(name, 'short')) FROM (SELECT name FROM provision.tenant ORDER BY random()) AS request;
CREATE TEMP TABLE line AS SELECT * FROM provision.queue;

SELECT is(count(*), 1000::bigint, 'all wait') FROM line;
SELECT is(array_agg(DISTINCT is_whole), '{t}', 'places are 1 to n on each engine, without a gap or a repetition')
  FROM (SELECT array_agg(queue_position ORDER BY queue_position) = array_agg(n ORDER BY n) AS is_whole
          FROM (SELECT engine, queue_position, row_number() OVER (PARTITION BY engine) AS n FROM line) AS numbered GROUP BY engine) AS engine;
SELECT is(count(*), 0::bigint, 'nobody is before one of a better plan, or of the same plan who came earlier')
  FROM (SELECT priority, job_id, lag(priority) OVER its_line AS priority_before, lag(job_id) OVER its_line AS job_before
          FROM line WINDOW its_line AS (PARTITION BY engine ORDER BY queue_position)) AS neighbours
 WHERE priority > priority_before OR priority = priority_before AND job_id < job_before;
SELECT is(count(*), 0::bigint, 'provision_queue_position tells the same')
  FROM (SELECT * FROM line WHERE job_id % 20 = 0) AS line CROSS JOIN LATERAL provision_queue_position(line.job_id) AS own
 WHERE (own.queue_position, own.jobs_ahead, own.is_exact) IS DISTINCT FROM (line.queue_position, line.queue_position - 1, true);
SELECT is(queue_position, 1::bigint, 'by the name of the tenant, too') FROM provision_queue_position((SELECT tenant FROM line WHERE engine = 'two' AND queue_position = 1));

-- What the claim takes: each time seven of the first engine, as many as it has room for, whatever of the other.
CREATE FUNCTION pg_temp.claim_all() RETURNS TABLE (turn integer, job_id bigint) LANGUAGE plpgsql AS $$
DECLARE
    claimed bigint[];
BEGIN
    turn := 0;
    LOOP
        claimed := (SELECT claim.claimed_jobs FROM provision.claim_jobs(1001, 20) AS claim);
        EXIT WHEN claimed = '{}';
        UPDATE provision.job SET state = 'completed', owner = NULL, slots = 0, finished_at = clock_timestamp() WHERE job.job_id = ANY (claimed);
        FOREACH job_id IN ARRAY claimed LOOP
            turn := turn + 1;
            RETURN NEXT;
        END LOOP;
        IF turn % 100 = 0 AND EXISTS (SELECT FROM provision.queue JOIN line USING (job_id)
                                       WHERE queue.queue_position <> line.queue_position - (SELECT count(*) FROM provision.job JOIN line AS gone USING (job_id)
                                                                                             WHERE gone.engine = line.engine AND job.finished_at IS NOT NULL)) THEN
            RAISE 'places did not fall by what was claimed';
        END IF;
    END LOOP;
END;
$$;
CREATE TEMP TABLE taken AS SELECT * FROM pg_temp.claim_all();
SELECT is(count(*), 1000::bigint, 'all are claimed') FROM taken;
SELECT is(count(*), 0::bigint, 'in the order of their places')
  FROM (SELECT queue_position, row_number() OVER (PARTITION BY engine ORDER BY turn) AS really FROM taken JOIN line USING (job_id)) AS both_orders
 WHERE queue_position <> really;
SELECT is(count(*), 0::bigint, 'and nobody waits') FROM provision.queue;
SELECT * FROM finish();
ROLLBACK;
