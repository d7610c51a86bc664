-- How deliveries go on: in the order of their job, within limits, tried again, given up; what a receiver's answers do to its webhook.
BEGIN;
SELECT plan(49);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT webhook_id AS hook FROM provision_webhook_create('https://hooks.example.com/a', NULL, NULL, '{"max_in_flight": 3, "retry_seconds": [1000, 10000], "disable_after_seconds": 3600}') \gset
CREATE FUNCTION pg_temp.queue(subject text, type text DEFAULT 'step.completed') RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO provision.webhook_delivery (webhook_id, subject, type, payload) SELECT max(webhook_id), subject, type, '{}' FROM provision.webhook RETURNING delivery_id
$$;
-- Sends what is due, as a worker does, and tells which, by their places in the order in which they were queued.
CREATE FUNCTION pg_temp.sent(in_all integer DEFAULT 50) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(delivery_id - (SELECT min(delivery_id) FROM provision.webhook_delivery) + 1 ORDER BY delivery_id), '{}') FROM provision.begin_deliveries(7, in_all)
$$;
CREATE FUNCTION pg_temp.answer(place bigint, status integer, retry_after_ms bigint DEFAULT NULL, owner bigint DEFAULT 7) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT provision.record_deliveries(owner, ARRAY[-(min(delivery_id) + place - 1)], ARRAY[CASE WHEN status = 0 THEN 'unknown' WHEN status < 0 THEN 'not_sent' ELSE 'answered' END],
                                       ARRAY[greatest(status, 0)], ARRAY[CASE WHEN status < 0 THEN 42 ELSE 0 END], ARRAY['{"password": "hunter2"} ' || repeat('x', 500)],
                                       ARRAY['because'], ARRAY[retry_after_ms]) FROM provision.webhook_delivery
