-- A job that nobody runs is cancelled at once, with who and why; one that has ended stays. With rollback it is no more than cancelled when it never ran.
BEGIN;
SELECT plan(8);
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
SELECT * FROM finish();
ROLLBACK;
