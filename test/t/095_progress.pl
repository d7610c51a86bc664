# Progress never goes back within a run, whatever happens to its steps: plans that come to want more calls, tries that fail, steps that fail, workers
# that are ended, cancellations, pauses. Every change of a step of many random runs is looked at.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new('--read-ms', 5, '--write-ms', 5, '--seed', 95);
my $node = new_node('main');
my $jobs = 50;

create_engine($node, $standin, '{"max_concurrent": 12, "failure_threshold": 1000}');
create_tenants($node, $jobs);
create_workflow($node, 'rough', 5);
# Three calls, each known only when the one before it is answered; the last step needs one of which each eighth call is refused.
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.growing_calls(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
		SELECT 'ping' || n, 'POST', '/api/method/ping', jsonb_build_object('tenant', job ->> 'tenant'),
		       n = 1 OR job -> 'answers' ? ('ping' || n - 1), NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text
		  FROM generate_series(1, 3) AS n;
	$$;
	CREATE FUNCTION app.marked_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
		SELECT 'ping', 'POST', '/api/method/ping', '{"marked": true}'::jsonb, true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text;
	$$;
	UPDATE provision.step
	   SET plan_function = CASE WHEN ordinal % 2 = 1 THEN 'app.growing_calls' WHEN ordinal = 2 THEN 'app.marked_call' ELSE plan_function END,
	       critical = ordinal = 0, weight = 1 + ordinal, max_attempts = 3, backoff_ms = 10, backoff_max_ms = 20,
	       requires = CASE ordinal WHEN 0 THEN '{}' WHEN 4 THEN '{step_2}' ELSE '{step_0}' END::text[]
	 WHERE workflow_id = (SELECT workflow_id FROM provision.workflow WHERE name = 'rough');
	CREATE TABLE app.progress (seen bigint GENERATED ALWAYS AS IDENTITY, job_id bigint, progress integer);
	CREATE FUNCTION app.note_progress() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO app.progress (job_id, progress) SELECT job_status.job_id, job_status.progress FROM provision.job_status WHERE job_status.job_id = NEW.job_id;
		RETURN NULL;
	END;
	$$;
	CREATE TRIGGER note_progress AFTER UPDATE ON provision.job_step FOR EACH ROW EXECUTE FUNCTION app.note_progress();
	CREATE TRIGGER note_progress AFTER UPDATE ON provision.job FOR EACH ROW EXECUTE FUNCTION app.note_progress();});
$standin->fault({ path_regex => 'ping', body_regex => 'marked', every => 8 }, { status => 403, exc_type => 'PermissionError' });
$standin->fault({ path_regex => 'ping', probability => 0.15 }, { status => 503 });
$standin->fault({ path_regex => 'ping', probability => 0.1 }, { drop => 'after' });
$standin->fault({ path_regex => 'ping', probability => 0.1 }, { status => 403, exc_type => 'PermissionError' });
my @slow = map { $standin->fault({ path_regex => 'ping', every => $_ }, { delay_ms => 600 / $_ }) } 3, 2, 1;        # so that many still run when some have ended

is(start_jobs($node, $jobs, 'rough'), $jobs, "$jobs jobs");
ok(poll($node, q{SELECT count(*) >= 5 FROM provision.job WHERE finished_at IS NOT NULL}), 'some end');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM provision.worker_status WHERE alive});
ok(poll($node, q{SELECT EXISTS (SELECT FROM provision.event WHERE event = 'worker_stopped')}), 'the worker is ended');        # before others hold its jobs, which it would leave to be rescued
$node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT job_id FROM provision.job WHERE finished_at IS NULL ORDER BY job_id DESC LIMIT 5 FOR UPDATE) AS waiting CROSS JOIN LATERAL provision_pause(waiting.job_id)});
$node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT job_id FROM provision.job WHERE finished_at IS NULL ORDER BY job_id LIMIT 5 FOR UPDATE) AS running CROSS JOIN LATERAL provision_cancel(running.job_id)});
$standin->control('DELETE', "fault?id=$_->{id}") foreach @slow;
ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM provision.job WHERE state IN ('running', 'scheduled', 'pending'))}), 'the worker was ended, five were paused, five cancelled');
$node->safe_psql('postgres', q{SELECT count(*) FROM provision.job CROSS JOIN LATERAL provision_resume(job.job_id) WHERE job.state = 'paused'});
ok(wait_for_jobs($node), 'all end');
note(tally($node));

is($node->safe_psql('postgres', q{
	SELECT string_agg(format('job %s from %s to %s', job_id, before, progress), ', ')
	  FROM (SELECT job_id, progress, lag(progress) OVER (PARTITION BY job_id ORDER BY seen) AS before FROM app.progress) AS step WHERE progress < before}), '', 'never back');
is($node->safe_psql('postgres', q{SELECT array_agg(DISTINCT progress) FROM provision.job_status WHERE state IN ('completed', 'partial')}), '{100}', '100 at a good end');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.job_status WHERE state IN ('failed', 'cancelled') AND progress = 100}), '0', 'and at no other');
foreach my $happened ('step_retrying', 'step_failed', 'step_blocked', 'job_partial', 'job_cancelled', 'job_paused', 'worker_stopped')
{
	cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM provision.event WHERE event = '$happened'"), '>', 0, "$happened was among it");
}
cmp_ok($node->safe_psql('postgres', q{SELECT count(DISTINCT progress) FROM app.progress}), '>=', 10, 'in many steps');

# A run that is started anew begins where the completed steps end, and does not go back either.
$standin->clear_faults;
$node->safe_psql('postgres', q{
	TRUNCATE app.progress;
	SELECT count(*) FROM provision.job CROSS JOIN LATERAL provision_retry(job.job_id) WHERE job.state IN ('failed', 'partial', 'cancelled');});
ok(wait_for_jobs($node), 'what failed is tried again');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM (SELECT progress, lag(progress) OVER (PARTITION BY job_id ORDER BY seen) AS before FROM app.progress) AS step
	 WHERE progress < before AND before < 100}), '0', 'never back after its beginning');
is(tally($node), "completed $jobs", 'to a good end');
$node->stop;
done_testing();
