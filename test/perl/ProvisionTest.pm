# What the tests of the worker share: a server with the extension, tenants, waiting for a state, and the invariants.
package ProvisionTest;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;
use Time::HiRes qw(time usleep);

our @EXPORT = qw(
  new_node create_engine create_tenants create_workflow start_jobs
  worker_pid launcher_pid wait_for_worker wait_until poll kill_hard
  jobs_are_over wait_for_jobs tally open_steps last_calls ok_invariants time usleep
);

# Options: preload => 0, extension => 0, conf => lines of postgresql.conf.
sub new_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%{ $options{init} // {} });
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'provision'") if $options{preload} // 1;
	$node->append_conf('postgresql.conf', "restart_after_crash = on\nlog_statement = none\n" . ($options{conf} // ''));
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION provision') if $options{extension} // 1;
	return $node;
}

# An engine named "bench" that is the stand-in; options as for provision_engine_create().
sub create_engine
{
	my ($node, $standin, $options, $database) = @_;
	my $url = ref $standin ? $standin->url : $standin;

	$options //= '{"max_concurrent": 50}';
	$node->safe_psql($database // 'postgres', qq{
		SELECT provision_engine_create('bench', '$url', options => '$options');
		SELECT provision_engine_secret('bench', 'test-key', 'test-secret');});
	return;
}

# Tenants t1, t2, … on it.
sub create_tenants
{
	my ($node, $count, $database) = @_;

	$node->safe_psql($database // 'postgres', qq{
		SELECT provision_tenant_create('t' || n, 'bench',
		         jsonb_build_object('company_name', 'Company ' || n, 'abbr', 'C' || n, 'country', 'US'))
		  FROM generate_series(1, $count) AS n;});
	return;
}

# A workflow of steps that each make one cheap POST; a row of [name, body of its plan function] replaces that of one step.
sub create_workflow
{
	my ($node, $name, $steps, $database) = @_;

	$node->safe_psql($database // 'postgres', qq{
		CREATE SCHEMA IF NOT EXISTS app;
		CREATE OR REPLACE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS \$\$
			SELECT 'ping', 'POST', '/api/method/ping', jsonb_build_object('tenant', job ->> 'tenant'),
			       true, NULL, true, 'read', NULL::jsonb;
		\$\$;
		WITH new_workflow AS (INSERT INTO provision.workflow (name) VALUES ('$name') RETURNING workflow_id)
		INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical, requires)
		SELECT workflow_id, n, 'step_' || n, 'app.one_call', true, CASE WHEN n > 0 THEN ARRAY['step_' || (n - 1)] ELSE '{}' END
		  FROM new_workflow, generate_series(0, $steps - 1) AS n;});
	return;
}

# Starts a job for each of the tenants t1 … and returns their number.
sub start_jobs
{
	my ($node, $count, $workflow, $database) = @_;

	$workflow //= 'tenant_setup';
	return $node->safe_psql($database // 'postgres',
		"SELECT count(*) FROM provision_start_many(ARRAY(SELECT 't' || n FROM generate_series(1, $count) AS n), '$workflow')");
}

# Calls the code until it returns true; the test's name says what was waited for when it does not.
sub wait_until
{
	my ($code, $seconds) = @_;
	my $end = time + ($seconds // $PostgreSQL::Test::Utils::timeout_default);

	while (time < $end)
	{
		return 1 if $code->();
		usleep(20_000);
	}
	return 0;
}

sub poll
{
	my ($node, $query, $database) = @_;
	return $node->poll_query_until($database // 'postgres', $query);
}

sub worker_pid
{
	my ($node, $database) = @_;
	$database //= 'postgres';
	return $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'provision worker' AND datname = '$database'");
}

sub launcher_pid
{
	return shift->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'provision launcher'");
}

# Until a worker other than the given process has entered service there; returns its process number.
sub wait_for_worker
{
	my ($node, $database, $other_than) = @_;

	$other_than ||= 0;
	poll($node, "SELECT EXISTS (SELECT FROM provision.worker_status WHERE alive AND pid <> $other_than)", $database) or return;
	return worker_pid($node, $database);
}

# kill -9 of a server process, and until the postmaster has got over it.
sub kill_hard
{
	my ($node, $pid) = @_;
	my $started = $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE backend_type = \'checkpointer\'');

	kill 'KILL', $pid or return 0;
	return wait_until(sub {
		my ($out, $err);
		my $result = $node->psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'",
			stdout => \$out, stderr => \$err);
		return $result == 0 && $out =~ /^\d+$/ && $out ne $started;
	});
}

