-- Jobs whose steps work at several engines: what is refused when it is stored, when it is started, and how a job moves, forward and back.
-- Without a worker: the test makes its rounds.
BEGIN;
SELECT plan(26);
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE FUNCTION app.looks(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$ SELECT provision.look('look', '/' || (job ->> 'step') || '?of=' || (job ->> 'engine')) $$;
CREATE FUNCTION app.makes(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$ SELECT provision.create_document('make', 'Note', '{}', true, NULL) $$;
CREATE FUNCTION app.nothing(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$ SELECT NULL::provision.call WHERE false $$;
CREATE FUNCTION pg_temp.error(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''));
END;
$$;
CREATE FUNCTION pg_temp.store(requires text, kind text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.error(format('INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, requires, works_at) SELECT workflow_id, s.* FROM provision.workflow, '
        '(VALUES (0, ''a'', ''app.looks'', ''{}''::text[], ''site_maker''), (1, ''b'', ''app.looks'', ''{a}'', ''home''), (2, ''c'', ''app.looks'', %L, %L)) AS s WHERE workflow.name = ''wrong''', requires, kind));
$$;
INSERT INTO provision.workflow (name, works_at) VALUES ('wrong', 'site_maker'), ('both', 'site_maker');
SELECT is(pg_temp.store('{a}', 'site_maker'), 'PV003 workflow "wrong" cannot be stored | Step "c" works at another engine than "b", and does not wait for it.', 'steps that could be ready side by side');
SELECT is(pg_temp.store('{b}', NULL), 'PV003 workflow "wrong" cannot be stored | Step "c" names no works_at, and others do.', 'one that does not say where');
SELECT is(pg_temp.store('{a}', 'home'), 'accepted', 'at one engine, they may be ready together');

SELECT provision_engine_create('agent', 'https://agent.example.com', 'frappe_agent', '{"bench": "bench", "domain": "example.com", "max_concurrent": 1}');
SELECT provision_engine_create('main', 'https://erp.example.com', options => '{"agent": "agent", "max_concurrent": 1}'), provision_engine_create('alone', 'https://other.example.com');
SELECT provision_engine_secret(name, 'key', 'word') FROM unnest('{agent,main,alone}'::text[]) AS name;
SELECT provision_tenant_create(name, engine, jsonb_build_object('company_name', name, 'abbr', left(name, 3), 'country', 'US'))
  FROM (VALUES ('first-inc', 'main'), ('other-inc', 'main'), ('lost-inc', 'agent'), ('alone-inc', 'alone')) AS t (name, engine);
INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, undo_function, critical, requires, works_at)
SELECT workflow_id, step.ordinal, step.name, step.plan_function, step.undo_function, true, step.requires, step.works_at
  FROM provision.workflow,
       (VALUES (0, 'site', 'app.makes', 'app.looks', '{}'::text[], 'site_maker'),
               (1, 'setup', 'app.makes', 'app.looks', '{site}', 'home'),
               (2, 'proxy', 'app.looks', NULL, '{setup}', 'site_maker')) AS step (ordinal, name, plan_function, undo_function, requires, works_at)
 WHERE workflow.name = 'both';
SELECT is(pg_temp.error($$ SELECT provision_start('lost-inc', 'both') $$),
    'PV003 workflow "both" cannot be started for tenant "lost-inc": its engine is no ERPNext | Engine "agent" makes sites; the calls of the workflow go to a site itself.', 'a tenant on an agent');
SELECT alike(pg_temp.error($$ SELECT provision_start('lost-inc') $$), 'PV003 workflow "tenant_setup" cannot be started for tenant "lost-inc": its engine is no ERPNext%', 'also for tenant_setup');
SELECT alike(pg_temp.error($$ SELECT provision_start('alone-inc', 'both') $$), 'PV003 %its engine has no agent%', 'a tenant without one');

-- The dry run asks each step's own engine.
SELECT is(string_agg(step || ' ' || substring(url FROM '//[^.]*'), ', ' ORDER BY ordinal), 'site //agent, setup //erp, proxy //agent', 'the dry run shows where each step works') FROM provision_plan('first-inc', 'both');

-- A job goes from one to the other.
INSERT INTO provision.worker (pid) VALUES (0) RETURNING incarnation \gset
CREATE FUNCTION pg_temp.round(incarnation bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    claimed bigint[] := (SELECT claim.claimed_jobs FROM provision.claim_jobs(incarnation, 10) AS claim);
BEGIN
    RETURN (SELECT string_agg(method || ' ' || url, ', ') FROM provision.begin_calls(incarnation, claimed));
END;
$$;
-- The call in flight has ended well.
CREATE FUNCTION pg_temp.answer(incarnation bigint, job_id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    attempt bigint := (SELECT job_step.attempt_id FROM provision.job_step WHERE job_step.job_id = answer.job_id AND job_step.attempt_id IS NOT NULL);
BEGIN
    PERFORM provision.record_answers(incarnation, ARRAY[attempt], '{answered}', '{200}', '{0}', ARRAY['{"data": {"name": "note"}}'], '{x}', ARRAY[NULL]::text[], ARRAY[NULL]::bigint[], '{"{1,1,1,1,1}"}');
    PERFORM provision.begin_calls(incarnation, ARRAY[answer.job_id]);
END;
$$;
CREATE FUNCTION pg_temp.place(job_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', engine.name, job.state, job.slots, (SELECT string_agg(job_step.waits_for, ' ') FROM provision.job_step WHERE job_step.job_id = job.job_id))
      FROM provision.job JOIN provision.engine USING (engine_id) WHERE job.job_id = place.job_id;
$$;
SELECT provision_start('first-inc', 'both') AS job \gset
SELECT rank AS rank FROM provision.job WHERE job_id = :job \gset
SELECT is(pg_temp.place(:job), 'agent pending 0', 'it begins where its first step works');
SELECT is(pg_temp.round(:incarnation), 'POST https://agent.example.com/api/resource/Note', 'and calls there');
SELECT pg_temp.answer(:incarnation, :job);
SELECT is(pg_temp.place(:job), 'main pending 0', 'when that is done, it waits at the next, and holds nothing');
SELECT is(rank, :'rank'::double precision, 'at its old place') FROM provision.job WHERE job_id = :job;
SELECT is(job.site, provision.site_number(tenant, engine), 'on the site it works on there') FROM provision.job JOIN provision.tenant USING (tenant_id) JOIN provision.engine ON engine.engine_id = job.engine_id WHERE job_id = :job;
SELECT is(from_state || ' ' || to_state || ' ' || detail, 'running pending {"to": "main", "from": "agent"}', 'its event says so') FROM provision.event WHERE job_id = :job AND event = 'job_moved';
SELECT is(queue_position, 1::bigint, 'it has a place there') FROM provision_queue_position(:job);
SELECT provision_engine_pause('main');
SELECT is(pg_temp.round(:incarnation), NULL, 'where a pause holds it');
SELECT provision_engine_resume('main');
SELECT is(pg_temp.round(:incarnation), 'POST https://erp.example.com/api/resource/Note', 'and calls there');
SELECT provision_start('other-inc', 'both') AS other \gset
SELECT is(pg_temp.round(:incarnation), 'POST https://agent.example.com/api/resource/Note', 'the engine that it left takes the next');
SELECT pg_temp.answer(:incarnation, :other);
SELECT state FROM provision_cancel(:other);
SELECT pg_temp.answer(:incarnation, :job);
SELECT is(pg_temp.place(:job), 'agent pending 0', 'and it comes back');
SELECT is(pg_temp.round(:incarnation), 'GET https://agent.example.com/proxy?of=agent', 'for the last step');
SELECT pg_temp.answer(:incarnation, :job);
SELECT is(state, 'completed', 'then it is done') FROM provision.job WHERE job_id = :job;

-- And back.
SELECT is(direction, 'back', 'it is rolled back') FROM provision_rollback(:job);
SELECT is(string_agg(step || ' ' || substring(url FROM '//[^.]*'), ', ' ORDER BY ordinal), 'setup //erp, site //agent', 'the dry run shows where') FROM provision_plan('first-inc', 'both', 'back');
SELECT pg_temp.round(:incarnation);
SELECT is(pg_temp.place(:job), 'main pending 0', 'from the engine of the last step');
SELECT is(pg_temp.round(:incarnation), 'GET https://erp.example.com/setup?of=main', 'which is told its own engine');

-- The agent has gone meanwhile.
SELECT provision_engine_update('main', '{"agent": null}');
SELECT pg_temp.answer(:incarnation, :job);
SELECT is(ROW(state, error_code)::text, '(failed,ENGINE_MISSING)', 'without an engine for the next step it fails') FROM provision.job WHERE job_id = :job;
SELECT is(string_agg(invariant || ': ' || example, ', '), NULL, 'all rules hold') FROM provision.invariants() WHERE violations > 0 AND invariant !~ 'worker|last event of a job|counts the attempts|without an outcome';
SELECT * FROM finish();
ROLLBACK;
