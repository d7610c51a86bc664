-- What waits for a webhook that was dropped is cleared look by look until nothing is left, however much it is.
BEGIN;
SELECT plan(5);
SELECT webhook_id AS hook FROM provision_webhook_create('https://hooks.example.com/a', options => '{"max_in_flight": 2}') \gset
INSERT INTO provision.webhook_delivery (webhook_id, subject, type, payload, next_at)
SELECT :hook, 'job/' || n % 4, 'webhook.ping', '{}', CASE WHEN n < 1200 THEN clock_timestamp() + n * interval '1 s' END FROM generate_series(0, 2999) AS n;
SELECT count(*) AS sending FROM provision.begin_deliveries(7, 1) \gset
SELECT is(:sending, 1, 'one is being sent');
SELECT provision_webhook_drop(:hook);
CREATE FUNCTION pg_temp.looks() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 0 .. 20 LOOP
        IF provision.next_delivery_at(50) > clock_timestamp() THEN
            RAISE EXCEPTION 'a look is put off';
        ELSIF provision.next_delivery_at(50) IS NULL THEN
            RETURN n;
        END IF;
        PERFORM FROM provision.begin_deliveries(7, 50);
    END LOOP;
    RETURN 21;
END $$;
SELECT is(pg_temp.looks(), 3, 'each look plans another one while something is left');
SELECT is(array_agg(DISTINCT state), '{sending}', 'then nothing is, but what is being sent') FROM provision.webhook_delivery;
SELECT is(provision.record_deliveries(7, ARRAY(SELECT -delivery_id FROM provision.webhook_delivery), '{answered}', '{500}', '{0}', '{NULL}', '{NULL}', '{NULL}'), '{}', 'its answer');
SELECT is(count(*), 0::bigint, 'ends that too') FROM provision.webhook_delivery;
SELECT * FROM finish();
ROLLBACK;
