-- A plan that concludes ends its step with a result: completed, or failed with a code. What cannot be a result fails the step; secrets are not kept.
BEGIN;
SELECT plan(7);
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO provision_planner;
CREATE FUNCTION app.concludes(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM provision.conclude(job -> 'result', job ->> 'code', job ->> 'detail');
END;
$$;
CREATE FUNCTION pg_temp.said(job jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', next.outcome, next.error_code, next.detail, next.result) FROM provision.next_call('app.concludes', job) AS next
$$;
SELECT is(pg_temp.said('{"result": [1]}'), 'complete|[1]', 'completed');
SELECT is(pg_temp.said('{"result": {"a": 1}}'), 'complete|{"a": 1}', 'with an object, too');
SELECT is(pg_temp.said('{"result": [], "code": "DRIFT", "detail": "much"}'), 'fail|DRIFT|much|[]', 'failed');
SELECT is(pg_temp.said('{"result": [{"api_secret": "word"}]}'), 'complete|[{"api_secret": "[redacted]"}]', 'without secrets');
SELECT alike(pg_temp.said('{"result": 5}'), 'fail|PLAN_FAILED|%', 'no number');
SELECT alike(pg_temp.said(jsonb_build_object('result', jsonb_build_array(repeat('x', 300000)))), 'fail|PLAN_FAILED|%', 'nothing boundless');
SELECT alike(pg_temp.said('{"code": "DRIFT"}'), 'fail|PLAN_FAILED|%', 'not nothing');
SELECT * FROM finish();
ROLLBACK;
