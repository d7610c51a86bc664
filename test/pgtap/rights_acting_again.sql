-- What a schedule does as somebody else nobody else can do, whatever was granted.
BEGIN;
SELECT plan(3);
CREATE ROLE r_curious;
GRANT USAGE ON SCHEMA provision TO r_curious;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA provision TO r_curious;
SELECT format('SELECT provision.act_again(%L, NULL)', current_user) AS attempt \gset
SET LOCAL ROLE r_curious;
SELECT throws_ok(:'attempt', '42501', NULL, 'the right to call it is not enough');
SELECT is(provision.actor(), 'r_curious', 'it acts for itself');
SELECT ok(NOT provision.sees_everything(), 'and has not become anybody');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
