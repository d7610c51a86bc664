-- A pause is shown with its reason, is written once, and ends.
BEGIN;
SELECT plan(7);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_pause('main', 'upgrade of ERPNext');
SELECT provision_engine_pause('main', 'again');
SELECT is(ROW(paused, paused_reason)::text, '(t,"upgrade of ERPNext")', 'the first reason stays') FROM provision.engine_status WHERE engine = 'main';
SELECT is(count(*), 1::bigint, 'one event') FROM provision.event_log WHERE engine = 'main' AND event = 'engine_paused';
SELECT provision_engine_resume('main');
SELECT provision_engine_resume('main');
SELECT ok(NOT paused, 'resumed') FROM provision.engine_status WHERE engine = 'main';
SELECT is(count(*), 1::bigint, 'one event of that, too') FROM provision.event_log WHERE engine = 'main' AND event = 'engine_resumed';
SELECT is(ROW(from_state, to_state, detail)::text, '(paused,active,)', 'it tells from what') FROM provision.event_log WHERE engine = 'main' AND event = 'engine_resumed';
UPDATE provision.engine_state SET not_before = '2100-01-01';
SELECT provision_engine_resume('main');
SELECT is(ROW(from_state, to_state, (detail ->> 'held_back_until')::timestamptz = '2100-01-01')::text, '(,,t)', 'an engine that only asked to wait was not paused')
  FROM provision.event_log WHERE engine = 'main' AND event = 'engine_resumed' ORDER BY event_id DESC LIMIT 1;
SELECT throws_ok($$ SELECT provision_engine_pause('nowhere') $$, '42704', NULL, 'an engine that is not there');
SELECT * FROM finish();
ROLLBACK;
