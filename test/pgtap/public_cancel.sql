-- A job that nobody runs is cancelled at once, with who and why; one that has ended stays. With rollback it is no more than cancelled when it never ran.
BEGIN;
SELECT plan(14);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT is(state || ' ' || direction, 'cancelled forward', 'nothing was made, so nothing is undone') FROM provision_cancel('acme', rollback => true);
SELECT is(state, 'pending', 'taken up again') FROM provision_retry('acme');
SELECT is(state, 'cancelled', 'at once') FROM provision_cancel('acme', 'the customer left');
SELECT is(ROW(from_state, to_state, actor = session_user, detail)::text, '(pending,cancelled,t,"{""reason"": ""the customer left""}")', 'who and why')
  FROM provision_logs('acme') WHERE event = 'job_cancelled' AND detail IS NOT NULL;
SELECT alike(detail, '% cancelled it at % Reason: the customer left', 'why() tells it') FROM provision_why('acme');
SELECT throws_ok($$ SELECT provision_cancel('acme') $$, 'PV001', NULL, 'not twice');
SELECT is(provisioning_status, 'NOT_STARTED', 'nothing was sent') FROM provision.tenant_status WHERE tenant = 'acme';
SELECT is(state, 'pending', 'it can be taken up again') FROM provision_retry('acme');

-- Frappe Agent is asked first; who cancels once more does not wait for it, and what is said last counts.
SELECT provision_engine_create('agent', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench", "domain": "example.com"}');
SELECT provision_engine_create('bench', 'https://bench.example.com', options => '{"agent": "agent"}');
CREATE FUNCTION pg_temp.submitted(tenant text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    started bigint;
BEGIN
    PERFORM provision_tenant_create(tenant, 'bench', jsonb_build_object('company_name', tenant, 'country', 'US'));
    started := provision_create_site(tenant);
    UPDATE provision.job SET state = 'scheduled', started_at = now(), run_started_at = now(), due_at = now() + interval '1 h' WHERE job_id = started;
    UPDATE provision.job_step SET state = 'ready', waits_for = 'a remote job', attempt_count = 2, started_at = now() WHERE job_id = started AND name = 'step_1_site';
    INSERT INTO provision.creation (job_id, ordinal, attempt_id, call, kind, creates) VALUES (started, 1, 1, 'create site', 'Site', '{"kind": "Site", "key": "k"}');
    INSERT INTO provision.remote_job (job_id, ordinal, call, engine_id, remote_id, key, next_poll_at)
    SELECT started, 1, 'wait for create site', engine_id, '1', 'k', now() FROM provision.engine WHERE name = 'agent';
    RETURN started;
END $$;
SELECT pg_temp.submitted('first-inc') AS first, pg_temp.submitted('second-inc') AS second \gset
SELECT is(state || ' ' || wish, 'pending rollback', 'what is open at Agent is taken back first') FROM provision_cancel(:first, rollback => true);
SELECT is(state || ' ' || direction, 'pending back', 'once more: it is rolled back at once') FROM provision_cancel(:first, rollback => true);
SELECT is(string_agg(concat_ws(' ', event, from_state, to_state), ', ' ORDER BY event_id), 'job_cancelled pending cancelled, job_rolling_back cancelled pending', 'and turns once')
  FROM provision.event WHERE job_id = :first AND event IN ('job_cancelled', 'job_rolling_back');
SELECT is(state || ' ' || direction, 'pending back', 'a third time changes nothing') FROM provision_cancel(:first, rollback => true);
SELECT is(state || ' ' || wish, 'pending rollback', 'another one') FROM provision_cancel(:second, rollback => true);
SELECT is(state || ' ' || direction, 'cancelled forward', 'stays as it is when it is only cancelled then') FROM provision_cancel(:second);
SELECT * FROM finish();
ROLLBACK;
