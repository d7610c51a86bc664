# Calls per second are counted over workers, kills and restarts; a job that waits for its turn stays where it is, and nothing is written meanwhile.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new('--read-ms', 2, '--write-ms', 2);
my $node = new_node('main', conf => "provision.workers = 2\nprovision.max_crashes = 1000\n");

create_engine($node, $standin, '{"max_concurrent": 8, "rate_per_second": 20, "burst": 4}');
create_tenants($node, 30);
create_workflow($node, 'three', 3);
ok(poll($node, 'SELECT count(*) = 2 FROM provision.worker_status WHERE alive'), 'two workers run');

start_jobs($node, 30, 'three');
ok(poll($node, 'SELECT count(*) >= 20 FROM provision.attempt'), 'calls are made');
ok(kill_hard($node, (split /\n/, worker_pid($node))[0]), 'a worker is killed');
ok(poll($node, 'SELECT count(*) >= 50 FROM provision.attempt'), 'calls are made again');
$node->restart;
ok(wait_for_jobs($node), 'all jobs end, over a kill and a restart');
is(tally($node), 'completed 30', 'well');

# n calls take at least (n - burst) / rate seconds, and begin after the jobs were started.
cmp_ok($node->safe_psql('postgres', q{
	SELECT (SELECT count(*) FROM provision.attempt) - 4
	       - 20 * extract(epoch FROM (SELECT max(started_at) FROM provision.attempt) - (SELECT min(created_at) FROM provision.job))}),
	'<=', 0, 'no more calls than the rate allows');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event IN ('job_waits', 'job_due') AND detail ->> 'for' IS DISTINCT FROM 'worker'}),
	'0', 'no job left its worker to wait');

# A job that waits for its turn says so, and can be cancelled.
$node->safe_psql('postgres', q{SELECT provision_engine_update('bench', '{"rate_per_second": 0.01, "burst": 1}')});
start_jobs($node, 2, 'three');
ok(poll($node, q{SELECT count(*) = 2 FROM provision.job WHERE state = 'running' AND due_at > now()}), 'two jobs wait for their turn');
my $job = $node->safe_psql('postgres', q{SELECT max(job_id) FROM provision.job});
like($node->safe_psql('postgres', "SELECT string_agg(reason, ',') FROM provision_why($job)"), qr/rate limit/, 'provision_why says so');
$node->safe_psql('postgres', "SELECT provision_cancel($job)");
ok(poll($node, "SELECT state = 'cancelled' FROM provision.job WHERE job_id = $job"), 'one is cancelled at once');
$node->safe_psql('postgres', q{SELECT provision_engine_update('bench', '{"rate_per_second": null, "burst": null}')});
ok(wait_for_jobs($node), 'the other goes on when the limit is lifted');
ok_invariants($node, $standin);
$node->stop;
done_testing();
