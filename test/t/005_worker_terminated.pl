# pg_terminate_backend() of the worker and of the launcher: both are back within seconds, and the work goes on.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new('--write-ms', 20, '--company-ms', 50);
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 10);
start_jobs($node, 10);

my $worker = wait_for_worker($node);
ok(wait_until(sub { $standin->control('GET', 'stats')->{requests} > 20 }), 'the worker works');
my $started_at = time;
is($node->safe_psql('postgres', "SELECT pg_terminate_backend($worker)"), 't', 'the worker is terminated');
my $second = wait_for_worker($node, 'postgres', $worker);
ok($second, 'another one takes its place');
ok_in_time($started_at, 5, 'within five seconds');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event = 'job_rescued'}), '0', 'nothing had to be rescued: all was given back');

my $launcher = launcher_pid($node);
$started_at = time;
is($node->safe_psql('postgres', "SELECT pg_terminate_backend($launcher)"), 't', 'the launcher is terminated');
ok(wait_for_worker($node, 'postgres', $second), 'another launcher starts another worker');
ok_in_time($started_at, 15, 'within seconds');
isnt(launcher_pid($node), $launcher, 'it is another launcher');
# The one before has given up its lock and may be seen a moment longer.
ok(poll($node, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type LIKE 'provision worker'}), 'there is one worker, not two');

ok(wait_for_jobs($node), 'all jobs end');
is(tally($node), 'completed 10', 'all are completed') or diag(open_steps($node));
ok_invariants($node, $standin);
$node->stop;
done_testing();
