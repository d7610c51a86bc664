# A secret that can be recognised goes through jobs with every kind of fault, which repeat it in every form; then it is looked for everywhere, and with it
# the secrets that servers make and tell: sessions and API secrets.
#
# PROVISION_TEST_FULL=1 does it at full size: 1,000 jobs, six kills, and a base backup with all of the WAL.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use Canary qw(forms echoes found_in look_through);
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Standin;
use Test::More;

my $is_full = $ENV{PROVISION_TEST_FULL};
my ($tenants, $kills) = $is_full ? (250, 6) : (12, 1);
my $secret = 'canary7f3a9b/+"<&\\%Secret81c';
my @forms = forms($secret);
my $standin = Standin->new('--key', 'test-key', '--secret', $secret);

# As talkative as a server can be made; parameters of the statement that sets the secret are the caller's (doc/security.md).
my $node = new_node('main', init => { allows_streaming => 1 }, conf => q{
	shared_preload_libraries = 'pg_stat_statements, auto_explain, provision'
	pg_stat_statements.track = all
	auto_explain.log_min_duration = 0
	auto_explain.log_nested_statements = on
	log_min_messages = debug2
	log_error_verbosity = verbose
	log_min_duration_statement = 0
	log_statement = all
	track_activity_query_size = 1MB
	wal_keep_size = 4GB
	max_wal_size = 4GB
});

# Everything that a look at the server shows now: statements, processes with their arguments and environment.
my %seen;

sub look_now
{
	my $activity = ask($node, 'SELECT pid, application_name, query FROM pg_stat_activity') // return;
	my $processes = join '', map { my $pid = $_; map { -r $_ ? slurp_file($_) : '' } "/proc/$pid/cmdline", "/proc/$pid/environ" } $activity =~ /^(\d+)/mg;
	$seen{looks}++;
	push @{ $seen{hits} }, found_in("$activity$processes", @forms);
	return;
}

$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements');
create_engine($node, $standin, '{"max_concurrent": 50, "failure_threshold": 1000}');
create_tenants($node, $tenants);
my $quiet = q{SET log_statement = none; SET log_min_duration_statement = -1; SET log_parameter_max_length = 0; SET log_min_error_statement = panic; SET auto_explain.log_min_duration = -1; SET log_min_messages = warning;};
$node->safe_psql('postgres', "$quiet SELECT provision_engine_secret('bench', 'test-key', '$secret'); SELECT provision_tenant_secret('t' || n, 'test-key', '$secret') FROM generate_series(1, 5) AS n;");
my ($out, $err, $said) = ('', '', '');
$node->psql('postgres', "$quiet SELECT provision_engine_secret('nowhere', 'test-key', '$secret')", stderr => \$err);
$said .= $err;
$node->psql('postgres', "$quiet SELECT provision_tenant_secret('t1', 'test-key', E'" . ($secret =~ s/\\/\\\\/gr) . "\\n')", stderr => \$err);
$said .= $err =~ s/^LINE .*//mgr;
create_workflow($node, $_, 1) foreach qw(one two three four);
$node->safe_psql('postgres', 'UPDATE provision.step SET backoff_ms = 5, backoff_max_ms = 10, patience_ms = 50');
my $key = slurp_file($node->data_dir . '/provision.key') =~ s/^k1:|\n//gr;

my ($questions, $news) = ("LISTEN provision;\n", '');
my $listener = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres') ], '<', \$questions, '>', \$news, '2>', \$news);
$listener->pump_nb;

my @faults = (
	echoes('test-key', $secret), { drop => 'before' }, { drop => 'after' }, { reset => 1 }, { delay_ms => 20 }, { status => 503 },
	{ status => 429, headers => { 'Retry-After' => 0 } }, { exc_type => 'QueryDeadlockError', body => $secret },
	map { +{ garbage => $_ } } qw(html binary nul deep cut truncated empty));
$standin->fault({ path_regex => 'ping', every => 30 + $_ }, $faults[$_]) foreach 0 .. $#faults;
$standin->fault({ path_regex => 'ping', nth => 1 + $_ }, $faults[$_]) foreach 0 .. $#faults;

