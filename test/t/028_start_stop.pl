# provision_worker_stop() and _start() in any order, a cancelled worker, and workers without a launcher.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 3);
create_workflow($node, 'three', 3);
wait_for_worker($node);

# A start that comes while the old worker is still leaving counts. (One that has not looked in between need not leave.)
$standin->fault({ body_regex => 't1' }, { hold => 'before' });
$node->safe_psql('postgres', q{SELECT provision_start('t1', 'three')});
ok(poll($node, q{SELECT count(*) = 1 FROM provision.attempt WHERE finished_at IS NULL}), 'a call hangs');
$node->safe_psql('postgres', q{SELECT provision_worker_stop()});
$node->safe_psql('postgres', q{SELECT provision_worker_start()});
$standin->clear_faults;
ok(poll($node, q{SELECT state = 'completed' FROM provision.job_status WHERE tenant = 't1'}), 'stopped and started at once, there is a worker: the job goes on');

$node->safe_psql('postgres', q{SELECT provision_worker_stop()});
ok(poll($node, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'provision worker'}), 'stopped, it leaves although it is idle');
$node->safe_psql('postgres', q{SELECT provision_start('t2', 'three')});
like($node->safe_psql('postgres', q{SELECT string_agg(reason || ': ' || coalesce(fix, ''), ',') FROM provision_why('t2')}),
	qr/provision_worker_start/, 'provision_why tells how to start it');
$node->restart;
is($node->safe_psql('postgres', q{SELECT state FROM provision.job_status WHERE tenant = 't2'}), 'pending', 'it stays stopped over a restart');
$node->safe_psql('postgres', q{SELECT provision_worker_start()});
ok(poll($node, q{SELECT state = 'completed' FROM provision.job_status WHERE tenant = 't2'}), 'started again, it does what waited');

# pg_cancel_backend() has nothing to cancel.
$standin->fault({ body_regex => 't3', nth => 1 }, { hold => 'before' });
my $worker = wait_for_worker($node);
$node->safe_psql('postgres', q{SELECT provision_start('t3', 'three')});
ok(poll($node, q{SELECT count(*) = 1 FROM provision.attempt WHERE finished_at IS NULL}), 'a call is on its way');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($worker)");
$standin->clear_faults;
ok(poll($node, q{SELECT state = 'completed' FROM provision.job_status WHERE tenant = 't3'}), 'the job completes');
is(worker_pid($node), $worker, 'with the worker that was cancelled');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE verdict = 'crashed'}), '0', 'no call was lost');
ok_invariants($node, $standin);
$node->stop;

# Without a launcher: asking again and again leaves one worker, and no place of max_worker_processes is lost.
my $bare = new_node('bare', preload => 0, conf => "max_worker_processes = 8\n");
$bare->safe_psql('postgres', 'SELECT provision_worker_start()') for 1 .. 12;
ok(wait_for_worker($bare), 'a worker runs');
ok(poll($bare, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'provision worker'}), 'one');
$bare->safe_psql('postgres', 'SELECT provision_worker_stop()');
ok(poll($bare, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'provision worker'}), 'it can be stopped');
ok(wait_until(sub {
	$bare->safe_psql('postgres', q{SELECT provision_worker_start()});
	return $bare->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'provision worker'}) eq '1';
}), 'and started again: places are free');
$bare->stop;
done_testing();
