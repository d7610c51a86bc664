# A job that may not wait longer fails by itself although nothing happens: its engine is paused or down, or everything is paused.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin, '{"failure_threshold": 1, "recovery_seconds": 600}');
create_tenants($node, 4);
create_workflow($node, 'one', 1);
wait_for_worker($node);

sub ends_unstarted
{
	my ($tenant, $name) = @_;
	ok(poll($node, "SELECT provision_status('$tenant') ->> 'state' = 'failed'"), $name);
	is($node->safe_psql('postgres', "SELECT error_code, started_at IS NULL, attempt_count FROM provision.job_status WHERE tenant = '$tenant' ORDER BY job_id DESC LIMIT 1"), 'WAITED_TOO_LONG|t|0', "$name: for that reason");
	return;
}

# Paused.
$node->safe_psql('postgres', q{SELECT provision_engine_pause('bench')});
# In one transaction, so that the job cannot have ended when it is asked about.
like($node->safe_psql('postgres', q{BEGIN; SELECT provision_start('t1', 'one', '{"max_wait": "0.7 s"}'); SELECT string_agg(detail, ' ') FROM provision_why('t1'); COMMIT}), qr/was paused.*if it has not started by then/s, 'why() tells why it waits and how long');
ends_unstarted('t1', 'a job fails while its engine is paused');
$node->safe_psql('postgres', q{SELECT provision_engine_resume('bench'); SELECT provision_retry('t1')});
ok(wait_for_jobs($node), 'retried, it ends');
is(tally($node), 'completed 1', 'well');

# Down: the breaker is open, and no job may try for ten minutes.
$standin->fault({ path_regex => 'ping' }, { drop => 'before' });
$node->safe_psql('postgres', q{SELECT provision_start('t2', 'one')});
ok(poll($node, q{SELECT breaker = 'open' FROM provision.engine_status}), 'the breaker is open');
$node->safe_psql('postgres', q{UPDATE provision.workflow SET max_wait_ms = 700 WHERE name = 'one'; SELECT provision_start('t3', 'one')});
ends_unstarted('t3', 'a job fails while its engine is down');
is($node->safe_psql('postgres', q{SELECT provision_status('t2') ->> 'state'}), 'pending', 'one that had started goes on waiting');

# Everything, and over a restart.
$node->safe_psql('postgres', q{SELECT provision_pause_all('the big move'); SELECT provision_start('t4', 'one')});
ends_unstarted('t4', 'a job fails while everything is paused');
$node->safe_psql('postgres', q{SELECT provision_resume_all(); SELECT provision_engine_pause('bench'); SELECT provision_start('t4', 'one', '{"max_wait": "1 s"}')});
$node->stop('immediate');
$node->start;
ends_unstarted('t4', 'a job fails after a crash of the server');
$standin->clear_faults;
$node->safe_psql('postgres', q{SELECT provision_cancel('t2')});
ok_invariants($node, $standin);
$node->stop;
done_testing();
