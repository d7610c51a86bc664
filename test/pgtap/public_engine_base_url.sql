-- Addresses of engines: what is refused, and why.
BEGIN;
SELECT plan(42);
SELECT matches(provision.base_url_problem(address, allow_http), words, coalesce(address, 'null'))
  FROM (VALUES (NULL, false, 'must be given'), ('', false, 'begin with'), ('ftp://a.example', false, 'begin with'), ('file:///etc/passwd', false, 'begin with'),
               ('http://erp.example.com', false, 'use https'), ('http://127.0.0.1.example.com', false, 'use https'),
               ('https://a@b.example', false, 'user or password'), ('https://a.example?x=1', false, 'query'), ('https://a.example/#x', false, 'query'),
               ('https://a b', false, 'spaces'), ('https://', false, 'name a host'), ('https://a.example:port', false, 'name a host')) AS given (address, allow_http, words);
SELECT matches(provision.base_url_problem(address, true), words, address)
  FROM (VALUES ('http://169.254.169.254', 'link-local'), ('http://[::ffff:169.254.169.254]/latest', 'link-local'), ('https://[fe80::1]', 'link-local'),
               ('http://[fd00:ec2::254]', 'metadata'), ('http://100.100.100.200', 'metadata'), ('http://[64:ff9b::a9fe:a9fe]', 'link-local'),
               ('http://[2002:a9fe:a9fe::1]', 'link-local'), ('http://0.0.0.0:8000', 'unspecified'), ('http://[::]', 'unspecified'), ('http://224.0.0.1', 'multicast'),
               ('http://0x7f.1', 'IPv4'), ('http://127.1', 'IPv4'), ('http://2130706433', 'IPv4'), ('http://0177.0.0.1', 'IPv4'), ('http://127.0.0.1.', 'host name'),
               ('https://bücher.example', 'xn--'), ('https://erp.example.com.', 'host name'), ('https://a..example', 'host name'), ('https://a%2eexample', 'host name'),
               ('https://erp.example.com\@evil.example', 'user or password'), ('https://erp.example.com\evil', 'host name'), ('https://erp.example.com/a\b', 'encoded'),
               ('https://erp.example.com/caf'||chr(233), 'encoded'), ('https://erp.example.com/a/../b', 'dots'), ('https://erp.example.com:99999', 'can be called'),
               ('https://[::1', 'name a host'), ('https://[1::2::3]', 'IPv6')) AS given (address, words);
SELECT is_empty($$ SELECT provision.base_url_problem(address, true) FROM (VALUES ('https://user:hunter2@a.example'), ('https://hunter2')) AS given (address) WHERE provision.base_url_problem(address, true) ~ 'hunter2' $$,
    'no message repeats what may be a password');
SELECT is(string_agg(provision.clean_base_url(address), ' '), 'https://erp.example.com/Path https://erp.example.com:8443 http://[fd00::a]/x ftp://a.b not an address',
    'addresses are brought into one form')
  FROM (VALUES ('HTTPS://Erp.Example.COM./Path/'), ('https://ERP.example.com.:8443'), ('http://[FD00::A]/x//'), ('ftp://A.b'), ('not an address')) AS given (address);
SELECT is(count(problem), 0::bigint, 'addresses that are right')
  FROM (SELECT provision.base_url_problem(address, allow_http) AS problem
          FROM (VALUES ('https://erp.example.com', false), ('https://erp.example.com:8443/a/b', false), ('http://erp.example.com', true),
                       ('http://10.0.0.7', true), ('https://erp_web:8443', false), ('https://xn--bcher-kva.example', false), ('http://[::ffff:127.0.0.1]', true),
                       ('http://localhost:8000', false), ('http://[::1]:8000', false), ('https://[2001:db8::1]/x', false)) AS good (address, allow_http)) AS judged;
SELECT * FROM finish();
ROLLBACK;
