# A proxy server in front of the server of the sites has a Frappe Agent of its own: it is told of a site when that is made and when it is gone, once each, whatever dies.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use JSON::PP;
use ProvisionTest;
use Test::More;

my $upstream = '10.0.0.5';
my $standin = AgentStandin->new('--step-ms', 20, '--workers', 20, '--root-password', $root_password);
my $front = AgentStandin->new('--step-ms', 20, '--workers', 20, '--token', 'front-token', '--name', 'n1.local');
my $node = new_node('main', conf => "provision.max_crashes = 1000\n");
my $front_url = $front->url;

sub at_proxy
{
	my $sites = $front->inventory->{proxy}{upstreams}{$upstream} // [];
	return join ' ', map { s/\.example\.com$//r } @$sites;
}

sub steps_of
{
	my ($tenant) = @_;
	return $node->safe_psql('postgres', qq{SELECT string_agg(step || ' ' || state, ', ' ORDER BY ordinal) FROM provision.step_status WHERE job_id = provision.newest_job('$tenant')});
}

create_agent($node, $standin);
create_site_tenants($node, 'plain');
start_site_jobs($node, 'create_site', 'plain');
ok(wait_for_jobs($node), 'without a proxy a site is made');
like(steps_of('plain'), qr/step_2_proxy skipped, step_3_answers completed/, 'and nobody is told of it');
is(ask($node, q{SELECT count(*) FROM provision_plan('plain', 'create_site') WHERE step = 'step_2_proxy'}), 0, 'nor does the dry run');

# -- set up
$node->safe_psql('postgres', qq{
	SELECT provision_engine_create('front', '$front_url', 'frappe_agent', '{"max_jobs": 2, "failure_threshold": 1000}');
	SELECT provision_engine_secret('front', 'front', 'front-token');
	SELECT provision_engine_update('agent', '{"proxy": "front", "upstream": "$upstream"}');});
create_site_tenants($node, 'onfront', 'first', 'second', 'third', 'fourth', 'fifth');
$node->safe_psql('postgres', q{UPDATE provision.tenant SET engine_id = (SELECT engine_id FROM provision.engine WHERE name = 'front') WHERE name = 'onfront'});
like(eval { $node->safe_psql('postgres', q{SELECT provision_create_site('onfront')}) } // $@, qr/its engine has no agent/, 'no site is made on a proxy');
is($node->safe_psql('postgres', q{SELECT string_agg(method || ' ' || replace(url, base_url, '') || ' ' || (body ->> 'name'), ', ') FROM provision_plan('first', 'create_site'), provision.engine WHERE name = 'front' AND step = 'step_2_proxy' AND method = 'POST'}),
	"POST /proxy/upstreams/$upstream/sites first.example.com", 'the dry run tells what the proxy is asked');

# -- made: with faults at the proxy, and kills of the worker
$front->fault({ method => 'POST', path_regex => '/upstreams/', times => 1 }, { drop => 'after' });
$front->fault({ job => 'Add Site to Upstream', site => undef, nth => 3 }, { kill => JSON::PP::true });
start_site_jobs($node, 'create_site', 'first', 'second', 'third', 'fourth', 'fifth');
my $pid = 0;
foreach my $told (1, 3)
{
	ok(wait_until(sub { $front->control('GET', 'stats')->{requests} >= 2 * $told }), 'the proxy is asked');
	$pid = wait_for_worker($node, 'postgres', $pid);
	kill_hard($node, $pid);
}
ok(wait_for_jobs($node), 'sites are made') or diag(open_steps($node));
my %ends = site_jobs($node);
my @failed = grep { $ends{$_} =~ /REMOTE_JOB_FAILED/ } qw(first second third fourth fifth);
is(scalar @failed, 1, 'but for the one whose job at the proxy was killed') or diag(explain(\%ends));
$node->safe_psql('postgres', "SELECT provision_retry('$_')") foreach @failed;
ok(wait_for_jobs($node), 'tried again it ends');
is(tally($node), 'completed 6', 'well') or diag(last_calls($node));
is(at_proxy(), 'fifth first fourth second third', 'the proxy knows all of them');
is($standin->inventory->{started}{'New Site'}, 6, 'each was made once');

# -- rolled back, and deleted
$node->safe_psql('postgres', q{SELECT provision_rollback('fifth')});
ok(wait_for_jobs($node), 'a rollback ends');
is({ site_jobs($node) }->{fifth}, 'rolled_back', 'well') or diag(last_calls($node));
is(at_proxy(), 'first fourth second third', 'the proxy has forgotten the site');
$front->fault({ method => 'DELETE', path_regex => '/upstreams/', times => 1 }, { drop => 'after' });
start_site_jobs($node, 'delete_site', 'first', 'second', 'third', 'fourth');
ok(wait_for_jobs($node), 'sites are deleted') or diag(open_steps($node));
is(at_proxy(), '', 'the proxy knows none of them any more') or diag(last_calls($node));
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT lifecycle, ' ') FROM provision.tenant WHERE name IN ('first', 'second', 'third', 'fourth')}), 'deleted', 'and they are deleted');
start_site_jobs($node, 'delete_site', 'first');
ok(wait_for_jobs($node), 'once more');
is({ site_jobs($node) }->{first}, 'completed', 'what is gone is gone');

is(join(' ', map { my %at = $_->submits; grep { $at{$_} > 1 } keys %at } $standin, $front), '', 'nothing was submitted twice under one key');
like(eval { $node->safe_psql('postgres', q{SELECT provision_engine_drop('front')}) } // $@, qr/is needed by others|has tenants/, 'the engine of a proxy that is used stays');
is(tables_with($node, 'front-token'), '', 'no secret is in a table that is shown');
ok_invariants($node);
$node->stop;
done_testing();
