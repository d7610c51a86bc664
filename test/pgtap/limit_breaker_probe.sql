-- A breaker that is not closed lets one job through, and none while the engine is full of calls from before.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com', options => '{"max_concurrent": 2}');
SELECT count(provision_tenant_create('t' || n, 'main', jsonb_build_object('company_name', 'T' || n, 'country', 'Kenya'))) FROM generate_series(1, 6) AS n;
SELECT count(*) FROM provision_start_many(ARRAY['t1', 't2', 't3', 't4', 't5', 't6']);
CREATE FUNCTION pg_temp.claimed() RETURNS integer LANGUAGE sql AS $$ SELECT cardinality(claimed_jobs) FROM provision.claim_jobs(1001, 10) $$;
SELECT is(pg_temp.claimed(), 2, 'as many as it takes at once');
UPDATE provision.engine_state SET breaker = 'open', breaker_since = now(), breaker_until = now() - interval '1 s';
SELECT is(pg_temp.claimed(), 0, 'the breaker has opened and its time has come, but their calls are still on the server');
UPDATE provision.job SET state = 'pending', owner = NULL, slots = 0 WHERE job_id = (SELECT min(job_id) FROM provision.job WHERE state = 'running');
SELECT is(pg_temp.claimed(), 1, 'there is room for the probe');
UPDATE provision.engine_state SET breaker_until = now() - interval '1 s';
SELECT is(pg_temp.claimed(), 0, 'a second probe waits, too, until the first has gone');
UPDATE provision.job SET state = 'pending', owner = NULL, slots = 0 WHERE state = 'running';
SELECT is(pg_temp.claimed(), 1, 'one at a time');
SELECT is(string_agg(from_state || ' ' || to_state, ', ' ORDER BY event_id), 'open half_open, half_open half_open', 'the events tell from which state')
  FROM provision.event_log WHERE event = 'breaker_half_open';
SELECT is(engine.max_concurrent - provision.slots_in_use(engine.engine_id), 1::bigint, 'never more than it takes') FROM provision.engine;
SELECT * FROM finish();
ROLLBACK;
