# The worker is killed with -9 at random moments: every job is completed and nothing is made twice.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $kills = 6;
my $jobs = 20;
my $standin = Standin->new('--read-ms', 5, '--write-ms', 20, '--company-ms', 100, '--settings-ms', 50);
my $node = new_node('main', conf => "provision.max_crashes = 100\n");

create_engine($node, $standin);
create_tenants($node, $jobs);
# One call is in flight for certain when the first kill comes, and its job cannot be over by then.
$standin->fault({ method => 'POST', path_regex => '/api/', nth => 1 + int(rand(60)) }, { hold => 'after' });
start_jobs($node, $jobs);
my $pid = 0;
for my $round (1 .. $kills)
{
	$pid = wait_for_worker($node, 'postgres', $pid) or last;
	my $seen = $standin->control('GET', 'stats')->{requests};
	my $further = 1 + int(rand(150));
	wait_until(sub {
		return scalar grep { $_->{hits} } @{ $standin->control('GET', 'fault') } if $round == 1;
		return $standin->control('GET', 'stats')->{requests} >= $seen + $further || jobs_are_over($node);
	});
	last if jobs_are_over($node);
	ok(kill_hard($node, $pid), "the server is back after kill $round");
	$standin->clear_faults;
}
ok(wait_for_jobs($node), 'all jobs end');
is(tally($node), "completed $jobs", 'all are completed')
  or diag($node->safe_psql('postgres', q{SELECT job_id, step, state, error_code, error_message FROM provision.step_status WHERE state NOT IN ('completed', 'waiting')}));
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE verdict = 'crashed'}), '>', 0, 'what was in flight is kept as crashed');
ok_invariants($node, $standin);
$node->stop;
done_testing();
