# A worker that has nothing to do does nothing: no rounds, no statements, no processor time.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', conf => "log_statement = none\nautovacuum = off\nprovision.webhook_allowed_hosts = '127.0.0.1'\n");
my $seconds = $ENV{CI} ? 60 : 20;

create_engine($node, $standin);
create_tenants($node, 2);
# Two messages wait for their next try, which is an hour away.
$node->safe_psql('postgres', q{SELECT * FROM provision_webhook_create('http://127.0.0.1:1/', '{job.completed}', options => '{"retry_seconds": [3600]}')});
start_jobs($node, 2);
ok(wait_for_jobs($node), 'jobs end');
ok(poll($node, q{SELECT count(*) = 2 FROM provision.webhook_log WHERE attempt_count = 1 AND state = 'waiting'}), 'what they tell a receiver that is away waits');

sub rounds { return $node->safe_psql('postgres', 'SELECT sum(rounds) FROM provision.worker_status') }

sub processor_ticks
{
	my ($pid) = @_;
	my @fields = split ' ', slurp_file("/proc/$pid/stat") =~ s/^.*\) //r;
	return $fields[11] + $fields[12];
}

sub wake_ups
{
	my ($pid) = @_;
	my ($switches) = slurp_file("/proc/$pid/status") =~ /^voluntary_ctxt_switches:\s+(\d+)/m;
	return $switches;
}

my $pid = wait_for_worker($node);
# The timer that bounds a round's statements rings once more after the last of them.
ok(poll($node, "SELECT clock_timestamp() - query_start > '11 s' FROM pg_stat_activity WHERE pid = $pid"), 'it comes to rest');
my $before = rounds();
my ($ticks, $wake_ups, $queried_at) = (processor_ticks($pid), wake_ups($pid),
	$node->safe_psql('postgres', "SELECT query_start FROM pg_stat_activity WHERE pid = $pid"));
my $end = time + $seconds;
# The one test that lets time pass, because that nothing happens is its subject; a change ends it.
wait_until(sub { usleep(500_000); return time >= $end || wake_ups($pid) > $wake_ups + 1 }, $seconds + 5);
cmp_ok(wake_ups($pid) - $wake_ups, '<=', 1, "the worker is not woken in $seconds seconds");
# The one wake-up that is allowed may be what fills a tick of 10 ms.
cmp_ok(processor_ticks($pid) - $ticks, '<=', 1, 'it uses no processor time')
  or diag($node->safe_psql('postgres', q{SELECT at, event, detail FROM provision.event ORDER BY event_id DESC LIMIT 3}), slurp_file($node->logfile) =~ /(.{500})$/s);
is(rounds(), $before, 'it makes no round');
is($node->safe_psql('postgres', "SELECT query_start FROM pg_stat_activity WHERE pid = $pid"), $queried_at, 'it runs no statement');
is($node->safe_psql('postgres', "SELECT coalesce(wait_event_type, '') FROM pg_stat_activity WHERE pid = $pid"), 'Extension', 'it waits');
$node->stop;
done_testing();
