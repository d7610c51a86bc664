-- A created engine has its defaults, its state and its event; its address is brought into one form.
BEGIN;
SELECT plan(7);
SELECT lives_ok($$ SELECT provision_engine_create('main', 'HTTPS://erp.example.com/prefix//', options => '{"rate_per_second": 2.5}') $$, 'is created');
SELECT is(base_url, 'https://erp.example.com/prefix', 'scheme in lower case, no trailing slash') FROM provision.engine WHERE name = 'main';
SELECT is(ROW(max_concurrent, failure_threshold, recovery_seconds, rate_per_second, allow_http)::text, '(5,5,60,2.5,f)', 'defaults fill what is not given')
  FROM provision.engine WHERE name = 'main';
SELECT is(ROW(paused, breaker, in_flight, has_credentials)::text, '(f,closed,0,f)', 'its status is shown at once') FROM provision.engine_status WHERE engine = 'main';
SELECT is(count(*), 1::bigint, 'one event tells of it') FROM provision.event_log WHERE engine = 'main' AND event = 'engine_created';
SELECT throws_ok($$ SELECT provision_engine_create('main', 'https://other.example.com') $$, '42710', 'engine "main" already exists', 'a second one of the name is refused');
SELECT lives_ok($$ SELECT provision_engine_create('local', 'http://127.0.0.1:8000') $$, 'plain http to loopback needs no permission');
SELECT * FROM finish();
ROLLBACK;
