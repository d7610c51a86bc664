# Rows that somebody holds in an open transaction stop only what belongs to them.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 20);
create_workflow($node, 'two', 2);
wait_for_worker($node);

sub others_end
{
	my ($held, $what) = @_;
	my $held_list = join ', ', map { "'$_'" } @$held;
	return ok(poll($node, qq{
		SELECT NOT EXISTS (SELECT FROM provision.job JOIN provision.tenant USING (tenant_id)
		                    WHERE tenant.name NOT IN ($held_list) AND finished_at IS NULL)}), $what);
}

# A job that waits.
$node->safe_psql('postgres', q{SELECT provision_engine_pause('bench')});
start_jobs($node, 20, 'two');
my $session = open_session($node);
$session->query_safe(q{BEGIN; SELECT FROM provision.job JOIN provision.tenant USING (tenant_id) WHERE name = 't1' FOR UPDATE OF job});
$node->safe_psql('postgres', q{SELECT provision_engine_resume('bench')});
my $started_at = time;
others_end(['t1'], 'a locked job stops no other');
ok_in_time($started_at, 10, 'nor delays it');
$session->query_safe('COMMIT');
ok(wait_for_jobs($node), 'freed, it ends too');

# A job whose call is in flight.
$standin->fault({ body_regex => '"t[12]"' }, { hold => 'before' });
start_jobs($node, 20, 'two');
ok(wait_until(sub { $standin->control('GET', 'stats')->{running} == 2 }), 'two calls are in flight');
$session->query_safe(q{BEGIN; SELECT FROM provision.job JOIN provision.tenant USING (tenant_id) WHERE name = 't1' AND finished_at IS NULL FOR UPDATE OF job});
$standin->clear_faults;
others_end(['t1'], 'a running job that is locked stops no other');
$session->query_safe('COMMIT');
ok(wait_for_jobs($node), 'freed, it ends too');

# Tenants, as in a caller's open transaction.
$session->query_safe(q{BEGIN; SELECT provision_tenant_update('t3', '{"email": "a@example.com"}'); SELECT FROM provision.tenant WHERE name IN ('t1', 't2') FOR UPDATE});
$node->safe_psql('postgres', q{SELECT count(*) FROM provision_start_many(ARRAY(SELECT 't' || n FROM generate_series(4, 20) AS n), 'two')});
others_end([ 't1', 't2', 't3' ], 'locked tenants stop no other');
$session->query_safe('COMMIT');

# The engine's state, as an operator's open transaction holds it: its jobs wait, nothing breaks.
$session->query_safe(q{BEGIN; SELECT FROM provision.engine_state FOR UPDATE});
start_jobs($node, 20, 'two');
$session->query_safe('COMMIT');
ok(wait_for_jobs($node), 'jobs of a locked engine end when it is free');
is(tally($node), 'completed ' . $node->safe_psql('postgres', 'SELECT count(*) FROM provision.job'), 'all are completed') or diag(open_steps($node));
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event = 'worker_lost'}), '0', 'no worker died of a lock');
$session->quit;
ok_invariants($node, $standin);
$node->stop;
done_testing();
