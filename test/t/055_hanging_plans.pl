# Plan functions that hang, many at once: each ends its own job, and the others' answers are not kept waiting for all of them.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Standin;
use Test::More;

my $hanging = 4;
my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 5);
create_workflow($node, 'healthy', 3);
foreach my $n (1 .. $hanging)
{
	create_workflow($node, "hangs_$n", 1);
	$node->safe_psql('postgres', qq{
		CREATE FUNCTION app.hangs_$n(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS \$\$ BEGIN PERFORM pg_sleep(1000); RETURN; END \$\$;
		UPDATE provision.step SET plan_function = 'app.hangs_$n' WHERE workflow_id = (SELECT workflow_id FROM provision.workflow WHERE name = 'hangs_$n')});
}
create_workflow($node, 'reads', 1);
$node->safe_psql('postgres', q{
	CREATE TABLE app.prices (price integer);
	GRANT SELECT ON app.prices TO provision_planner;
	CREATE FUNCTION app.reads(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$
	BEGIN PERFORM FROM app.prices; RETURN QUERY SELECT * FROM app.one_call(job); END $$;
	UPDATE provision.step SET plan_function = 'app.reads' WHERE workflow_id = (SELECT workflow_id FROM provision.workflow WHERE name = 'reads')});
my $worker = wait_for_worker($node);

# All in one round.
$node->safe_psql('postgres', 'BEGIN; ' . join(' ', map { "SELECT provision_start('t1', 'hangs_$_');" } 1 .. $hanging)
	  . q{SELECT count(*) FROM provision_start_many(ARRAY(SELECT 't' || n FROM generate_series(1, 5) AS n), 'healthy'); COMMIT});
ok(poll($node, q{SELECT count(*) = 5 FROM provision.job WHERE workflow = 'healthy' AND state = 'completed'}), 'the healthy jobs are completed')
  or diag(open_steps($node));
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.job WHERE workflow LIKE 'hangs%' AND state = 'failed'
	AND finished_at < (SELECT max(finished_at) FROM provision.job WHERE workflow = 'healthy')}), '<=', 2,
	'long before all that hang have been tried');
ok(poll($node, q{SELECT count(*) > 0 FROM provision.job WHERE workflow LIKE 'hangs%' AND state = 'failed'}), 'those are tried one after the other');
like($node->safe_psql('postgres', q{SELECT DISTINCT error_code || ' ' || error_hint FROM provision.job WHERE workflow LIKE 'hangs%' AND state = 'failed' LIMIT 1}),
	qr/PLAN_FAILED.*did not end within \d+ ms/s, 'and fail with the reason');
is(worker_pid($node), $worker, 'the worker lives');

# Somebody cancels what the worker does while it plans: nobody's failure.
# What has failed is tried again, so that there is a plan that hangs; it is cancelled in the moment in which it is seen, until that has had its effect, and not again:
# the event comes when a round has succeeded.
ok(wait_until(sub {
	return 1 if slurp_file($node->logfile) =~ /could not run a round/;
	$node->safe_psql('postgres', q{SELECT provision_retry(job_id) FROM provision.job WHERE workflow LIKE 'hangs%' AND state = 'failed'});
	$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'provision worker' AND wait_event = 'PgSleep'});
	return 0;
}), 'a plan that hangs is cancelled');
ok(poll($node, q{SELECT EXISTS (SELECT FROM provision.event WHERE event = 'worker_hindered' AND detail ->> 'sqlstate' = '57014')}),
	'the worker gives up the round and keeps an event');
is(worker_pid($node), $worker, 'it is not ended by that');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.job WHERE error_message LIKE '%user request%' OR error_hint LIKE '%user request%'}), '0', 'nor is any job');

# A table that a plan function reads is locked: its step waits.
$node->safe_psql('postgres', join ' ', map { qq{
	CREATE OR REPLACE FUNCTION app.hangs_$_(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS \$\$ SELECT * FROM app.one_call(job) \$\$;} } 1 .. $hanging);
my $holder = open_session($node);
$holder->query_safe('BEGIN; LOCK TABLE app.prices');
$node->safe_psql('postgres', q{SELECT provision_start('t2', 'reads')});
ok(poll($node, q{SELECT step.state = 'ready' AND job.state = 'running' AND job.due_at IS NOT NULL FROM provision.job JOIN provision.job_step AS step USING (job_id)
	WHERE job.workflow = 'reads' ORDER BY job.job_id DESC LIMIT 1}), 'its job is put off');
$holder->query_safe('COMMIT');
ok(poll($node, q{SELECT state = 'completed' FROM provision.job_status WHERE tenant = 't2' AND workflow = 'reads'}), 'unlocked, it completes');
ok(wait_for_jobs($node), 'all jobs end');
$holder->quit;
ok_invariants($node, $standin);
$node->stop;
done_testing();
