# The worker is killed again and again while it submits and waits: one job of Agent for each site. PROVISION_TEST_FULL=1: a hundred times.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use JSON::PP;
use ProvisionTest;
use Test::More;

my $kills = $ENV{PROVISION_TEST_FULL} ? 100 : 4;
my $count = $kills * 2;
my $standin = AgentStandin->new('--manual', '--submit-ms', 30, '--workers', 4, '--root-password', $root_password);
my $node = new_node('main', conf => "provision.max_crashes = 1000\n");
my @tenants = map { "tenant$_" } 1 .. $count;
my ($pid, $killed) = (0, 0);

create_agent($node, $standin);
create_site_tenants($node, @tenants);
start_site_jobs($node, 'create_site', @tenants);
# Agent goes on by a few moments with each kill, too few for all sites: so there is work left for every one.
while ($killed < $kills)
{
	$pid = wait_for_worker($node, 'postgres', $pid) or last;
	my $seen = $standin->control('GET', 'stats')->{requests};
	my $further = 2 + int(rand(12));
	wait_until(sub { $standin->control('GET', 'stats')->{requests} >= $seen + $further }) or last;
	kill_hard($node, $pid) or last;
	$standin->tick(3);
	$killed++;
}
is($killed, $kills, 'the worker was killed again and again');
$standin->mode(manual => JSON::PP::false);
ok(wait_for_jobs($node), 'all jobs end');
is(tally($node), "completed $count", 'all sites are made') or diag(open_steps($node));
my %started = %{ $standin->inventory->{started} };
is($started{'New Site'}, $count, 'Agent had one job for each');
submits_are_single($standin);
is(tables_with($node, $root_password), '', 'no secret is in a table that is shown');
ok_invariants($node, $standin);
$node->stop;
done_testing();
