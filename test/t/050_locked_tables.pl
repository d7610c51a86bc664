# Tables that somebody has locked: the worker waits without dying, keeps its answers, can be ended, and goes on; no crash is counted.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 30);
create_workflow($node, 'three', 3);
my $worker = wait_for_worker($node);
my $holder = open_session($node);

sub hindrances { return $node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event = 'worker_hindered'}) }

# Transactions of the worker that were seen waiting for a lock.
sub is_hindered_again_and_again
{
	my %seen;
	return wait_until(sub {
		my $begun = $node->safe_psql('postgres', q{SELECT xact_start FROM pg_stat_activity WHERE backend_type = 'provision worker' AND wait_event_type = 'Lock'});
		$seen{$begun} = 1 if $begun ne '';
		return keys %seen >= 3;
	});
}

my $began_at = time;

# Answers come while a table they are recorded in is locked.
foreach my $table ('job', 'attempt', 'event')
{
	my $before = hindrances();
	$standin->fault({ path_regex => 'ping', nth => 1 }, { hold => 'before' });
	start_jobs($node, 10, 'three');
	ok(wait_until(sub { $standin->control('GET', 'stats')->{running} > 0 }), 'calls are in flight');
	$holder->query_safe("BEGIN; LOCK TABLE provision.$table IN ACCESS EXCLUSIVE MODE");
	$standin->clear_faults;
	ok(is_hindered_again_and_again(), "the worker tries, gives up and tries again while provision.$table is locked");
	$holder->query_safe('COMMIT');
	ok(wait_for_jobs($node), 'unlocked, all jobs end');
	ok(poll($node, "SELECT count(*) > $before FROM provision.event WHERE event = 'worker_hindered'"), 'what happened is kept as an event');
}
is(worker_pid($node), $worker, 'it is the same worker');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE verdict IN ('crashed', 'interrupted')}), '0', 'no answer was lost');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event IN ('job_rescued', 'worker_lost')}), '0', 'nothing had to be rescued');
my $lines = () = slurp_file($node->logfile) =~ /could not run a round/g;
cmp_ok($lines, '<=', 1 + (time - $began_at) / 60, 'one line a minute in the log for all of it');
cmp_ok($lines, '>=', 1, 'at least one');

# It enters service late, and can be ended meanwhile.
$holder->query_safe('BEGIN; LOCK TABLE provision.control, provision.worker IN ACCESS EXCLUSIVE MODE');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
my $second;
ok(wait_until(sub { $second = worker_pid($node); $second =~ /^\d+$/ && $second != $worker }), 'a worker that is ended while a table is locked ends');
my $started_at = time;
$node->safe_psql('postgres', "SELECT pg_terminate_backend($second)");
ok(wait_until(sub { worker_pid($node) !~ /\b$second\b/ }), 'so does one that has not entered service');
ok_in_time($started_at, 5, 'within seconds');
$holder->query_safe('COMMIT');
start_jobs($node, 10, 'three');
ok(wait_for_jobs($node), 'unlocked, the next one works');
is(tally($node), 'completed 40', 'all are completed') or diag(open_steps($node));
is($node->safe_psql('postgres', 'SELECT max(crash_count) FROM provision.job'), '0', 'no crash was counted');
$holder->quit;
ok_invariants($node, $standin);
$node->stop;
done_testing();
