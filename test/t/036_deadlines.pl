# Time limits of steps and jobs hold while the server hangs or refuses, with an idle worker; a retry has the same time again.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 4);
create_workflow($node, 'two', 2);
$node->safe_psql('postgres', q{UPDATE provision.effort SET timeout_ms = 120000});

sub error_of { my ($tenant) = @_; return $node->safe_psql('postgres', "SELECT state, error_code, error_step FROM provision.job_status WHERE tenant = '$tenant'") }
sub wait_for_end { my ($tenant) = @_; return poll($node, "SELECT provision_status('$tenant') ->> 'finished_at' IS NOT NULL") }
sub limits { return $node->safe_psql('postgres', "UPDATE provision.step SET $_[0] WHERE plan_function = 'app.one_call'") }

# The whole job: the call in flight only looks, so it is ended.
$standin->fault({ body_regex => '"t1"' }, { hang => \1 });
$node->safe_psql('postgres', q{SELECT provision_start('t1', 'two', '{"deadline": "10 seconds"}')});
ok(poll($node, q{SELECT count(*) = 1 FROM provision_why('t1') WHERE reason = 'time limit' AND detail LIKE '%if it has not ended by then.'}), 'why() tells the limit');
ok(wait_for_end('t1'), 'a job whose call hangs ends when its deadline passes');
is(error_of('t1'), 'failed|JOB_DEADLINE|step_0', 'for that reason');
is($node->safe_psql('postgres', q{SELECT verdict, curl_code FROM provision.call_log}), 'interrupted|42', 'its call was ended');
like($node->safe_psql('postgres', q{SELECT detail FROM provision_why('t1')}), qr/JOB_DEADLINE: .*It may take 00:00:10 and began at .*provision_retry/, 'why() tells it');
$standin->clear_faults;
$node->safe_psql('postgres', q{SELECT provision_retry('t1')});
ok(wait_for_end('t1'), 'a retry has the same time again');
is(error_of('t1'), 'completed||', 'and completes');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.job WHERE expires_at IS NOT NULL}), '==', 0, 'an ended job has no limit');

# The step, while the server refuses: its tries would last for ever.
limits(q{deadline_ms = 1500, max_attempts = 100, backoff_ms = 50, backoff_max_ms = 100});
$standin->fault({ body_regex => '"t2"' }, { status => 503, body => 'down' });
$node->safe_psql('postgres', q{SELECT provision_engine_update('bench', '{"failure_threshold": 1000}'); SELECT provision_start('t2', 'two')});
ok(wait_for_end('t2'), 'a step that fails again and again ends when its deadline passes');
is(error_of('t2'), 'failed|STEP_DEADLINE|step_0', 'for that reason');
like($node->safe_psql('postgres', q{SELECT error_hint FROM provision.job_status WHERE tenant = 't2'}), qr/deadline had passed or would have\. Last report: /, 'with the last report');
cmp_ok($node->safe_psql('postgres', q{SELECT max(a.started_at - s.started_at) FROM provision.attempt AS a JOIN provision.job_step AS s USING (job_id, ordinal)
	  JOIN provision.job USING (job_id) JOIN provision.tenant USING (tenant_id) WHERE tenant.name = 't2'}), 'lt', '00:00:10', 'no call began after it');

# The step, while the server hangs: a call is not given more time than is left, and the server is not blamed for it.
$standin->fault({ body_regex => '"t3"' }, { hang => \1 });
my $failures = $node->safe_psql('postgres', q{SELECT failures_in_a_row FROM provision.engine_status});
$node->safe_psql('postgres', q{SELECT provision_start('t3', 'two')});
ok(poll($node, q{SELECT deadline_at = started_at + interval '1.5 s' FROM provision.step_status WHERE tenant = 't3' AND ordinal = 0}), 'step_status has the limit');
ok(wait_for_end('t3'), 'a step whose call hangs ends when its deadline passes');
is(error_of('t3'), 'failed|STEP_DEADLINE|step_0', 'for that reason');
is($node->safe_psql('postgres', q{SELECT max(timeout_ms) BETWEEN 1 AND 1500 FROM provision.call_log WHERE job_id = (SELECT max(job_id) FROM provision.job)}), 't', 'its calls had no longer');
is($node->safe_psql('postgres', q{SELECT failures_in_a_row FROM provision.engine_status}), $failures, 'the breaker does not count it');
$standin->clear_faults;
limits(q{deadline_ms = 60000});
my $retried_at = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
$node->safe_psql('postgres', q{SELECT provision_retry('t2'); SELECT provision_retry('t3')});
ok(wait_for_jobs($node), 'retried, they end');
is(tally($node), 'completed 3', 'well');
is($node->safe_psql('postgres', "SELECT count(*) FROM provision.step_status WHERE tenant IN ('t2', 't3') AND ordinal = 0 AND started_at > '$retried_at'"), '2',
	'and their steps had all of their time again');

# Creations are awaited: the job fails once its call has ended.
limits(q{deadline_ms = NULL});
$node->safe_psql('postgres', q{
	CREATE OR REPLACE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
		SELECT 'make', 'POST', '/api/method/ping', '{"by": "t4"}'::jsonb, true, NULL, false, 'write', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text;
	$$;
	UPDATE provision.workflow SET deadline_ms = 6000 WHERE name = 'two';});
$standin->fault({ body_regex => 't4' }, { hold => 'before' });
$node->safe_psql('postgres', q{SELECT provision_start('t4', 'two')});
ok(poll($node, q{SELECT count(*) = 1 FROM provision_why('t4') WHERE reason = 'deadline passed' AND detail LIKE '%It waits for call "make" to end%'}), 'a creation is awaited, why() says so');
$standin->clear_faults;
ok(wait_for_end('t4'), 'and then the job ends');
is(error_of('t4'), 'failed|JOB_DEADLINE|step_1', 'at the step that did not begin');
is($node->safe_psql('postgres', q{SELECT state FROM provision.step_status WHERE tenant = 't4' AND ordinal = 0}), 'completed', 'what was done is kept');
ok_invariants($node, $standin);
$node->stop;
done_testing();
