# The doctor of a whole server: silent when all is well, and one finding for each thing that is done to it from outside.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', init => { allows_streaming => 'logical' },
	conf => "fsync = on\nmax_prepared_transactions = 2\nautovacuum_naptime = 1h\nmax_connections = 20\n" . key_file_setting());

sub finds
{
	my ($expected, $name, $database) = @_;
	is($node->safe_psql($database // 'postgres', 'SELECT severity, finding, fix FROM provision_doctor()'), $expected, $name);
	return;
}

sub set_to
{
	my ($setting, $value) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET $setting = $value");
	$node->reload;
	$value =~ s/'//g;
	ok(poll($node, "SELECT current_setting('$setting') = '$value'"), "$setting = $value");
	return;
}

sub reset_setting
{
	my ($setting, $value) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM RESET $setting");
	$node->reload;
	poll($node, "SELECT current_setting('$setting') = '$value'");
	return;
}

create_engine($node, $standin);
create_tenants($node, 2);
start_jobs($node, 1);
ok(wait_for_jobs($node), 'a job ends');
finds('', 'nothing is found where all is well');
is($node->safe_psql('postgres', q{SELECT provision_health() ->> 'status'}), 'ok', 'and health says so');

# Somebody keeps old rows: a session, a prepared transaction, a slot.
my $session = open_session($node);
$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM provision.job');
my $pid = $session->query_safe('SELECT pg_backend_pid()');
chomp $pid;
my $held = $node->safe_psql('postgres', q{SELECT fix, detail FROM provision.find_held_rows('0 s')});       # a round of the worker may be under way
like($held, qr/^SELECT pg_terminate_backend\($pid\);\|Process $pid of role ".*idle in transaction/m, 'a session that holds old rows is named, with what it does');
finds('', 'but not before it has done so for long');
$session->quit;
$node->safe_psql('postgres', q{BEGIN; CREATE TABLE a (); PREPARE TRANSACTION 'forgotten'});
like($node->safe_psql('postgres', q{SELECT fix FROM provision.find_held_rows('0 s')}), qr/^ROLLBACK PREPARED 'forgotten'/m, 'so is a prepared transaction');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'forgotten'});
$node->safe_psql('postgres', q{SELECT pg_create_logical_replication_slot('stale', 'pgoutput')});
finds('', 'a slot that is new is none');
$node->safe_psql('postgres', q{SET synchronous_commit = off; DO $$ BEGIN FOR i IN 1 .. 10010 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$});
finds(q{warning|old rows held by a replication slot|Start its standby or subscriber, or: SELECT pg_drop_replication_slot('stale');}, 'an unused slot is named');
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('stale')});

# Settings.
set_to('autovacuum', 'off');
finds('warning|autovacuum off|ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();', 'autovacuum off');
reset_setting('autovacuum', 'on');
set_to('full_page_writes', 'off');
finds('critical|server may lose what it has committed|ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();', 'full_page_writes off');
reset_setting('full_page_writes', 'on');
set_to('provision.connect_timeout', q{'40s'});
finds('warning|time limits contradict|ALTER SYSTEM RESET provision.connect_timeout; ALTER SYSTEM RESET provision.http_timeout; SELECT pg_reload_conf();', 'time limits');
reset_setting('provision.connect_timeout', '5s');
set_to('provision.max_in_flight', '9000');
finds('warning|few locks|ALTER SYSTEM SET max_locks_per_transaction = 128; and restart the server, or lower provision.max_in_flight.', 'too few locks');
reset_setting('provision.max_in_flight', '100');
set_to('provision.ca_file', q{'/nowhere/ca.pem'});
finds(q{warning|certificate authorities not usable|Correct the file, or: ALTER SYSTEM RESET provision.ca_file; SELECT pg_reload_conf();}, 'a file that cannot be read');
reset_setting('provision.ca_file', '');

# Dead rows that nobody removes.
$node->safe_psql('postgres', q{
	INSERT INTO provision.worker (pid, started_at, ended_at) SELECT 1, '2020-01-01', '2020-01-01' FROM generate_series(1, 100100);
	DELETE FROM provision.worker WHERE started_at = '2020-01-01';
	SELECT pg_stat_force_next_flush()});
ok(poll($node, q{SELECT n_dead_tup > 100000 FROM pg_stat_all_tables WHERE relid = 'provision.worker'::regclass}), 'there are dead rows');
finds('warning|dead rows|VACUUM (ANALYZE) provision.worker;', 'dead rows');
$node->safe_psql('postgres', 'VACUUM (ANALYZE) provision.worker');
ok(poll($node, q{SELECT n_dead_tup < 1000 FROM pg_stat_all_tables WHERE relid = 'provision.worker'::regclass}), 'they are gone');

# A server with another idea of the time.
$standin->fault({ path_regex => '/api/', times => 1 }, { status => 503, headers => { Date => 'Tue, 01 Jan 2030 00:00:00 GMT' }, body => 'busy' });
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM provision.worker_status});
my $worker = wait_for_worker($node);
$node->safe_psql('postgres', q{SELECT provision_start('t2')});
ok(poll($node, q{SELECT clock_skew_seconds > 86400 FROM provision.engine_status}), 'the difference of the clocks is noticed') or diag(last_calls($node));
ok(wait_for_jobs($node), 'the job ends all the same');
finds('warning|clocks differ|Synchronise the clocks of both hosts, with chrony for example; the next answers are compared again.', 'clocks');
$node->safe_psql('postgres', 'UPDATE provision.engine_state SET clock_skew_seconds = 0');

# The worker.
set_to('provision.databases', q{'elsewhere'});
$node->safe_psql('postgres', q{SELECT provision_worker_stop()});
ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM provision.worker_status)}), 'the worker has left');
finds('critical|worker stopped|SELECT provision_worker_start();', 'worker stopped');
$node->safe_psql('postgres', q{UPDATE provision.control SET worker_stopped_at = NULL});
finds('critical|database not listed|ALTER SYSTEM RESET provision.databases; SELECT pg_reload_conf();', 'database not listed');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET provision.databases');
$node->reload;
$node->safe_psql('postgres', 'SELECT provision_worker_start()');
ok(wait_for_worker($node), 'what it says helps');
finds('', 'nothing is found in the end');
ok_invariants($node, $standin);
$node->stop;
done_testing();
