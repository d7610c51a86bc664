-- Addresses of engines: what is refused, and why.
BEGIN;
SELECT plan(13);
SELECT matches(provision.base_url_problem(address, allow_http), words, coalesce(address, 'null'))
  FROM (VALUES (NULL, false, 'must be given'), ('', false, 'begin with'), ('ftp://a.example', false, 'begin with'), ('file:///etc/passwd', false, 'begin with'),
               ('http://erp.example.com', false, 'use https'), ('http://127.0.0.1.example.com', false, 'use https'),
               ('https://a@b.example', false, 'user or password'), ('https://a.example?x=1', false, 'query'), ('https://a.example/#x', false, 'query'),
               ('https://a b', false, 'spaces'), ('https://', false, 'name a host'), ('https://a.example:port', false, 'name a host')) AS given (address, allow_http, words);
SELECT is(count(problem), 0::bigint, 'addresses that are right')
  FROM (SELECT provision.base_url_problem(address, allow_http) AS problem
          FROM (VALUES ('https://erp.example.com', false), ('https://erp.example.com:8443/a/b', false), ('http://erp.example.com', true),
                       ('http://localhost:8000', false), ('http://[::1]:8000', false), ('https://[2001:db8::1]/x', false)) AS good (address, allow_http)) AS judged;
SELECT * FROM finish();
ROLLBACK;
