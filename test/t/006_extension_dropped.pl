# DROP EXTENSION while calls are in flight: the worker leaves, no error loops; CREATE EXTENSION makes everything work again.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
# The worker gives way after half a second, unless it gets no processor then: who drops is to wait for that, and not to look for a deadlock.
my $node = new_node('main', conf => "deadlock_timeout = 1min\nautovacuum = off\n");

create_engine($node, $standin, '{"max_concurrent": 100}');
create_tenants($node, 100);
$standin->fault({ path_regex => '/api/' }, { hold => 'before' });
start_jobs($node, 100);
ok(wait_until(sub { $standin->control('GET', 'stats')->{running} >= 100 }), 'calls are in flight');

my $offset = -s $node->logfile;
my $started_at = time;
$node->safe_psql('postgres', 'DROP EXTENSION provision CASCADE');
ok_in_time($started_at, 5, 'the extension is dropped within five seconds');
ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'provision worker')}), 'its worker leaves');
unlike(slurp_file($node->logfile, $offset), qr/ERROR|FATAL|PANIC/, 'no error is logged');

$node->psql('postgres', 'BEGIN; CREATE EXTENSION provision; ROLLBACK');

# A schema of that name without the extension is nobody's: no worker stays there, and it is in the way until it is dropped.
$node->safe_psql('postgres', 'CREATE SCHEMA provision');
$node->restart;
ok(poll($node, q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'provision launcher')}), 'the launcher runs');
ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'provision worker')}), 'and no worker');
isnt($node->psql('postgres', 'CREATE EXTENSION provision', stderr => \my $error), 0, 'the extension cannot be created');
like($error, qr/schema "provision" already exists/, 'and it is said why');
$offset = -s $node->logfile;
$node->safe_psql('postgres', 'DROP SCHEMA provision');
$standin->control('POST', 'reset');
$started_at = time;
$node->safe_psql('postgres', 'CREATE EXTENSION provision');
ok(wait_for_worker($node), 'a worker comes with the new extension');
ok_in_time($started_at, 6, 'within seconds');
create_engine($node, $standin);
create_tenants($node, 2);
start_jobs($node, 2);
ok(wait_for_jobs($node), 'jobs end');
is(tally($node), 'completed 2', 'they are completed') or diag(open_steps($node));
unlike(slurp_file($node->logfile, $offset), qr/ERROR|FATAL|PANIC/, 'still no error');
ok_invariants($node, $standin);
$node->stop;
done_testing();
