-- Doubt is about what a server says is not there. A call that fails again and again in the doubt that it made itself uses up its tries; one whose
-- answer was sealed is done.
BEGIN;
SELECT plan(6);
CREATE FUNCTION pg_temp.move(verdict text, body jsonb, tries integer, seals jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT provision.next_move(jsonb_populate_record(NULL::provision.outcome, jsonb_build_object(
               'verdict', verdict, 'body', body, 'delivery', 'answered', 'method', 'POST', 'doubtful', true, 'repeatable', true, 'refusable', false,
               'tries', tries, 'max_attempts', 3, 'trips', false, 'seals', seals)), 'closed');
$$;
SELECT is(pg_temp.move('absent', NULL, 0), 'doubt', 'what is absent may still come');
SELECT is(pg_temp.move('success', '{"message": []}', 0), 'doubt', 'an empty list may fill');
SELECT is(pg_temp.move('success', '{"message": [1]}', 0), 'advance', 'one that is filled is believed');
SELECT is(pg_temp.move('ambiguous', NULL, 0), 'retry', 'a failure that begins another doubt is tried again');
SELECT is(pg_temp.move('ambiguous', NULL, 2), 'fail', 'until its tries are used up');
SELECT is(pg_temp.move('success', '{}', 0, '{"a": "{b}"}'), 'advance', 'of a sealed answer nothing is left, and yet it was given');
SELECT * FROM finish();
ROLLBACK;
