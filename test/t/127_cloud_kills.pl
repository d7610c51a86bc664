# The worker is killed again and again while it asks Frappe Cloud for sites and waits for them: one site each. PROVISION_TEST_FULL=1: a hundred times.
use strict;
use warnings;
use AgentTest;
use CloudTest;
use JSON::PP;
use PressStandin;
use ProvisionTest;
use Test::More;

my $kills = $ENV{PROVISION_TEST_FULL} ? 100 : 4;
my $count = $kills * 3;
my $standin = PressStandin->new('--manual', '--step-ms', 50);
my $node = new_node('main', conf => "provision.max_crashes = 1000\n");
my @tenants = map { "tenant$_" } 1 .. $count;
my ($pid, $killed) = (0, 0);

create_cloud($node, $standin, options => '{"max_concurrent": 2}');
create_cloud_tenants($node, @tenants);
$standin->fault({ path_regex => 'site\.(new|job|get)$', probability => 0.5 }, { delay_after_ms => 100 });       # killed while it waits for these
start_site_jobs($node, 'create_site', @tenants);
# Press goes on by two moments with each of the first kills, too few for any site: so there is work left for every one.
while ($killed < $kills)
{
	$pid = wait_for_worker($node, 'postgres', $pid) or last;
	my $seen = $standin->control('GET', 'stats')->{requests};
	my $further = 2 + int(rand(15));
	wait_until(sub { $standin->control('GET', 'stats')->{requests} >= $seen + $further }) or last;
	kill_hard($node, $pid) or last;
	$standin->tick(2) if $killed++ < 4;
}
is($killed, $kills, 'the worker was killed again and again');
$standin->mode(manual => JSON::PP::false);
ok(wait_for_jobs($node), 'all jobs end');
is(tally($node), "completed $count", 'all sites are made') or diag(open_steps($node));
is(cloud_sites($standin, 'created'), join(', ', map { "$_.frappe.cloud 1" } sort @tenants), 'each once');
is(tables_with($node, 'test-secret'), '', 'no secret is in a table that is shown');
ok_invariants($node, $standin);
$node->stop;
done_testing();
