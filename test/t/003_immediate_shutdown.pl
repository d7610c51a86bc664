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
start_jobs($node, $jobs);
for my $round (1 .. 3)
{
	my $seen = $standin->control('GET', 'stats')->{requests};
	ok(wait_until(sub { $standin->control('GET', 'stats')->{requests} > $seen + 60 }), "the worker works, round $round");
	$node->stop('immediate');
	$node->start;
}
ok(wait_for_jobs($node), 'all jobs end');
is(tally($node), "completed $jobs", 'all are completed') or diag(open_steps($node));
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE verdict = 'crashed'}), '>', 0, 'what was in flight is kept as crashed');
ok_invariants($node, $standin);
$node->stop;
done_testing();
