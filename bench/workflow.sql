-- Two workflows of one-call steps, and tenants enough for them. :port is the HTTP server's.

CREATE SCHEMA bench;
GRANT USAGE ON SCHEMA bench TO provision_planner;

CREATE FUNCTION bench.plan_call(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NEXT ROW('call', 'POST', '/call', jsonb_build_object('tenant', job ->> 'tenant'), true, NULL, true, NULL, NULL, NULL, NULL, NULL, NULL)::provision.call;
END;
$$;

INSERT INTO provision.workflow (name, description)
VALUES ('eleven', '11 steps, each after the one before'), ('one', 'one step');

INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical, requires)
SELECT workflow_id, number, 'step_' || number, 'bench.plan_call', true,
       CASE WHEN number > 0 THEN ARRAY['step_' || number - 1] ELSE '{}' END
  FROM provision.workflow
 CROSS JOIN LATERAL generate_series(0, CASE name WHEN 'eleven' THEN 10 ELSE 0 END) AS number
 WHERE name IN ('eleven', 'one');

SELECT provision_engine_create('bench', format('http://127.0.0.1:%s', :'port'), options => '{"max_concurrent": 500}');
SELECT provision_engine_secret('bench', 'key', 'secret');

-- provision_tenant_create() judges each config, which is not what is measured here.
INSERT INTO provision.tenant (name, engine_id, config, settings)
SELECT 't' || number, engine_id, '{}', '{}' FROM provision.engine, generate_series(1, 20000) AS number;
