-- Names that go to a bench: what a shell could read as anything but itself, or a bench as one of its own files, is refused.
BEGIN;
SELECT plan(6);
SELECT is_empty($$SELECT chr(code) FROM generate_series(1, 1000) AS code
                   WHERE chr(code) !~ '[A-Za-z0-9._%+=@-]' AND (provision.is_email('a' || chr(code) || 'b@example.com') OR provision.is_email('a@exa' || chr(code) || 'mple.com'))$$,
                'no other character is taken in an address');
SELECT is_empty($$SELECT chr(code) FROM generate_series(1, 1000) AS code
                   WHERE chr(code) !~ '[a-z0-9-]' AND provision.new_site_problem('acme' || chr(code) || 'shop.example.com', 'example.com') IS NULL$$,
                'nor in the name of a new site');
SELECT is(array_agg(provision.new_site_problem(given, 'example.com') ORDER BY place), ARRAY[NULL, NULL, 'MISSING_SITE', 'INVALID_SITE', 'INVALID_SITE', 'INVALID_SITE', 'INVALID_SITE',
              'SITE_OUTSIDE_DOMAIN', 'SITE_OUTSIDE_DOMAIN', 'RESERVED_SITE', 'RESERVED_SITE', 'INVALID_SITE', 'SITE_OUTSIDE_DOMAIN'], 'names of new sites')
  FROM unnest(ARRAY['acme-shop.example.com', 'a1234.example.com', '', 'Acme-shop.example.com', 'acme.example.com', '-acme.example.com', repeat('a', 33) || '.example.com',
                    'acme-shop.example.org', 'acme.shop.example.com', 'grafana.example.com', 'xn--acme.example.com', '../acme-shop.example.com', 'assets'])
       WITH ORDINALITY AS site (given, place);
SELECT is_empty($$SELECT name FROM unnest(provision.reserved_subdomains()) AS name
                   WHERE provision.new_site_problem(name || '.example.com', 'example.com') IS NULL$$, 'no reserved word is to be had');
SELECT results_eq($$SELECT field, code FROM provision.app_problems('["erpnext", "frappe", "hrms", "hrms", "../x", 5, "A"]') ORDER BY field, code$$,
                  $$VALUES ('apps[1]', 'APP_ORDER'), ('apps[3]', 'DUPLICATE_NAME'), ('apps[4]', 'INVALID_APP'), ('apps[5]', 'INVALID_APP'), ('apps[6]', 'INVALID_APP')$$, 'apps');
SELECT lives_ok($$SELECT count(*) FROM jsonb_array_elements('[null, {}, 1, "x", [], [[]], [null], [{}]]') AS odd, provision.app_problems(odd)$$, 'whatever the list is');
SELECT * FROM finish();
ROLLBACK;
