# What an engine allows holds over several workers: calls at once, calls per second, and nothing while its breaker is open.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new('--read-ms', 20, '--write-ms', 20);
my $node = new_node('main', conf => "provision.workers = 2\n");

create_engine($node, $standin, '{"max_concurrent": 3, "failure_threshold": 4, "recovery_seconds": 1}');
create_tenants($node, 40);
create_workflow($node, 'three', 3);
ok(poll($node, 'SELECT count(*) = 2 FROM provision.worker_status WHERE alive'), 'two workers run');

start_jobs($node, 40, 'three');
ok(wait_for_jobs($node), 'forty jobs end');
is(tally($node), 'completed 40', 'well');
my $stats = $standin->control('GET', 'stats');
cmp_ok($stats->{max_concurrent}, '<=', 3, 'never more than three calls at once arrived');
cmp_ok($node->safe_psql('postgres', 'SELECT count(DISTINCT incarnation) FROM provision.attempt'), '>=', 1, 'made by whoever was free');

# 30 calls at 20 a second with a burst of 5 take at least (30 - 5) / 20 seconds.
$node->safe_psql('postgres', q{SELECT provision_engine_update('bench', '{"rate_per_second": 20, "burst": 5, "max_concurrent": 10}')});
start_jobs($node, 10, 'three');
ok(wait_for_jobs($node), 'ten more jobs end under a rate limit');
cmp_ok($node->safe_psql('postgres', q{
		SELECT extract(epoch FROM max(attempt.started_at) - min(job.created_at)) FROM provision.attempt JOIN provision.job USING (job_id)
		 WHERE job_id > (SELECT max(job_id) - 10 FROM provision.job)}), '>=', 1.2, 'no sooner than the rate allows');
$node->safe_psql('postgres', q{SELECT provision_engine_update('bench', '{"rate_per_second": null, "burst": null}')});

# The server is down: the breaker opens, jobs wait without using up their tries, and all go on when it is back.
$standin->fault({ path_regex => 'ping' }, { drop => 'before' });
start_jobs($node, 40, 'three');
ok(poll($node, q{SELECT breaker <> 'closed' FROM provision.engine_status WHERE engine = 'bench'}), 'the breaker opens');
ok(poll($node, q{SELECT EXISTS (SELECT FROM provision.event WHERE event = 'breaker_half_open')}), 'one job probes');
like($node->safe_psql('postgres', q{SELECT string_agg(reason, ',') FROM provision_why((SELECT max(job_id) FROM provision.job))}),
	qr/breaker/, 'provision_why names the breaker');
sub half_opened { return $node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event = 'breaker_half_open'}) }
# Counted so that each request has its event: first the events, then the requests; at the end the other way round.
my $pauses_before = half_opened();
my $requests_while_open = $standin->control('GET', 'stats')->{requests};
ok(wait_until(sub { half_opened() >= $pauses_before + 2 }), 'and again after each pause');
my $requests_meanwhile = $standin->control('GET', 'stats')->{requests} - $requests_while_open;
cmp_ok($requests_meanwhile, '<=', half_opened() - $pauses_before + 1, 'with one call for each pause');
$standin->clear_faults;
ok(wait_for_jobs($node), 'the server is back: all jobs end');
is(tally($node), 'completed 90', 'none ran out of tries') or diag(open_steps($node));
is($node->safe_psql('postgres', q{SELECT breaker, failures_in_a_row FROM provision.engine_status}), 'closed|0', 'the breaker is closed');
ok_invariants($node, $standin);
$node->stop;
done_testing();
