# Secrets that servers make and tell are sealed before anything of their answer is kept: sessions and API keys are used afterwards, and neither they nor
# what hostile servers say in their place is in the data directory, WAL, log or dump.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use Canary qw(forms found_in look_through);
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

my $canary = 'leak5d2f9c1bWordToldByTheServer';
my $long = $canary x 20;

# site => what Agent answers to the question for a session, the error code that follows
my %hostile = (
	missing  => [ { body => { told => $canary } }, 'SECRET_MISSING' ],
	nothing  => [ { body => { sid => undef, told => $canary } }, 'SECRET_MISSING' ],
	number   => [ { body => { sid => 12345678901, told => $canary } }, 'SECRET_MISSING' ],
	list     => [ { body => { sid => [$canary] } }, 'SECRET_MISSING' ],
	object   => [ { body => { sid => { sid => $canary } } }, 'SECRET_MISSING' ],
	short    => [ { body => { sid => 'Guest', told => $canary } }, 'SECRET_MISSING' ],
	large    => [ { body => { sid => $long } }, 'SECRET_MISSING' ],
	blank    => [ { body => { sid => "$canary two" } }, 'SECRET_MISSING' ],
	line     => [ { body => { sid => "$canary\r\nX-Other: 1" } }, 'SECRET_MISSING' ],
	escaped  => [ { body => "{\"sid\": \"$canary\\u0041\"}" }, 'SECRET_MISSING' ],
	array    => [ { body => [ { sid => $canary } ] }, 'NOT_AGENT' ],
	text     => [ { body => "\"$canary\"" }, 'NOT_AGENT' ],
	page     => [ { body => "<html>$canary</html>" }, 'NOT_AGENT' ],
	huge     => [ { body => { sid => $long, more => 'x' x 200_000 } }, 'ANSWER_TOO_LARGE' ],
	torn     => [ { body => { sid => $long }, reset => 300 }, 'CONNECTION_LOST' ],
	redirect => [ { status => 302, headers => { Location => "https://elsewhere.example/?sid=$canary" }, body => { sid => $canary } }, 'ENGINE_REDIRECTS' ],
	error    => [ { status => 500, body => { output => ">>>$canary<<<", returncode => 1, traceback => "ValueError: $canary" } }, 'AGENT_ERROR' ],
	refusal  => [ { status => 404, body => { error => ["agent.exceptions.SiteNotExistsException: Site $canary does not exist on bench $canary"] } }, 'SITE_ABSENT' ],
);

my $agent = AgentStandin->new('--root-password', $root_password);
my $erpnext = Standin->new('--site', 'good.example.com:bare', '--site', 'other.example.com:bare');
my $node = new_node('main', conf => q{
	shared_preload_libraries = 'pg_stat_statements, auto_explain, provision'
	auto_explain.log_min_duration = 0
	auto_explain.log_nested_statements = on
	log_min_messages = debug2
	log_error_verbosity = verbose
	log_min_duration_statement = 0
	log_statement = all
	provision.max_body_size = '100kB'
});
my $url = $erpnext->url;

