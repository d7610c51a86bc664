# Rows that somebody's open transaction holds: the worker neither spins nor forgets, and one such row keeps nobody else's jobs.
use strict;
use warnings;
use ProvisionTest;
use JSON::PP ();
use Standin;
use Test::More;

my $standin = Standin->new('--read-ms', 20, '--write-ms', 20);
my $node = new_node('main');

create_engine($node, $standin, '{"max_concurrent": 1}');
create_tenants($node, 6);
create_workflow($node, 'three', 3);
my $worker = wait_for_worker($node);

sub state_of
{
	my ($tenant) = @_;
	return $node->safe_psql('postgres', "SELECT state FROM provision.job_status WHERE tenant = '$tenant' ORDER BY job_id DESC LIMIT 1");
}

my $holder = open_session($node);

# A due job that is held: looked at again and again, but with pauses.
$node->safe_psql('postgres', q{SELECT provision_start('t1', 'three', run_at => now() + interval '1 s')});
$holder->query_safe(q{BEGIN; SELECT job_id FROM provision.job FOR UPDATE});
ok(poll($node, q{SELECT max(due_at) < now() FROM provision.job}), 'a job becomes due while its row is held');
my $rounds = $node->safe_psql('postgres', 'SELECT max(rounds) FROM provision.worker');
wait_until(sub { 0 }, 3);
cmp_ok($node->safe_psql('postgres', 'SELECT max(rounds) FROM provision.worker') - $rounds, '<', 60, 'the worker does not spin for three seconds');
$holder->query_safe('ROLLBACK');
ok(poll($node, q{SELECT state = 'completed' FROM provision.job}), 'released, the job runs');

# A pending job that is held when its turn comes is not forgotten.
$standin->fault({ path_regex => 'ping', nth => 1 }, { hold => 'before' });
$node->safe_psql('postgres', q{SELECT provision_start('t2', 'three')});
ok(poll($node, q{SELECT count(*) = 1 FROM provision.job WHERE state = 'running'}), 'one job takes the only slot');
$node->safe_psql('postgres', q{SELECT provision_start('t3', 'three')});
$holder->query_safe(q{BEGIN; SELECT provision_cancel('t3')});
$standin->clear_faults;
ok(poll($node, q{SELECT state = 'completed' FROM provision.job_status WHERE tenant = 't2'}), 'the slot becomes free');
is(state_of('t3'), 'pending', 'while the next job is held');
$holder->query_safe('ROLLBACK');
ok(poll($node, q{SELECT state = 'completed' FROM provision.job_status WHERE tenant = 't3'}), 'it runs when its row is released, without any other event');

# A running job that is held keeps neither the worker from leaving nor its successor from working.
$node->safe_psql('postgres', q{SELECT provision_engine_update('bench', '{"max_concurrent": 10}')});
$standin->fault({ body_regex => 't4', path_regex => 'ping' }, { hang => JSON::PP::true() });
$node->safe_psql('postgres', q{SELECT provision_start('t4', 'three')});
ok(poll($node, q{SELECT count(*) = 1 FROM provision.attempt WHERE finished_at IS NULL}), 'a call hangs');
$holder->query_safe(q{BEGIN; SELECT provision_pause('t4')});
$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
my $second = wait_for_worker($node, 'postgres', $worker);
ok($second, 'another worker comes up');
$node->safe_psql('postgres', q{SELECT provision_start('t5', 'three')});
ok(poll($node, q{SELECT state = 'completed' FROM provision.job_status WHERE tenant = 't5'}), 'and does the others\' jobs');
is(state_of('t4'), 'running', 'the held one stays as it was');
$standin->clear_faults;
$holder->query_safe('ROLLBACK');
ok(poll($node, q{SELECT state = 'completed' FROM provision.job_status WHERE tenant = 't4'}), 'it is rescued when its row is released');
is(worker_pid($node), $second, 'by the same worker');
$holder->quit;
ok_invariants($node, $standin);
$node->stop;
done_testing();
