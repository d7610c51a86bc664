-- Cron expressions: reading them, and the one pure function that says when the next time is. Days are found in the calendar, then a local
-- time of the day, and only then is asked which moment that is in the time zone, so that years ahead cost no more than a look at their months.

DO $$ BEGIN
    CREATE TYPE provision.cron_times AS (
        minutes     bigint,
        hours       bigint,
        days        bigint,
        months      bigint,
        weekdays    bigint,
        either_day  boolean
    );
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
COMMENT ON TYPE provision.cron_times IS 'A cron expression that was read: of each field the numbers it allows, as bits; weekdays 0 (Sunday) to 6.';
COMMENT ON COLUMN provision.cron_times.either_day IS 'Neither field of days begins with *: a day is meant by one of them. Else it must be allowed by both.';

CREATE OR REPLACE FUNCTION provision.cron_number(word text, low integer, names text[])
    RETURNS integer
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN word ~ '^[0-9]{1,4}$' THEN word::integer ELSE low + array_position(names, word) - 1 END;
COMMENT ON FUNCTION provision.cron_number(text, integer, text[]) IS 'The number in a field of a cron expression, or that of a name; null when it is neither.';

-- Sunday is 0 and 7: as the end of a range it is the next one, of one that begins with it that day alone.
CREATE OR REPLACE FUNCTION provision.cron_item(item text, low integer, high integer, names text[], OUT bits bigint, OUT problem text)
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parts constant text[] := regexp_match(item, '^(?:\*|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:/([0-9]{1,4}))?$');
    first constant integer := CASE WHEN parts[1] IS NULL THEN low ELSE provision.cron_number(parts[1], low, names) END;
    last constant integer := CASE WHEN parts[1] IS NULL THEN high WHEN parts[2] IS NULL THEN first
                                  WHEN parts[2] = 'sun' AND names[1] = 'sun' AND first > low THEN high ELSE provision.cron_number(parts[2], low, names) END;
    step constant integer := coalesce(parts[3]::integer, 1);
BEGIN
    problem := CASE WHEN parts IS NULL OR first IS NULL OR last IS NULL THEN 'is not understood'
                    WHEN first NOT BETWEEN low AND high OR last NOT BETWEEN low AND high THEN format('is not from %s to %s', low, high)
                    WHEN first > last THEN 'is a range that runs backwards: write two, with a comma'
                    WHEN step = 0 THEN 'has a step of 0'
                    WHEN parts[1] IS NOT NULL AND parts[2] IS NULL AND parts[3] IS NOT NULL THEN format('has a step without a range: write %s-%s/%s', parts[1], high, step)
               END;
    IF problem IS NULL THEN
        bits := (SELECT bit_or(1::bigint << number) FROM generate_series(first, last, step) AS number);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.cron_item(text, integer, integer, text[]) IS 'What one item of a list in a cron expression allows, as bits, or what is wrong with it.';

CREATE OR REPLACE FUNCTION provision.cron_field(field text, called text, low integer, high integer, names text[], INOUT problems text[], OUT bits bigint)
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    word text;
    item record;
BEGIN
    bits := 0;
    FOREACH word IN ARRAY string_to_array(field, ',') LOOP
        SELECT * INTO item FROM provision.cron_item(word, low, high, names);
        bits := bits | coalesce(item.bits, 0);
        IF item.problem IS NOT NULL THEN
            problems := problems || format('%s "%s" %s.', called, left(word, 40), item.problem);
        END IF;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.cron_field(text, text, integer, integer, text[], text[]) IS 'What a field of a cron expression allows, as bits; its problems are added to those given.';

-- Of each month its longest; a 29 February comes.
CREATE OR REPLACE FUNCTION provision.cron_ever_fires(times provision.cron_times)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT (times).either_day
           OR EXISTS (SELECT
                        FROM unnest('{31,29,31,30,31,30,31,31,30,31,30,31}'::integer[]) WITH ORDINALITY AS month (length, number)
                       CROSS JOIN generate_series(1, 31) AS day
                       WHERE ((times).months >> month.number::integer) & 1 = 1
                         AND ((times).days >> day) & 1 = 1
                         AND day <= month.length);
END;
COMMENT ON FUNCTION provision.cron_ever_fires(provision.cron_times) IS 'Some day is meant by it: 30 February is not one.';

