-- Making, replacing, pausing and removing schedules; what cannot be one is told at once, all of it.
BEGIN;
SELECT plan(33);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'country', 'US')) FROM unnest('{acme,other}'::text[]) AS name;
CREATE FUNCTION pg_temp.problems(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'nothing';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN detail;
END;
$$;
SELECT is(pg_temp.problems($$ SELECT provision_schedule('acme', 'tenant_verify', '61 * 30 2 *', 'Mars/Olympus', '{"spread": "2 days", "keep_awake": 1, "deadline": "soon"}', 'always', repeat('x', 101), 101) $$),
'Minute "61" is not from 0 to 59.
Time zone "Mars/Olympus" must be UTC, or the full name of one as pg_timezone_names has it, such as Europe/Berlin.
What is missed must be "once" (one job for all of it) or "skip".
The name of a schedule must have 1 to 100 characters, without control characters.
Priorities go from -100 to 100.
Option "spread" must be an interval from 1 second to 1 day, such as "30 minutes".
Option "keep_awake" is not known.
Option "deadline" must be an interval from 1 millisecond to 365 days, such as "15 minutes".', 'everything that is wrong, at once');
SELECT matches(pg_temp.problems(format('SELECT provision_schedule(''acme'', ''tenant_verify'', ''@daily'', %L)', zone)), 'Time zone', coalesce(zone, 'null') || ' is no time zone that will do')
  FROM unnest('{CET,CEST,EST5EDT,UTC+3,+03,<x>-3,<+03>-3,Europe/,Europe/Berlin+1,Etc/GMT+13,Etc/GMT+03,asia/kathmandu,"Europe/Berlin; x",NULL}'::text[]) AS zone;
SELECT is(pg_temp.problems(format('SELECT provision_schedule(''acme'', ''tenant_verify'', ''@daily'', %L)', zone)), 'nothing', zone || ' will')
  FROM unnest('{UTC,Europe/Berlin,America/Argentina/Buenos_Aires,Etc/GMT+3}'::text[]) AS zone;
SELECT matches(pg_temp.problems($$ SELECT provision_schedule('acme', 'tenant_verify', NULL) $$), 'five fields', 'no expression');
SELECT matches(pg_temp.problems($$ SELECT provision_schedule('acme', 'tenant_verify', '0 0 31 2,4 *') $$), 'never fires', 'one that never fires');
SELECT is(pg_temp.problems($$ SELECT provision_schedule('acme', 'tenant_verify', '@daily', options => NULL) $$), 'Options must be a JSON object.', 'no options');
SELECT throws_ok($$ SELECT provision_schedule('acme', 'nothing', '@daily') $$, '42704', 'workflow "nothing" does not exist', 'no workflow');
SELECT throws_ok($$ SELECT provision_schedule('nobody', 'tenant_verify', '@daily') $$, '42704', 'tenant "nobody" does not exist', 'no tenant');
SELECT throws_ok($$ SELECT provision_schedule_pause(0) $$, '42704', 'schedule 0 does not exist', 'no schedule');
SELECT throws_ok($$ SELECT provision_unschedule('acme', 'nothing') $$, '42704', 'schedule "nothing" of tenant "acme" does not exist', 'none of that name');

SELECT provision_schedule('acme', 'tenant_verify', '@daily') AS first \gset
SELECT provision_schedule_pause(:first);
SELECT is(provision_schedule('acme', 'tenant_verify', '@hourly', options => '{"spread": "10 min", "max_wait": "1 h"}'), :first::bigint, 'the same tenant and name: the same schedule');
SELECT results_eq(format($$ SELECT name, cron, paused, options, spread FROM provision.schedule_status WHERE schedule_id = %s $$, :first),
                  $$ VALUES ('tenant_verify', '@hourly', false, '{"max_wait": "1 h"}'::jsonb, interval '10 min') $$, 'with the new values, and no longer paused');
SELECT ok(due_at >= next_at AND due_at < next_at + interval '10 min', 'a spread puts off what is started') FROM provision.schedule WHERE schedule_id = :first;
SELECT is(count(DISTINCT provision.schedule_delay(n, 600)) > 250, true, 'of many schedules each by another time') FROM generate_series(1, 500) AS n;
SELECT isnt(provision_schedule('acme', 'tenant_verify', '@hourly', name => 'second'), :first::bigint, 'another name: another schedule');
SELECT isnt(provision_schedule('other', 'tenant_verify', '@hourly'), :first::bigint, 'and so is another tenant''s');
SELECT provision_schedule('acme', 'tenant_verify', '@hourly', name => 'n' || n) FROM generate_series(3, 100) AS n \g /dev/null
SELECT throws_ok($$ SELECT provision_schedule('acme', 'tenant_verify', '@hourly', name => 'one more') $$, '54000', 'tenant "acme" has 100 schedules', 'no tenant fills the table');
SELECT * FROM finish();
ROLLBACK;
