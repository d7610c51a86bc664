-- A delivery whose answer cannot be recorded is given up alone: the answers beside it are recorded, and the next of its job follows.
BEGIN;
SELECT plan(8);
SELECT webhook_id AS hook FROM provision_webhook_create('https://hooks.example.com/a', options => '{"max_in_flight": 10}') \gset
INSERT INTO provision.webhook_delivery (webhook_id, subject, type, payload)
SELECT :hook, subject, 'webhook.ping', '{}' FROM unnest('{job/1,job/2,job/3,job/2,job/4,job/4}'::text[]) AS subject;
CREATE FUNCTION pg_temp.sabotage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'sending' AND (NEW.subject = 'job/2' AND NEW.state = 'delivered' OR NEW.subject = 'job/4') THEN
        RAISE 'recording is sabotaged, password=hunter2' USING ERRCODE = 'numeric_value_out_of_range';
    ELSIF OLD.state = 'sending' AND NEW.subject = 'job/3' AND current_setting('test.is_full', true) = 'on' THEN
        RAISE 'no room' USING ERRCODE = 'disk_full';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sabotage BEFORE UPDATE ON provision.webhook_delivery FOR EACH ROW EXECUTE FUNCTION pg_temp.sabotage();
CREATE FUNCTION pg_temp.answer() RETURNS bigint[] LANGUAGE sql AS $$
    SELECT provision.record_deliveries(7, array_agg(-delivery_id), array_agg('answered'::text), array_agg(200), array_agg(0), array_agg(NULL::text), array_agg(NULL::text), array_agg(NULL::bigint))
      FROM provision.webhook_delivery WHERE state = 'sending'
$$;
SELECT is(count(*), 4::bigint, 'four are sent') FROM provision.begin_deliveries(7, 50);
SET LOCAL test.is_full = on;
SELECT throws_ok('SELECT pg_temp.answer()', '53100', NULL, 'what comes of the server is no delivery''s fault: everything is tried again');
SET LOCAL test.is_full = off;
SELECT is(pg_temp.answer(), '{}', 'all are answered, and nothing is left over');
SELECT is(string_agg(subject || ' ' || state, ', ' ORDER BY delivery_id), 'job/1 delivered, job/2 dead, job/3 delivered, job/2 waiting, job/4 waiting',
          'one is dead, one that cannot be changed is gone, the others are delivered') FROM provision.webhook_delivery;
SELECT matches(last_error, '^could not be recorded: recording is sabotaged.* \(SQLSTATE 22003\)$', 'it says why') FROM provision.webhook_log WHERE state = 'dead';
SELECT unalike(last_error, '%hunter2%', 'without what looks like a secret') FROM provision.webhook_log WHERE state = 'dead';
SELECT is(count(*), 2::bigint, 'the next of their jobs are sent') FROM provision.begin_deliveries(7, 50);
SELECT is(pg_temp.answer(), '{}', 'and answered');
SELECT * FROM finish();
ROLLBACK;
