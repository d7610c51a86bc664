# A copy of the database starts nothing of its schedules until it is adopted, and then each but once; everything paused starts nothing either.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', conf => "provision.databases = 'postgres'\n");

create_engine($node, $standin);
create_tenants($node, 3);
create_workflow($node, 'one', 1);
$node->safe_psql('postgres', q{SELECT provision_engine_pause('bench'), provision_start('t1', 'one')});
# Once a day, and not while this test runs.
$node->safe_psql('postgres', q{
	SELECT provision_worker_stop(), provision_schedule('t' || n, 'one', to_char(now() AT TIME ZONE 'UTC' + interval '12 hours', '"0" HH24 "* * *"')) FROM generate_series(2, 3) AS n;
	UPDATE provision.schedule SET next_at = now() - interval '10 days', due_at = now()});
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres') ], 'a database whose schedules are due is dumped');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('copy') ], 'and restored');
$node->append_conf('postgresql.conf', "provision.databases = 'copy'\n");
$node->reload;
is_paused_copy($node, 'copy', qr/dump/, 'the copy waits');
is($node->safe_psql('copy', 'SELECT count(*) FROM provision.job WHERE schedule_id IS NOT NULL'), '0', 'its schedules started nothing');

# Adopted while everything is paused.
$node->safe_psql('copy', q{SELECT provision_pause_all(), provision_engine_resume('bench')});
is($node->safe_psql('copy', 'SELECT provision_adopt()'), 't', 'it is adopted');
ok(wait_for_worker($node, 'copy'), 'and has a worker');
ok(poll($node, 'SELECT rounds > 0 FROM provision.worker_status WHERE alive', 'copy'), 'that looks');
is($node->safe_psql('copy', 'SELECT count(*) FROM provision.job WHERE schedule_id IS NOT NULL'), '0', 'but starts nothing while everything is paused');
$node->safe_psql('copy', 'SELECT provision_resume_all()');
ok(poll($node, q{SELECT count(*) = 2 FROM provision.job WHERE schedule_id IS NOT NULL AND state = 'completed'}, 'copy'), 'then each starts one job') or diag(open_steps($node, 'copy'));
is($node->safe_psql('copy', 'SELECT min(missed_count), max(missed_count) FROM provision.schedule_status'), '10|10', 'and tells how many times it missed');
$node->stop;
done_testing();
