# Customers from the request to the point of sale: sites made by Frappe Agent, credentials handed over, companies set up, each as one job; in the
# order of their plans, with places that neither skip nor repeat; nothing in clear in a dump.
#
# PROVISION_TEST_FULL=1: 1,000 requests wait, and a hundred of them are carried out.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use JSON::PP;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

my ($requests, $carried_out) = $ENV{PROVISION_TEST_FULL} ? (1000, 100) : (30, 2);
my @plans = ('starter', 'professional', 'enterprise');
my $agent = AgentStandin->new('--step-ms', 10, '--workers', 8, '--root-password', $root_password);
my $erpnext = Standin->new(map { ('--site', "customer$_.example.com:wizard") } 1 .. $requests);
my $node = new_node('main');
my $url = $erpnext->url;

create_agent($node, $agent);
$node->safe_psql('postgres', qq{SELECT provision_engine_create('bench', '$url', options => '{"agent": "agent", "max_concurrent": 10}')});

# -- asked for: nobody works yet
$node->safe_psql('postgres', 'SELECT provision_pause_all()');
$node->safe_psql('postgres', qq{
	SELECT provision_onboard('customer' || n, 'bench', jsonb_build_object('company_name', 'Customer ' || n, 'abbr', 'C' || n, 'country', 'US'),
	                         (ARRAY['starter', 'professional', 'enterprise'])[1 + n * 7 % 3], 'handed_over')
	  FROM generate_series(1, $requests) AS n});
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.onboarding_status WHERE status = 'pending' AND jobs_ahead = queue_position - 1}), $requests, 'all wait');
is($node->safe_psql('postgres', q{SELECT array_agg(queue_position ORDER BY queue_position) = array_agg(n ORDER BY n)
	FROM (SELECT queue_position, row_number() OVER () AS n FROM provision.onboarding_status) AS place}), 't', 'in places from 1 on, without a gap or a repetition');
is($node->safe_psql('postgres', q{
	SELECT count(*)
	  FROM (SELECT job_id, provision.plan_priority(plan) AS priority, lag(job_id) OVER line AS job_before, lag(provision.plan_priority(plan)) OVER line AS priority_before
	          FROM provision.onboarding_status WINDOW line AS (ORDER BY queue_position)) AS neighbours
	 WHERE priority > priority_before OR priority = priority_before AND job_id < job_before}), '0', 'the better plan first, then who came first');

# -- the first of them are carried out
my @chosen = split /\n/, $node->safe_psql('postgres', "SELECT tenant FROM provision.onboarding_status WHERE queue_position <= $carried_out ORDER BY queue_position");
my $list = join ',', @chosen;
my $rest = "SELECT job_id FROM provision.onboarding_status WHERE tenant <> ALL ('{$list}')";
$node->safe_psql('postgres', "SELECT provision_pause(job_id) FROM ($rest) AS rest");
$node->safe_psql('postgres', 'SELECT provision_resume_all()');
ok(poll($node, "SELECT count(*) = $carried_out FROM provision.onboarding_status WHERE credentials_wanted_until IS NOT NULL AND status = 'in_progress'"),
	'their sites are made, and credentials waited for') or diag(open_steps($node), last_calls($node));
ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM provision.job WHERE owner IS NOT NULL OR slots > 0)}), 'which holds neither worker nor slot');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt JOIN provision.engine USING (engine_id) WHERE engine.kind = 'erpnext'}), '0', 'no site was called yet');
is($node->safe_psql('postgres', q{SELECT reason FROM provision_why('} . $chosen[0] . q{') WHERE fix ~ 'provision_signal'}), 'waits for a signal', 'provision_why() tells what for');

my $credentials = '{"api_key": "test-key", "api_secret": "test-secret"}';
$node->safe_psql('postgres', qq[SELECT count(*) FROM (SELECT provision_signal(job_id, 'credentials', '$credentials') FROM provision.onboarding_status WHERE tenant = ANY ('{$list}')) AS sent]);
ok(poll($node, "SELECT count(*) = $carried_out FROM provision.onboarding_status WHERE status IN ('completed', 'failed')"), 'they are handed over, and the jobs end');
is($node->safe_psql('postgres', "SELECT DISTINCT state FROM provision.job_status WHERE tenant = ANY ('{$list}')"), 'completed', 'well') or diag(open_steps($node), last_calls($node));
is($node->safe_psql('postgres', "SELECT DISTINCT lifecycle FROM provision.tenant WHERE name = ANY ('{$list}')"), 'active', 'the tenants are active');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT engine.name || ' ' || (step.works_at = provision.place_of(engine)), ', ') FROM provision.attempt
	JOIN provision.engine USING (engine_id) JOIN provision.job USING (job_id) JOIN provision.step ON step.workflow_id = job.workflow_id AND step.ordinal = attempt.ordinal}),
	'agent true, bench true', 'each step called its own engine');
is(join(' ', sort keys %{ { map { $_->{site} => 1 } $erpnext->requests } }), join(' ', sort map { "$_.example.com" } @chosen), 'each company was set up on its own site');
is($agent->inventory->{started}{'New Site'}, $carried_out, 'Agent had one job for each');
is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT provision_onboard(name, 'bench', config - 'site', plan) AS job_id FROM provision.tenant WHERE name = ANY ('{$list}')) AS again JOIN provision.onboarding_status USING (job_id)"),
	$carried_out, 'who asks again is told of the same job');
submits_are_single($agent);

# -- nothing in clear
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres') ], 'the database is dumped');
unlike(slurp_file($dump), qr/test-secret|\Q$root_password/, 'no secret is in the dump');
like(slurp_file($dump), qr/COPY provision\.signal.*?\tcredentials\t.*?\{api_key,api_secret\}/s, 'but that they have come');

# -- one is rolled back: from the site to the agent
my $job = $node->safe_psql('postgres', "SELECT provision_rollback('$chosen[0]') IS NOT NULL; SELECT job_id FROM provision.onboarding_status WHERE tenant = '$chosen[0]'") =~ s/^.*\n//r;
ok(poll($node, "SELECT state IN ('rolled_back', 'failed') FROM provision.job WHERE job_id = $job"), 'one is rolled back');
is($node->safe_psql('postgres', "SELECT concat_ws(' ', state, error_message) FROM provision.job_status WHERE job_id = $job"), 'rolled_back', 'company and site are gone') or diag(last_calls($node));
is(join(' ', keys %{ $agent->inventory->{deleted}{Site} }) =~ s{^.*/}{}r, "$chosen[0].example.com", 'Agent archived it');
is($node->safe_psql('postgres', "SELECT count(*) FROM provision.secret JOIN provision.tenant USING (tenant_id) WHERE tenant.name = '$chosen[0]' AND secret.name = 'credentials'"), '0',
	'and its credentials are forgotten');
is($node->safe_psql('postgres', "SELECT status FROM provision.onboarding_status WHERE tenant = '$chosen[0]'"), 'cancelled', 'which the customer is told');
$node->safe_psql('postgres', "SELECT provision_cancel(job_id) FROM ($rest) AS rest");
ok_invariants($node, $erpnext);
$node->stop;
done_testing();
