-- At which engine a job works: where its workflow does, or, step by step, where the one that is next does.

CREATE OR REPLACE FUNCTION provision.engine_for(engine_id bigint, works_at text)
    RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE engine_for.works_at WHEN 'proxy' THEN proxy.engine_id
                                    WHEN 'site_maker' THEN coalesce(agent.engine_id, home.engine_id)
                                    ELSE home.engine_id END
      FROM provision.engine AS home
      LEFT JOIN provision.engine AS agent ON agent.name = home.agent
      LEFT JOIN provision.engine AS proxy ON proxy.name = coalesce(agent.proxy, home.proxy)
     WHERE home.engine_id = engine_for.engine_id;
END;
COMMENT ON FUNCTION provision.engine_for(bigint, text) IS 'The engine at which workflows and steps with this works_at work for tenants of this one: itself, its agent, or the proxy of that; null: there is no proxy.';

CREATE OR REPLACE FUNCTION provision.place_of(engine provision.engine)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN engine.kind = 'erpnext' THEN 'home' WHEN engine.kind = 'frappe_agent' AND engine.bench IS NULL THEN 'proxy' ELSE 'site_maker' END;
COMMENT ON FUNCTION provision.place_of(provision.engine) IS 'Which works_at, of a workflow whose steps work at several engines, this one serves.';

CREATE OR REPLACE FUNCTION provision.site_number(tenant provision.tenant, engine provision.engine)
    RETURNS integer
    LANGUAGE sql IMMUTABLE
    RETURN hashtext(coalesce(tenant.settings ->> 'site', engine.site, ''));
COMMENT ON FUNCTION provision.site_number(provision.tenant, provision.engine) IS 'Number of the site on which a tenant''s jobs work at this engine; see provision.job.site.';

-- The agent that site jobs need is asked for by prepare_site_jobs(), which knows when they can do without.
CREATE OR REPLACE FUNCTION provision.refuse_missing_engines(tenants text[], chosen provision.workflow)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    homeless record;
BEGIN
    SELECT tenant.name AS tenant, engine.name AS engine INTO homeless
      FROM provision.tenant
      JOIN provision.engine ON engine.engine_id = tenant.engine_id
     WHERE tenant.name = ANY (tenants)
       AND engine.kind <> 'erpnext'
     ORDER BY tenant.name
     LIMIT 1;
    IF homeless.tenant IS NOT NULL
       AND (chosen.works_at = 'home'
            OR EXISTS (SELECT FROM provision.step WHERE step.workflow_id = chosen.workflow_id AND step.works_at = 'home')) THEN
        RAISE EXCEPTION 'workflow "%" cannot be started for tenant "%": its engine is no ERPNext', chosen.name, homeless.tenant
            USING ERRCODE = 'PV003',
                  DETAIL = format('Engine "%s" makes sites; the calls of the workflow go to a site itself.', homeless.engine),
                  HINT = format('Create the tenant on an engine of kind erpnext whose option agent is "%s".', homeless.engine);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.refuse_missing_engines(text[], provision.workflow) IS 'Error PV003 when the workflow calls ERPNext, and a tenant lives on an engine that is none.';

-- The caller holds the row of the job, which has nothing in flight. It keeps its place: who came earlier goes first there, too.
CREATE OR REPLACE FUNCTION provision.move_job(job_id bigint, works_at text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target record;
BEGIN
    SELECT engine.engine_id, engine.name, provision.place_of(engine) AS place, provision.site_number(tenant, engine) AS site, present.name AS present INTO target
      FROM provision.job
      JOIN provision.engine AS present ON present.engine_id = job.engine_id
      JOIN provision.tenant ON tenant.tenant_id = job.tenant_id
      JOIN provision.engine ON engine.engine_id = provision.engine_for(tenant.engine_id, move_job.works_at)
     WHERE job.job_id = move_job.job_id;
    IF target.place IS DISTINCT FROM move_job.works_at THEN
        PERFORM provision.finish_job(move_job.job_id, 'failed', 'ENGINE_MISSING',
                    CASE move_job.works_at WHEN 'home' THEN 'an ERPNext' WHEN 'proxy' THEN 'the proxy of its server' ELSE 'the engine that makes sites' END);
        RETURN;
    END IF;
    UPDATE provision.job
       SET state = 'pending',
           owner = NULL, slots = 0, due_at = NULL,
           engine_id = target.engine_id,
           site = target.site
     WHERE job.job_id = move_job.job_id;
    UPDATE provision.job_step
       SET waits_for = NULL
     WHERE job_step.job_id = move_job.job_id
       AND starts_with(job_step.waits_for, 'engine ');
    PERFORM provision.log_job_event(ARRAY[move_job.job_id], 'job_moved', 'running', 'pending', jsonb_build_object('from', target.present, 'to', target.name));
END;
$$;
COMMENT ON FUNCTION provision.move_job(bigint, text) IS 'A running job leaves its worker for the queue of another engine, where its next step works. Without such an engine it fails.';
