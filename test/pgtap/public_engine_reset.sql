-- A breaker is closed by hand.
BEGIN;
SELECT plan(9);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT is(provision_engine_reset('main'), false, 'nothing to forget');
SELECT is(count(*), 0::bigint, 'which is no event') FROM provision.event_log WHERE event = 'breaker_reset';
UPDATE provision.engine_state SET breaker = 'half_open', breaker_since = now(), breaker_until = now() + interval '1 min', probe_job_id = 7, failures_in_a_row = 6;
SELECT is(ROW(breaker, probe_job_id, breaker_since IS NOT NULL)::text, '(half_open,7,t)', 'the view shows it') FROM provision.engine_status;
SELECT is(provision_engine_reset('main'), true, 'closed');
SELECT is(ROW(breaker, breaker_since, breaker_until, probe_job_id, failures_in_a_row)::text, '(closed,,,,0)', 'and forgotten') FROM provision.engine_state;
SELECT is(ROW(engine, from_state, to_state, detail)::text, '(main,half_open,closed,"{""failures_in_a_row"": 6}")', 'which is an event') FROM provision.event_log WHERE event = 'breaker_reset';
UPDATE provision.engine_state SET failures_in_a_row = 2;
SELECT is(provision_engine_reset('main'), true, 'failures that have not opened it are forgotten, too');
SELECT provision_engine_pause('main');
SELECT is(provision_engine_reset('main'), false, 'a pause is none of its business');
SELECT throws_ok('SELECT provision_engine_reset(''nonsense'')', '42704', 'engine "nonsense" does not exist', 'unknown engine');
SELECT * FROM finish();
ROLLBACK;
