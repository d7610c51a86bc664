-- With many deliveries behind, waiting and over, nothing reads all of the table, nor all that waits behind the first of a subject.
BEGIN;
SELECT plan(7);
SELECT webhook_id AS hook FROM provision_webhook_create('https://hooks.example.com/a', options => '{"max_in_flight": 5}') \gset
INSERT INTO provision.webhook_delivery (webhook_id, subject, type, payload, state, next_at, finished_at)
SELECT :hook, 'job/' || n, 'job.completed', '{}', 'delivered', NULL, clock_timestamp() FROM generate_series(1, 20000) AS n;
INSERT INTO provision.webhook_delivery (webhook_id, subject, type, payload) SELECT :hook, 'engine/main', 'engine.breaker_opened', '{}' FROM generate_series(1, 3000);
ANALYZE provision.webhook_delivery;
CREATE FUNCTION pg_temp.rows_read() RETURNS numeric LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_tuples_returned('provision.webhook_delivery'::regclass) + sum(pg_stat_get_xact_tuples_returned(indexrelid))
      FROM pg_index WHERE indrelid = 'provision.webhook_delivery'::regclass
$$;
SELECT min(delivery_id) AS first FROM provision.webhook_delivery \gset

SELECT pg_temp.rows_read() AS before \gset
SELECT is(count(*), 1::bigint, 'of 3,000 that wait for each other one is sent') FROM provision.begin_deliveries(7, 50);
SELECT is(provision.next_delivery_at(50) <= clock_timestamp(), true, 'the others are looked at next');
SELECT cmp_ok(pg_temp.rows_read() - :before, '<', 5000::numeric, 'which reads a few rows for each of the 200 of a look');

SELECT pg_temp.rows_read() AS before \gset
SELECT is(provision_webhook_redeliver(:hook, :first), 1::bigint, 'one that is over is found by its number');
SELECT is(provision_webhook_redeliver(:hook), 0::bigint, 'and that none is dead');
SELECT is(provision.record_deliveries(7, ARRAY(SELECT -delivery_id FROM provision.webhook_delivery WHERE webhook_id = :hook AND state = 'sending'), '{answered}', '{200}', '{0}', '{NULL}', '{NULL}', '{NULL}'),
          '{}', 'an answer is recorded');
SELECT cmp_ok(pg_temp.rows_read() - :before, '<', 5000::numeric, 'by the rows that they are about');
SELECT * FROM finish();
ROLLBACK;
