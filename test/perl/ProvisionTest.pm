# What the tests of the worker share: a server with the extension, tenants, waiting for a state, and the invariants.
package ProvisionTest;

use strict;
use warnings;
use Exporter 'import';
use ProvisionNode;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;
use Time::HiRes qw(time usleep);

our @EXPORT = qw(
  new_node open_session key_file_setting create_engine create_tenants create_workflow create_route_workflow start_jobs
  worker_pid launcher_pid wait_for_worker wait_until poll ask kill_hard
  is_paused_copy adopt_copy
  ok_in_time jobs_are_over wait_for_jobs tally open_steps last_calls broken_invariants tables_with ok_invariants time usleep
);

# Options: preload => 0, extension => 0, conf => lines of postgresql.conf, faults => 1 for a library with fault points.
sub new_node
{
	my ($name, %options) = @_;
	my $node = ProvisionNode->new($name, $options{faults} ? (install_path => $ENV{FAULTS_INSTALL}) : ());

	local $ENV{CLUSTER_TEMPLATE} = "$ENV{CLUSTER_TEMPLATES}/" . ($options{extension} // 1 ? 'extended' : 'plain') if $ENV{CLUSTER_TEMPLATES};
	$node->init(%{ $options{init} // {} });
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'provision'") if $options{preload} // 1;
	$node->append_conf('postgresql.conf', "restart_after_crash = on\nlog_statement = none\n" . ($options{conf} // ''));
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION IF NOT EXISTS provision') if $options{extension} // 1;
	return $node;
}

# A psql that stays. Its time limit is that of each query: the session may well live longer on a busy machine.
sub open_session
{
	my ($node, %options) = @_;
	my $session = $node->background_psql('postgres', %options);

	$session->set_query_timer_restart;
	return $session;
}

# A setting that names a key file outside of the data directory, made here.
sub key_file_setting
{
	my $file = PostgreSQL::Test::Utils::tempdir() . '/key';

	append_to_file($file, 'k1:' . ('7e' x 32) . "\n");
	chmod 0600, $file;
	return "provision.key_file = '$file'\n";
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
		GRANT USAGE ON SCHEMA app TO provision_planner;
		CREATE OR REPLACE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS \$\$
			SELECT 'ping', 'POST', '/api/method/ping', jsonb_build_object('tenant', job ->> 'tenant'),
			       true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text;
		\$\$;
		WITH new_workflow AS (INSERT INTO provision.workflow (name) VALUES ('$name') RETURNING workflow_id)
		INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical, requires)
		SELECT workflow_id, n, 'step_' || n, 'app.one_call', true, CASE WHEN n > 0 THEN ARRAY['step_' || (n - 1)] ELSE '{}' END
		  FROM new_workflow, generate_series(0, $steps - 1) AS n;});
	return;
}

# A workflow "route" of one step, whose only call is what app.route has for the tenant; no guard, and not repeatable but for GET.
sub create_route_workflow
{
	my ($node, $database) = @_;

	$node->safe_psql($database // 'postgres', q{
		CREATE SCHEMA IF NOT EXISTS app;
		GRANT USAGE ON SCHEMA app TO provision_planner;
		CREATE TABLE app.route (tenant text PRIMARY KEY, method text, path text, effort text DEFAULT 'company');
		GRANT SELECT ON app.route TO provision_planner;
		CREATE FUNCTION app.route(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
			SELECT 'call', method, path, CASE WHEN method <> 'GET' THEN '{}'::jsonb END, true, NULL, method = 'GET', effort, NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text
			  FROM app.route WHERE route.tenant = job ->> 'tenant';
		$$;
		WITH new_workflow AS (INSERT INTO provision.workflow (name) VALUES ('route') RETURNING workflow_id)
		INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical, max_attempts, backoff_ms, backoff_max_ms)
		SELECT workflow_id, 0, 'step_0', 'app.route', true, 2, 10, 20
		  FROM new_workflow;});
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

# So long it takes at most where nothing else runs; four times as long is allowed for a machine that has other work, and some seconds for
# processes that get no processor meanwhile.
sub ok_in_time
{
	my ($started_at, $seconds, $name) = @_;
	my $took = time - $started_at;

	note(sprintf '%s: %.1f s of %d', $name, $took, $seconds);
	return cmp_ok($took, '<', 4 * $seconds + 15, $name);
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
	return $node->safe_psql($database // 'postgres', "SELECT pid FROM provision.worker_status WHERE alive AND pid <> $other_than");
}

# The answer of a server that may be away; undefined when there is none.
sub ask
{
	my ($node, $query, $database) = @_;
	my ($out, $err);
	my $result = eval { $node->psql($database // 'postgres', $query, stdout => \$out, stderr => \$err) };        # dies when psql ends early

	return defined $result && $result == 0 ? $out : undef;
}

# kill -9 of a server process, and until the postmaster has got over it.
sub kill_hard
{
	my ($node, $pid) = @_;
	my $started = $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE backend_type = \'checkpointer\'');

	kill 'KILL', $pid or return 0;
	return wait_until(sub {
		my $out = ask($node, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'") // '';
		return $out =~ /^\d+$/ && $out ne $started;
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

# What breaks the rules of provision.invariants(); '' when nothing does. In all databases but where a worker has just died that is so at any time.
sub broken_invariants
{
	my ($node, $database) = @_;
	return $node->safe_psql($database // 'postgres', 'SELECT invariant, violations, example FROM provision.invariants() WHERE violations <> 0');
}

# Tables that hold the text somewhere; the one table that may is left out.
sub tables_with
{
	my ($node, $text, $database) = @_;
	my $search = $node->safe_psql($database // 'postgres', qq{
		SELECT string_agg(format('SELECT %L FROM %s AS r WHERE strpos(r::text, %L) > 0', oid::regclass, oid::regclass, '$text'), ' UNION ')
		  FROM pg_class WHERE relnamespace = 'provision'::regnamespace AND relkind = 'r' AND relname <> 'secret'});

	return $node->safe_psql($database // 'postgres', $search);
}

# What must hold when all is over, whatever died meanwhile.
sub ok_invariants
{
	my ($node, $standin, $database) = @_;
	my %open = (
		'every job has ended' => 'SELECT job_id, state FROM provision.job WHERE finished_at IS NULL',
		'nobody excludes others' => 'SELECT * FROM provision.exclusion');

	subtest 'invariants' => sub {
		is(broken_invariants($node, $database), '', 'provision.invariants()');
		foreach my $name (sort keys %open)
		{
			is($node->safe_psql($database // 'postgres', $open{$name}), '', $name);
		}
		is(tables_with($node, 'test-secret', $database), '', 'no secret is in a table that is shown');
		is(join("\n", $standin->doubles), '', 'nothing was made twice') if $standin;
		ok(slurp_file($node->logfile) !~ /test-secret/, "no secret is in the log");
	};
	return;
}

# Its jobs wait, everybody is told why, nothing starts them by accident; restarts do not make it forget.
sub is_paused_copy
{
	my ($node, $database, $why, $name) = @_;

	subtest $name => sub {
		my ($out, $err);
		ok(poll($node, 'SELECT copy_detail IS NOT NULL FROM provision.control', $database), 'a worker has looked') if $why !~ /dump/;
		ok(poll($node, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'provision worker' AND datname = '$database')"), 'and left');
		like($node->safe_psql($database, q{SELECT detail FROM provision_why('t1') WHERE reason = 'restored copy'}), $why, 'provision_why() says why');
		is($node->safe_psql($database, q{SELECT severity || ' ' || fix FROM provision_doctor() WHERE finding = 'restored copy'}),
			'critical SELECT provision_adopt();', 'provision_doctor() knows what to do');
		is($node->safe_psql($database, q{SELECT provision_health() ->> 'status'}), 'down', 'provision_health() is not content');
		isnt($node->psql($database, 'SELECT provision_worker_start()', stdout => \$out, stderr => \$err), 0, 'no worker can be started');
		like($err, qr/is a copy.*provision_adopt/s, 'the error says what to do');
		is($node->safe_psql($database, q{SELECT provision_status('t1') ->> 'state'}), 'pending', 'its job waits');
	};
	return;
}

# It then does what it has waited with.
sub adopt_copy
{
	my ($node, $database) = @_;

	is($node->safe_psql($database, 'SELECT provision_adopt()'), 't', 'it is adopted');
	ok(poll($node, q{SELECT provision_status('t1') ->> 'state' = 'completed'}, $database), 'and works');
	is($node->safe_psql($database, 'SELECT provision_adopt()'), 'f', 'once');
	is($node->safe_psql($database, q{SELECT count(*) FROM provision.event WHERE event = 'copy_adopted'}), '1', 'which is an event');
	return;
}

1;
