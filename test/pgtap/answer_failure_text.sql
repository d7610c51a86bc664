-- Placeholders are filled in, a text from outside is never taken for one, and an empty detail leaves no trace.
BEGIN;
SELECT plan(5);
SELECT is(provision.failure_text('X', 'job {job} of {tenant} on {engine}: {step}/{call} gave {status}: {detail}',
              '{"job": 7, "tenant": "acme", "engine": "main", "step": "s", "call": "c", "status": 417, "detail": "said {tenant}"}'),
          'job 7 of acme on main: s/c gave 417: said {tenant}', 'all of them');
SELECT is(provision.failure_text('X', 'ERPNext refused the data: {detail}', '{}'), 'ERPNext refused the data', 'no detail in a message');
SELECT is(provision.failure_text('X', 'Do this. Reported: {detail}', '{"detail": ""}'), 'Do this.', 'no detail in a hint');
SELECT is(provision.failure_text('NEW_CODE', NULL, '{"step": "s", "detail": "d"}'), 'The step "s" failed with NEW_CODE: d', 'a code without a row');
SELECT is(provision.failure_text('X', 'about {other}', NULL), 'about {other}', 'no values');
SELECT * FROM finish();
ROLLBACK;
