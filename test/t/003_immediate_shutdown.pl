# The server stops at once, as in a power failure, with calls in flight: after its start everything is finished, once.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $jobs = 10;
my $standin = Standin->new('--write-ms', 20, '--company-ms', 100);
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, $jobs);
# Companies are made one at a time: while the third is being made no job behind it can end, however late it is looked.
sub hold_a_company { return $standin->fault({ method => 'POST', path_regex => '/Company$', nth => 3 }, { hold => 'after' }) }

hold_a_company();
start_jobs($node, $jobs);
for my $round (1 .. 3)
{
	ok(wait_until(sub { grep { $_->{hits} } @{ $standin->control('GET', 'fault') } }), "the worker works, round $round");
	$node->stop('immediate');
	$standin->clear_faults;
	hold_a_company() if $round < 3;
	$node->start;
}
ok(wait_for_jobs($node), 'all jobs end');
is(tally($node), "completed $jobs", 'all are completed') or diag(open_steps($node));
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE verdict = 'crashed'}), '>', 0, 'what was in flight is kept as crashed');
ok_invariants($node, $standin);
$node->stop;
done_testing();
