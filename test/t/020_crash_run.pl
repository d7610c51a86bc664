# Many jobs, many kills of the worker: all are completed, none is lost, nothing is made twice.
# CRASH_JOBS and CRASH_KILLS set the size; in continuous integration it is smaller.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $jobs = $ENV{CRASH_JOBS} // ($ENV{CI} ? 60 : 200);
my $kills = $ENV{CRASH_KILLS} // ($ENV{CI} ? 10 : 50);
my $standin = Standin->new('--read-ms', 2, '--write-ms', 10, '--company-ms', 100, '--settings-ms', 50, '--site', map { "site$_.localhost" } 1);
my $node = new_node('main', conf => "provision.max_crashes = 1000\n");

create_engine($node, $standin, '{"max_concurrent": 100, "site": "site1.localhost"}');
create_tenants($node, $jobs);
my ($pid, $killed_pid, $killed, $started) = (0, 0, 0, 0);
while ($killed < $kills && $started < 10 * $jobs)
{
	# Once more, when all of them ended before there were enough kills: then everything is there already.
	$started += start_jobs($node, $jobs) if jobs_are_over($node);
	$pid = wait_for_worker($node, 'postgres', $killed_pid) or last;
	my $seen = $standin->control('GET', 'stats')->{requests};
	my $further = 20 + int(rand(400));
	wait_until(sub { $standin->control('GET', 'stats')->{requests} >= $seen + $further || jobs_are_over($node) });
	next if jobs_are_over($node);
	kill_hard($node, $pid) or last;
	$killed_pid = $pid;
	$killed++;
}
note("$killed kills");
is($killed, $kills, 'the worker was killed again and again');
ok(poll($node, 'SELECT NOT EXISTS (SELECT FROM provision.job WHERE finished_at IS NULL)'), 'all jobs end');
is(tally($node), "completed $started", 'all are completed') or diag(open_steps($node));
ok(poll($node, "SELECT count(*) = $killed FROM provision.event WHERE event = 'worker_lost'"), 'each death was noticed, once');
ok_invariants($node, $standin);
$node->stop;
done_testing();
