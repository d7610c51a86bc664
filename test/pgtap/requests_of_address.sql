-- What counts as one address, and which functions count at all: the doors to acting, not those to looking.
BEGIN;
SELECT plan(3);
SELECT results_eq($$ SELECT given, provision.address_in_words(given::inet) FROM unnest('{192.0.2.1,192.0.2.1/24,::ffff:192.0.2.1,2001:db8:1:2:3::4,2001:db8:1:2:ffff::,2001:db8:1:3::}'::text[]) AS given $$,
                  $$ VALUES ('192.0.2.1', '192.0.2.1'), ('192.0.2.1/24', '192.0.2.1'), ('::ffff:192.0.2.1', '192.0.2.1'),
                            ('2001:db8:1:2:3::4', '2001:db8:1:2::/64'), ('2001:db8:1:2:ffff::', '2001:db8:1:2::/64'), ('2001:db8:1:3::', '2001:db8:1:3::/64') $$,
                  'an IPv4 address, a /64 of IPv6');
SELECT is(provision.address_in_words(NULL), NULL, 'none on a Unix socket');
SELECT set_eq($$ SELECT proname::text FROM pg_proc WHERE prosrc LIKE '%admit\_requests(%' $$,
              '{enqueue_jobs,lock_job,lock_tenant,open_webhook,provision_tenant_create,require_webhook_owner}'::text[], 'requests are counted where work is started or changed');
SELECT * FROM finish();
ROLLBACK;
