-- A plan names secrets; what a server or a config says does not, however a plan passes it on.
BEGIN;
SELECT plan(9);
CREATE FUNCTION public.guard_passing(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$
DECLARE
    call provision.call;
BEGIN
    call.name := 'pass on';
    call.method := 'POST';
    call.path := '/x';
    call.wanted := true;
    call.body := jsonb_build_object('note', job #> '{facts,note}') || CASE WHEN job #> '{options,own}' = 'true' THEN jsonb_build_object('own', provision.named_secret('admin_password')) ELSE '{}' END;
    RETURN NEXT call;
END;
$$;
GRANT EXECUTE ON FUNCTION public.guard_passing TO provision_planner;
CREATE FUNCTION pg_temp.outcome(job jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', next.outcome, next.error_code, next.detail) FROM provision.next_call('public.guard_passing', '{"answers": {}}' || job) AS next;
$$;
SELECT is(pg_temp.outcome('{"options": {"own": true}, "facts": {"note": "hello"}}'), 'send', 'a plan that names one');
SELECT is(pg_temp.outcome('{"facts": {"note": {"$secret": "admin_password"}}}'),
    'fail PLAN_FAILED call "pass on" names a secret, and so does something that the step was told', 'a fact that names one, passed on');
SELECT is(pg_temp.outcome('{"options": {"own": true}, "facts": {"other": [{"$secret": "mariadb_root_password"}]}}'),
    'fail PLAN_FAILED call "pass on" names a secret, and so does something that the step was told', 'in doubt it is not sent');
SELECT is(pg_temp.outcome('{"facts": {"other": [{"$secret": "mariadb_root_password"}]}}'), 'send', 'what is not passed on does no harm');
SELECT is(pg_temp.outcome('{"facts": {"note": "{\"$secret\": \"admin_password\"}"}}'), 'send', 'nor does a text');
SELECT is(pg_temp.outcome('{"options": {"own": true}, "signals": {"told": {"pin": {"$secret": "signal_pin"}}}}'), 'send', 'what signals brought is named by us');
SELECT throws_ok($$SELECT provision.refuse_invalid_payload('go', '{"note": [{"$secret": "mariadb_root_password"}]}', '{}')$$, '22023', 'payload of signal "go" is not valid',
    'so nobody else names one in a signal');
SELECT throws_ok($$SELECT provision.refuse_invalid_payload('go', '{"$secret": "admin_password"}', '{}')$$, '22023', 'payload of signal "go" is not valid', 'nor by the whole of it');
SELECT lives_ok($$SELECT provision.refuse_invalid_payload('go', '{"note": "hello"}', '{}')$$, 'which may hold anything else');
SELECT * FROM finish();
ROLLBACK;
