# With synchronous replication a primary that has been cut off makes no further call: it cannot commit the intent. Nobody has to reach it.
use strict;
use warnings;
use ProvisionTest;
use ProvisionNode;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $primary = new_node('primary', init => { allows_streaming => 1 });

create_engine($primary, $standin);
create_tenants($primary, 4);
$primary->backup('base');
my $standby = ProvisionNode->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\nsynchronous_commit = on");
$primary->reload;
ok(poll($primary, q{SELECT sync_state = 'sync' FROM pg_stat_replication}), 'the standby is synchronous');
start_jobs($primary, 1);
ok(wait_for_jobs($primary), 'jobs run');

# The first call after this waits in the old primary until it is cut off; its outcome is never committed anywhere.
$standin->fault({ method => 'POST', nth => 1 }, { hold => 'after' });
start_jobs($primary, 4);
ok(wait_until(sub { grep { $_->{hits} } @{ $standin->control('GET', 'fault') } }), 'a call is in flight');
$standby->promote;
$standin->clear_faults;
ok(wait_for_worker($standby), 'the standby works');
ok(poll($primary, q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'provision worker' AND wait_event = 'SyncRep')}), 'the worker of the old primary waits for its standby');

# Somebody cancels it: that ends no such wait, or it would send calls that no other server knows of.
my $cancel = q{SELECT bool_and(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'provision worker'};
is($primary->safe_psql('postgres', $cancel), 't', 'and is cancelled');
ok(wait_for_jobs($standby), 'the jobs end on the new primary');
is($primary->safe_psql('postgres', $cancel), 't', 'once more');
is(tally($standby), 'completed 5', 'well') or diag(open_steps($standby));
is(join("\n", $standin->doubles), '', 'nothing was made twice, although the old primary still runs');
is($primary->safe_psql('postgres', q{SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'provision worker'}), 'SyncRep', 'its worker still waits');
unlike(slurp_file($primary->logfile), qr/canceling.* wait for synchronous replication/, 'the same one, which nobody ended');
my $before = () = $standin->requests;
ok($primary->stop('fast', timeout => 30), 'the old primary can be stopped');
is(scalar(() = $standin->requests), $before, 'without a last call');
ok_invariants($standby, $standin);
$standby->stop;
done_testing();
