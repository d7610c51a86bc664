# A commit wakes the worker at once, a rollback leaves nothing, and LISTEN provision tells every change in JSON.
use strict;
use warnings;
use JSON::PP;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 10);
create_workflow($node, 'one', 1);
wait_for_worker($node);

my $listener = open_session($node);
$listener->query_safe('LISTEN provision');

$node->safe_psql('postgres', q{BEGIN; SELECT provision_start('t1', 'one'); ROLLBACK});
$node->safe_psql('postgres', q{BEGIN; SAVEPOINT a; SELECT provision_start('t2', 'one'); ROLLBACK TO a; COMMIT});
$node->safe_psql('postgres', q{SELECT provision_start('t3', 'one')});
ok(wait_for_jobs($node), 'a job ends');
is($node->safe_psql('postgres', 'SELECT count(*) FROM provision.job'), '1', 'those rolled back are not there');
is(scalar $standin->requests, 1, 'and were not sent');

# A commit is seen before its notifications are sent.
my ($log, @events) = ('');
my @recorded = split /\n/, $node->safe_psql('postgres', 'SELECT event FROM provision.event WHERE job_id IS NOT NULL ORDER BY event_id');
wait_until(sub {
	$log .= $listener->query('SELECT 1') . "\n";
	@events = map { decode_json($_) } map { /Asynchronous notification "provision" with payload "(\{.*\})" received/ ? $1 : () } split /\n/, $log;
	return @events >= @recorded;
});
is(join(' ', map { $_->{event} } @events), join(' ', @recorded), 'each event was announced once, in order');
is($events[0]{event}, 'job_enqueued', 'first that it is there');
is($events[-1]{to}, 'completed', 'last that it is completed');
is($node->safe_psql('postgres', "SELECT tenant FROM provision.event_log WHERE event_id = $events[-1]{event_id}"), 't3', 'which a view tells more of');
unlike($log, qr/t3|bench/, 'while every role that listens is told no name');

# From commit to the arrival of the request, in the worker's and the stand-in's own clocks.
my @latencies;
for my $n (1 .. 20)
{
	my $tenant = 't' . (1 + $n % 10);
	$node->safe_psql('postgres', "SELECT provision_start('$tenant', 'one')");
	wait_for_jobs($node);
}
my $median = $node->safe_psql('postgres', q{
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.started_at - j.created_at) * 1000)
	  FROM provision.job AS j JOIN provision.attempt AS a USING (job_id)});
# A few milliseconds on a quiet machine. That nothing but the commit wakes it is shown by 012_idle.
cmp_ok($median, '<', 2000, sprintf('from start to request %.1f ms in the median', $median));
$listener->quit;
$node->stop;
done_testing();