CREATE OR REPLACE FUNCTION provision.cron_words(cron text)
    RETURNS text[]
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT regexp_split_to_array(CASE given.words WHEN '@yearly' THEN '0 0 1 1 *' WHEN '@annually' THEN '0 0 1 1 *' WHEN '@monthly' THEN '0 0 1 * *'
                                                  WHEN '@weekly' THEN '0 0 * * 0' WHEN '@daily' THEN '0 0 * * *' WHEN '@midnight' THEN '0 0 * * *'
                                                  WHEN '@hourly' THEN '0 * * * *' ELSE given.words END, '\s+')
      FROM (SELECT lower(btrim(cron, E' \t\r\n')) AS words) AS given;
END;
COMMENT ON FUNCTION provision.cron_words(text) IS 'The fields of a cron expression, in lower case; those of a shorthand such as @daily.';

CREATE OR REPLACE FUNCTION provision.read_cron(cron text, OUT times provision.cron_times, OUT problems text[])
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    words constant text[] := provision.cron_words(left(cron, 1000));
BEGIN
    problems := '{}';
    IF coalesce(cardinality(words) <> 5, true) THEN
        problems := ARRAY['A cron expression has five fields (minute, hour, day of month, month, day of week), or is one of @yearly, @monthly, @weekly, @daily and @hourly.'];
        RETURN;
    END IF;
    SELECT * INTO problems, times.minutes FROM provision.cron_field(words[1], 'Minute', 0, 59, '{}', problems);
    SELECT * INTO problems, times.hours FROM provision.cron_field(words[2], 'Hour', 0, 23, '{}', problems);
    SELECT * INTO problems, times.days FROM provision.cron_field(words[3], 'Day of month', 1, 31, '{}', problems);
    SELECT * INTO problems, times.months FROM provision.cron_field(words[4], 'Month', 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}', problems);
    SELECT * INTO problems, times.weekdays FROM provision.cron_field(words[5], 'Day of week', 0, 7, '{sun,mon,tue,wed,thu,fri,sat}', problems);
    times.weekdays := (times.weekdays | (times.weekdays >> 7)) & 127;
    times.either_day := words[3] NOT LIKE '*%' AND words[5] NOT LIKE '*%';
    IF problems = '{}' AND NOT provision.cron_ever_fires(times) THEN
        problems := ARRAY[format('"%s" never fires: no month that it names has such a day.', btrim(cron))];
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.read_cron(text) IS 'Reads a cron expression. problems: a sentence for everything that is wrong with it; empty: nothing is.';

CREATE OR REPLACE FUNCTION provision.cron_day(times provision.cron_times, from_day date)
    RETURNS date
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    day timestamp := from_day;
    last_day constant timestamp := day + interval '50 years';        -- a leap day falls on the same day of the week within 40
    in_days boolean;
    in_weekdays boolean;
BEGIN
    WHILE day <= last_day LOOP
        IF (times.months >> date_part('month', day)::integer) & 1 = 0 THEN
            day := date_trunc('month', day) + interval '1 month';
            CONTINUE;
        END IF;
        in_days := (times.days >> date_part('day', day)::integer) & 1 = 1;
        in_weekdays := (times.weekdays >> date_part('dow', day)::integer) & 1 = 1;
        IF in_days AND in_weekdays OR times.either_day AND (in_days OR in_weekdays) THEN
            RETURN day::date;
        END IF;
        day := day + interval '1 day';
    END LOOP;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.cron_day(provision.cron_times, date) IS 'The first day from this one on that a cron expression means; null: none in 50 years.';

CREATE OR REPLACE FUNCTION provision.cron_minute(times provision.cron_times, from_minute integer)
    RETURNS integer
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR hour IN from_minute / 60 .. 23 LOOP
        CONTINUE WHEN (times.hours >> hour) & 1 = 0;
        FOR minute IN CASE WHEN hour = from_minute / 60 THEN from_minute % 60 ELSE 0 END .. 59 LOOP
            IF (times.minutes >> minute) & 1 = 1 THEN
                RETURN hour * 60 + minute;
            END IF;
        END LOOP;
    END LOOP;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.cron_minute(provision.cron_times, integer) IS 'The first minute of a day, counted from midnight, from this one on; null: none is left that day.';

CREATE OR REPLACE FUNCTION provision.cron_local(times provision.cron_times, from_time timestamp)
    RETURNS timestamp
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    day date := provision.cron_day(times, from_time::date);
    minute integer;
BEGIN
    IF day = from_time::date THEN
        minute := provision.cron_minute(times, (date_part('hour', from_time) * 60 + date_part('minute', from_time))::integer);
        IF minute IS NULL THEN
            day := provision.cron_day(times, day + 1);
        END IF;
    END IF;
    RETURN day + make_interval(mins => coalesce(minute, provision.cron_minute(times, 0)));
END;
$$;
COMMENT ON FUNCTION provision.cron_local(provision.cron_times, timestamp) IS 'The first local time, in whole minutes, from this one on that a cron expression means, whether it exists on that day or not.';

