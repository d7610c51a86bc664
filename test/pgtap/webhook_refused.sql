-- What cannot be a webhook is refused at once, with everything that is wrong with it, and no secret or URL is repeated.
BEGIN;
SELECT plan(34);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');

CREATE FUNCTION pg_temp.problems(url text, events text[] DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    problems text;
    words text;
BEGIN
    PERFORM FROM provision_webhook_create(url, events, NULL, options);
    RETURN NULL;
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS problems = PG_EXCEPTION_DETAIL, words = MESSAGE_TEXT;
    RETURN coalesce(nullif(problems, ''), words);
END;
$$;
SELECT is(pg_temp.problems(url), NULL, url) FROM unnest('{https://hooks.example.com, https://hooks.example.com:8443/a/b?key=1, HTTPS://Hooks.example.com/, https://8.8.8.8/x, https://[2606:4700::1111]/}'::text[]) AS url;
SELECT matches(pg_temp.problems(url), words, url)
  FROM (VALUES ('http://hooks.example.com', 'must begin with https://'), ('https://127.0.0.1/', 'a loopback address'), ('https://10.1.2.3:8443/', 'a private address'),
               ('https://192.168.0.1/', 'a private address'), ('https://169.254.169.254/latest/meta-data', 'a link-local address'), ('https://[::1]/', 'a loopback address'),
               ('https://[::ffff:10.0.0.1]/', 'a private address'), ('https://[fd00:ec2::254]/', 'metadata'), ('https://[64:ff9b::7f00:1]/', 'a loopback address'),
               ('https://0.0.0.0/', 'an unspecified'), ('https://2130706433/', 'in a way that is not allowed'), ('https://0x7f.1/', 'in a way that is not allowed'),
               ('https://user:hunter2@hooks.example.com/', '.'), ('ftp://hooks.example.com/', 'http'), ('https://', '.'), ('https://hooks.example.com/../admin', 'dots'),
               ('https://hooks.example.com/a b', 'encoded'), (repeat('https://x', 300), '8 to 2000'), (E'https://hooks.example.com/\nx', 'encoded'), (NULL, '8 to 2000')) AS wrong (url, words);
SELECT unalike(pg_temp.problems('https://user:hunter2@hooks.example.com/'), '%hunter2%', 'nothing of a URL is repeated');
SELECT is(pg_temp.problems('https://hooks.example.com', '{job.complete}'), 'Event type "job.complete" is not known. Did you mean "job.completed"?', 'a type that nearly is one');
SELECT is(pg_temp.problems('https://hooks.example.com', '{}'), 'events must name at least one type; null means all.', 'no type');
SELECT is(pg_temp.problems('https://hooks.example.com', '{job.started,webhook.ping}') ~ 'webhook.ping', true, 'a ping is not subscribed to');
SELECT is(pg_temp.problems('http://x', '{a.b,NULL}', '{"timeout_ms": 99, "retry_seconds": [], "max_inflight": 1, "max_waiting": "many"}'), concat_ws(E'\n',
          'url must begin with https://; plain http is only for hosts that the setting provision.webhook_allowed_hosts names.', 'Event type "a.b" is not known.',
          'Option "max_waiting" must be a whole number from 100 to 100000.', 'Option "retry_seconds" must be a list of 1 to 20 numbers from 0.01 to 86400.',
          'Option "timeout_ms" must be a whole number from 100 to 30000.', 'Option "max_inflight" is not known. Did you mean "max_in_flight"?'), 'all problems at once');
SELECT is(pg_temp.problems('https://hooks.example.com', NULL, '[]'), 'options must be a JSON object', 'options that are none');
SELECT webhook_id AS hook FROM provision_webhook_create('https://hooks.example.com/secret-path') \gset
SELECT throws_ok(format('SELECT provision_webhook_update(%s, %L)', :'hook', options), '22023', NULL, options)
  FROM unnest(ARRAY['{"url": null}', '{"url": "https://10.0.0.1/"}', '{"events": "job.started"}']) AS options;
SELECT * FROM finish();
ROLLBACK;
