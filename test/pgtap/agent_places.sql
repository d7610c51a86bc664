-- max_jobs: a new job waits in our queue while Frappe Agent has enough to do; what has begun goes on, also behind one that may not begin.
BEGIN;
SELECT plan(19);
SELECT provision_engine_create('maker', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench", "domain": "example.com", "max_jobs": 2, "max_concurrent": 50}');
SELECT provision_tenant_create('tenant' || n, 'maker', '{"company_name": "A", "country": "Kenya"}') FROM generate_series(1, 5) AS n;
SELECT provision_start_many(ARRAY(SELECT 'tenant' || n FROM generate_series(1, 4) AS n), 'create_site');
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
SELECT engine_id FROM provision.engine \gset
CREATE FUNCTION pg_temp.claim(incarnation bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', (SELECT string_agg(tenant, ' ' ORDER BY tenant) FROM provision.job_status WHERE job_id = ANY (claimed)), CASE WHEN NOT is_complete THEN 'and more' END)
      FROM provision.engine, provision.claim_jobs_of_engine(incarnation, engine_id, 50, '-infinity');
$$;
CREATE FUNCTION pg_temp.job(tenant text) RETURNS bigint LANGUAGE sql AS $$ SELECT provision.newest_job(tenant) $$;
-- As its worker leaves it when it has submitted and waits, and when it is time to look.
CREATE FUNCTION pg_temp.wait(tenant text) RETURNS void LANGUAGE sql AS $$
    SELECT provision.take_place(job_id, 1::smallint, engine_id, 'create site') FROM provision.job WHERE job_id = pg_temp.job(tenant);
    UPDATE provision.job SET state = 'scheduled', owner = NULL, slots = 0, due_at = clock_timestamp() + interval '1 h', awaits_remote = true WHERE job_id = pg_temp.job(tenant);
    UPDATE provision.job_step SET state = 'ready', waits_for = 'a remote job', started_at = clock_timestamp() WHERE job_id = pg_temp.job(tenant) AND ordinal = 1;
$$;
CREATE FUNCTION pg_temp.look(tenant text) RETURNS void LANGUAGE sql AS $$
    UPDATE provision.job SET state = 'pending', due_at = NULL WHERE job_id = pg_temp.job(tenant);
$$;

SELECT is(provision.free_places(:engine_id), 2::bigint, 'nobody is at work');
SELECT is(pg_temp.claim(:incarnation), 'tenant1 tenant2', 'two may begin, and that is all');
SELECT is(provision.free_places(:engine_id), 0::bigint, 'those that have not submitted yet count');
SELECT pg_temp.wait('tenant1'), pg_temp.wait('tenant2');
SELECT is(provision.free_places(:engine_id), 0::bigint, 'those that wait, too');
SELECT is(pg_temp.claim(:incarnation), '', 'the others wait, though calls could be made');
SELECT is((SELECT string_agg(queue_position || ' ' || tenant, ', ' ORDER BY queue_position) FROM provision.queue), '1 tenant3, 2 tenant4', 'in their order');
SELECT is(fix, $$SELECT provision_engine_update('maker', '{"max_jobs": 4}');$$, 'why') FROM provision_why('tenant3') WHERE reason = 'agent busy';
SELECT is_empty($$ SELECT FROM provision_why('tenant1') WHERE reason = 'agent busy' $$, 'who has a place does not wait for one');

SELECT provision_start('tenant5', 'create_site', priority => 100) AS urgent \gset
SELECT pg_temp.look('tenant1');
SELECT is((SELECT string_agg(queue_position || ' ' || tenant, ', ' ORDER BY queue_position) FROM provision.queue), '1 tenant5, 2 tenant3, 3 tenant4', 'who only looks stands in no line');
SELECT is(jobs_ahead, NULL, 'and has no place in it') FROM provision_queue_position('tenant1');
SELECT is(pg_temp.claim(:incarnation), 'tenant1', 'it looks, although an urgent one is before it that may not begin');
SELECT is(provision.free_places(:engine_id), 0::bigint, 'and is not counted twice');
SELECT pg_temp.wait('tenant1');

-- Another engine's job that submits here takes a place as well.
SELECT provision_engine_create('other', 'https://other.example.com', 'frappe_agent', '{"bench": "bench", "domain": "example.com"}');
UPDATE provision.job SET state = 'running', owner = :incarnation, slots = 1, engine_id = (SELECT engine_id FROM provision.engine WHERE name = 'other'), run_started_at = clock_timestamp()
 WHERE job_id = pg_temp.job('tenant4');
SELECT is(provision.take_place(pg_temp.job('tenant4'), 1::smallint, :engine_id, 'create site'), false, 'a step that would submit here gets no place');
SELECT is(provision.take_place(pg_temp.job('tenant1'), 1::smallint, :engine_id, 'create site'), true, 'one that has a place keeps it, however often it tries');
SELECT provision_cancel('tenant2') AS asked, provision_cancel('tenant2') AS insisted;
SELECT is(provision.take_place(pg_temp.job('tenant4'), 1::smallint, :engine_id, 'create site'), true, 'when one has ended it gets that');
SELECT is(pg_temp.claim(:incarnation), '', 'which the line does not');
SELECT is((SELECT string_agg(invariant, ', ') FROM provision.invariants() WHERE violations > 0 AND invariant LIKE '%Frappe Agent%'), NULL, 'nothing is out of order');

-- Estimates: two places, a run of 100 seconds of which nothing is done.
INSERT INTO provision.pace (engine_id, workflow_id, run_count, run_samples, slot_samples, call_samples, exclusive_samples,
                            run_low, run_typical, run_high, slot_seconds, slot_variance, calls, exclusive_seconds)
SELECT 0, workflow_id, 100, '{}', '{}', '{}', '{}', 80, 100, 150, 100, 400, 10, 0 FROM provision.workflow WHERE name = 'create_site';
SELECT ok(extract(epoch FROM estimated_start_at - statement_timestamp()) BETWEEN 60 AND 90, 'the first in line begins when one of two is done')
  FROM provision_queue_position('tenant5');
UPDATE provision.engine SET max_jobs = 20 WHERE name = 'maker';
SELECT is(round(extract(epoch FROM estimated_start_at - statement_timestamp()) / 10) * 10, 0::numeric, 'with enough of them it begins at once') FROM provision_queue_position('tenant5');
SELECT * FROM finish();
ROLLBACK;
