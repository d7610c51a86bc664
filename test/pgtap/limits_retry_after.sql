-- What a server asks for with Retry-After holds for the whole engine, within bounds, and nobody else's.
BEGIN;
SELECT plan(13);
SELECT provision_engine_create(name, 'http://127.0.0.1:9') FROM unnest(ARRAY['main', 'other']) AS name;
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "abbr": "A", "country": "US"}');
SELECT provision_start('acme') AS job_id \gset
CREATE FUNCTION pg_temp.tell(http_status integer, retry_after_ms bigint) RETURNS interval LANGUAGE plpgsql AS $$
BEGIN
    PERFORM provision.hold_back_engines(ARRAY[jsonb_populate_record(NULL::provision.outcome, jsonb_build_object(
        'engine_id', (SELECT engine_id FROM provision.engine WHERE name = 'main'), 'http_status', http_status, 'retry_after_ms', retry_after_ms))]);
    RETURN (SELECT not_before - clock_timestamp() FROM provision.engine_status WHERE engine = 'main');
END;
$$;
CREATE FUNCTION pg_temp.may_claim(wanted text) RETURNS boolean LANGUAGE sql AS $$
    SELECT provision.may_claim(state) FROM provision.engine_state AS state JOIN provision.engine USING (engine_id) WHERE name = wanted;
$$;

SELECT is(pg_temp.tell(200, 60000), NULL, 'other answers ask for nothing');
SELECT is(pg_temp.tell(429, NULL), NULL, 'nor does a 429 without Retry-After');
SELECT is(pg_temp.tell(429, 0), NULL, 'or with a time that has passed');
SELECT is(pg_temp.may_claim('main'), true, 'jobs are claimed');
SELECT cmp_ok(pg_temp.tell(429, 60000), '<=', interval '60 s', 'a 429 is obeyed');
SELECT is(pg_temp.may_claim('main'), false, 'no job is claimed');
SELECT is(pg_temp.may_claim('other'), true, 'but for other engines');
SELECT is((SELECT next_due_at FROM provision.claim_jobs(0, 1)), (SELECT not_before FROM provision.engine_status WHERE engine = 'main'), 'the worker wakes when it may go on');
SELECT is((SELECT reason FROM provision_why(:job_id) WHERE reason LIKE 'engine%'), 'engine asked to wait', 'provision_why tells it');
SELECT cmp_ok(pg_temp.tell(503, 1000), '>', interval '50 s', 'a shorter time shortens nothing');
SELECT ok(pg_temp.tell(503, 86400000) BETWEEN interval '59 min' AND interval '1 hour', 'an hour is the most');
SELECT is((SELECT count(*)::integer FROM provision.event WHERE event = 'engine_held_back'), 1, 'one event, however often it is told');
SELECT provision_engine_resume('main');
SELECT is(pg_temp.may_claim('main'), true, 'an operator can end it');
SELECT * FROM finish();
ROLLBACK;
