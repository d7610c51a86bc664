-- A call that may be refused goes on only when the server refused it: what was never sent, or never answered, has failed.
BEGIN;
SELECT plan(4);
CREATE FUNCTION pg_temp.move(verdict text, delivery text, refusable boolean) RETURNS text LANGUAGE sql AS $$
    SELECT provision.next_move(jsonb_populate_record(NULL::provision.outcome, jsonb_build_object(
               'verdict', verdict, 'delivery', delivery, 'refusable', refusable, 'method', 'DELETE', 'doubtful', false, 'repeatable', true,
               'tries', 0, 'max_attempts', 3, 'trips', false)), 'closed');
$$;
SELECT is(pg_temp.move('permanent', 'answered', true), 'advance', 'refused by the server');
SELECT is(pg_temp.move('permanent', 'not_sent', true), 'fail', 'not sent');
SELECT is(pg_temp.move('permanent', 'unknown', true), 'fail', 'not answered');
SELECT is(pg_temp.move('permanent', 'answered', false), 'fail', 'refused, and it may not be');
SELECT * FROM finish();
ROLLBACK;
