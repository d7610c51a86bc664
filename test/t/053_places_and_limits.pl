# What the server has little of: worker processes, connections, locks. And settings that a running worker takes over with a reload.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', conf => "max_worker_processes = 4\nmax_connections = 20\nsuperuser_reserved_connections = 0\n");

create_engine($node, $standin);
create_tenants($node, 5);

# More databases than worker processes: at the start and after it, one place in four stays free, and no database is looked at for long.
$node->safe_psql('postgres', "CREATE DATABASE other_$_") for 1 .. 4;
$node->safe_psql("other_$_", 'CREATE EXTENSION provision') for 1 .. 3;
$node->append_conf('postgresql.conf', "max_locks_per_transaction = 10\n");
$node->restart;
my $most = 0;
my $restarted_at = time;
my $workers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'provision worker'};
ok(wait_until(sub {
	my $count = $node->safe_psql('postgres', $workers);
	$most = $count if $count > $most;
	return $count == 2 && slurp_file($node->logfile) =~ /could not start a provision worker/;
}), 'databases get workers until a quarter of the places is left') or diag($node->safe_psql('postgres', $workers));
cmp_ok($most, '<=', 2, 'and never more');
my $lines = () = slurp_file($node->logfile) =~ /could not start a provision worker/g;
cmp_ok($lines, '<=', 2 + (time - $restarted_at) / 60, 'the log has one line a minute about the others');
$node->safe_psql('postgres', "DROP DATABASE other_$_ WITH (FORCE)") for 1 .. 4;
ok(wait_for_worker($node), 'a place that becomes free is used');

# No connection is free, and the lock table is small: the worker needs neither.
my @sessions;
wait_until(sub {
	my $session = eval { open_session($node) };         # refused while somebody else is still leaving
	push @sessions, $session if $session;
	return @sessions == 20;
});
isnt($node->psql('postgres', 'SELECT 1', stderr => \my $error), 0, 'no connection is free');
$sessions[0]->query_safe(q{SELECT count(*) FROM provision_start_many(ARRAY['t1', 't2', 't3', 't4', 't5'])});
my $pid = $sessions[0]->query_safe(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'provision worker'});
$sessions[0]->query_safe("SELECT pg_terminate_backend($pid)");
ok(wait_until(sub { $sessions[0]->query_safe('SELECT NOT EXISTS (SELECT FROM provision.job WHERE finished_at IS NULL)') eq 't' }), 'the jobs end all the same');
$_->quit foreach @sessions;
ok(poll($node, 'SELECT true'), 'connections become free');
is(tally($node), 'completed 5', 'well') or diag(open_steps($node));

# Reloaded, not restarted.
create_workflow($node, 'one', 1);
$pid = wait_for_worker($node);
$node->append_conf('postgresql.conf', "provision.max_body_size = 1kB\n");
$node->reload;
ok(poll($node, q{SELECT setting = '1' FROM pg_settings WHERE name = 'provision.max_body_size'}), 'a smaller body is allowed');
$standin->fault({ path_regex => 'ping' }, { status => 200, body => { message => 'x' x 5000 } });
$node->safe_psql('postgres', q{SELECT provision_start('t1', 'one')});
ok(poll($node, q{SELECT finished_at IS NOT NULL FROM provision.job WHERE workflow = 'one'}), 'a call is answered with more');
is($node->safe_psql('postgres', q{SELECT error_code FROM provision.job WHERE workflow = 'one'}), 'ANSWER_TOO_LARGE', 'the running worker keeps to the new limit')
  or diag(last_calls($node));
is(worker_pid($node), $pid, 'it is the same worker');
$standin->clear_faults;
ok_invariants($node, $standin);
$node->stop;
done_testing();
