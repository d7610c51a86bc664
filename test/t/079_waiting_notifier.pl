# A session that sends a notification and then waits for a standby holds a lock which every commit with a notification needs: the worker gives up its round and tries again.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', init => { allows_streaming => 1 }, conf => "synchronous_standby_names = 'nobody'\nsynchronous_commit = local\n");

create_engine($node, $standin);
create_tenants($node, 1);
create_workflow($node, 'own', 60);
my $worker = wait_for_worker($node);
$standin->fault({ path_regex => 'ping' }, { delay_ms => 500 });
start_jobs($node, 1, 'own');
ok(wait_until(sub { scalar $standin->requests > 0 }), 'a job runs');

my $notifier = open_session($node, on_error_stop => 0);
$notifier->query_until(qr/begun/, "\\echo begun\nSET synchronous_commit = on;\nBEGIN; NOTIFY somebody; CREATE TABLE noted (); COMMIT;\n");
ok(poll($node, q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND wait_event = 'SyncRep')}), 'a session that notifies waits for a standby');
ok(wait_until(sub { slurp_file($node->logfile) =~ /could not run a round of the provision worker: canceling statement due to lock timeout/ }), 'the worker does not wait for it');
$standin->clear_faults;
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'});
$notifier->quit;
ok(wait_for_jobs($node), 'when that has ended the job goes on') or diag(open_steps($node));
is(tally($node), 'completed 1', 'to its end');
is(worker_pid($node), $worker, 'in the same worker');
ok_invariants($node, $standin);
$node->stop;
done_testing();
