-- History is written once: nobody changes or removes it, whatever was granted; superusers only on purpose.
BEGIN;
SELECT plan(15);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_audit_seal();
INSERT INTO provision.audit_seal VALUES (1, 0, 1, 1, '', NULL, NULL, now(), '', '');
SELECT throws_ok(statement, 'PV007', message, statement)
  FROM (VALUES ('UPDATE provision.event SET actor = ''nobody''', 'table "event" cannot be changed: it is history'),
               ('DELETE FROM provision.event', 'table "event" cannot be changed: it is history'),
               ('TRUNCATE provision.event', 'table "event" cannot be changed: it is history'),
               ('DELETE FROM provision.event WHERE false', 'table "event" cannot be changed: it is history'),
               ('UPDATE provision.audit_seal SET removed_in = 1', 'table "audit_seal" cannot be changed: it is history'),
               ('DELETE FROM provision.audit_seal', 'table "audit_seal" cannot be changed: it is history'),
               ('TRUNCATE provision.audit_seal', 'table "audit_seal" cannot be changed: it is history')) AS attempt (statement, message);

CREATE ROLE provision_test_intruder;
GRANT USAGE ON SCHEMA provision TO provision_test_intruder;
GRANT SELECT ON ALL TABLES IN SCHEMA provision TO provision_test_intruder;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA provision, public TO provision_test_intruder;
SET LOCAL ROLE provision_test_intruder;
SELECT throws_ok('INSERT INTO provision.event (event) VALUES (''forged'')', '42501', NULL, 'an event cannot be forged');
SELECT throws_ok('DELETE FROM provision.event', '42501', NULL, 'nor removed');
SELECT throws_ok('SET provision.may_change_history = on', '42501', NULL, 'the setting is not for everybody');
SELECT throws_ok('SELECT set_config(''provision.may_change_history'', ''on'', true)', '42501', NULL, 'in no way');
SELECT throws_ok('SELECT provision.purge_unsealed_events(now(), 10)', '42501', NULL, 'and what carries it serves nobody else');
RESET ROLE;
GRANT ALL ON provision.event TO provision_test_intruder;
SET LOCAL ROLE provision_test_intruder;
SELECT throws_ok('DELETE FROM provision.event', 'PV007', NULL, 'not even with every right on the table');
RESET ROLE;
SET LOCAL provision.may_change_history = on;
SELECT lives_ok('DELETE FROM provision.event', 'a superuser can, who means it');
RESET provision.may_change_history;
SELECT throws_ok('DELETE FROM provision.event', 'PV007', NULL, 'for as long as it is set');
SELECT * FROM finish();
ROLLBACK;
