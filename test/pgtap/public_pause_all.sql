-- Everything is paused: nothing is claimed or called, jobs say why, and single pauses stay when it ends.
BEGIN;
SELECT plan(13);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_tenant_create('beta', 'main', '{"company_name": "Beta", "country": "Kenya"}');
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
SELECT provision_start('acme');
SELECT provision_start('beta');
SELECT state FROM provision_pause('beta');
SELECT provision_pause_all('moving house');
SELECT provision_pause_all('again');
SELECT is(ROW(claimed_jobs, was_hindered)::text, '({},f)', 'nothing is claimed, and the worker need not look again') FROM provision.claim_jobs(:incarnation, 5);
SELECT is(array_agg(reason), '{"everything paused","database not listed",queued}', 'why() says it first') FROM provision_why('acme');
SELECT alike(detail, session_user || ' paused everything at % Reason: moving house', 'who, when and why') FROM provision_why('acme') WHERE reason = 'everything paused';
SELECT is(each ->> 'fix', 'SELECT provision_resume_all();', 'health() has the fix') FROM jsonb_array_elements(provision_health() -> 'checks') AS each WHERE each ->> 'check' = 'pause';
SELECT is(string_agg(event || ' ' || (detail ->> 'reason'), ','), 'all_paused moving house', 'one event') FROM provision.event WHERE event = 'all_paused';
UPDATE provision.engine_state SET breaker = 'open', breaker_until = now() - interval '1 s', failures_in_a_row = 5;
SELECT is(next_due_at, 'infinity', 'no breaker wakes the worker') FROM provision.claim_jobs(:incarnation, 5);
UPDATE provision.engine_state SET breaker = 'closed', breaker_until = NULL, failures_in_a_row = 0;
SELECT provision_resume_all();
SELECT provision_resume_all();
SELECT is(cardinality(claimed_jobs), 1, 'resumed, it goes on') FROM provision.claim_jobs(:incarnation, 5);
SELECT is(state, 'paused', 'a paused job stays paused') FROM provision.job_status WHERE tenant = 'beta';
SELECT is(count(*), 1::bigint, 'one event') FROM provision.event WHERE event = 'all_resumed';

-- While it runs.
SELECT attempt_id FROM provision.begin_calls(:incarnation, ARRAY(SELECT job_id FROM provision.job WHERE owner = :incarnation)) \gset
SELECT provision_pause_all();
SELECT answered_jobs FROM provision.record_answers(:incarnation, ARRAY[:attempt_id]::bigint[], '{answered}', '{200}', '{0}', '{"{\"message\": \"pong\"}"}', '{NULL}', '{NULL}', '{NULL}', '{"{1,1,1,1,1}"}') \gset
SELECT is(count(*), 0::bigint, 'no next call is made') FROM provision.begin_calls(:incarnation, :'answered_jobs');
SELECT is(state, 'pending', 'the job waits in the queue') FROM provision.job_status WHERE tenant = 'acme';
SELECT is(calls_done, 1, 'the answer is kept') FROM provision.step_status WHERE tenant = 'acme' AND ordinal = 0;
SELECT is(provision_health() -> 'status', '"down"', 'nothing is provisioned');
SELECT * FROM finish();
ROLLBACK;
