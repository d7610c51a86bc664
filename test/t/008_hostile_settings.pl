# Whatever the server has set for all, and the database for those who connect to it, the worker's statements run.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my %hostile = (
	statement_timeout => '1',
	lock_timeout => '1',
	idle_in_transaction_session_timeout => '1',
	default_transaction_read_only => 'on',
	default_transaction_isolation => 'serializable',
	default_transaction_deferrable => 'on',
	search_path => "''",
	synchronous_commit => 'off',
	session_replication_role => 'replica',
	row_security => 'off',
	client_min_messages => 'debug5',
	DateStyle => "'SQL, DMY'",
	IntervalStyle => 'sql_standard',
	timezone => "'Asia/Kathmandu'",
	bytea_output => 'escape',
	standard_conforming_strings => 'off',
	extra_float_digits => '-15',
	enable_indexscan => 'off',
	jit_above_cost => '0',
	work_mem => '64',
	exit_on_error => 'on',
);
my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 3);
my $before = wait_for_worker($node);
$node->safe_psql('postgres', "ALTER SYSTEM SET $_ = $hostile{$_}") foreach sort keys %hostile;
$node->safe_psql('postgres', 'CREATE ROLE nobody; ALTER DATABASE postgres SET role = nobody');
$node->restart;
# This session needs what the worker gives itself.
$ENV{PGOPTIONS} = '-c statement_timeout=0 -c lock_timeout=0 -c default_transaction_read_only=off -c idle_in_transaction_session_timeout=0'
  . ' -c search_path=public -c client_min_messages=error -c role=none -c exit_on_error=off -c session_replication_role=origin -c default_transaction_isolation=read\ committed';
ok(wait_for_worker($node, 'postgres', $before), 'a worker starts');
start_jobs($node, 3);
ok(wait_for_jobs($node), 'jobs end');
is(tally($node), 'completed 3', 'they are completed') or diag(open_steps($node));
create_workflow($node, 'poison', 1);
$node->safe_psql('postgres', q{CREATE OR REPLACE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE 'poison'; END $$});
start_jobs($node, 1, 'poison');
ok(wait_for_jobs($node), 'a job whose plan raises an error ends');
is($node->safe_psql('postgres', q{SELECT state, error_code FROM provision.job_status WHERE workflow = 'poison'}), 'failed|PLAN_FAILED', 'and has failed');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event = 'worker_lost'}), '==', 0, 'no worker died');
ok_invariants($node, $standin);
$node->stop;
done_testing();