# Two workflows of our own: one gets a session from Agent, the other makes keys with it.
create_agent($node, $agent);
$node->safe_psql('postgres', qq{
	SELECT provision_engine_create('bench', '$url', options => '{"agent": "agent", "failure_threshold": 1000}');
	CREATE SCHEMA app;
	GRANT USAGE ON SCHEMA app TO provision_planner;
	CREATE FUNCTION app.session(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS \$\$
	BEGIN
		RETURN NEXT provision.with_seals(ROW('open session', 'POST', provision.site_path(job, '/sid'), '{"user": "Administrator"}', true, NULL, true, 'agent', NULL, NULL, NULL, NULL, NULL)::provision.call,
			'{"site_session": "{sid}"}');
	END \$\$;
	CREATE FUNCTION app.keys(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS \$\$
	BEGIN
		RETURN NEXT provision.with_auth(provision.look('who', provision.method_path('frappe.auth.get_logged_user')), 'session');
		RETURN NEXT provision.with_seals(provision.with_auth(ROW('make keys', 'POST', '/api/method/frappe.core.doctype.user.user.generate_keys', '{"user": "Administrator"}',
			true, NULL, true, 'write', NULL, NULL, NULL, NULL, NULL)::provision.call, 'session'), '{"credentials": "test-key:{message.api_secret}"}');
		RETURN NEXT provision.with_auth(provision.look('try keys', provision.method_path('frappe.auth.get_logged_user')), 'own');
		RETURN NEXT provision.with_seals(provision.with_auth(ROW('log out', 'POST', '/api/method/logout', '{}', true, NULL, true, 'write', NULL, NULL, true, NULL, NULL)::provision.call,
			'session'), '{"site_session": null}');
	END \$\$;
	CREATE FUNCTION app.tried(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS \$\$
	BEGIN
		RETURN NEXT provision.may_be_refused(provision.with_auth(provision.look('try', provision.method_path('frappe.auth.get_logged_user')), job #>> '{options,correlation_id}'));
		RETURN NEXT provision.with_auth(provision.look('ping', provision.method_path('ping')), 'own');
	END \$\$;
	INSERT INTO provision.workflow (name, works_at) VALUES ('session', 'site_maker'), ('keys', 'home'), ('tried', 'home');
	INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical, backoff_ms, backoff_max_ms)
	SELECT workflow_id, 0, 'step_0', 'app.' || name, true, 10, 20 FROM provision.workflow WHERE name IN ('session', 'keys', 'tried');
	SELECT provision_tenant_create(name, 'bench', jsonb_build_object('company_name', name, 'country', 'US', 'site', name || '.example.com'))
	  FROM unnest(string_to_array('good other } . join(' ', sort keys %hostile) . q{', ' ')) AS name;});

# -- a session, keys made with it, and the end of it
$agent->plant_site({ site => "$_.example.com" }) foreach 'good', 'other', keys %hostile;
start_site_jobs($node, 'session', 'good', 'other');
ok(wait_for_jobs($node), 'sessions are asked for');
is(tally($node), 'completed 2', 'and told') or diag(last_calls($node));
is($node->safe_psql('postgres', q{SELECT string_agg(tenant.name || ' ' || secret.name, ', ' ORDER BY tenant.name) FROM provision.secret JOIN provision.tenant USING (tenant_id)}),
	'good site_session, other site_session', 'they are secrets of the tenants');
is($node->safe_psql('postgres', 'SELECT provision_rotate_secrets()'), '0', 'which open with the key of the others');

start_site_jobs($node, 'keys', 'good');
ok(wait_for_jobs($node), 'keys are made');
is(tally($node), 'completed 3', 'with the session, and work') or diag(last_calls($node));
is($node->safe_psql('postgres', q{SELECT string_agg(secret.name, ', ') FROM provision.secret JOIN provision.tenant USING (tenant_id) WHERE tenant.name = 'good'}),
	'credentials', 'the session is forgotten');
is(join(' ', map { "$_->{user}" } $erpnext->requests), 'Administrator Administrator Administrator Administrator', 'every call had its credentials');
is($node->safe_psql('postgres', q{SELECT string_agg(event || ' ' || (detail ->> 'name'), ', ' ORDER BY event_id) FROM provision.event WHERE tenant = 'good' AND event LIKE 'tenant_secret%'}),
	'tenant_secret_set site_session, tenant_secret_set credentials, tenant_secret_forgotten site_session', 'all of which are events');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE seals IS NOT NULL AND response_excerpt IS NOT NULL}), '0', 'nothing is kept of the answers');

# -- whose credentials a call carries
$node->safe_psql('postgres', q{SELECT provision_engine_secret('bench', 'test-key', 'stale-secret-of-the-engine')});
$node->safe_psql('postgres', qq{SELECT provision_start('$_->[0]', 'tried', '{"correlation_id": "$_->[1]"}')}) foreach [ 'good', 'session' ], [ 'other', 'own' ];
ok(wait_for_jobs($node), 'credentials are tried');
is($node->safe_psql('postgres', q{SELECT string_agg(concat_ws(' ', tenant.name, attempt.auth, attempt.verdict, attempt.http_status), ', ' ORDER BY tenant.name)
	FROM provision.attempt JOIN provision.job USING (job_id) JOIN provision.tenant USING (tenant_id) WHERE job.workflow = 'tried' AND call = 'try'}),
	'good session permanent 403, other own permanent 403', q{a session that is over is nobody's, and the engine's credentials are not the tenant's own});
is(tally($node), 'completed 5', 'being refused is an answer');

# -- hostile answers
foreach my $site (sort keys %hostile)
{
	$agent->fault({ path_regex => "/$site\\.example\\.com/sid\$" }, $hostile{$site}[0]);
}
start_site_jobs($node, 'session', sort keys %hostile);
ok(wait_for_jobs($node), 'hostile answers are survived') or diag(open_steps($node));
my %ends = site_jobs($node);
is($ends{$_}, "failed $hostile{$_}[1]", "$_: $hostile{$_}[1]") foreach sort keys %hostile;
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.secret JOIN provision.tenant USING (tenant_id) WHERE tenant.name NOT IN ('good', 'other')}), '0', 'none made a secret');
is(broken_invariants($node), '', 'the invariants hold');

# -- nothing of it is anywhere
my @told = (@{ $agent->control('GET', 'told') }, @{ $erpnext->control('GET', 'told') });
is(scalar @told, 3, 'the servers have told two sessions and one API secret');
my @forms = (map({ forms($_) } $canary), map { ($_, unpack('H*', $_), substr($_, 0, 12)) } @told);
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres') ], 'the database is dumped');
my $shown = join "\n", map { $node->safe_psql('postgres', $_) } 'SELECT * FROM pg_stat_activity', 'SELECT * FROM provision.call_log', 'SELECT * FROM provision.event_log',
	'SELECT * FROM provision.tenant', 'SELECT * FROM provision.step_status', 'SELECT provision_status(job_id) FROM provision.job';
is(join(' ', found_in($shown, @forms)), '', 'no view shows any of it');
$node->stop;
my ($bytes, @hits) = look_through([ $node->data_dir, $node->logfile, $dump ], @forms);
cmp_ok($bytes, '>', 20_000_000, "$bytes bytes of data directory, WAL, log and dump were read");
is("@hits", '', 'nor has any file');
done_testing();
