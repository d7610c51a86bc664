-- What is wrong with a cron expression is told at once, all of it; what is right is read.
BEGIN;
SELECT plan(1 + 19 + 12 + 11);
CREATE FUNCTION pg_temp.problems(cron text) RETURNS text[] LANGUAGE sql AS $$ SELECT problems FROM provision.read_cron(cron) $$;
SELECT is(pg_temp.problems('60 24 0 13 8'),
    '{"Minute \"60\" is not from 0 to 59.","Hour \"24\" is not from 0 to 23.","Day of month \"0\" is not from 1 to 31.","Month \"13\" is not from 1 to 12.","Day of week \"8\" is not from 0 to 7."}',
    'all at once');
SELECT ok(cardinality(pg_temp.problems(cron)) = 1 AND (pg_temp.problems(cron))[1] ~ pattern, cron || ': ' || coalesce((pg_temp.problems(cron))[1], 'nothing wrong'))
  FROM (VALUES ('* * * *', 'five fields'), ('* * * * * *', 'five fields'), ('', 'five fields'), ('@reboot', 'five fields'), ('30 seconds', 'five fields'),
               ('*/0 * * * *', 'step of 0'), ('5/15 * * * *', 'write 5-59/15'), ('30-10 * * * *', 'backwards'), ('* 22-4 * * *', 'backwards'), ('1,,2 * * * *', 'not understood'),
               ('1- * * * *', 'not understood'), ('-1 * * * *', 'not understood'), ('x * * * *', 'not understood'), ('* * * janu *', 'not understood'), ('* * * * monday', 'not understood'),
               ('99999999999999999999 * * * *', 'not understood'), ('0 0 30 2 *', 'never fires'), ('0 0 31 4,6,9,11 *', 'never fires'), ('0 0 30,31 feb *', 'never fires')) AS wrong (cron, pattern);
SELECT is(pg_temp.problems(cron), '{}', cron)
  FROM unnest(E'{"* * * * *","  0  0\t29 2 * ","0 0 31 1-12/2 *","*/7 */5 */2 */3 */2","@Daily","0 0 * JAN,feb-Apr Sun","0 0 * * fri-sun","0 0 * * 7","0 0 * * 5-7","59 23 31 12 6","0 0 30 2 1","1-1/60 * * * *"}'::text[]) AS cron;
-- Sunday is 0 and 7, and its name may end a range that begins with either.
SELECT is(ARRAY(SELECT day FROM generate_series(0, 6) AS day WHERE (((read_cron).times).weekdays >> day) & 1 = 1), days, format('day of week %s, %s', field, days))
  FROM (VALUES ('0-sun', '{0}'::integer[]), ('sun-sun', '{0}'), ('7-sun', '{0}'), ('sun', '{0}'), ('0-0', '{0}'), ('1-sun', '{0,1,2,3,4,5,6}'), ('sat-sun', '{0,6}'), ('2-sun/2', '{2,4,6}'),
               ('sun-sat', '{0,1,2,3,4,5,6}'), ('0-7', '{0,1,2,3,4,5,6}'), ('mon-mon', '{1}')) AS given (field, days), provision.read_cron('0 0 * * ' || field);
SELECT * FROM finish();
ROLLBACK;
