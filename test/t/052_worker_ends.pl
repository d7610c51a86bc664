# The worker ends in every way there is: told again and again, again and again at its start, with its postmaster.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 10);
create_workflow($node, 'two', 2);

# Terminated as soon as it is there, while there is work.
my $times = $ENV{CI} ? 100 : 40;
$node->safe_psql('postgres', q{
	CREATE FUNCTION app.terminate_workers(times integer) RETURNS double precision LANGUAGE plpgsql AS $$
	DECLARE
	    last integer := 0;
	    next integer;
	    slowest interval := '0';
	    asked_at timestamptz;
	BEGIN
	    FOR i IN 1 .. times LOOP
	        asked_at := clock_timestamp();
	        LOOP
	            PERFORM pg_stat_clear_snapshot();
	            next := (SELECT pid FROM pg_stat_activity WHERE backend_type = 'provision worker' AND pid <> last);
	            EXIT WHEN next IS NOT NULL;
	            PERFORM pg_sleep(0.01);
	        END LOOP;
	        slowest := greatest(slowest, clock_timestamp() - asked_at);
	        PERFORM pg_terminate_backend(next);
	        last := next;
	    END LOOP;
	    RETURN extract(epoch FROM slowest);
	END $$});
start_jobs($node, 10);
my $slowest = $node->safe_psql('postgres', "SELECT app.terminate_workers($times)");
ok_in_time(time - $slowest, 5, "terminated $times times, each time another worker comes within five seconds");
ok(wait_for_jobs($node), 'the jobs end') or diag(open_steps($node));
is(tally($node), 'completed 10', 'all are completed');
is($node->safe_psql('postgres', q{SELECT max(crash_count) FROM provision.job}), '0', 'no crash was counted');

# One that cannot enter service dies again and again: less and less often, until it can.
my $pid = wait_for_worker($node);
my $offset = -s $node->logfile;
$node->safe_psql('postgres', q{
	ALTER FUNCTION provision.enter_service(integer, integer) RENAME TO enter_service_later;});
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
ok(wait_until(sub { my $deaths = () = slurp_file($node->logfile, $offset) =~ /ERROR:/g; return $deaths >= 4 }), 'a worker dies at its start, again and again');
my @died_at = slurp_file($node->logfile, $offset) =~ /^[\d-]+ (\S+) .*ERROR:/mg;
my @seconds = map { my ($h, $m, $s) = split /:/; ($h * 60 + $m) * 60 + $s } @died_at;
# A busy machine makes pauses longer, never shorter; midnight may be in between.
my @pauses = map { my $pause = $seconds[$_] - $seconds[ $_ - 1 ]; $pause < 0 ? $pause + 24 * 60 * 60 : $pause } 1 .. 3;
ok($pauses[0] > 0.9 && $pauses[1] > 1.9 && $pauses[2] > 3.9, 'with pauses that grow from one second to four') or diag("@died_at");
$node->safe_psql('postgres', q{ALTER FUNCTION provision.enter_service_later(integer, integer) RENAME TO enter_service});
is($node->safe_psql('postgres', 'SELECT provision_worker_start()'), 't', 'asked for');
ok(wait_for_worker($node, 'postgres', $pid), 'a worker comes at once, and stays');

# kill -9 of the postmaster: the worker goes with it and sends nothing more.
$standin->fault({ path_regex => 'ping' }, { hold => 'before' });
start_jobs($node, 10, 'two');
ok(wait_until(sub { $standin->control('GET', 'stats')->{running} == 10 }), 'calls are in flight');
my $worker = worker_pid($node);
$node->kill9;
my $killed_at = time;
ok(wait_until(sub { !kill 0, $worker }), 'the postmaster is killed, and the worker ends');
ok_in_time($killed_at, 2, 'within about a second');
my $sent = $standin->control('GET', 'stats')->{requests};
$standin->clear_faults;
ok(wait_until(sub { $standin->control('GET', 'stats')->{running} == 0 }), 'what was in flight ends');
is($standin->control('GET', 'stats')->{requests}, $sent, 'nothing more was sent');
$node->start;
ok(wait_for_jobs($node), 'after the start the jobs end');
is(tally($node), 'completed 20', 'all are completed') or diag(open_steps($node));
ok_invariants($node, $standin);
$node->stop;
done_testing();
