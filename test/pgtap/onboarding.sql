-- Onboarding without a worker: the workflow, what is refused, repeated requests, and the customer's words for every state.
BEGIN;
SELECT plan(38);
CREATE FUNCTION pg_temp.error(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END;
$$;
SELECT provision_engine_create('agent', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench", "domain": "example.com"}');
SELECT provision_engine_create('bench', 'https://bench.example.com', options => '{"agent": "agent"}'), provision_engine_create('alone', 'https://erp.example.com');

-- The workflow is that of both others.
SELECT is(string_agg(step.name, ' ' ORDER BY step.ordinal), 'site_0_agent_check site_1_site site_2_proxy site_3_answers keys_0_session keys_1_keys credentials step_0_engine_check step_1_platform_setup step_2_company step_3_chart_of_accounts '
    'step_4_warehouses step_5_settings step_6_items step_7_customer step_8_pos_profile step_9_pos_session step_10_post_sale_updates', 'its steps')
  FROM provision.step JOIN provision.workflow USING (workflow_id) WHERE workflow.name = 'onboarding';
SELECT is(count(*), 17::bigint, 'all but one do what they do in create_site, site_credentials and tenant_setup')
  FROM provision.step AS own JOIN provision.workflow ON workflow.workflow_id = own.workflow_id AND workflow.name = 'onboarding'
  JOIN provision.step AS source ON regexp_replace(source.name, '^step_', '') = regexp_replace(own.name, '^(step|site|keys)_', '')
   AND (source.plan_function, source.critical, source.exclusive, source.max_attempts) IS NOT DISTINCT FROM (own.plan_function, own.critical, own.exclusive, own.max_attempts)
  JOIN provision.workflow AS other ON other.workflow_id = source.workflow_id AND other.name IN ('create_site', 'site_credentials', 'tenant_setup');
SELECT provision_tenant_create('dry-run', 'bench', '{"company_name": "Dry", "country": "US"}');
SELECT is(string_agg(DISTINCT substring(step FROM '^[a-z]+') || ' ' || substring(url FROM '//[^.]*'), ', '), 'keys //agent, keys //bench, site //agent, step //bench', 'the dry run: sites at the agent, setups at the site, keys at both')
  FROM provision_plan('dry-run', 'onboarding') WHERE method IS NOT NULL;
SELECT is(call, '(waits for signal "credentials")', 'and where somebody is waited for') FROM provision_plan('dry-run', 'onboarding') WHERE step = 'credentials';

-- A request.
SELECT provision_onboard('acme-inc', 'bench', '{"company_name": "Acme", "country": "US"}', 'enterprise') AS job \gset
SELECT is(ROW(job.workflow, engine, job.priority, state, settings ->> 'site', lifecycle)::text, '(onboarding,agent,2,pending,acme-inc.example.com,provisioning)', 'makes the tenant, and a job at the agent')
  FROM provision.job_status AS job JOIN provision.tenant ON tenant.name = job.tenant WHERE job_id = :job;
SELECT is(provision_onboard('acme-inc', 'bench', '{"company_name": "Acme", "country": "US"}', 'enterprise'), :job::bigint, 'the same once more is that job');
SELECT is(pg_temp.error($$ SELECT provision_onboard('acme-inc', 'bench', '{"company_name": "Other", "country": "US"}', 'enterprise') $$), '42710 tenant "acme-inc" exists already, with another config', 'with another config it is refused');
SELECT is(pg_temp.error($$ SELECT provision_onboard('acme-inc', 'alone', '{"company_name": "Acme", "country": "US"}') $$), '42710 tenant "acme-inc" exists already, with another engine, plan', 'another engine and plan too');
SELECT is(pg_temp.error($$ SELECT provision_onboard('new-inc', 'nowhere', '{}') $$), '42704 engine "nowhere" does not exist', 'an engine that is not there');
SELECT alike(pg_temp.error($$ SELECT provision_onboard('new-inc', 'bench', '{"company_name": "New"}') $$), 'PV003 config%', 'a config that lacks something');
SELECT alike(pg_temp.error($$ SELECT provision_onboard('www', 'bench', '{"company_name": "New", "country": "US"}') $$), 'PV003 %no site can be named "www.example.com"', 'a name that no site may have');
SELECT alike(pg_temp.error($$ SELECT provision_onboard('new-inc', 'agent', '{"company_name": "New", "country": "US"}') $$), 'PV003 %its engine is no ERPNext', 'an engine that only makes sites');
SELECT alike(pg_temp.error($$ SELECT provision_onboard('new-inc', 'alone', '{"company_name": "New", "country": "US"}') $$), 'PV003 %its engine has no agent', 'one where nobody makes them');
SELECT is(count(*), 0::bigint, 'nothing is left of what was refused') FROM provision.tenant WHERE name IN ('new-inc', 'www');

SELECT alike(pg_temp.error($$ SELECT provision_onboard('new-inc', 'bench', '{"company_name": "New", "country": "US"}', credentials => 'found') $$), '22023 options%', 'credentials from nowhere');

-- A site that is there.
SELECT provision_onboard('own-inc', 'alone', '{"company_name": "Own", "country": "US", "site": "erp.own.example.com"}') AS own \gset
SELECT is(engine, 'alone', 'where the config names the site, none is made') FROM provision.job_status WHERE job_id = :own;
SELECT is(string_agg(DISTINCT substring(url FROM '//[^.]*'), ', '), '//erp', 'the plan shows it') FROM provision_plan('own-inc', 'onboarding');
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
SELECT provision_pause(:job);
SELECT FROM provision.claim_jobs(:incarnation, 10) AS claim CROSS JOIN LATERAL provision.begin_calls(:incarnation, claim.claimed_jobs);
SELECT is(string_agg(step || ' ' || state, ', ' ORDER BY ordinal), 'site_0_agent_check skipped, site_1_site skipped, site_2_proxy skipped, site_3_answers skipped, keys_0_session skipped, keys_1_keys skipped, credentials ready', 'its steps are skipped')
  FROM provision.step_status WHERE job_id = :own AND ordinal < 100;
SELECT is(ROW(state, due_at > now() + interval '6 days')::text, '(scheduled,t)', 'and credentials waited for') FROM provision.job_status WHERE job_id = :own;
SELECT is(ROW(status, credentials_wanted_until > now() + interval '6 days')::text, '(in_progress,t)', 'which the customer is told') FROM provision.onboarding_status WHERE job_id = :own;
SELECT provision_tenant_secret('own-inc', 'key', 'word');
SELECT is(due_at, '-infinity', 'credentials that the tenant gets otherwise end the waiting') FROM provision.job WHERE job_id = :own;
SELECT is((SELECT string_agg(url, '') FROM provision.claim_jobs(:incarnation, 10) AS claim CROSS JOIN LATERAL provision.begin_calls(:incarnation, claim.claimed_jobs)),
    'https://erp.example.com/api/method/ping', 'the setup begins');
SELECT is(status, 'migrating', 'which is the migration') FROM provision.onboarding_status WHERE job_id = :own;

-- In the customer's words.
CREATE FUNCTION pg_temp.words(job_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, queue_position, jobs_ahead) FROM provision.onboarding_status WHERE onboarding_status.job_id = words.job_id;
$$;
SELECT provision_resume(:job);
SELECT is(pg_temp.words(:job), 'pending 1 0', 'pending, with a place');
SELECT is(estimated_wait, NULL, 'but for how long nobody can say who has seen no such job') FROM provision.onboarding_status WHERE job_id = :job;
UPDATE provision.job SET state = 'running', owner = :incarnation, slots = 1, started_at = now(), run_started_at = now() WHERE job_id = :job;
SELECT is(pg_temp.words(:job), 'in_progress', 'its site is made');
SELECT provision_signal(:job, 'credentials', '{"api_key": "the-key", "api_secret": "the-word"}');
SELECT is(pg_temp.words(:job), 'credentials_received', 'credentials have come');
UPDATE provision.job_step SET state = 'running', started_at = now() WHERE job_id = :job AND name = 'step_0_engine_check';
SELECT is(pg_temp.words(:job), 'migrating', 'the setup is at work');
SELECT provision.finish_job(:job, 'failed', 'ENGINE_UNREACHABLE');
SELECT is(pg_temp.words(:job), 'failed', 'failed');
SELECT provision_retry(:job);
SELECT is(pg_temp.words(:job), 'pending 1 0', 'a retry waits in line again, whatever was done before it');
UPDATE provision.job SET run_started_at = now() WHERE job_id = :job;
SELECT is(pg_temp.words(:job), 'credentials_received', 'until it has begun, also when it goes back to the queue of an engine then');
SELECT provision_cancel(:job);
SELECT is(pg_temp.words(:job), 'cancelled', 'cancelled');
SELECT is(count(*), 0::bigint, 'no word of ours is in it') FROM provision.onboarding_status AS shown WHERE shown::text ~* 'engine|bench|agent|unreachable|step';
SELECT isnt(provision_onboard('acme-inc', 'bench', '{"company_name": "Acme", "country": "US"}', 'enterprise'), :job::bigint, 'the request once more is a new job then');
SELECT max(job_id) AS job FROM provision.job \gset
UPDATE provision.job SET state = 'partial', finished_at = now(), error_code = 'NOT_READY', error_message = 'x' WHERE job_id = :job;
SELECT is(pg_temp.words(:job), 'completed', 'partial is completed');
SELECT is(provision_onboard('acme-inc', 'bench', '{"company_name": "Acme", "country": "US"}', 'enterprise'), :job::bigint, 'and is not begun again');
SELECT is(direction || ' ' || pg_temp.words(:job), 'back cancelled', 'rolling back is cancelled') FROM provision_rollback(:job);
UPDATE provision.job SET state = 'rolled_back', finished_at = now() WHERE job_id = :job;
SELECT is(pg_temp.words(:job), 'cancelled', 'rolled back too');
SELECT * FROM finish();
ROLLBACK;