sub jobs_are_over
{
	my ($node, $database) = @_;
	return $node->safe_psql($database // 'postgres', 'SELECT NOT EXISTS (SELECT FROM provision.job WHERE finished_at IS NULL)') eq 't';
}

sub wait_for_jobs
{
	my ($node, $database) = @_;
	return poll($node, 'SELECT NOT EXISTS (SELECT FROM provision.job WHERE finished_at IS NULL)', $database);
}

# How many jobs are in which state, as "completed 20".
sub tally
{
	my ($node, $database) = @_;
	return $node->safe_psql($database // 'postgres',
		q{SELECT string_agg(state || ' ' || count, ', ' ORDER BY state) FROM (SELECT state, count(*) FROM provision.job GROUP BY state) AS s});
}

# For a look at what went wrong.
sub open_steps
{
	my ($node, $database) = @_;
	return $node->safe_psql($database // 'postgres',
		q{SELECT job_id, step, state, error_code, error_message FROM provision.step_status WHERE state NOT IN ('completed', 'waiting') ORDER BY 1, ordinal LIMIT 30});
}

sub last_calls
{
	my ($node, $database) = @_;
	return $node->safe_psql($database // 'postgres',
		q{SELECT at, step, call, method, http_status, delivery, verdict, error_code, left(response_excerpt, 100) FROM provision.call_log ORDER BY attempt_id DESC LIMIT 20});
}

my %invariants = (
	'every job has ended' =>
	  'SELECT job_id, state FROM provision.job WHERE finished_at IS NULL',
	'no job belongs to a dead worker' =>
	  'SELECT job_id FROM provision.job JOIN provision.worker ON incarnation = owner WHERE NOT provision.is_alive(incarnation, pid)',
	'every attempt has an outcome' =>
	  'SELECT attempt_id, call FROM provision.attempt WHERE finished_at IS NULL',
	'no step counts attempts that have no row' =>
	  'SELECT job_id, name FROM provision.job_step AS s
	    WHERE attempt_count <> (SELECT count(*) FROM provision.attempt AS a WHERE a.job_id = s.job_id AND a.ordinal = s.ordinal)',
	'the last event of a job tells its state' =>
	  q{SELECT job_id, state, e.to_state FROM provision.job
	     CROSS JOIN LATERAL (SELECT to_state FROM provision.event AS e WHERE e.job_id = job.job_id AND event LIKE 'job\_%' ORDER BY event_id DESC LIMIT 1) AS e
	     WHERE e.to_state <> state},
	'the last event of a step tells its state' =>
	  q{SELECT s.job_id, s.name, s.state, e.to_state FROM provision.job_step AS s
	     CROSS JOIN LATERAL (SELECT to_state FROM provision.event AS e WHERE e.job_id = s.job_id AND e.step = s.name AND event LIKE 'step\_%' ORDER BY event_id DESC LIMIT 1) AS e
	     WHERE e.to_state <> s.state AND s.finished_at IS NOT NULL},
	'a completed job has no open step' =>
	  q{SELECT job_id, name, s.state FROM provision.job JOIN provision.job_step AS s USING (job_id)
	     WHERE job.state = 'completed' AND s.state NOT IN ('completed', 'skipped')},
	'nobody excludes others' =>
	  'SELECT * FROM provision.exclusion',
	'no secret is in a table that is shown' =>
	  q{SELECT attempt_id::text FROM provision.attempt AS a WHERE a::text LIKE '%test-secret%'
	     UNION ALL SELECT event_id::text FROM provision.event AS e WHERE e::text LIKE '%test-secret%'},
);

# What must hold when all is over, whatever died meanwhile.
sub ok_invariants
{
	my ($node, $standin, $database) = @_;

	subtest 'invariants' => sub {
		foreach my $name (sort keys %invariants)
		{
			is($node->safe_psql($database // 'postgres', $invariants{$name}), '', $name);
		}
		is(join("\n", $standin->doubles), '', 'nothing was made twice') if $standin;
		ok(slurp_file($node->logfile) !~ /test-secret/, "no secret is in the log");
	};
	return;
}

1;
