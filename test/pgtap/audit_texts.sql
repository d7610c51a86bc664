-- What is sealed of an event does not depend on the session, and no two events have the same text.
BEGIN;
SELECT plan(4);
SELECT provision_engine_create('main', 'https://erp.example.com', options => '{"site": "a.example.com"}');
SELECT event_id AS id FROM provision.event WHERE event = 'engine_created' \gset
SELECT provision.event_text(one) AS before, (provision.digest_of_events(:id - 1, :id)).digest AS digest FROM provision.event AS one WHERE event_id = :id \gset
SET LOCAL TimeZone = 'Asia/Kathmandu';
SET LOCAL DateStyle = 'SQL, DMY';
SET LOCAL IntervalStyle = 'sql_standard';
SET LOCAL bytea_output = 'escape';
SET LOCAL extra_float_digits = -15;
SET LOCAL lc_numeric = 'C';
SET LOCAL client_encoding = 'LATIN1';
SELECT is(provision.event_text(one), :'before', 'the same text') FROM provision.event AS one WHERE event_id = :id;
SELECT is((provision.digest_of_events(:id - 1, :id)).digest, :'digest'::bytea, 'the same hash');
SELECT is(cardinality(ARRAY(SELECT jsonb_array_elements(:'before'::jsonb))),
          (SELECT count(*)::integer FROM pg_attribute WHERE attrelid = 'provision.event'::regclass AND attnum > 0 AND NOT attisdropped), 'every column of an event is in it');
SELECT isnt(provision.event_text(one), provision.event_text(other), 'null is not an empty text, and a value is not its neighbour''s')
  FROM (SELECT (jsonb_populate_record(NULL::provision.event, '{"event_id": 1, "tenant": "a"}')).*) AS one,
       (SELECT (jsonb_populate_record(NULL::provision.event, '{"event_id": 1, "engine": "a"}')).*) AS other;
SELECT * FROM finish();
ROLLBACK;
