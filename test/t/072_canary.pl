# A secret that can be recognised goes through a thousand jobs with every kind of fault; then it is looked for in clear, everywhere.
use strict;
use warnings;
use File::Find;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $canary = 'canary7f3a9bSecret';
my $standin = Standin->new('--key', 'test-key', '--secret', $canary);
my $node = new_node('main', conf => "shared_preload_libraries = 'pg_stat_statements, provision'\npg_stat_statements.track = all\n");
my ($out, $err);
my $tenants = 250;

$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements');
create_engine($node, $standin, '{"max_concurrent": 50, "failure_threshold": 1000}');
$node->safe_psql('postgres', qq{SELECT provision_engine_secret('bench', 'test-key', '$canary')});
$node->psql('postgres', qq{SELECT provision_engine_secret('nowhere', 'test-key', '$canary')}, stderr => \$err);
$node->psql('postgres', qq{SELECT provision_tenant_secret('t1', 'test-key', '$canary\\n')}, stderr => \$err);
create_tenants($node, $tenants);
$node->safe_psql('postgres', qq{SELECT provision_tenant_secret('t' || n, 'test-key', '$canary') FROM generate_series(1, 20) AS n});
create_workflow($node, $_, 1) foreach qw(one two three four);
$node->safe_psql('postgres', 'UPDATE provision.step SET backoff_ms = 5, backoff_max_ms = 10, patience_ms = 50');
my $key = slurp_file($node->data_dir . '/provision.key') =~ s/^k1:|\n//gr;

# The server repeats what it was given, in answers that are kept, that are an error, and that make no sense.
my @echoes = (
	{ status => 200, body => { message => "welcome test-key:$canary", pwd => $canary } },
	{ status => 500, body => "<html>token test-key:$canary</html>" },
	{ status => 417, body => { exc_type => 'ValidationError', exception => "no: $canary", _server_messages => "[\"{\\\"message\\\": \\\"$canary\\\"}\"]" } },
	{ status => 401, body => { exc_type => 'AuthenticationError', exception => "Authorization: token test-key:$canary" } });
my @faults = (
	@echoes, { drop => 'before' }, { drop => 'after' }, { reset => 1 }, { status => 503 }, { status => 429, headers => { 'Retry-After' => 0 } },
	{ exc_type => 'QueryDeadlockError', body => 'no' }, map { +{ garbage => $_ } } qw(html binary nul cut truncated empty));
$standin->fault({ path_regex => 'ping', probability => 0.04 }, $_) foreach @faults;

start_jobs($node, $tenants, $_) foreach qw(one two three four);
ok(wait_until(sub { $node->safe_psql('postgres', q{SELECT count(*) > 300 FROM provision.job WHERE finished_at IS NOT NULL}) eq 't' }), 'jobs run');
ok(kill_hard($node, worker_pid($node)), 'the worker is killed');
$node->safe_psql('postgres', 'SELECT provision_rotate_secrets()');
ok(wait_for_jobs($node), 'all jobs end') or diag(tally($node));
note(tally($node));cmp_ok($node->safe_psql('postgres', q{SELECT count(DISTINCT error_code) FROM provision.attempt}), '>', 4, 'in many ways');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE response_excerpt LIKE '%welcome%' OR error_detail LIKE '%***%'}), '>', 0,
	'what the server repeated was kept');

my $everything = join "\n", map { $node->safe_psql('postgres', $_) } (
	'SELECT * FROM pg_stat_activity', 'SELECT query FROM pg_stat_statements', 'SELECT * FROM pg_settings', 'SELECT * FROM provision.call_log',
	'SELECT * FROM provision.event_log', 'SELECT * FROM provision.job_status', 'SELECT * FROM provision.step_status', 'SELECT * FROM provision.dead_letter',
	'SELECT * FROM provision.job_step', 'SELECT * FROM provision.attempt', 'SELECT * FROM provision.tenant', 'SELECT * FROM provision.secret',
	'SELECT provision_status(job_id) FROM provision.job', q{SELECT * FROM provision_why('t1')}, 'SELECT provision_health()', 'SELECT most_common_vals FROM pg_stats');
cmp_ok(length $everything, '>', 100_000, 'the views have much to show');
unlike($everything, qr/\Q$canary\E/, 'and not the secret');
unlike($everything, qr/\Q$key\E/, 'nor its key');

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres') ], 'the database is dumped');
$node->safe_psql('postgres', 'CHECKPOINT');
$node->stop;
my (@secret_in, @key_in, $bytes);
find({ no_chdir => 1, wanted => sub {
	return unless -f $_;
	my $content = slurp_file($_);
	$bytes += length $content;
	push @secret_in, $_ if $content =~ /\Q$canary\E/;
	push @key_in, $_ if $content =~ /\Q$key\E/ || index($content, pack('H*', $key)) >= 0;
} }, $node->data_dir, $node->logfile, $dump);
cmp_ok($bytes, '>', 50_000_000, 'data directory, WAL, log and dump were read');
is("@secret_in", '', 'none has the secret');
is("@key_in", $node->data_dir . '/provision.key', 'only the key file has the key');
done_testing();
