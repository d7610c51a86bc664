-- A deletion that ends before anything was done to the site leaves the tenant as it was, and its schedules go on; where the site may be gone, it stays deleting and says so.
BEGIN;
SELECT plan(31);
SELECT provision_engine_create('agent', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench", "domain": "example.com"}');
SELECT provision_engine_create('bench', 'https://bench.example.com', options => '{"agent": "agent"}');
CREATE FUNCTION pg_temp.deletion(tenant text, was text DEFAULT 'active') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    deletion bigint;
BEGIN
    PERFORM provision_tenant_create(tenant, 'bench', jsonb_build_object('company_name', tenant, 'country', 'US', 'site', tenant || '.example.com'));
    UPDATE provision.tenant AS made SET lifecycle = was WHERE made.name = tenant;
    PERFORM provision_schedule(tenant, 'backup_site', '@daily'), provision_schedule(tenant, 'tenant_verify', '@daily'), provision_schedule_pause(tenant, 'tenant_verify', 'maintenance');
    deletion := provision_delete_site(tenant);
    UPDATE provision.job_step SET state = 'completed', started_at = now(), finished_at = now() WHERE job_id = deletion AND ordinal = 0;
    RETURN deletion;
END $$;
-- A call of its step that changes something, and how it ended.
CREATE FUNCTION pg_temp.sent(deletion bigint, name text, came text, meant text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO provision.attempt (job_id, ordinal, engine_id, incarnation, call, method, url, repeatable, timeout_ms, started_at, finished_at, delivery, verdict)
    SELECT deletion, 1, engine_id, 0, sent.name, 'POST', base_url, false, 1000, now(), now(), came, meant FROM provision.engine WHERE engine.name = 'agent';
$$;
CREATE FUNCTION pg_temp.submitted(deletion bigint, becomes text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_temp.sent(deletion, 'delete site', 'answered', 'success');
    INSERT INTO provision.remote_job (job_id, ordinal, call, engine_id, remote_id, key, status, next_poll_at, ended_at)
    SELECT deletion, 1, 'wait for delete site', engine_id, '7', 'k', becomes, now(), CASE WHEN becomes NOT IN ('Pending', 'Running') THEN now() END FROM provision.engine WHERE name = 'agent';
$$;
CREATE FUNCTION pg_temp.now(deletion bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', tenant.lifecycle, tenant.lifecycle_before, CASE WHEN backups.paused THEN 'paused' ELSE 'scheduled' END, CASE WHEN checks.paused THEN checks.reason END)
      FROM provision.job JOIN provision.tenant USING (tenant_id)
      JOIN provision.schedule_status AS backups ON backups.tenant = tenant.name AND backups.name = 'backup_site'
      JOIN provision.schedule_status AS checks ON checks.tenant = tenant.name AND checks.name = 'tenant_verify'
     WHERE job.job_id = deletion;
$$;

-- Cancelled before it began.
SELECT pg_temp.deletion('early-inc', 'provisioning') AS early \gset
SELECT is(pg_temp.now(:early), 'deleting provisioning paused maintenance', 'a tenant is being deleted');
SELECT FROM provision_cancel(:early);
SELECT is(pg_temp.now(:early), 'provisioning scheduled maintenance', 'until that is cancelled: it is what it was, and what the deletion had paused goes on');
SELECT is(concat_ws(' ', event, from_state, to_state), 'tenant_kept deleting provisioning', 'an event tells') FROM provision.event WHERE job_id = :early AND event LIKE 'tenant%';
SELECT is(count(*), 1::bigint, 'and one that the schedule goes on') FROM provision.event WHERE tenant = 'early-inc' AND event = 'schedule_resumed';
SELECT FROM provision_retry(:early);
SELECT is(pg_temp.now(:early), 'deleting provisioning paused maintenance', 'a retry deletes it');
SELECT FROM provision_cancel(:early, rollback => true);
SELECT is(pg_temp.now(:early), 'provisioning scheduled maintenance', 'a rollback has nothing else to do');

-- Somebody else's site.
SELECT pg_temp.deletion('other-inc') AS other \gset
SELECT provision.finish_job(:other, 'failed', 'SITE_NOT_OURS', 'other-inc.example.com');
SELECT is(pg_temp.now(:other), 'active scheduled maintenance', 'a site that is not ours stays, and so does the tenant');
SELECT ok(error_hint !~ 'stays deleting', 'without a doubt') FROM provision.job WHERE job_id = :other;
SELECT lives_ok($$ SELECT provision_backup_site('other-inc') $$, 'other jobs may be started again');

-- Refused, or never sent.
SELECT pg_temp.deletion('refused-inc') AS refused \gset
SELECT pg_temp.sent(:refused, 'delete site', 'answered', 'permanent'), pg_temp.sent(:refused, 'delete site', 'not_sent', 'transient');
SELECT provision.finish_job(:refused, 'failed', 'ENGINE_AUTH_FAILED');
SELECT is(pg_temp.now(:refused), 'active scheduled maintenance', 'what the server refused, or was not reached with, has done nothing');

-- Taken back at the server, left to it, still there after it.
SELECT pg_temp.deletion(name || '-inc') AS taken_back FROM (VALUES ('withdrawn')) AS given (name) \gset
SELECT pg_temp.submitted(:taken_back, 'Withdrawn'), pg_temp.sent(:taken_back, 'withdraw: job 7', 'answered', 'success');
SELECT provision.finish_job(:taken_back, 'cancelled');
SELECT is(pg_temp.now(:taken_back), 'active scheduled maintenance', 'nor has what was taken back');
SELECT pg_temp.deletion('there-inc') AS there \gset
SELECT pg_temp.submitted(:there, 'Success');
SELECT provision.finish_job(:there, 'failed', 'SITE_STILL_THERE');
SELECT is(pg_temp.now(:there), 'active scheduled maintenance', 'a site that was found afterwards is there');
SELECT pg_temp.deletion('left-inc') AS given_up \gset
SELECT pg_temp.submitted(:given_up, 'Running');
SELECT provision.finish_job(:given_up, 'cancelled');
SELECT is(pg_temp.now(:given_up), 'deleting paused maintenance', 'what goes on at the server deletes it');
SELECT is(reason || ': ' || fix, format('site may be gone: SELECT provision_retry(%s);', :given_up), 'provision_why() tells') FROM provision_why(:given_up) WHERE reason LIKE 'site%';

-- Nobody knows.
SELECT pg_temp.deletion(name || '-inc') AS job, name INTO TEMP doubtful FROM unnest('{unknown,failure,crash,proxy,done}'::text[]) AS name;
SELECT count(pg_temp.sent(job, 'delete site', 'unknown', 'ambiguous')) FROM doubtful WHERE name = 'unknown';
SELECT count(pg_temp.sent(job, 'delete site', 'unknown', 'crashed')) FROM doubtful WHERE name = 'crash';
SELECT count(pg_temp.submitted(job, 'Failure')) FROM doubtful WHERE name = 'failure';
SELECT count(pg_temp.sent(job, 'delete site', 'answered', 'transient')) FROM doubtful WHERE name = 'proxy';
UPDATE provision.job_step SET state = 'completed', finished_at = now() FROM doubtful WHERE job_id = job AND ordinal = 1 AND doubtful.name = 'done';      -- the site was gone already
SELECT count(provision.finish_job(job, 'failed', 'REMOTE_JOB_FAILED')) FROM doubtful;
SELECT is(pg_temp.now(job), 'deleting paused maintenance', name || ': where the site may be gone the tenant stays deleting') FROM doubtful;
SELECT matches(error_hint, format('. Whether the site is gone is not known, so tenant "%s-inc" stays deleting: provision_retry\(\) finds out\.$', doubtful.name), doubtful.name || ': and the hint says so')
  FROM provision.job JOIN doubtful ON job = job_id;
SELECT job AS unknown FROM doubtful WHERE name = 'unknown' \gset
DELETE FROM provision.attempt;      -- as provision.retention does
SELECT FROM provision_retry(:unknown);
SELECT FROM provision_cancel(:unknown);
SELECT is(pg_temp.now(:unknown), 'deleting paused maintenance', 'a doubt outlives the calls it came from');
SELECT is(count(*), 0::bigint, 'and is no change of state') FROM provision.event WHERE tenant = 'unknown-inc' AND event = 'tenant_kept';

-- The end of a deletion.
SELECT pg_temp.deletion('last-inc') AS last \gset
UPDATE provision.job_step SET state = 'completed', finished_at = now() WHERE job_id = :last AND finished_at IS NULL;
SELECT provision.finish_job(:last, 'completed');
SELECT is(pg_temp.now(:last), 'deleted paused maintenance', 'one that ends well is final');
SELECT is(array_agg(DISTINCT event), '{tenant_deleted}', 'with its own event') FROM provision.event WHERE job_id = :last AND event LIKE 'tenant%';
-- It was there, and is again.
SELECT provision_create_site('unknown-inc') AS again \gset
SELECT is(lifecycle, 'provisioning', 'a new site is the way out of a doubt, too') FROM provision.tenant WHERE name = 'unknown-inc';
SELECT FROM provision_cancel(:again);
SELECT is(count(*), 0::bigint, 'which no other job ends') FROM provision.event WHERE job_id = :again AND event = 'tenant_kept';
SELECT is(count(*), 0::bigint, 'nothing is left behind') FROM provision.invariants() WHERE violations > 0 AND invariant NOT LIKE '%worker%' AND invariant NOT LIKE 'the last event%' AND invariant NOT LIKE 'a step counts%';
SELECT * FROM finish();
ROLLBACK;
