-- cron_next() against a walk through every minute that knows nothing of it: random expressions, at and far from changes of the clocks.
BEGIN;
SELECT plan(33);
CREATE FUNCTION pg_temp.next_is(cron text, zone text, after timestamptz, expected timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT is(provision.cron_next(cron, zone, after), expected, concat_ws(' ', cron, zone, 'after', after AT TIME ZONE zone));
$$;
SET LOCAL timezone = 'UTC';
SELECT pg_temp.next_is('* * * * *', 'UTC', '2026-05-01 12:00:00Z', '2026-05-01 12:01Z');
SELECT pg_temp.next_is('* * * * *', 'UTC', '2026-05-01 11:59:59.999Z', '2026-05-01 12:00Z');
SELECT pg_temp.next_is('@yearly', 'Asia/Tokyo', '2026-05-01 12:00Z', '2026-12-31 15:00Z');
SELECT pg_temp.next_is('@weekly', 'UTC', '2026-05-01 12:00Z', '2026-05-03 00:00Z');
SELECT pg_temp.next_is('0 0 29 2 *', 'UTC', '2026-05-01 12:00Z', '2028-02-29 00:00Z');
SELECT pg_temp.next_is('0 0 29 2 *', 'UTC', '2096-05-01 12:00Z', '2104-02-29 00:00Z');
SELECT pg_temp.next_is('0 0 */28 2 mon', 'UTC', '2026-05-01 12:00Z', '2027-02-01 00:00Z');
SELECT pg_temp.next_is('0 22 * * FRI-Sun', 'UTC', '2026-05-03 21:00Z', '2026-05-03 22:00Z');
-- Both fields of days restricted: either will do; one that begins with * restricts together with the other.
SELECT pg_temp.next_is('0 0 13 * 5', 'UTC', '2026-05-01 12:00Z', '2026-05-08 00:00Z');
SELECT pg_temp.next_is('0 0 13 * 5', 'UTC', '2026-05-08 12:00Z', '2026-05-13 00:00Z');
SELECT pg_temp.next_is('0 0 */2 * 5', 'UTC', '2026-05-01 12:00Z', '2026-05-15 00:00Z');
-- The clocks skip it: once, right after. They show it twice: once, the first time; but what happens every hour happens in both.
SELECT pg_temp.next_is('30 2 * * *', 'Europe/Berlin', '2026-03-28 12:00Z', '2026-03-29 01:00Z');
SELECT pg_temp.next_is('30 2 * * *', 'Europe/Berlin', '2026-03-29 01:00Z', '2026-03-30 00:30Z');
SELECT pg_temp.next_is('0,15,30 2 * * *', 'America/New_York', '2026-03-08 07:00Z', '2026-03-09 06:00Z');
SELECT pg_temp.next_is('30 2 * * *', 'Europe/Berlin', '2026-10-24 12:00Z', '2026-10-25 00:30Z');
SELECT pg_temp.next_is('30 2 * * *', 'Europe/Berlin', '2026-10-25 00:30Z', '2026-10-26 01:30Z');
SELECT pg_temp.next_is('30 1 * * *', 'America/New_York', '2026-11-01 05:30Z', '2026-11-02 06:30Z');
SELECT pg_temp.next_is('30 * * * *', 'Europe/Berlin', '2026-10-25 00:30Z', '2026-10-25 01:30Z');
SELECT pg_temp.next_is('0 * * * *', 'Australia/Lord_Howe', '2026-04-04 14:30Z', '2026-04-04 15:30Z');
SELECT pg_temp.next_is('45 1 * * *', 'Australia/Lord_Howe', '2026-04-04 12:00Z', '2026-04-04 14:45Z');
SELECT pg_temp.next_is('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03 12:00Z', '2026-10-03 15:30Z');
SELECT pg_temp.next_is('0 0 * * *', 'Asia/Kathmandu', '2026-05-01 12:00Z', '2026-05-01 18:15Z');
SELECT pg_temp.next_is('0 0 * * *', 'Africa/Cairo', '2026-04-23 12:00Z', '2026-04-23 22:00Z');

-- The same, told differently: of all minutes between two moments those that fit. What the clocks skip is shown by the minute after it.
CREATE TEMP TABLE span (zone text, middle timestamptz);
INSERT INTO span VALUES
    ('Europe/Berlin', '2026-03-29 01:00Z'), ('Europe/Berlin', '2026-10-25 01:00Z'), ('America/New_York', '2026-11-01 06:00Z'),
    ('America/New_York', '2026-03-08 07:00Z'), ('Australia/Lord_Howe', '2026-04-04 15:00Z'), ('Australia/Lord_Howe', '2026-10-03 15:30Z'),
    ('America/Santiago', '2026-09-06 04:00Z'), ('America/Santiago', '2026-04-05 03:00Z'), ('Asia/Kathmandu', now());
CREATE TEMP TABLE shown AS
    WITH walked AS MATERIALIZED (
        SELECT zone, middle, at, local, row_number() OVER (PARTITION BY zone, middle, local ORDER BY at) AS turn, lag(local) OVER (PARTITION BY zone, middle ORDER BY at) AS local_before
          FROM span, generate_series(date_trunc('minute', middle) - interval '12 hours', middle + interval '12 hours', interval '1 minute') AS at,
               LATERAL (SELECT at AT TIME ZONE zone AS local) AS clock
    ), made_up AS (
        SELECT zone, middle, at, local, turn FROM walked
        UNION ALL
        SELECT zone, middle, at, skipped, 1 FROM walked, generate_series(local_before + interval '1 minute', local - interval '1 minute', interval '1 minute') AS skipped
    )
    SELECT zone, middle, at, turn, date_part('minute', local) AS minute, date_part('hour', local) AS hour, date_part('day', local) AS day,
           date_part('month', local) AS month, date_part('dow', local) AS weekday
      FROM made_up;
CREATE FUNCTION pg_temp.firing(of_zone text, of_middle timestamptz, minutes int[], hours int[], days int[], months int[], weekdays int[], either boolean, low timestamptz, high timestamptz)
    RETURNS timestamptz[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(DISTINCT at ORDER BY at), '{}') FROM shown
     WHERE zone = of_zone AND middle = of_middle AND at > low AND at <= high
       AND minute = ANY (minutes) AND hour = ANY (hours) AND month = ANY (months)
       AND CASE WHEN either THEN day = ANY (days) OR weekday = ANY (weekdays) ELSE day = ANY (days) AND weekday = ANY (weekdays) END
       AND (turn = 1 OR cardinality(hours) = 24);
$$;
CREATE FUNCTION pg_temp.chain(cron text, zone text, low timestamptz, high timestamptz) RETURNS timestamptz[] LANGUAGE plpgsql AS $$
DECLARE
    found timestamptz[] := '{}';
BEGIN
    LOOP
        low := provision.cron_next(cron, zone, low);
        EXIT WHEN low IS NULL OR low > high OR cardinality(found) > 5000;
        found := found || low;
    END LOOP;
    RETURN found;
END;
$$;
-- A field: all of it, or numbers by chance, written as a list, a range or steps.
CREATE FUNCTION pg_temp.field(low integer, high integer, share double precision, OUT text text, OUT numbers int[]) LANGUAGE plpgsql AS $$
DECLARE
    one integer := low + floor(random() * (high - low + 1));
    other integer := low + floor(random() * (high - low + 1));
    step integer := 1 + floor(random() * (high - low) / 2);
BEGIN
    CASE floor(random() / share)
    WHEN 0 THEN
        text := one || ',' || other;
        numbers := ARRAY[one, other];
    WHEN 1 THEN
        text := least(one, other) || '-' || greatest(one, other);
        numbers := ARRAY(SELECT generate_series(least(one, other), greatest(one, other)));
    WHEN 2 THEN
        text := least(one, other) || '-' || greatest(one, other) || '/' || step;
        numbers := ARRAY(SELECT generate_series(least(one, other), greatest(one, other), step));
    ELSE
        text := '*';
        numbers := ARRAY(SELECT generate_series(low, high));
    END CASE;
END;
$$;
CREATE FUNCTION pg_temp.differences(zone text, middle timestamptz, tries integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    low timestamptz; high timestamptz; m record; h record; d record; o record; w record; cron text; wanted timestamptz[]; got timestamptz[];
BEGIN
    FOR turn IN 1 .. tries LOOP
        low := date_trunc('minute', middle) - floor(random() * 200) * interval '1 minute' - interval '30 minutes';
        high := low + interval '4 hours';
        m := pg_temp.field(0, 59, 0.3); h := pg_temp.field(0, 23, 0.25); d := pg_temp.field(1, 31, 0.05); o := pg_temp.field(1, 12, 0.02); w := pg_temp.field(0, 6, 0.05);
        cron := concat_ws(' ', m.text, h.text, d.text, o.text, w.text);
        CONTINUE WHEN (provision.read_cron(cron)).problems <> '{}';
        wanted := pg_temp.firing(zone, middle, m.numbers, h.numbers, d.numbers, o.numbers, w.numbers, d.text <> '*' AND w.text <> '*', low, high);
        got := pg_temp.chain(cron, zone, low, high);
        IF got IS DISTINCT FROM wanted THEN
            RETURN format('%s %s after %s: %s instead of %s', cron, zone, low, got, wanted);
        END IF;
    END LOOP;
    RETURN NULL;
END;
$$;
CREATE FUNCTION pg_temp.different_days(tries integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d record; o record; w record; cron text; wanted timestamptz[]; got timestamptz[];
BEGIN
    FOR turn IN 1 .. tries LOOP
        d := pg_temp.field(1, 31, 0.3); o := pg_temp.field(1, 12, 0.2); w := pg_temp.field(0, 6, 0.2);
        cron := concat_ws(' ', '0 0', d.text, o.text, w.text);
        CONTINUE WHEN (provision.read_cron(cron)).problems <> '{}';
        wanted := ARRAY(SELECT at FROM generate_series('2027-02-02 00:00Z'::timestamptz, '2028-03-02 00:00Z', interval '1 day') AS at
                         WHERE date_part('month', at) = ANY (o.numbers)
                           AND CASE WHEN d.text <> '*' AND w.text <> '*' THEN date_part('day', at) = ANY (d.numbers) OR date_part('dow', at) = ANY (w.numbers)
                                    ELSE date_part('day', at) = ANY (d.numbers) AND date_part('dow', at) = ANY (w.numbers) END);
        got := pg_temp.chain(cron, 'UTC', '2027-02-01 00:00Z', '2028-03-02 00:00Z');
        IF got IS DISTINCT FROM wanted THEN
            RETURN format('%s: %s instead of %s', cron, got, wanted);
        END IF;
    END LOOP;
    RETURN NULL;
END;
$$;
SELECT is(pg_temp.different_days(25), NULL, 'random days of a year and a leap day');
SELECT is(pg_temp.differences(zone, middle, 12), NULL, 'random expressions around ' || (middle AT TIME ZONE zone)::date || ' in ' || zone) FROM span ORDER BY zone, middle;
SELECT * FROM finish();
ROLLBACK;
