-- A rule of the site's own, put between the built-in ones, decides.
BEGIN;
SELECT plan(3);
SELECT is(verdict, 'permanent', 'the exception of a custom app is permanent')
  FROM provision.classify('erpnext', 'answered', 'POST', '/api/resource/Item', 417, true, 'LicenceServerBusy', 0);
INSERT INTO provision.answer_rule (ordinal, kind, exc_type, verdict, error_code) VALUES (305, 'erpnext', 'LicenceServerBusy', 'transient', 'ENGINE_BUSY');
SELECT is(verdict || ' ' || error_code, 'transient ENGINE_BUSY', 'with a rule of its own it is what the rule says')
  FROM provision.classify('erpnext', 'answered', 'POST', '/api/resource/Item', 417, true, 'LicenceServerBusy', 0);
SELECT ok(bool_and(is_builtin), 'the rules that come with the extension are marked')
  FROM provision.answer_rule
 WHERE exc_type IS DISTINCT FROM 'LicenceServerBusy';
SELECT * FROM finish();
ROLLBACK;
