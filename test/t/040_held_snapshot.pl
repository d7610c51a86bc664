# A session that holds a snapshot keeps every dead entry of the indexes in place: rounds read no more of them when many jobs have passed.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $batches = 6;
my $jobs = 150;
my $urgent = 40;
my $standin = Standin->new('--read-ms', 1, '--write-ms', 1);
my $node = new_node('main', conf => "autovacuum = off\n");

create_engine($node, $standin, '{"max_concurrent": 20}');
create_tenants($node, $jobs + $urgent);
create_workflow($node, 'three', 3);
ok(wait_for_worker($node), 'a worker runs');

my $holder = open_session($node);
$holder->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM provision.job');

# A job that goes before all others must not send the worker back to the front of the queue.
sub start_urgent_jobs
{
	foreach my $tenant ($jobs + 1 .. $jobs + $urgent)
	{
		$node->safe_psql('postgres', "SELECT provision_start('t$tenant', 'three', priority => 100)");
	}
	return;
}

# Entries of the indexes that rounds look through, per job.
sub entries_read
{
	my $before = shift;
	my $sum = q{SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
	             WHERE schemaname = 'provision'
	               AND indexrelname IN ('job_next', 'job_running', 'job_of_owner', 'job_due', 'job_news', 'engine_gauge_pkey', 'engine_state_pkey', 'worker_pkey')};
	my $now = 0;
	# The worker reports what it read when it comes to rest.
	wait_until(sub {
		my $last = $now;
		$now = $node->safe_psql('postgres', $sum);
		usleep(300_000);
		return $now == $last && $now > $before;
	});
	return $now;
}

my ($before, @read) = (0);
foreach my $batch (1 .. $batches)
{
	start_jobs($node, $jobs, 'three');
	start_urgent_jobs();
	ok(wait_for_jobs($node), "batch $batch ends");
	my $now = entries_read($before);
	push @read, ($now - $before) / $jobs;
	$before = $now;
}
note("entries read per job: @{[map { sprintf '%.1f', $_ } @read]}");
# What one batch read is sometimes reported with the next. It is about 65; with rounds that pass what is dead, in the queue or before it for an urgent job, some 230 or 400 in the last three, and more with each batch.
cmp_ok(($read[-1] + $read[-2] + $read[-3]) / 3, '<', 150, 'the last jobs cost no more entries than the first');
$holder->query_safe('ROLLBACK');
$holder->quit;
is(tally($node), 'completed ' . $batches * ($jobs + $urgent), 'all are completed');
ok_invariants($node, $standin);
$node->stop;
done_testing();