$$;
CREATE FUNCTION pg_temp.shown(place bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', state, attempt_count, round(extract(epoch FROM next_at - clock_timestamp()) / 1000) * 1000)
      FROM provision.webhook_delivery WHERE delivery_id = (SELECT min(delivery_id) + place - 1 FROM provision.webhook_delivery)
$$;
SELECT count(pg_temp.queue(subject)) FROM unnest('{job/1,job/1,job/2,job/1,job/3,job/4}'::text[]) AS subject;
SELECT is(provision.take_delivery_turn(), true, 'it is our turn');
SELECT is(pg_temp.sent(), '{1,3,5}', 'the first of each job, three at once');
SELECT is(pg_temp.sent(), '{}', 'no more while they are in flight');
SELECT is(provision.next_delivery_at(50), NULL, 'and nothing is due by itself');
SELECT is(cardinality(sealed), 1, 'with what it is signed with') FROM provision.webhook, provision.signing_secrets(webhook);
SELECT is(pg_temp.answer(1, 204), '{}', 'an answer is recorded');
SELECT is(pg_temp.shown(1), 'delivered 1', 'as delivered');
SELECT is(pg_temp.answer(3, 500), '{}', 'and another, of a failure');
SELECT is(pg_temp.sent(), '{2,6}', 'then the next of the job whose first is over, and of other jobs, but not of the one that failed');
SELECT is(pg_temp.shown(3), 'waiting 1 1000', 'a failure is tried again after a pause');
SELECT is(http_status || ' ' || last_error, '500 answered with 500, because', 'it says why') FROM provision.webhook_log WHERE last_error IS NOT NULL;
SELECT is(response_excerpt ~ 'hunter2' OR length(response_excerpt) > 200, false, 'a little of the answer is kept, without what looks like a secret') FROM provision.webhook_delivery WHERE last_error IS NOT NULL;
SELECT is(state, 'failing', 'the webhook is seen to fail') FROM provision.webhook_status;
SELECT is(pg_temp.answer(5, 200, NULL, 8), '{}', 'of another worker');
SELECT is(pg_temp.shown(5), 'sending 1', 'nothing is recorded');
SELECT is(pg_temp.answer(5, 200), '{}');
SELECT is(state, 'active', 'a success ends it') FROM provision.webhook_status;
UPDATE provision.webhook_delivery SET next_at = clock_timestamp() WHERE next_at IS NOT NULL;
SELECT is(pg_temp.sent(), '{3}', 'tried again');
SELECT is(pg_temp.answer(3, 0), '{}', 'no answer');
SELECT is(pg_temp.shown(3) ~ '^waiting 2 (8|9|10|11|12)000$', true, 'the next pause is longer, a fifth more or less');
UPDATE provision.webhook_delivery SET next_at = clock_timestamp() WHERE next_at IS NOT NULL;
SELECT pg_temp.sent(), pg_temp.answer(3, 404);
SELECT is(pg_temp.shown(3), 'dead 3', 'after the last try it is given up');
SELECT is(dead, 1::bigint, 'which is counted') FROM provision.webhook_status;
SELECT is(provision_webhook_redeliver(:hook), 1::bigint, 'a person can have it sent again');
SELECT is(pg_temp.sent(), '{3}', 'which it is');
SELECT is(pg_temp.answer(3, 503, 3000000), '{}');
SELECT is(pg_temp.shown(3), 'waiting 1 3000', 'Retry-After is obeyed');
SELECT is(round(extract(epoch FROM not_before - clock_timestamp()) / 1000) * 1000, 3000::numeric, 'for the whole webhook') FROM provision.webhook;
SELECT pg_temp.queue('job/9');
SELECT is(pg_temp.sent(), '{}', 'meanwhile it is left alone');
SELECT provision_webhook_resume(:hook);
SELECT is(pg_temp.sent(1000) && '{3,7}', true, 'until a person wants it otherwise');
SELECT pg_temp.answer(3, -1), pg_temp.answer(2, 200), pg_temp.answer(6, 200), pg_temp.answer(7, 200);
SELECT is(pg_temp.shown(3), 'waiting 1 0', 'what a worker that stops has not sent counts as no try');

-- Limits over all webhooks; nobody works beside another one.
SELECT is(pg_temp.sent(0), '{}', 'no room in all');
SELECT pg_temp.sent(), pg_temp.answer(3, 200), pg_temp.sent(), pg_temp.answer(4, 200);

-- Progress that a newer one makes needless.
SELECT count(pg_temp.queue(subject, type)) FROM (VALUES ('job/20', 'job.progress'), ('job/20', 'job.progress'), ('job/20', 'job.completed'), ('job/21', 'job.progress')) AS new (subject, type);
SELECT is(pg_temp.sent(), '{9,11}', 'an older progress is left out');
SELECT is(count(*), 0::bigint, 'and gone') FROM provision.webhook_delivery WHERE delivery_id = (SELECT min(delivery_id) + 7 FROM provision.webhook_delivery);

-- A dead worker's are sent again.
SELECT is(provision.take_back_deliveries(7, tries_count => true), true, 'taken back');
SELECT is(pg_temp.shown(9), 'waiting 1 0', 'what a worker that died was sending waits again');
SELECT pg_temp.sent(), pg_temp.answer(9, 200), pg_temp.answer(11, 200), pg_temp.sent(), pg_temp.answer(10, 200);

-- A receiver that fails again and again is asked less and less, and at last no more.
UPDATE provision.webhook SET failing_since = clock_timestamp() - interval '59 min', failures_in_a_row = 12;
SELECT pg_temp.queue('job/30'), pg_temp.sent(), pg_temp.answer(12, 500);
SELECT is(not_before > clock_timestamp() + interval '25 s', true, 'it rests') FROM provision.webhook;
SELECT is(disabled_at, NULL, 'but is not disabled yet') FROM provision.webhook;
UPDATE provision.webhook SET failing_since = clock_timestamp() - interval '61 min', not_before = NULL;
UPDATE provision.webhook_delivery SET next_at = clock_timestamp() WHERE next_at IS NOT NULL;
SELECT pg_temp.sent(), pg_temp.answer(12, 500);
SELECT is(state || ': ' || regexp_replace(reason, 'since .*', 'since then'), 'disabled: No delivery has succeeded since then', 'then it is') FROM provision.webhook_status;
SELECT is(count(*), 1::bigint, 'with an event') FROM provision.event WHERE event = 'webhook_disabled';
SELECT is(array_agg(finding), '{webhook disabled}', 'the doctor tells') FROM provision.find_webhooks();
SELECT is(provision.next_delivery_at(50), NULL, 'nothing is due');
SELECT provision_webhook_resume(:hook);
SELECT is(pg_temp.sent(), '{12}', 'what waited goes out when it is resumed');
SELECT pg_temp.answer(12, 410);
SELECT is(state || ': ' || reason, 'disabled: The receiver answered 410 Gone.', '410 disables at once') FROM provision.webhook_status;
SELECT is(waiting, 1::bigint, 'and the delivery is kept') FROM provision.webhook_status;

-- Too many: the oldest go, with an event.
UPDATE provision.webhook SET max_waiting = 100;
SELECT count(pg_temp.queue('job/' || 100 + n / 50)) FROM generate_series(1, 150) AS n;
SELECT provision.trim_deliveries();
SELECT is(waiting || ' ' || dropped, '100 51', 'no more wait than may') FROM provision.webhook_status;
SELECT is(detail, jsonb_build_object('webhook_id', :hook, 'dropped', 51, 'max_waiting', 100), 'which an event tells') FROM provision.event WHERE event = 'webhook_overflowed';
-- Retention removes what is over, and nothing that waits.
UPDATE provision.webhook_delivery SET created_at = created_at - interval '100 days', finished_at = finished_at - interval '100 days';
SELECT is(provision.purge_deliveries(clock_timestamp() - interval '90 days', 3), 3::bigint, 'old ones are removed in batches');
SELECT provision.purge_deliveries(clock_timestamp() - interval '90 days', 1000);
SELECT is(array_agg(DISTINCT state), '{waiting}', 'what waits stays, however old it is') FROM provision.webhook_delivery;
-- Dropped ones leave nothing behind.
SELECT provision_webhook_drop(:hook);
SELECT provision.clear_deliveries_of_nobody();
SELECT is((SELECT count(*) FROM provision.webhook_delivery WHERE state = 'waiting') + (SELECT count(*) FROM provision.secret), 0::bigint, 'what waited is gone, and so is the secret');
SELECT * FROM finish();
ROLLBACK;
