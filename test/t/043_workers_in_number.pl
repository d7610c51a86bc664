# Four workers, three engines, workers killed now and then: each server never sees more calls at once, nor more per second, than its engine allows.
# LIMIT_CALLS sets the size: LIMIT_CALLS=100000 test/run check tap 043 is the full one.
use strict;
use warnings;
use HTTP::Tiny;
use IPC::Run ();
use JSON::PP;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

my $calls = $ENV{LIMIT_CALLS} // 3000;
my $kill_every = $ENV{LIMIT_CALLS} ? 8000 : 1000;
my %engines = (
	narrow => { max_concurrent => 2 },
	wide => { max_concurrent => 15 },
	slow => { max_concurrent => 7, rate_per_second => 500, burst => 20 });
my $workflow_calls = 5;
my $tenants = 60;
my $jobs = int($calls / $workflow_calls / 3);		# of each engine
my $program = PostgreSQL::Test::Utils::tempdir() . '/answer_server';

system('cc', '-std=c11', '-O2', "$ENV{TESTDIR}/bench/answer_server.c", '-o', $program) == 0 or die 'the server of the bench does not compile';
my $node = new_node('main', conf => "provision.workers = 4\nprovision.max_crashes = 1000\nmax_worker_processes = 16\n");
create_workflow($node, 'five', $workflow_calls);
foreach my $name (keys %engines)
{
	my $port = '';
	my %options = %{ $engines{$name} };
	my $server = $engines{$name}{server} = IPC::Run::start([ $program, '--delay-ms', 4, '--max-seconds', 1200 ], '<', \undef, '>', \$port);
	wait_until(sub { $server->pump_nb; return $port =~ /\n/ }) or die 'the server of the bench did not start';
	chomp($engines{$name}{port} = $port);
	$node->safe_psql('postgres', "SELECT provision_engine_create('$name', 'http://127.0.0.1:$engines{$name}{port}', options => '" . encode_json(\%options) . q{');
		} . "SELECT provision_engine_secret('$name', 'test-key', 'test-secret');
		INSERT INTO provision.tenant (name, engine_id, config, settings)
		SELECT '$name' || n, engine_id, '{}', '{}' FROM provision.engine, generate_series(1, $tenants) AS n WHERE name = '$name'");
}
ok(poll($node, 'SELECT count(*) = 4 FROM provision.worker_status WHERE alive'), 'four workers run');

# As many jobs as there are tenants at a time, until there were enough.
sub start_more
{
	return $node->safe_psql('postgres', qq{
		SELECT count(*) FROM provision_start_many(ARRAY(
		         SELECT tenant.name
		           FROM provision.tenant
		           JOIN provision.engine USING (engine_id)
		          WHERE NOT EXISTS (SELECT FROM provision.job WHERE job.tenant_id = tenant.tenant_id AND job.finished_at IS NULL)
		            AND (SELECT count(*) FROM provision.job WHERE job.engine_id = tenant.engine_id) < $jobs), 'five')});
}

my ($killed, $seen) = (0, 0);
while (start_more() > 0 || !jobs_are_over($node))
{
	my $made = $node->safe_psql('postgres', 'SELECT count(*) FROM provision.attempt');
	if ($made >= $seen + $kill_every)
	{
		$seen = $made;
		my ($pid) = split /\n/, worker_pid($node);
		$killed += $pid && ($killed % 2 ? kill_hard($node, $pid) : $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)") eq 't');
	}
	usleep(100_000);
}
cmp_ok($killed, '>=', 1, "workers were killed, $killed of them");
ok(wait_for_jobs($node), 'all jobs end');
like(tally($node), qr/^completed \d+$/, 'well') or diag(open_steps($node));
my $made = $node->safe_psql('postgres', 'SELECT count(*) FROM provision.attempt');
cmp_ok($made, '>=', 3 * $jobs * $workflow_calls, "$made calls were made");
# How they share the work is left to chance: whoever looks first takes what there is room for.
ok(poll($node, 'SELECT count(*) > 4 FROM provision.worker'), 'there were four workers and successors');
cmp_ok($node->safe_psql('postgres', 'SELECT count(DISTINCT incarnation) FROM provision.attempt'), '>=', 2, 'of which more than one called');
foreach my $name (sort keys %engines)
{
	my $figures = decode_json(HTTP::Tiny->new->get("http://127.0.0.1:$engines{$name}{port}/_count")->{content});
	cmp_ok($figures->{most_at_once}, '<=', $engines{$name}{max_concurrent}, "$name: at most $figures->{most_at_once} of $figures->{count} calls at once");
}
cmp_ok($node->safe_psql('postgres', q{
	SELECT count(*) - 20 - 500 * extract(epoch FROM max(attempt.started_at) - (SELECT min(created_at) FROM provision.job))
	  FROM provision.attempt JOIN provision.engine USING (engine_id) WHERE engine.name = 'slow'}), '<=', 0, 'slow: no more calls than the rate allows');
ok_invariants($node);
$node->stop;
$_->{server}->kill_kill foreach values %engines;
done_testing();
