# The disk is full: nothing is sent that could not be recorded, what was answered is not lost, the log stays short, and when there is
# space again everything goes on by itself. The database lies on a small file system in a mount namespace of this test.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;

BEGIN
{
	if (!$ENV{PROVISION_SMALL_DISK})
	{
		$ENV{PROVISION_SMALL_DISK} = PostgreSQL::Test::Utils::tempdir_short();
		my @namespace = ('unshare', '--map-current-user', '--keep-caps', '--mount');
		if (system(@namespace, 'sh', '-c', "mount -t tmpfs -o size=1m tmpfs $ENV{PROVISION_SMALL_DISK}") == 0)
		{
			exec(@namespace, 'sh', '-c', "mount -t tmpfs -o size=40m tmpfs $ENV{PROVISION_SMALL_DISK} && exec \"\$@\"", 'sh', $^X, $0);
		}
		plan(skip_all => 'no file system can be mounted here: unprivileged user namespaces are not allowed');
	}
}

use ProvisionTest;
use Standin;

my $disk = $ENV{PROVISION_SMALL_DISK};
my $standin = Standin->new;
my $node = new_node('main', extension => 0, conf => "autovacuum = off\n");

sub fill_disk
{
	system("dd if=/dev/zero of=$disk/ballast bs=8k 2>/dev/null");
	return;
}

sub calls { return $standin->control('GET', 'stats')->{requests} }

mkdir "$disk/space" or die "could not create a directory: $!";
$node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$disk/space'");
$node->safe_psql('postgres', 'CREATE DATABASE small TABLESPACE small');
$node->safe_psql('small', 'CREATE EXTENSION provision');
create_engine($node, $standin, undef, 'small');
create_tenants($node, 40, 'small');
create_workflow($node, 'long', 15, 'small');
my $worker = wait_for_worker($node, 'small');

$standin->fault({ path_regex => 'ping' }, { delay_ms => 1000 });
start_jobs($node, 40, 'long', 'small');
ok(wait_until(sub { calls() > 100 }), 'the worker works');
my $offset = -s $node->logfile;
fill_disk();
ok(wait_until(sub { slurp_file($node->logfile, $offset) =~ /could not run a round.*No space left/ }), 'the disk is full, and the log says so');
ok(wait_until(sub { $standin->control('GET', 'stats')->{running} == 0 }), 'calls that are in flight end');

# What is sent has a row, committed before; so while no row can be written, nothing is sent.
my $sent = calls();
my %seen;
ok(wait_until(sub {
	my $begun = $node->safe_psql('postgres', q{SELECT query_start FROM pg_stat_activity WHERE backend_type = 'provision worker'});
	$seen{$begun} = 1;
	return keys %seen > 3;
}), 'the worker tries again and again');
is(calls(), $sent, 'and sends nothing meanwhile');
is($node->safe_psql('small', 'SELECT count(*) FROM provision.attempt'), $sent, 'what it had sent before has its rows');
is(worker_pid($node, 'small'), $worker, 'it is the same worker');
my $lines = () = slurp_file($node->logfile, $offset) =~ /provision|No space left/g;
cmp_ok($lines, '<=', 3, 'the log has one line about it');
unlike(slurp_file($node->logfile, $offset), qr/PANIC|FATAL|ERROR/, 'nothing worse');

unlink "$disk/ballast";
$standin->clear_faults;
ok(wait_until(sub { calls() > $sent }), 'with space again, it goes on');
ok(wait_for_jobs($node, 'small'), 'all jobs end') or diag(open_steps($node, 'small'));
is(tally($node, 'small'), 'completed 40', 'all are completed');
is(worker_pid($node, 'small'), $worker, 'by the same worker');
is($node->safe_psql('small', q{SELECT count(*) FROM provision.attempt WHERE verdict IN ('crashed', 'interrupted')}), '0', 'no answer was lost');
is($node->safe_psql('small', 'SELECT max(crash_count) FROM provision.job'), '0', 'and no crash was counted');
like($node->safe_psql('small', q{SELECT detail::text FROM provision.event WHERE event = 'worker_hindered' LIMIT 1}), qr/"sqlstate": "53100"/, 'an event tells about it');

# A worker that has to leave now cannot record its answers: its calls are looked after by the next one.
$standin->fault({ path_regex => 'ping' }, { delay_ms => 1000 });
start_jobs($node, 40, 'long', 'small');
$sent = calls();
ok(wait_until(sub { calls() > $sent + 100 }), 'the worker works');
fill_disk();
ok(wait_until(sub { $standin->control('GET', 'stats')->{running} == 0 }), 'the disk is full again');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
ok(wait_until(sub { worker_pid($node, 'small') ne $worker }), 'the worker can be ended');
$sent = calls();
unlink "$disk/ballast";
$standin->clear_faults;
ok(wait_for_jobs($node, 'small'), 'with space again, all jobs end');
is(tally($node, 'small'), 'completed 80', 'all are completed');
cmp_ok($node->safe_psql('small', q{SELECT count(*) FROM provision.attempt WHERE verdict = 'crashed' AND delivery = 'unknown'}), '>', 0, 'what was not recorded counts as unknown');
ok_invariants($node, $standin, 'small');
$node->stop;
done_testing();
