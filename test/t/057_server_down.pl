# A server that is down is asked by one job at a time, once in each recovery interval, also after the worker was killed; no job runs out of
# tries, and all go on when the server is back.
#
# PROVISION_TEST_FULL=1 does it at full size: 1,000 jobs, down for 2 minutes, a recovery interval of 10 seconds.
use strict;
use warnings;
use IO::Socket::INET;
use ProvisionTest;
use Standin;
use Test::More;

# Below those that the system hands out by itself: nobody gets it while nobody listens there.
sub quiet_port
{
	my $port;

	wait_until(sub { $port = 10_000 + int(rand(20_000)); return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1, ReuseAddr => 1) });
	return $port;
}

my $is_full = $ENV{PROVISION_TEST_FULL};
my ($jobs, $recovery, $probes, $patience) = $is_full ? (1000, 10, 6, 600) : (60, 1, 3, undef);
my $port = quiet_port();
my $standin = Standin->new('--port', $port);
my $node = new_node('main');

create_engine($node, $standin, qq({"max_concurrent": 10, "failure_threshold": 5, "recovery_seconds": $recovery}));
create_tenants($node, $jobs);
create_workflow($node, 'two', 2);

sub number { return $node->safe_psql('postgres', shift) }
sub half_opened { return number(q{SELECT count(*) FROM provision.event WHERE event = 'breaker_half_open'}) }

start_jobs($node, int($jobs / 2), 'two');
ok(poll($node, q{SELECT EXISTS (SELECT FROM provision.job WHERE state = 'completed')}), 'work has begun');
undef $standin;
start_jobs($node, $jobs, 'two');
my $down_since = time;
ok(poll($node, q{SELECT breaker <> 'closed' FROM provision.engine_status WHERE engine = 'bench'}), 'the server is gone: the breaker opens');
ok(wait_until(sub { half_opened() >= $probes }, $patience), 'one job probes again and again');
ok(kill_hard($node, wait_for_worker($node)), 'the worker is killed');
ok(wait_for_worker($node), 'another one takes over');
my $before = half_opened();
ok(wait_until(sub { half_opened() >= $before + $probes && (!$is_full || time - $down_since >= 120) }, $patience), 'and probes as before');
my $back_at = number('SELECT clock_timestamp()');
$standin = Standin->new('--port', $port);
ok(wait_until(sub { jobs_are_over($node) }, $patience), 'the server is back: all jobs end');

note(number(q{SELECT format('%s jobs, %s calls not sent, %s probes', (SELECT count(*) FROM provision.job),
		(SELECT count(*) FROM provision.attempt WHERE delivery = 'not_sent'), (SELECT count(*) FROM provision.event WHERE event = 'breaker_half_open'))}));
is(tally($node), 'completed ' . number('SELECT count(*) FROM provision.job'), 'all are completed') or diag(open_steps($node));
is(number(q{SELECT count(*) FROM provision.attempt WHERE delivery <> 'answered' AND error_code NOT IN ('ENGINE_UNREACHABLE', 'CONNECTION_LOST', 'WORKER_LOST')}),
	'0', 'every call that failed says why');
is(number(qq{
		SELECT count(*) FROM (
			SELECT at - lag(at) OVER (ORDER BY event_id) AS pause FROM provision.event WHERE event = 'breaker_half_open' AND at < '$back_at') AS probe
		 WHERE pause < interval '$recovery s' * 0.95}), '0', 'at most one probe in each recovery interval');
is(number(qq{
		SELECT count(*) FROM provision.attempt
		 WHERE started_at > (SELECT min(at) FROM provision.event WHERE event = 'breaker_open')
		   AND started_at < '$back_at'
		   AND NOT EXISTS (SELECT FROM provision.event WHERE event = 'breaker_half_open' AND event.at <= attempt.started_at
		                      AND (detail ->> 'probe_job_id')::bigint = attempt.job_id)}), '0', 'by the job that was chosen for it');
is(number(qq{
		SELECT count(*) > count(DISTINCT job_id) + (SELECT count(*) FROM provision.event WHERE event = 'breaker_half_open')
		  FROM provision.attempt
		 WHERE started_at > (SELECT min(at) FROM provision.event WHERE event = 'breaker_open')
		   AND started_at < '$back_at'}), 'f', 'with one call each');
cmp_ok(number('SELECT max(tries) FROM provision.job_step'), '<', number('SELECT min(max_attempts) FROM provision.step WHERE plan_function = \'app.one_call\''),
	'no step used up its tries');
ok_invariants($node, $standin);
$node->stop;
done_testing();
