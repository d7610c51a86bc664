# What is wrong with a workflow is said at once, or fails its job with a reason; nothing is sent twice and nothing runs for ever.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');
my $err;

create_engine($node, $standin);
create_tenants($node, 1);
create_workflow($node, 'one', 1);

sub refused
{
	my ($statement, $message, $name) = @_;
	isnt($node->psql('postgres', $statement, stderr => \$err), 0, $name);
	like($err, $message, "$name: says why");
	return;
}

$node->safe_psql('postgres', q{INSERT INTO provision.workflow (name) VALUES ('empty'), ('cycle')});
refused(q{SELECT provision_start('t1', 'empty')}, qr/workflow "empty" has no steps/, 'a workflow without steps is not started');
refused(q{INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, requires)
          SELECT workflow_id, n, 's' || n, 'app.one_call', ARRAY['s' || (1 - n)] FROM provision.workflow, generate_series(0, 1) AS n WHERE name = 'cycle'},
	qr/workflow "cycle" cannot be stored.*Step "s0" cannot wait for "s1": each would wait for the other/s, 'steps cannot wait for each other');
refused(q{UPDATE provision.step SET requires = '{nowhere}' WHERE plan_function = 'app.one_call'},
	qr/cannot wait for "nowhere"/, 'a step cannot wait for one that does not exist');

# A plan function of the step's text, run once.
sub run_plan
{
	my ($rows) = @_;
	$node->safe_psql('postgres', qq{
		CREATE OR REPLACE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS \$\$ $rows \$\$;
		SELECT provision_start('t1', 'one');});
	wait_for_jobs($node);
	return $node->safe_psql('postgres', q{SELECT state, error_code FROM provision.job ORDER BY job_id DESC LIMIT 1});
}

my $post = q{'POST', '/api/method/ping', '{}'::jsonb, true};
is(run_plan("SELECT 'a', $post, 'typo', NULL::boolean, NULL, NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text"), 'failed|PLAN_FAILED', 'a guard that is no call before');
is(run_plan("VALUES ('a', $post, NULL, true, NULL, NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text), ('a', $post, NULL, true, NULL, NULL, NULL, NULL, NULL, NULL)"), 'failed|PLAN_FAILED', 'two calls of one name');
is(run_plan("SELECT 'a', 'POST', NULL, NULL::jsonb, true, NULL, true, NULL, NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text"), 'failed|PLAN_FAILED', 'a call without a path');
is(run_plan("SELECT 'a', 'FETCH', '/x', NULL::jsonb, true, NULL, true, NULL, NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text"), 'failed|PLAN_FAILED', 'a method that is none');
is(run_plan("SELECT 'a', 'GET', '/x', NULL::jsonb, true, NULL, true, NULL, '[]'::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text"), 'failed|PLAN_FAILED', 'facts that are no object');
like($node->safe_psql('postgres', q{SELECT error_hint FROM provision.job ORDER BY job_id DESC LIMIT 1}), qr/what call "a" learns is no object/, 'the hint has the reason');
is(scalar($standin->requests), 0, 'none of them was sent');

# A call that must not be repeated has succeeded, then the plan gives up: a retry does not send it again.
is(run_plan("VALUES ('make', $post, NULL, false, NULL, NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text), ('then', 'GET', '/x{?nothing}', NULL, true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"),
	'failed|FACT_MISSING', 'a plan that goes wrong after its call');
$node->safe_psql('postgres', q{SELECT provision_retry('t1')});
wait_for_jobs($node);
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE call = 'make'}), '1', 'its call is not repeated by a retry');

is(run_plan("SELECT 'a', $post, NULL, true, NULL, NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text"), 'completed|', 'a right one completes');
refused(q{UPDATE provision.step SET plan_function = 'app.other' WHERE plan_function = 'app.one_call'},
	qr/cannot be changed: jobs have started/, 'a version that jobs have started with stays');
$node->safe_psql('postgres', q{UPDATE provision.step SET max_attempts = 7 WHERE plan_function = 'app.one_call'});
pass('its retry policy may change');
ok_invariants($node, $standin);
$node->stop;
done_testing();
