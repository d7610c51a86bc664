-- Time zones of configs and schedules are names of pg_timezone_names, spelt as there: what PostgreSQL would take beside is none for ERPNext.
BEGIN;
SELECT plan(6);
CREATE TEMP TABLE zone AS
    SELECT name FROM pg_timezone_names WHERE name ~ '^[A-Z]\w*/' OR name IN ('UTC', 'GMT');
CREATE TEMP TABLE other AS
    SELECT DISTINCT spelt AS name
      FROM zone, unnest(ARRAY[upper(name), lower(name), initcap(name), name || '+1', name || '-3', name || '+1SUMMER', name || '0', '<' || name || '>-3', ':' || name, 'posix/' || name, name || ' ']) AS spelt
    EXCEPT SELECT name FROM pg_timezone_names WHERE name !~ '^posix/';
SET LOCAL timezone = 'Asia/Kathmandu';
SELECT cmp_ok(count(*), '>', 300::bigint, 'there are time zones') FROM zone;
SELECT is_empty($$ SELECT name FROM zone WHERE NOT provision.is_time_zone(name) $$, 'each of them is one');
SELECT is_empty($$ SELECT name FROM other WHERE provision.is_time_zone(name) $$, 'and nothing that is like them');
SELECT is_empty($$ SELECT name FROM other WHERE provision.time_zone_problem(name) IS NULL $$, 'for schedules neither');
SELECT is(provision.is_time_zone(NULL), NULL, 'of nothing nothing is known');
SELECT is(current_setting('timezone'), 'Asia/Kathmandu', 'the session keeps its own');
SELECT * FROM finish();
ROLLBACK;
