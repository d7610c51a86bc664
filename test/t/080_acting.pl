# Acting for a user: until the transaction ends and no longer, by nobody who was not granted it, and without gaining anything on the way.
use strict;
use warnings;
use ProvisionTest;
use Test::More;

my $node = new_node('main', conf => "provision.databases = 'none'\n");
my $sessions = 0;

# What psql prints in one session of the role, errors too, a line each without their place.
sub session
{
	my ($role, $statements, %options) = @_;
	my ($out, $err);

	$node->psql('postgres', $statements, stdout => \$out, stderr => \$err, on_error_stop => 0,
		extra_params => [ '-U', $role, '-v', 'VERBOSITY=terse' ], %options);
	return join "\n", grep { length } $out, map { s/^psql:\S+ //r } split /\n/, $err;
}

create_engine($node, 'https://erp.example.com');
create_tenants($node, 3);
$node->safe_psql('postgres', q{
	CREATE ROLE gateway LOGIN;
	CREATE ROLE plain LOGIN;
	CREATE ROLE admin LOGIN;
	CREATE ROLE bob LOGIN;
	SELECT provision_member_add('t1', 'bob', 'admin'), provision_member_add('t2', 'carol'), provision_member_add('*', 'root', 'owner'),
	       provision_member_add('t3', 'gateway', 'admin'), provision_member_add('*', 'admin', 'admin');
	GRANT EXECUTE ON FUNCTION provision_start, provision_jobs, provision_act_as, provision_engine_pause TO gateway, admin;
	GRANT EXECUTE ON FUNCTION provision_start, provision_jobs TO plain, bob;
	GRANT USAGE ON SCHEMA provision TO gateway, plain, bob;
	GRANT SELECT ON provision.event_log, provision.job_status, provision.tenant_status TO gateway, plain, bob;});

like(session('gateway', q{BEGIN; SELECT provision_act_as('bob', '192.0.2.7'); SELECT provision_start('t1') > 0; COMMIT}), qr/^t$/m, 'it acts for a user');
is($node->safe_psql('postgres', q{SELECT actor, via FROM provision.event_log WHERE event = 'job_enqueued'}), 'bob|gateway', 'the event names the user and who connected');
is($node->safe_psql('postgres', q{SELECT created_by FROM provision.job_status}), 'bob', 'so does the job');
my $seen = q{SELECT string_agg(tenant, ' ' ORDER BY tenant) FROM provision.tenant_status};
my %expected = (
	'after COMMIT' => [ "BEGIN; SELECT provision_act_as('bob'); COMMIT; $seen", 't3' ],
	'after ROLLBACK' => [ "BEGIN; SELECT provision_act_as('bob'); ROLLBACK; $seen", 't3' ],
	'after an error' => [ "BEGIN; SELECT provision_act_as('bob'); SELECT 1 / 0; ROLLBACK; $seen", 't3' ],
	'after its savepoint' => [ "BEGIN; SELECT provision_act_as('bob'); SAVEPOINT s; SELECT provision_act_as('carol'); ROLLBACK TO s; $seen", 't1' ],
	'in a savepoint that stays' => [ "BEGIN; SAVEPOINT s; SELECT provision_act_as('carol'); RELEASE s; $seen", 't2' ],
	'the last one counts' => [ "BEGIN; SELECT provision_act_as('bob'); SELECT provision_act_as('carol'); $seen", 't2' ],
	'after RESET ALL' => [ "BEGIN; SELECT provision_act_as('bob'); RESET ALL; $seen", 't1' ],
	'after SET SESSION AUTHORIZATION' => [ "BEGIN; SELECT provision_act_as('bob'); SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; $seen", 't1' ],
	'for a platform administrator' => [ "BEGIN; SELECT provision_act_as('root'); $seen", '' ],
	'for a superuser\'s name' => [ "BEGIN; SELECT provision_act_as((SELECT rolname FROM pg_roles WHERE oid = 10)); $seen", '' ],
	'without acting' => [ $seen, 't3' ]);
foreach my $name (sort keys %expected)
{
	my @lines = grep { !/ERROR|WARNING/ } split /\n/, session('gateway', $expected{$name}[0]);
	is($lines[-1] // '', $expected{$name}[1], $name);
}
like(session('gateway', q{SELECT provision_act_as('bob')}), qr/WARNING:  there is no transaction block/, 'a lone statement is warned of');
like(session('gateway', q{BEGIN; SELECT provision_act_as(NULL)}), qr/ERROR:  acting user must have a name/, 'nobody is acted for');
like(session('gateway', q{BEGIN; SELECT provision_act_as('')}), qr/ERROR:  acting user must have a name/, 'nor somebody without a name');
like(session('plain', q{BEGIN; SELECT provision_act_as('bob')}), qr/ERROR:  permission denied for function provision_act_as/, 'who was not granted it cannot');

# The setting in which the user is kept belongs to nobody.
my @settings = (
	q{SET provision.acting_user = 'bob'}, q{SET LOCAL provision.acting_user = 'bob'}, q{SELECT set_config('provision.acting_user', 'bob', false)},
	q{SELECT set_config('provision.acting_user', 'bob', true)}, q{RESET provision.acting_user}, q{SET provision.acting_user TO DEFAULT},
	q{SET provision.acting_client = '192.0.2.7'}, q{SET provision.acting_role = 'bob'}, q{SELECT set_config('provision.acting_role', 'bob', true)});
foreach my $setting (@settings)
{
	my $shown = session('plain', "SELECT count(*) FROM provision_jobs(); BEGIN; $setting; COMMIT; $seen");
	like($shown, qr/permission denied to set parameter "provision\.acting_/, "refused: $setting");
	unlike($shown, qr/t1/, 'and without effect');
}
like(session('plain', q{ALTER ROLE plain SET provision.acting_user = 'bob'}), qr/permission denied to set parameter/, 'nor for later sessions');
like($node->safe_psql('postgres', q{SELECT setting FROM pg_settings WHERE name = 'provision.acting_user'}), qr/^$/, 'it is shown, and empty');
isnt($node->psql('postgres', q{ALTER SYSTEM SET provision.acting_user = 'bob'}, stderr => \my $refused), 0, 'no file can set it');
my $function = q{CREATE SCHEMA IF NOT EXISTS trick AUTHORIZATION plain;};
$node->safe_psql('postgres', $function);
like(session('plain', q{CREATE FUNCTION trick.act() RETURNS bigint LANGUAGE sql SET provision.acting_user = 'bob' AS $$SELECT public.provision_start('t1')$$; SELECT trick.act()}),
	qr/permission denied to set parameter/, 'no function either');

# A value that was set before the library was loaded is not taken over.
$node->safe_psql('postgres', q{ALTER SYSTEM RESET ALL});
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', q{''});
$node->restart;
like(session('plain', "SET provision.acting_user = 'bob'; SELECT count(*) FROM provision_jobs(); $seen"), qr/permission denied to set parameter/, 'a value from before the library was loaded is refused');
unlike(session('plain', "SET provision.acting_user = 'bob'; SELECT count(*) FROM provision_jobs(); $seen"), qr/t1/, 'and without effect');
unlike(session('plain', "SET provision.acting_user = 'bob'; $seen"), qr/t1/, 'for views too');
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', q{'provision'});
$node->restart;

# Somebody else's code in one's own session, and one's own code that others call, have the authority of neither.
$node->safe_psql('postgres', q{
	GRANT USAGE ON SCHEMA trick TO PUBLIC;
	GRANT EXECUTE ON FUNCTION provision_start TO bob;});
session('bob', q{SELECT 1});
$node->safe_psql('postgres', q{GRANT CREATE ON SCHEMA trick TO bob});
session('bob', q{CREATE FUNCTION trick.lent() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$SELECT public.provision_start('t1')$$; GRANT EXECUTE ON FUNCTION trick.lent() TO PUBLIC});
like(session('plain', q{SELECT trick.lent()}), qr/ERROR:  tenant "t1" does not exist, or you are no member of it/, 'a SECURITY DEFINER function lends no authority');
session('plain', q{CREATE FUNCTION trick.start() RETURNS bigint LANGUAGE sql AS $$SELECT public.provision_start('t1')$$;
	CREATE FUNCTION trick.look() RETURNS text LANGUAGE sql AS $$SELECT string_agg(tenant, ' ') FROM provision.tenant_status$$;
	CREATE FUNCTION trick.list() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM public.provision_jobs('t1')$$;
	CREATE MATERIALIZED VIEW trick.starts AS SELECT trick.start() WITH NO DATA;
	CREATE MATERIALIZED VIEW trick.lists AS SELECT trick.list() WITH NO DATA;
	CREATE MATERIALIZED VIEW trick.looks AS SELECT trick.look() WITH NO DATA});
foreach my $who ('REFRESH', q{BEGIN; SELECT provision_act_as('bob'); REFRESH})
{
	like(session($node->safe_psql('postgres', 'SELECT current_user'), "$who MATERIALIZED VIEW trick.starts"), qr/ERROR:  tenant "t1" does not exist, or you/, "$who of another's view starts nothing");
	like(session($node->safe_psql('postgres', 'SELECT current_user'), "$who MATERIALIZED VIEW trick.lists"), qr/ERROR:  tenant "t1" does not exist, or you/, 'nor does it list');
	session($node->safe_psql('postgres', 'SELECT current_user'), "$who MATERIALIZED VIEW trick.looks; COMMIT");
	is(session('plain', 'SELECT * FROM trick.looks'), '', 'nor does it show what the refresher sees');
}
$node->stop;
done_testing();
