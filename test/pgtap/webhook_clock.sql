-- When the clock was set back, what was never tried is tried at once, and what failed after its own pause, not when the old time has come.
BEGIN;
SELECT plan(8);
SELECT webhook_id AS hook FROM provision_webhook_create('https://hooks.example.com/a') \gset
CREATE FUNCTION pg_temp.queue(name text, tries integer, sent interval, next interval) RETURNS void LANGUAGE sql AS $$
    INSERT INTO provision.webhook_delivery (webhook_id, subject, type, payload, attempt_count, sent_at, next_at)
    SELECT max(webhook_id), name, 'webhook.ping', '{}', tries, clock_timestamp() + sent, clock_timestamp() + next FROM provision.webhook
$$;
CREATE FUNCTION pg_temp.seconds_left(name text) RETURNS numeric LANGUAGE sql AS $$
    SELECT round(extract(epoch FROM next_at - clock_timestamp()) / 10) * 10 FROM provision.webhook_delivery WHERE subject = name
$$;
-- The old clock was two hours ahead of this one.
SELECT pg_temp.queue('new', 0, NULL, '2 h'), pg_temp.queue('taken back', 0, '2 h', '2 h 10 s'), pg_temp.queue('a key was missing', 0, NULL, '10 s'),
       pg_temp.queue('failed', 1, '2 h', '2 h 30 s'), pg_temp.queue('tried long ago', 8, '-2 h', '3 h');
SELECT provision.correct_times('0');
SELECT is(pg_temp.seconds_left('new'), 0::numeric, 'what was never tried waits no longer');
SELECT is(pg_temp.seconds_left('taken back'), 0::numeric, 'nor what was not sent when its worker stopped');
SELECT is(pg_temp.seconds_left('a key was missing'), 10::numeric, 'a short pause is left as it is');
SELECT is(pg_temp.seconds_left('failed'), 30::numeric, 'a try that failed by the old clock has its pause from now on');
SELECT is(pg_temp.seconds_left('tried long ago'), 10800::numeric, 'one that failed before keeps its time');
SELECT provision.correct_times('0');
SELECT is(pg_temp.seconds_left('failed'), 30::numeric, 'a second worker that notices does not end the pause');

UPDATE provision.webhook SET not_before = clock_timestamp() + interval '90 min';
SELECT provision.correct_times('0');
SELECT ok(not_before <= clock_timestamp(), 'a rest longer than any that is made is over') FROM provision.webhook;
UPDATE provision.webhook SET not_before = clock_timestamp() + interval '1 h';
SELECT provision.correct_times('0');
SELECT ok(not_before > clock_timestamp() + interval '55 min', 'a long one is left as it is') FROM provision.webhook;
SELECT * FROM finish();
ROLLBACK;
