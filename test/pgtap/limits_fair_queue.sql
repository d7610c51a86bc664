-- Tenants that wait get their share of an engine by the weight of their plan; one with many jobs keeps nobody waiting; low priority ends.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'http://127.0.0.1:9', options => '{"max_concurrent": 1000}');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'country', 'US'), plan)
  FROM (VALUES ('big', 'starter'), ('small', 'starter'), ('rich', 'enterprise'), ('middle', 'professional')) AS given (name, plan);
INSERT INTO provision.workflow (name) SELECT 'w' || n FROM generate_series(1, 40) AS n;
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function)
SELECT workflow_id, 0, 'only', 'public.nothing' FROM provision.workflow WHERE name ~ '^w[0-9]+$';

-- The next jobs in the order of their claims, as letters of their tenants.
CREATE FUNCTION pg_temp.claim(jobs integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text := '';
BEGIN
    FOR turn IN 1 .. jobs LOOP
        line := line || coalesce((SELECT left(tenant.name, 1)
                                    FROM provision.claim_jobs(1001, 1) AS claim, provision.job JOIN provision.tenant USING (tenant_id)
                                   WHERE job.job_id = ANY (claim.claimed_jobs)), '-');
    END LOOP;
    RETURN line;
END;
$$;
CREATE FUNCTION pg_temp.start(tenant text, first integer, last integer) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(provision_start(start.tenant, 'w' || n, priority => 0)) FROM generate_series(first, last) AS n;
$$;

SELECT pg_temp.start('big', 1, 40);
SELECT pg_temp.start('small', 1, 2);
SELECT is(pg_temp.claim(5), 'bsbsb', 'two jobs pass the forty of another tenant');
SELECT pg_temp.start('small', 3, 3);
SELECT is(pg_temp.claim(1), 's', 'so does one that comes later');
SELECT is(pg_temp.claim(37), repeat('b', 37), 'and none is forgotten');

DELETE FROM provision.job;
SELECT pg_temp.start('small', 1, 10);
SELECT pg_temp.start('middle', 1, 20);
SELECT pg_temp.start('rich', 1, 40);
SELECT is((SELECT array_agg(letter || count ORDER BY letter)
             FROM (SELECT letter, count(*) FROM regexp_split_to_table(pg_temp.claim(28), '') AS letter GROUP BY letter) AS shares),
          '{m8,r16,s4}', 'shares are as the weights of the plans, 2 : 4 : 1');

DELETE FROM provision.job;
SELECT provision_start('small', 'w1', priority => -10);
SELECT provision_start('big', 'w1', priority => 0);
SELECT is(pg_temp.claim(1), 'b', 'low priority goes later');
UPDATE provision.job SET rank = rank - 3001 WHERE state = 'pending';       -- it has waited for ten times provision.priority_aging
SELECT pg_temp.start('big', 2, 20);
SELECT is(pg_temp.claim(1), 's', 'but before those that come after it has waited long enough');

DELETE FROM provision.job;
SELECT provision_start('small', 'w1', run_at => now() + interval '1 week');
SELECT pg_temp.start('small', 2, 2);
SELECT pg_temp.start('big', 2, 3);
SELECT is(pg_temp.claim(3), 'sbb', 'what is scheduled for later keeps nobody waiting');
SELECT * FROM finish();
ROLLBACK;
