# No free worker process: one line a minute in the log says so, and work begins when there is one.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
# One for the launcher and one for a worker.
my $node = new_node('main', extension => 0, conf => "max_worker_processes = 2\nmax_logical_replication_workers = 0\nmax_parallel_workers = 0\n");
my $started_at = time;

foreach my $database ('first', 'second')
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION provision');
	create_engine($node, $standin, undef, $database);
	create_tenants($node, 2, $database);
	wait_for_worker($node, 'first') if $database eq 'first';
}
start_jobs($node, 2, 'tenant_setup', 'second');
my $line = qr/could not start a provision worker/;
ok(wait_until(sub { slurp_file($node->logfile) =~ $line }), 'the log says that a worker process is lacking');
like(slurp_file($node->logfile), qr/HINT:  Raise max_worker_processes/, 'and what to do');
is(worker_pid($node, 'second'), '', 'the second database has no worker');
# The line may be about a database that was looked at before; this one's turn comes.
ok(poll($node, q{SELECT string_agg(reason, ' ') LIKE '%worker processes used up%' FROM provision_why('t1')}, 'second'), 'provision_why() names the cause');
is($node->safe_psql('second', q{SELECT fix FROM provision_doctor() WHERE finding = 'worker processes used up'}),
	'ALTER SYSTEM SET max_worker_processes = 10; and restart the server.', 'provision_doctor() knows what to do');
start_jobs($node, 2, 'tenant_setup', 'first');
ok(wait_for_jobs($node, 'first'), 'the first database works');

$node->safe_psql('first', 'SELECT provision_worker_stop()');
ok(wait_for_worker($node, 'second'), 'a process that becomes free is used');
ok(wait_for_jobs($node, 'second'), 'and the jobs that waited end');
ok(poll($node, q{SELECT count(*) = 0 FROM provision_doctor() WHERE finding LIKE 'worker%'}, 'second'), 'which the doctor notices');
my $lines = () = slurp_file($node->logfile) =~ /$line/g;
cmp_ok($lines, '<=', 1 + (time - $started_at) / 60, 'one line a minute at most');
ok_invariants($node, $standin, 'second');
$node->stop;
done_testing();
