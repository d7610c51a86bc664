# Databases made from ours as template, restored dumps and upgraded clusters come up paused until somebody adopts them.
use strict;
use warnings;
use ProvisionTest;
use File::Copy;
use ProvisionNode;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $origin = new_node('origin');

create_engine($origin, $standin);
create_tenants($origin, 2);

# A database made from ours, and one restored from a dump, in the same cluster.
$origin->safe_psql('postgres', q{SELECT provision_engine_pause('bench'); SELECT provision_start('t1')});
$origin->safe_psql('postgres', 'SELECT provision_worker_stop()');
ok(poll($origin, q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'provision worker')}), 'the worker of the original has left');
$origin->safe_psql('template1', 'CREATE DATABASE cloned TEMPLATE postgres');
$origin->safe_psql('cloned', q{UPDATE provision.control SET worker_stopped_at = NULL});
$origin->safe_psql('cloned', q{SELECT provision.start_worker()});
is_paused_copy($origin, 'cloned', qr/template/, 'a database made from a template');
$origin->safe_psql('cloned', q{SELECT provision_engine_resume('bench')});
adopt_copy($origin, 'cloned');

$origin->safe_psql('template1', 'CREATE DATABASE restored');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$origin->command_ok([ 'pg_dump', '--no-sync', '--enable-row-security', '-Fc', '-f', $dump, '-d', $origin->connstr('postgres') ], 'the database is dumped');
$origin->command_ok([ 'pg_restore', '-d', $origin->connstr('restored'), $dump ], 'and restored');
is_paused_copy($origin, 'restored', qr/dump/, 'a restored dump');
$origin->safe_psql('restored', q{SELECT provision_engine_resume('bench')});
adopt_copy($origin, 'restored');

$origin->safe_psql('postgres', q{SELECT provision_worker_start(); SELECT provision_engine_resume('bench')});
ok(wait_for_jobs($origin), 'the original is at home as before');
is($origin->safe_psql('postgres', 'SELECT provision_adopt()'), 'f', 'and was no copy all the time');
ok_invariants($origin, $standin);

# The old cluster could still be started.
$origin->safe_psql('postgres', q{SELECT provision_engine_pause('bench'); SELECT provision_start('t1')});
$origin->stop;
my $upgraded = ProvisionNode->new('upgraded');
my $binaries = $origin->config_data('--bindir');
$upgraded->init;
$upgraded->append_conf('postgresql.conf', "shared_preload_libraries = 'provision'");
chdir $upgraded->basedir or die $!;
$upgraded->command_ok([
		'pg_upgrade', '--no-sync', '-b', $binaries, '-B', $binaries, '-d', $origin->data_dir, '-D', $upgraded->data_dir,
		'-s', $upgraded->host, '-p', $origin->port, '-P', $upgraded->port ], 'the cluster is upgraded');
copy($origin->data_dir . '/provision.key', $upgraded->data_dir . '/provision.key') or die "could not copy the key: $!";      # as doc/security.md says
$upgraded->start;
is_paused_copy($upgraded, 'postgres', qr/pg_upgrade/, 'the upgraded cluster');
$upgraded->safe_psql('postgres', q{SELECT provision_engine_resume('bench')});
adopt_copy($upgraded, 'postgres');
$upgraded->stop;
done_testing();
