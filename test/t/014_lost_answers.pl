# At each of the eleven steps the answer to a call that changed something is lost: the step looks, adopts and goes on.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new('--site', 'erp.localhost:bare');
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 1);

# Each call that creates or changes something loses its first answer, whichever step it belongs to.
my %lost;
start_jobs($node, 1);
ok(wait_for_jobs($node), 'a first job ends without faults');
my @mutations = grep { !$lost{ "$_->{method} $_->{path}" }++ } grep { $_->{method} ne 'GET' && $_->{effect} } $standin->requests;
cmp_ok(scalar @mutations, '>', 10, 'there are calls whose answers can be lost');

$node->safe_psql('postgres', q{
	SET provision.may_change_history = on; DELETE FROM provision.attempt; DELETE FROM provision.event; DELETE FROM provision.job;
	UPDATE provision.tenant SET metadata = '{}';
	UPDATE provision.step SET backoff_ms = 20, backoff_max_ms = 40, patience_ms = 100;
	SELECT provision_engine_update('bench', '{"failure_threshold": 1000}')});
$standin->control('POST', 'reset');
foreach my $mutation (@mutations)
{
	$standin->fault({ method => $mutation->{method}, path_regex => '^' . quotemeta($mutation->{path}) . '$', times => 1 }, { drop => 'after' });
}
start_jobs($node, 1);
ok(wait_for_jobs($node), 'a job whose answers are lost ends');
is(tally($node), 'completed 1', 'it is completed')
  or diag(open_steps($node), "\n", last_calls($node));
my @struck = grep { $_->{fault} } $standin->requests;
is(scalar @struck, scalar @mutations, 'every answer was lost once');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE delivery = 'unknown'}), scalar @struck, 'and recorded as unknown');
ok_invariants($node, $standin);
$node->stop;
done_testing();