start_jobs($node, $tenants, $_) foreach qw(one two three four);
# psql shows what has come with the answer to a question; its session ends with the first kill.
ok(wait_until(sub { $questions .= "SELECT 1;\n" if $questions eq ''; $listener->pump_nb; $news =~ /Asynchronous notification "provision"/ }), 'who listens is told of what happens');
foreach my $kill (1 .. $kills)
{
	my $part = int($tenants * 4 * $kill / ($kills + 2));
	ok(wait_until(sub { look_now(); (ask($node, 'SELECT count(*) FROM provision.job WHERE finished_at IS NOT NULL') // 0) >= $part }), "$part jobs have run");
	ok(kill_hard($node, wait_for_worker($node, 'postgres')), 'the worker is killed');
}
$node->safe_psql('postgres', 'SELECT provision_rotate_secrets()');
ok(wait_until(sub { look_now(); jobs_are_over($node) }, 300), 'all jobs end') or diag(tally($node));
note(tally($node));
cmp_ok($node->safe_psql('postgres', 'SELECT count(DISTINCT error_code) FROM provision.attempt'), '>', 4, 'in many ways');

# Two tenants are told keys of their own, twice.
my $agent = AgentStandin->new;
$agent->plant_site({ site => 'erp.localhost' });
$standin->clear_faults;
$node->safe_psql('postgres', "$quiet SELECT provision_engine_create('agent', '" . $agent->url . qq{', 'frappe_agent', '{"bench": "$bench", "domain": "example.com"}');
	SELECT provision_engine_secret('agent', 'agent', 'test-token');
	SELECT provision_engine_update('bench', '{"agent": "agent"}');
	SELECT provision_tenant_update(name, '{"site": "erp.localhost"}') FROM unnest('{t1,t2}'::text[]) AS name});
foreach my $turn (1, 2)
{
	$node->safe_psql('postgres', q{SELECT provision_start(name, 'site_credentials', '{"renew": true}') FROM unnest('{t1,t2}'::text[]) AS name});
	ok(wait_until(sub { look_now(); jobs_are_over($node) }), 'keys are made');
}
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT state, ' ') FROM provision.job WHERE workflow = 'site_credentials'}), 'completed', 'well')
	or diag(open_steps($node), last_calls($node));
my @told = map { @{ $_->control('GET', 'told') } } $agent, $standin;
cmp_ok(scalar @told, '>=', 9, 'the servers have told ' . @told . ' secrets');
push @forms, map { ($_, scalar reverse($_), unpack('H*', $_), uc unpack('H*', $_)) } @told;
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE response_excerpt LIKE '%welcome%' OR error_detail LIKE '%***%'}), '>', 5,
	'what the server repeated was kept');

my $everything = join "\n", map { $node->safe_psql('postgres', $_) } (
	'SELECT * FROM pg_stat_activity', 'SELECT query FROM pg_stat_statements', 'SELECT * FROM pg_settings', 'SELECT * FROM provision.call_log',
	'SELECT * FROM provision.event_log', 'SELECT * FROM provision.job_status', 'SELECT * FROM provision.step_status', 'SELECT * FROM provision.dead_letter',
	'SELECT * FROM provision.job_step', 'SELECT * FROM provision.attempt', 'SELECT * FROM provision.tenant', 'SELECT * FROM provision.secret',
	'SELECT provision_status(job_id) FROM provision.job', q{SELECT * FROM provision_why('t1')}, 'SELECT provision_health()', 'SELECT * FROM pg_stats');
cmp_ok(length $everything, '>', 50_000, 'the views have much to show');
is(join(' ', found_in($everything, @forms, $key)), '', 'and neither the secret nor its key');
cmp_ok($seen{looks}, '>', 1, 'statements and processes were looked at meanwhile');
is(join(' ', @{ $seen{hits} }), '', 'and showed nothing');
is(join(' ', found_in($said, @forms)), '', 'nor do the errors of who sets it wrongly');

$listener->kill_kill(grace => 5);
is(join(' ', found_in($news, @forms)), '', 'without the secret');

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres') ], 'the database is dumped');
$node->backup('whole') if $is_full;
$node->safe_psql('postgres', 'CHECKPOINT');
$node->stop;
my @places = ($node->data_dir, $node->logfile, $dump, $is_full ? $node->backup_dir : ());
my ($bytes, @hits) = look_through(\@places, @forms);
cmp_ok($bytes, '>', 50_000_000, "$bytes bytes of data directory, WAL, log and dump were read");
is("@hits", '', 'none has the secret');
(undef, @hits) = look_through(\@places, $key, pack('H*', $key));
is(join(' ', grep { !m{/provision\.key: } } @hits), '', 'only the key file has the key');

# The same look finds it where it is: in a row and its WAL, in the log, and in each of its forms.
is(scalar(found_in(join(' ', map { ref $_->{body} ? JSON::PP->new->canonical->encode($_->{body}) : $_->{body} // '' } echoes('test-key', $secret)), @forms)) >= 6 ? 1 : 0, 1,
	'the server has repeated it in many forms');
$node->start;
$node->safe_psql('postgres', "CREATE TABLE planted AS SELECT '$secret'::text AS secret");
$node->stop;
(undef, @hits) = look_through([ $node->data_dir, $node->logfile ], @forms[0, 1]);
ok((grep { m{/base/} } @hits) && (grep { m{/pg_wal/} } @hits) && (grep { m{\.log: } } @hits), 'a planted secret is found in a table, in WAL and in the log');
done_testing();