CREATE OR REPLACE FUNCTION provision.zone_offset(at timestamptz, time_zone text)
    RETURNS interval
    LANGUAGE sql IMMUTABLE
    RETURN (at AT TIME ZONE time_zone) - (at AT TIME ZONE 'UTC');
COMMENT ON FUNCTION provision.zone_offset(timestamptz, text) IS 'By how much local time is ahead of UTC at that moment.';

CREATE OR REPLACE FUNCTION provision.zone_change(before timestamptz, after timestamptz, time_zone text)
    RETURNS timestamptz
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old_offset constant interval := provision.zone_offset(before, time_zone);
    middle timestamptz;
BEGIN
    WHILE after - before > interval '1 second' LOOP
        middle := before + (after - before) / 2;
        IF provision.zone_offset(middle, time_zone) = old_offset THEN
            before := middle;
        ELSE
            after := middle;
        END IF;
    END LOOP;
    RETURN date_bin('1 second', after, '2000-01-01 00:00Z');
END;
$$;
COMMENT ON FUNCTION provision.zone_change(timestamptz, timestamptz, text) IS 'The moment between these two at which the clocks of a time zone are changed. There is one.';

-- PostgreSQL takes the later of two moments, and reckons with the offset before for a time that the clocks skip.
CREATE OR REPLACE FUNCTION provision.local_moments(local timestamp, time_zone text, OUT first timestamptz, OUT second timestamptz)
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moment constant timestamptz := local AT TIME ZONE time_zone;
    skipped constant interval := (moment AT TIME ZONE time_zone) - local;
    earlier timestamptz;
BEGIN
    IF skipped <> interval '0' THEN
        first := provision.zone_change(moment - skipped, moment, time_zone);
        RETURN;
    END IF;
    first := moment;
    earlier := (local - provision.zone_offset(moment - interval '6 hours', time_zone)) AT TIME ZONE 'UTC';
    IF earlier < moment AND earlier AT TIME ZONE time_zone = local THEN
        first := earlier;
        second := moment;
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.local_moments(timestamp, text) IS 'When it is this local time: once; twice, when the clocks are set back over it; or, for a time that they skip, right after that.';

-- Within a few hours the clocks are set back: what happens every hour then happens in the hour that comes a second time, too.
CREATE OR REPLACE FUNCTION provision.cron_next_repeated(times provision.cron_times, time_zone text, after timestamptz)
    RETURNS timestamptz
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    soon constant timestamptz := after + interval '3 hours';
    change timestamptz;
    moments record;
BEGIN
    IF provision.zone_offset(soon, time_zone) >= provision.zone_offset(after, time_zone) THEN
        RETURN NULL;
    END IF;
    change := provision.zone_change(after, soon, time_zone);
    SELECT * INTO moments FROM provision.local_moments(provision.cron_local(times, change AT TIME ZONE time_zone), time_zone);
    RETURN coalesce(moments.second, moments.first);
END;
$$;
COMMENT ON FUNCTION provision.cron_next_repeated(provision.cron_times, text, timestamptz) IS 'The first time after the clocks are set back within the next three hours; null when they are not.';

CREATE OR REPLACE FUNCTION provision.cron_next(cron text, time_zone text, after timestamptz)
    RETURNS timestamptz
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    expression constant record := provision.read_cron(cron);
    times constant provision.cron_times := expression.times;
    is_hourly constant boolean := times.hours = (1 << 24) - 1;
    local timestamp := date_trunc('minute', after AT TIME ZONE time_zone);
    moments record;
BEGIN
    IF expression.problems <> '{}' THEN
        RAISE EXCEPTION 'cron expression is not valid' USING ERRCODE = 'invalid_parameter_value', DETAIL = array_to_string(expression.problems, E'\n');
    END IF;
    LOOP        -- more than once only where local time runs twice
        local := provision.cron_local(times, local + interval '1 minute');
        SELECT * INTO moments FROM provision.local_moments(local, time_zone);
        EXIT WHEN coalesce(moments.first > after, true);
        IF is_hourly AND moments.second > after THEN
            RETURN moments.second;
        END IF;
    END LOOP;
    RETURN least(moments.first, CASE WHEN is_hourly THEN provision.cron_next_repeated(times, time_zone, after) END);
END;
$$;
COMMENT ON FUNCTION provision.cron_next(text, text, timestamptz)
    IS 'The first time of a cron expression after that moment, by the clocks of a time zone; null: none in 50 years. A local time that the clocks skip is made up for right after; one that comes twice counts once, the first time, unless the expression means every hour. Error 22023: not valid, with all that is wrong.';
