# A failure at each of the eleven steps, then a rollback: the site holds what it held before, but for what was kept on purpose and is shown.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my @plans = qw(engine_check platform_setup company chart_of_accounts warehouses settings items customer pos_profile pos_session post_sale_updates);
my $standin = Standin->new('--site', 'erp.localhost:bare', '--job-ms', 1);
my $node = new_node('main');

# tenant_setup with a call at the end of one step that the server refuses; even ones turn round by themselves.
sub create_failing_workflow
{
	my ($number) = @_;
	my $by_itself = $number % 2 == 0 ? 'true' : 'false';

	$node->safe_psql('postgres', qq{
		CREATE SCHEMA IF NOT EXISTS app;
		GRANT USAGE ON SCHEMA app TO provision_planner;
		CREATE FUNCTION app.plan_$number(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS \$\$
			SELECT * FROM provision.plan_$plans[$number](job)
			UNION ALL
			SELECT 'refused', 'POST', '/api/method/no.such', '{}', true, NULL, true, 'read', NULL, NULL, NULL, NULL, NULL;
		\$\$;
		INSERT INTO provision.workflow (name, activates, rollback_on_failure) VALUES ('fails_$number', true, $by_itself);
		INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, undo_function, critical, requires, runs_after, exclusive,
		                            backoff_ms, backoff_max_ms, patience_ms)
		SELECT own.workflow_id, step.ordinal, step.name, CASE step.ordinal WHEN $number THEN 'app.plan_$number' ELSE step.plan_function END,
		       step.undo_function, step.ordinal = $number, step.requires, step.runs_after, step.exclusive, 50, 100, 100
		  FROM provision.workflow JOIN provision.step USING (workflow_id), provision.workflow AS own
		 WHERE workflow.name = 'tenant_setup' AND own.name = 'fails_$number';});
	return;
}

sub newest
{
	my ($what) = @_;
	return $node->safe_psql('postgres', "SELECT $what FROM provision.job_status ORDER BY job_id DESC LIMIT 1");
}

create_engine($node, $standin);
create_tenants($node, 1);
$node->safe_psql('postgres', q{SELECT provision_tenant_update('t1', '{"demo_items": true, "payment_methods": ["Cash", "Card"]}')});
foreach my $number (0 .. $#plans)
{
	my %before = map { $_ => 1 } $standin->documents;

	create_failing_workflow($number);
	start_jobs($node, 1, "fails_$number");
	wait_for_jobs($node) or BAIL_OUT("step $number: it does not end");
	if ($number % 2)
	{
		is(newest('state'), 'failed', "step $number: it failed");
		$node->safe_psql('postgres', q{SELECT provision_rollback('t1')});
		wait_for_jobs($node) or BAIL_OUT("step $number: the rollback does not end");
	}
	# The first step makes nothing, so nothing turns round by itself.
	is(newest(q{state || ' ' || direction || ' ' || error_step}), ($number ? 'rolled_back back' : 'failed forward') . " step_${number}_$plans[$number]",
		"step $number: rolled back if anything was made, the failure stays visible")
	  or diag(newest(q{error_message || chr(10) || (SELECT string_agg(error_hint, chr(10)) FROM provision.step_status AS s WHERE s.job_id = job_status.job_id AND s.state = chr(102)||chr(97)||chr(105)||chr(108)||chr(101)||chr(100))}), "\n", open_steps($node), "\n", last_calls($node));
	my @kept = split /\n/, $node->safe_psql('postgres', q{SELECT kind || '/' || name FROM provision.creation_status
		WHERE job_id = (SELECT max(job_id) FROM provision.job) AND state = 'kept' ORDER BY 1});
	is(join("\n", grep { !$before{$_} } $standin->documents), join("\n", sort @kept), "step $number: nothing is left that is not shown as kept");
	my %after = map { $_ => 1 } $standin->documents;
	is(join("\n", grep { !$after{$_} } sort keys %before), '', "step $number: nothing is gone that was there before");
}
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.call_log WHERE call = 'start deletion' AND verdict = 'success'}), '>', 2, 'ledger rows of opening stock went by ERPNext\'s own way');
is($node->safe_psql('postgres', 'SELECT provisioning_status, lifecycle FROM provision.tenant_status'), 'NOT_STARTED|pending', 'the tenant is as if it had not been set up');
is($node->safe_psql('postgres', 'SELECT metadata FROM provision.tenant'), '{}', 'and nothing is known of it');

start_jobs($node, 1);
ok(wait_for_jobs($node), 'it can be set up again');
is(newest('state'), 'completed', 'to the end') or diag(open_steps($node), "\n", last_calls($node));
ok_invariants($node, $standin);
$node->stop;
done_testing();
