# Copies of a database come up paused until somebody adopts them: restored dumps and backups, recovery to a point in time, databases made from a template.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $origin = new_node('origin', init => { has_archiving => 1, allows_streaming => 1 });
my @copies;

# Its jobs wait, everybody is told why, nothing starts them by accident; restarts do not make it forget.
sub is_paused
{
	my ($node, $database, $why, $name) = @_;

	subtest $name => sub {
		my ($out, $err);
		ok(poll($node, 'SELECT copy_detail IS NOT NULL FROM provision.control', $database), 'a worker has looked') if $why !~ /dump/;
		ok(poll($node, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'provision worker' AND datname = '$database')"), 'and left');
		like($node->safe_psql($database, q{SELECT detail FROM provision_why('t1') WHERE reason = 'restored copy'}), $why, 'provision_why() says why');
		is($node->safe_psql($database, q{SELECT severity || ' ' || fix FROM provision_doctor() WHERE finding = 'restored copy'}),
			'critical SELECT provision_adopt();', 'provision_doctor() knows what to do');
		is($node->safe_psql($database, q{SELECT provision_health() ->> 'status'}), 'down', 'provision_health() is not content');
		isnt($node->psql($database, 'SELECT provision_worker_start()', stdout => \$out, stderr => \$err), 0, 'no worker can be started');
		like($err, qr/is a copy.*provision_adopt/s, 'the error says what to do');
		is($node->safe_psql($database, q{SELECT provision_status('t1') ->> 'state'}), 'pending', 'its job waits');
	};
	return;
}

sub adopt
{
	my ($node, $database) = @_;

	is($node->safe_psql($database, 'SELECT provision_adopt()'), 't', 'it is adopted');
	ok(poll($node, q{SELECT provision_status('t1') ->> 'state' = 'completed'}, $database), 'and works');
	is($node->safe_psql($database, 'SELECT provision_adopt()'), 'f', 'once');
	is($node->safe_psql($database, q{SELECT count(*) FROM provision.event WHERE event = 'copy_adopted'}), '1', 'which is an event');
	return;
}

create_engine($origin, $standin);
create_tenants($origin, 2);
is($origin->safe_psql('postgres', 'SELECT provision_adopt()'), 'f', 'the original is no copy');
$origin->backup('base');
$origin->safe_psql('postgres', q{SELECT provision_engine_pause('bench')});
start_jobs($origin, 1);
$origin->safe_psql('postgres', q{SELECT pg_create_restore_point('waiting')});
$origin->safe_psql('postgres', q{SELECT provision_engine_resume('bench')});
ok(wait_for_jobs($origin), 'the job of the original ends');
my $made = () = $standin->creations;
$origin->safe_psql('postgres', 'SELECT pg_switch_wal()');

# To a point in time: the job that has ended long since waits again.
my $past = PostgreSQL::Test::Cluster->new('past');
$past->init_from_backup($origin, 'base', has_restoring => 1, standby => 0);
$past->append_conf('postgresql.conf', "recovery_target_name = 'waiting'\nrecovery_target_action = 'promote'");
$past->start;
is_paused($past, 'postgres', qr/backup/, 'a server recovered to a point in time');
$past->restart;
is_paused($past, 'postgres', qr/backup/, 'also after a restart');
$past->safe_psql('postgres', q{UPDATE provision.control SET copy_detail = NULL});
is($past->safe_psql('postgres', 'SELECT provision.copy_detail()'), 'This server was recovered to a point in time.', 'the history of its timeline tells, too');
$past->safe_psql('postgres', q{SELECT provision_engine_resume('bench')});
adopt($past, 'postgres');
is(scalar(() = $standin->creations), $made, 'what the original has made is found, not made again');
$past->restart;
ok(wait_for_worker($past), 'once adopted it stays so');
$past->stop;

# The files of a backup, started as they are: neither identifier nor timeline differ.
my $twin = PostgreSQL::Test::Cluster->new('twin');
$origin->backup('later');
$twin->init_from_backup($origin, 'later');
$twin->start;
$twin->safe_psql('postgres', q{SELECT provision_retry(provision_start('t1')) WHERE false; SELECT provision_start('t2')});
ok(poll($twin, 'SELECT copy_detail IS NOT NULL FROM provision.control'), 'a backup that was simply started is paused');
$twin->restart;
like($twin->safe_psql('postgres', 'SELECT detail FROM provision.why_worker()'), qr/backup/, 'also after a restart');
$twin->stop;

# A database made from ours, and one restored from a dump, in the same cluster.
$origin->safe_psql('postgres', q{SELECT provision_engine_pause('bench'); SELECT provision_start('t1')});
$origin->safe_psql('postgres', 'SELECT provision_worker_stop()');
ok(poll($origin, q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'provision worker')}), 'the worker of the original has left');
$origin->safe_psql('template1', 'CREATE DATABASE cloned TEMPLATE postgres');
$origin->safe_psql('cloned', q{UPDATE provision.control SET worker_stopped_at = NULL});
$origin->safe_psql('cloned', q{SELECT provision.start_worker()});
is_paused($origin, 'cloned', qr/template/, 'a database made from a template');
$origin->safe_psql('cloned', q{SELECT provision_engine_resume('bench')});
adopt($origin, 'cloned');

$origin->safe_psql('template1', 'CREATE DATABASE restored');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$origin->command_ok([ 'pg_dump', '--no-sync', '--enable-row-security', '-Fc', '-f', $dump, '-d', $origin->connstr('postgres') ], 'the database is dumped');
$origin->command_ok([ 'pg_restore', '-d', $origin->connstr('restored'), $dump ], 'and restored');
is_paused($origin, 'restored', qr/dump/, 'a restored dump');
$origin->safe_psql('restored', q{SELECT provision_engine_resume('bench')});
adopt($origin, 'restored');

$origin->safe_psql('postgres', q{SELECT provision_worker_start(); SELECT provision_engine_resume('bench')});
ok(wait_for_jobs($origin), 'the original is at home as before');
ok_invariants($origin, $standin);
$origin->stop;
done_testing();
