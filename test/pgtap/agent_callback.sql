-- provision_agent_callback makes a look due, for whom EXECUTE is all that is needed, and never more often than the pause between looks allows.
BEGIN;
SELECT plan(11);
SELECT provision_engine_create('maker', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench", "domain": "example.com"}');
SELECT provision_tenant_create('acme-inc', 'maker', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_create_site('acme-inc') AS job \gset
UPDATE provision.job SET state = 'scheduled', due_at = clock_timestamp() + interval '1 h', awaits_remote = true WHERE job_id = :job;
UPDATE provision.job_step SET state = 'ready', waits_for = 'a remote job' WHERE job_id = :job AND ordinal = 1;
INSERT INTO provision.remote_job (job_id, ordinal, call, engine_id, remote_id, title, key, next_poll_at)
SELECT :job, 1, 'wait for create site', engine_id, '7', 'New Site', 'k', clock_timestamp() + interval '1 h' FROM provision.engine;
-- Seconds until the job and its look are due.
CREATE FUNCTION pg_temp.due() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT concat_ws(' ', greatest(0, ceil(extract(epoch FROM job.due_at - clock_timestamp()))), greatest(0, ceil(extract(epoch FROM remote_job.next_poll_at - clock_timestamp()))))
      FROM provision.job JOIN provision.remote_job USING (job_id);
$$;

CREATE ROLE provision_test_endpoint;
GRANT EXECUTE ON FUNCTION provision_agent_callback TO provision_test_endpoint;
SET LOCAL ROLE provision_test_endpoint;
SELECT is(provision_agent_callback('maker', 8), false, 'a number that nobody waits for changes nothing');
SELECT is(provision_agent_callback('other', 7), false, 'nor does an engine that is not there');
SELECT is(provision_agent_callback(NULL, NULL), false, 'nor nothing at all');
RESET ROLE;
SELECT is(pg_temp.due(), '3600 3600', 'the job waits as before');
SET LOCAL ROLE provision_test_endpoint;
SELECT is(provision_agent_callback('maker', 7), true, 'a role that may do nothing else tells of a job');
RESET ROLE;
SELECT is(pg_temp.due(), '0 0', 'which is asked for at once');
SELECT is(provision_agent_callback('maker', 7), false, 'the second time there is nothing to move');

UPDATE provision.remote_job SET asked_at = clock_timestamp() + interval '1 min', next_poll_at = clock_timestamp() + interval '1 h';
UPDATE provision.job SET due_at = clock_timestamp() + interval '1 h' WHERE job_id = :job;
SELECT is(provision_agent_callback('maker', 7), true, 'one that was asked for just now');
SELECT is(pg_temp.due(), '62 62', 'is asked for when the shortest pause is over');
UPDATE provision.remote_job SET ended_at = clock_timestamp(), status = 'Success';
SELECT is(provision_agent_callback('maker', 7), false, 'a job that has ended is asked for no more');
SELECT is((SELECT count(*)::integer FROM provision.event WHERE event_id > (SELECT max(event_id) FROM provision.event WHERE event = 'job_enqueued')), 0, 'none of this writes an event');
SELECT * FROM finish();
ROLLBACK;
