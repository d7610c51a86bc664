# 64 sessions cancel, retry, pause and resume the same few jobs while their tables are rewritten: no deadlock, and the worker outlives it.
# (REINDEX without CONCURRENTLY is not among the statements: it takes its locks in two steps, and any session that reads a table and
# then writes to it can deadlock with that.)
use strict;
use warnings;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Standin;
use Test::More;

my $clients = 64;
my $standin = Standin->new;
my $node = new_node('main', conf => "max_connections = 100\nlog_min_messages = error\n");

create_engine($node, $standin);
create_tenants($node, 5);
create_workflow($node, 'three', 3);
my $worker = wait_for_worker($node);

# What is refused because of the job's state is part of the game; a deadlock is not.
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.act() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
	    action text := (ARRAY['cancel', 'retry', 'pause', 'resume', 'continue', 'start'])[1 + floor(random() * 6)];
	    tenant text := 't' || 1 + floor(random() * 5);
	BEGIN
	    IF action = 'start' THEN
	        PERFORM provision_start(tenant, 'three');
	    ELSE
	        EXECUTE format('SELECT provision_%s(%L)', action, tenant);
	    END IF;
	EXCEPTION WHEN raise_exception OR undefined_object OR no_data_found OR object_not_in_prerequisite_state
	    OR SQLSTATE 'PV001' OR SQLSTATE 'PV002' OR SQLSTATE 'PV003' OR SQLSTATE 'PV004' OR SQLSTATE 'PV005' OR SQLSTATE 'PV006' THEN
	    NULL;
	END $$});
start_jobs($node, 5, 'three');
my $script = PostgreSQL::Test::Utils::tempdir() . '/act.sql';
open(my $file, '>', $script) or die "could not write \"$script\": $!";
print $file "SELECT app.act();\n";
close $file;
my ($output, $errors) = ('', '');
my $game = IPC::Run::start(
	[ 'pgbench', '-n', '-c', $clients, '-j', 2, '-t', 15, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'>' => \$output, '2>' => \$errors);
foreach my $statement (
	'VACUUM FULL provision.job', 'REINDEX TABLE CONCURRENTLY provision.job_step', 'ALTER TABLE provision.attempt SET (fillfactor = 90)',
	'VACUUM FULL provision.event', 'REINDEX TABLE CONCURRENTLY provision.job', 'ALTER TABLE provision.job SET (autovacuum_enabled = on)',
	'VACUUM FULL provision.engine_state', 'REINDEX TABLE CONCURRENTLY provision.tenant')
{
	my $error;
	is($node->psql('postgres', $statement, stderr => \$error), 0, $statement) or diag($error);
}
ok($game->finish, "$clients sessions act on the same jobs") or diag(substr($errors, -2000));
like($output, qr{number of transactions actually processed: ${\($clients * 15)}/}, 'none fails') or diag($output, substr($errors, -2000));
is($node->safe_psql('postgres', 'SELECT sum(deadlocks) FROM pg_stat_database'), '0', 'there was no deadlock');
is(worker_pid($node), $worker, 'the worker is the same');
# The paused one need not be its tenant's newest: who retried it may have waited for its row while another was started and ended.
ok(wait_until(sub {
	$node->safe_psql('postgres', q{SELECT provision_resume(job_id) FROM provision.job WHERE state = 'paused'});
	return jobs_are_over($node);
}), 'when they have had enough, all jobs end') or diag(open_steps($node));
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT state, ',') FROM provision.job WHERE state NOT IN ('completed', 'cancelled')}), '', 'completed or cancelled');
is($node->safe_psql('postgres', 'SELECT max(crash_count) FROM provision.job'), '0', 'no crash was counted');

# The server's queue of notifications fills up: nothing is added to it by us, and nothing fails.
my $listener = open_session($node);
$listener->query_safe('LISTEN provision; BEGIN');
$node->safe_psql('postgres', q{CREATE OR REPLACE FUNCTION provision.may_notify() RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT false'});
my $usage = $node->safe_psql('postgres', 'SELECT pg_notification_queue_usage()');
start_jobs($node, 5, 'three');
ok(wait_for_jobs($node), 'with the queue of notifications half full, jobs are started and end');
is($node->safe_psql('postgres', 'SELECT pg_notification_queue_usage()'), $usage, 'and nothing is added to it');
$listener->quit;
ok_invariants($node, $standin);
$node->stop;
done_testing();
