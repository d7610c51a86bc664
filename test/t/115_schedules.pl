# Schedules with two workers: each time starts one job, whoever dies, and nobody waits for a row that a session holds.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', conf => "provision.workers = 2\nprovision.max_crashes = 1000\n");
my $count = 30;

create_engine($node, $standin);
create_tenants($node, $count);
create_workflow($node, 'one', 1);
is($node->safe_psql('postgres', "SELECT count(provision_schedule('t' || n, 'one', '0 3 1 1 *', 'Europe/Berlin')) FROM generate_series(1, $count) AS n"), $count, 'schedules are made');
ok(poll($node, 'SELECT count(*) = 2 FROM provision.worker_status WHERE alive'), 'two workers run');
is($node->safe_psql('postgres', 'SELECT count(*) FROM provision.job'), '0', 'before its time none starts anything');

# As if the clocks had come so far; a time in the past is one that was missed.
sub make_due
{
	my ($when, $which) = @_;

	$which //= 'true';
	return $node->safe_psql('postgres',
		"UPDATE provision.schedule SET next_at = now(), due_at = $when WHERE $which; SELECT provision.wake_workers()");
}

sub all_have_run
{
	my ($times) = @_;
	return poll($node, "SELECT count(*) = $count FROM (SELECT FROM provision.job WHERE finished_at IS NOT NULL GROUP BY schedule_id HAVING count(*) >= $times) AS run");
}

sub runs { return $node->safe_psql('postgres', q{SELECT string_agg(DISTINCT runs::text, ' ') FROM (SELECT count(*) AS runs FROM provision.job GROUP BY schedule_id) AS s}) }

# Nobody wakes a worker when the time has come.
make_due(q{now() + '1 second'});
ok(all_have_run(1), 'at its time each starts a job');
is(runs(), '1', 'one of two workers does');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT created_by || ' ' || state, ', ') FROM provision.job}),
	$node->safe_psql('postgres', 'SELECT current_user') . ' completed', 'as who made it');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.schedule_status WHERE next_at > now() AND last_state = 'completed' AND reason IS NULL}), $count, 'the status tells');

# Each time a worker dies, together with all that has not been committed.
foreach my $turn (2 .. 4)
{
	my ($pid) = split /\n/, worker_pid($node);
	make_due('now()');
	kill_hard($node, $pid);
	ok(all_have_run($turn), "a worker is killed: the jobs run all the same, $turn") or diag(open_steps($node));
	is(runs(), $turn, 'once each');
}
ok(poll($node, 'SELECT count(*) = 2 FROM provision.worker_status WHERE alive'), 'two workers run again');

# One schedule is locked, one tenant's start is not committed yet, the row of one tenant is held.
my @sessions = map { open_session($node) } 1 .. 2;
$sessions[0]->query_safe(q{BEGIN; SELECT FROM provision.schedule WHERE schedule_id = 1 FOR UPDATE});
$sessions[1]->query_safe(q{BEGIN; SELECT provision_start('t2', 'one')});
make_due('now()', 'schedule_id > 1');
ok(poll($node, 'SELECT count(*) = 28 FROM (SELECT FROM provision.job WHERE schedule_id > 2 AND finished_at IS NOT NULL GROUP BY schedule_id HAVING count(*) >= 5) AS run'), 'the others do not wait');
is($node->safe_psql('postgres', 'SELECT next_at <= now() FROM provision.schedule WHERE schedule_id = 2'), 't', 'the one that cannot start yet is still due');
$sessions[0]->query_safe('ROLLBACK');
make_due('now()', 'schedule_id = 1');
$sessions[1]->query_safe('ROLLBACK');
ok(all_have_run(5), 'nor do these, when they are free');
is(runs(), '5', 'once');
$_->quit foreach @sessions;

# Down over many times: one job for all, or none.
$node->safe_psql('postgres', q{
	SELECT provision_worker_stop();
	SELECT provision_schedule('t1', 'one', '* * * * *'), provision_schedule('t2', 'one', to_char(now() AT TIME ZONE 'UTC' - interval '30 minutes', 'MI HH24') || ' * * *', missed => 'skip');
	UPDATE provision.schedule SET next_at = date_trunc('minute', now() - interval '30 minutes'), due_at = now() WHERE schedule_id <= 2});
$node->restart;
$node->safe_psql('postgres', 'SELECT provision_worker_start()');
ok(poll($node, 'SELECT bool_and(next_at > now()) FROM provision.schedule WHERE schedule_id <= 2'), 'after half an hour they are looked at');
ok(poll($node, 'SELECT count(*) >= 6 FROM provision.job WHERE schedule_id = 1'), 'what was missed');
cmp_ok($node->safe_psql('postgres', 'SELECT missed_count FROM provision.schedule WHERE schedule_id = 1'), '>=', 29, 'in number');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM provision.job WHERE schedule_id = 1'), '<=', 8, 'is made up for by one job');
is($node->safe_psql('postgres', q{SELECT count(*) || ' ' || max(missed_count) || ' ' || max(reason) FROM provision.job JOIN provision.schedule USING (schedule_id) WHERE schedule_id = 2}),
	'5 1 nobody was there to start it in time', 'or skipped');
$node->safe_psql('postgres', 'SELECT provision_unschedule(schedule_id) FROM provision.schedule');
ok(wait_for_jobs($node), 'the last jobs end');
unlike(slurp_file($node->logfile), qr/could not run a round/, 'no round was given up');
ok_invariants($node, $standin);
$node->stop;
done_testing();
