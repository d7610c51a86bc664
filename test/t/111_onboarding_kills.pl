# The worker is killed in each phase of an onboarding: while Agent is asked for the site, while that is made, while credentials are waited for,
# while they are handed over, while the company is set up. One site, one company, and no credentials lost.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use JSON::PP;
use ProvisionTest;
use Test::More;

my $agent = AgentStandin->new('--manual', '--step-ms', 10, '--root-password', $root_password);
my $erpnext = Standin->new('--site', 'acme-inc.example.com:wizard', '--read-ms', 20, '--write-ms', 60);
my $node = new_node('main', conf => "provision.max_crashes = 1000\n");
my ($agent_url, $url) = ($agent->url, $erpnext->url);
my $pid = 0;

sub kill_when
{
	my ($what, $condition) = @_;

	$pid = wait_for_worker($node, 'postgres', $pid);
	ok(wait_until($condition), $what);
	ok(kill_hard($node, $pid), 'the worker is killed');
	return;
}

sub waits
{
	return ($node->safe_psql('postgres', q{SELECT string_agg(waits_for, ' ') FROM provision.step_status}) // '') eq shift;
}

create_agent($node, $agent);
$node->safe_psql('postgres', qq{SELECT provision_engine_create('bench', '$url', options => '{"agent": "agent"}')});
my $job = $node->safe_psql('postgres', q{SELECT provision_onboard('acme-inc', 'bench', '{"company_name": "Acme Inc", "abbr": "AI", "country": "US"}', credentials => 'handed_over')});

# Agent's answer does not come before the worker has died.
$agent->fault({ method => 'POST', path_regex => '/sites$', times => 1 }, { delay_after_ms => 600_000 });
kill_when('the site is asked for', sub {
	$node->safe_psql('postgres', q{SELECT EXISTS (SELECT FROM provision.call_log WHERE method = 'POST' AND step = 'site_1_site' AND finished_at IS NULL)}) eq 't' });
kill_when('the site is being made', sub { waits('a remote job') });
$agent->mode(manual => JSON::PP::false);
kill_when('credentials are waited for', sub { waits('signal credentials') });
my $until = $node->safe_psql('postgres', 'SELECT credentials_wanted_until FROM provision.onboarding_status');
$pid = wait_for_worker($node, 'postgres', $pid);
ok(waits('signal credentials'), 'the next worker knows that');
is($node->safe_psql('postgres', 'SELECT credentials_wanted_until FROM provision.onboarding_status'), $until, 'and until when');
kill 'STOP', $pid;
$node->safe_psql('postgres', qq{SELECT provision_signal($job, 'credentials', '{"api_key": "test-key", "api_secret": "test-secret"}')});
is($node->safe_psql('postgres', 'SELECT status FROM provision.onboarding_status'), 'credentials_received', 'they come while no worker can take them');
ok(kill_hard($node, $pid), 'and the worker is killed');
kill_when('the company is set up', sub { ($node->safe_psql('postgres', 'SELECT count(*) FROM provision.step_status WHERE ordinal > 100 AND finished_at IS NOT NULL') // 0) >= 2 });
ok(wait_for_jobs($node), 'the job ends');
is(tally($node), 'completed 1', 'well') or diag(open_steps($node), last_calls($node));
is($agent->inventory->{started}{'New Site'}, 1, 'Agent had one job');
is(scalar(grep { m{/Acme Inc$} && /^created Company/ } $erpnext->creations), 1, 'ERPNext got one company');
submits_are_single($agent);
ok_invariants($node, $erpnext);
$node->stop;
done_testing();
