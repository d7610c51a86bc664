-- Retention removes the events of whole seals, says so in the chain, and leaves what does not hold. Somebody else's removal is told apart.
BEGIN;
SELECT plan(12);
SET LOCAL provision.may_change_history = on;
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
DELETE FROM provision.event;

-- Six seals of two events each: this transaction is open, so they are appended by hand, as old as they say.
CREATE FUNCTION pg_temp.seal_old(age interval, job_id bigint DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provision.event (event, at, job_id) SELECT 'old', now() - age, seal_old.job_id FROM generate_series(1, 2);
    PERFORM provision.append_seal((SELECT max(event_id) FROM provision.event));
    UPDATE provision.audit_seal AS changed SET sealed_at = now() - age WHERE changed.seal = (provision.newest_seal()).seal;
    UPDATE provision.audit_seal AS changed SET hash = provision.hash_text(provision.seal_text(changed)) WHERE changed.seal = (provision.newest_seal()).seal;
END;
$$;
SELECT provision_start('acme') AS job \gset
DELETE FROM provision.event;
SELECT pg_temp.seal_old(interval '10 days'), pg_temp.seal_old(interval '9 days');
SELECT pg_temp.seal_old(interval '8 days', :job);
SELECT pg_temp.seal_old(interval '7 days'), pg_temp.seal_old(interval '6 days');
SELECT pg_temp.seal_old(interval '1 hour');
SET LOCAL provision.may_change_history = off;
SELECT is_empty('SELECT * FROM provision_audit_verify()', 'a sound chain');
SELECT provision_audit_head() AS head \gset

SELECT is(provision_purge('2 days'), 8::bigint, 'the events of four seals go; one has an event of an active job, one is too young');
SELECT is_empty('SELECT * FROM provision_audit_verify()', 'the chain knows');
SELECT is_empty(format('SELECT * FROM provision_audit_verify(%L)', :'head'), 'and leads to the head of before');
SELECT is(string_agg(seal || ' ' || coalesce(removed_in::text, '-'), ', ' ORDER BY seal), '3 -, 4 7, 5 7, 6 -, 7 -', 'seals without events are forgotten, from the oldest on') FROM provision.audit_seal;
SELECT is(removes::text || ' ' || forgets_through, '{[1,3),[4,6)} 2', 'which a seal says') FROM provision.audit_seal WHERE seal = 7;
SELECT is(provision_purge('2 days'), 0::bigint, 'nothing is left to do');

SELECT state FROM provision_cancel(:job);
SELECT provision_start('acme');
UPDATE provision.job SET finished_at = now() - interval '5 days' WHERE job_id = :job;
SET LOCAL provision.may_change_history = on;
UPDATE provision.event SET actor = 'nobody' WHERE event_id = (SELECT through_event FROM provision.audit_seal WHERE seal = 3);
SET LOCAL provision.may_change_history = off;
SELECT provision_purge('2 days');
SELECT results_eq('SELECT seal, problem FROM provision_audit_verify()', $$VALUES (3::bigint, 'events changed')$$, 'retention leaves what somebody has changed');

SET LOCAL provision.may_change_history = on;
DELETE FROM provision.event WHERE event_id > (SELECT after_event FROM provision.audit_seal WHERE seal = 6) AND event_id <= (SELECT through_event FROM provision.audit_seal WHERE seal = 6);
SELECT is(string_agg(seal || ' ' || problem, ', '), '3 events changed, 6 events missing', 'a removal by somebody else is seen') FROM provision_audit_verify();
UPDATE provision.audit_seal SET removed_in = 7 WHERE seal = 6;
SELECT is(string_agg(seal || ' ' || problem, ', '), '3 events changed, 6 removal not by retention', 'it cannot be ascribed to retention') FROM provision_audit_verify();
DELETE FROM provision.audit_seal WHERE seal < 5;
SELECT is(string_agg(seal || ' ' || problem, ', '), '5 chain broken, 5 events added, 6 removal not by retention', 'nor can the removal of seals') FROM provision_audit_verify();
SELECT is(detail, 'Seals 3 to 4 are missing before it.', 'the detail tells which') FROM provision_audit_verify() WHERE problem = 'chain broken';
SELECT * FROM finish();
ROLLBACK;
