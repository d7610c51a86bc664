-- Owners manage the members of their tenant, platform administrators all; the last owner stays; every change is an event.
BEGIN;
SELECT plan(26);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'abbr', name, 'country', 'US')) FROM unnest('{acme,other}'::text[]) AS name;
CREATE ROLE r_owner;
CREATE ROLE r_admin;
CREATE ROLE r_platform;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO PUBLIC;
GRANT USAGE ON SCHEMA provision TO PUBLIC;
GRANT SELECT ON provision.tenant_member, provision.event_log TO PUBLIC;
SELECT lives_ok($$ SELECT provision_member_add('acme', 'r_owner', 'owner') $$, 'a superuser makes the first owner');
SELECT lives_ok($$ SELECT provision_member_add('*', 'r_platform', 'admin') $$, 'and administrators of the platform');
SET LOCAL ROLE r_owner;
SELECT lives_ok($$ SELECT provision_member_add('acme', 'r_admin', 'admin'), provision_member_add('acme', 'user@example.com') $$, 'an owner adds members');
SELECT is(string_agg(concat_ws(' ', tenant, member, role, added_by), ', ' ORDER BY member),
          'acme r_admin admin r_owner, acme r_owner owner ' || session_user || ', acme user@example.com member r_owner', 'and sees them, and no others')
  FROM provision.tenant_member;
SELECT lives_ok($$ SELECT provision_member_add('acme', 'user@example.com', 'owner'), provision_member_add('acme', 'user@example.com', 'admin') $$, 'a role takes the place of another');
SELECT throws_ok($$ SELECT provision_member_add('*', 'r_owner', 'owner') $$, '42501', 'permission denied: only a platform administrator may do this', 'nobody makes itself an administrator of the platform');
SELECT throws_ok($$ SELECT provision_member_add('other', 'r_owner', 'owner') $$, '42501', 'tenant "other" does not exist, or you are no member of it', 'nor an owner of others');
SELECT throws_ok($$ SELECT provision_member_remove('acme', 'r_owner') $$, 'PV001', '"r_owner" is the last owner', 'the last owner stays');
SELECT throws_ok($$ SELECT provision_member_add('acme', 'r_owner', 'admin') $$, 'PV001', '"r_owner" is the last owner', 'and stays owner');
SELECT throws_ok($$ SELECT provision_member_remove('acme', 'nobody') $$, '42704', '"nobody" is no member of tenant "acme"', 'nobody is removed');
SELECT throws_ok($$ SELECT provision_member_add('acme', 'x', 'king') $$, '22023', NULL, 'there is no such role');
SELECT throws_ok($$ SELECT provision_member_add('acme', NULL) $$, '42602', NULL, 'no name');
SELECT throws_ok(format('SELECT provision_member_add(''acme'', %L)', repeat('x', 70)), '42602', NULL, 'a name that was cut');
SELECT throws_ok(format('SELECT provision_member_add(''acme'', %L)', repeat('x', 58) || 'ää'), '42602', NULL, 'a name that was cut before a wide character');
SELECT lives_ok(format('SELECT provision_member_add(''acme'', %L)', repeat('x', 59)), 'a long one');
RESET ROLE;
SET LOCAL ROLE r_admin;
SELECT throws_ok($$ SELECT provision_member_add('acme', 'r_admin', 'owner') $$, '42501', 'permission denied for tenant "acme"', 'an admin manages no members');
SELECT throws_ok($$ SELECT provision_member_remove('acme', 'r_owner') $$, '42501', 'permission denied for tenant "acme"', 'nor removes any');
RESET ROLE;
SET LOCAL ROLE r_platform;
SELECT lives_ok($$ SELECT provision_member_remove('acme', 'r_owner') $$, 'an administrator of the platform removes the last owner');
SELECT throws_ok($$ SELECT provision_member_add('none', 'r_owner') $$, '42704', 'tenant "none" does not exist', 'and is told what does not exist');
SELECT lives_ok($$ SELECT provision_member_add('*', 'r_other', 'owner'), provision_member_remove('*', 'r_other') $$, 'and manages those of every tenant');
SELECT lives_ok($$ SELECT provision_act_as('user@example.com') $$, 'acts for one of them');
SELECT throws_ok($$ SELECT provision_member_remove('acme', 'r_admin') $$, '42501', 'permission denied for tenant "acme"', 'has its rights then');
RESET ROLE;
SET LOCAL provision.acting_user = '';
SELECT is(string_agg(concat_ws(' ', event, coalesce(from_state, '-'), to_state, detail ->> 'member', 'by', actor, 'via', coalesce(via, '-')), E'\n' ORDER BY event_id),
          format(E'member_added - owner r_owner by %1$s via -\nmember_added - admin r_admin by r_owner via %1$s\n'
                 'member_added - member user@example.com by r_owner via %1$s\nmember_added member owner user@example.com by r_owner via %1$s', session_user), 'events tell who did it')
  FROM (SELECT * FROM provision.event_log WHERE tenant = 'acme' AND event LIKE 'member%' ORDER BY event_id LIMIT 4) AS first;
SELECT is(count(*), 3::bigint, 'those of every tenant have none') FROM provision.event WHERE event LIKE 'member%' AND tenant IS NULL;
DELETE FROM provision.tenant WHERE name = 'acme';
SELECT is(count(*), 0::bigint, 'who goes with its tenant') FROM provision.member WHERE member = 'user@example.com';
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "US"}'), provision_member_add('acme', 'r_owner');
SET LOCAL ROLE r_owner;
SELECT is(array_agg(event ORDER BY event_id), '{tenant_created,member_added}', 'members of a new tenant of the same name see nothing of the old one') FROM provision.event_log;
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
