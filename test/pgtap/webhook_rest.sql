-- After ten failures in a row a whole webhook rests: not sooner, not later, longer with each more, and a minute at most.
BEGIN;
SELECT plan(4);
SELECT webhook_id AS hook FROM provision_webhook_create('https://hooks.example.com/a', options => '{"retry_seconds": [10], "max_in_flight": 50}') \gset
CREATE FUNCTION pg_temp.fail(times integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. times LOOP
        PERFORM provision.note_webhook_failure(webhook, 500, NULL) FROM provision.webhook;
    END LOOP;
    RETURN (SELECT round(extract(epoch FROM not_before - clock_timestamp()) / 10) * 10 FROM provision.webhook);
END $$;
SELECT is(pg_temp.fail(9), NULL, 'nine failures in a row: each delivery has its own pauses');
SELECT is(pg_temp.fail(1), 10, 'the tenth: the webhook rests for the first of its pauses');
SELECT is(pg_temp.fail(1), 20, 'the next: for longer');
SELECT is(pg_temp.fail(20), 60, 'but never for more than a minute');
SELECT * FROM finish();
ROLLBACK;
