# Webhooks to a receiver that fails at random and restarts, from a worker that is killed: every event arrives, in the order of its job, under
# one id and with a signature that the library of Standard Webhooks accepts.
#
# PROVISION_TEST_FULL=1 does it with 10,000 deliveries.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Receiver;
use Standin;
use Test::More;

my ($jobs, $kills) = $ENV{PROVISION_TEST_FULL} ? (1667, 5) : (38, 2);
my $standin = Standin->new;
my $receiver = Receiver->new('--fail', '0.3');
my $node = new_node('main', faults => 1, conf => "provision.webhook_allowed_hosts = '127.0.0.1'\nprovision.max_crashes = 1000\n");
my $patience = '{"timeout_ms": 1000, "max_in_flight": 20, "retry_seconds": [0.02,0.05,0.1,0.2,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,1,1,2,2,4,4,8,8]}';        # for longer than a receiver takes to start

# Its secret goes to the judge.
sub create_webhook
{
	my ($path, $events, $tenant) = @_;
	my ($id, $secret) = split /\|/, $node->safe_psql('postgres',
		"SELECT * FROM provision_webhook_create('" . $receiver->url($path) . "', $events, " . ($tenant ? "'$tenant'" : 'NULL') . ", '$patience')");

	$receiver->knows($path, $secret);
	return $id;
}

sub count_rows
{
	return ask($node, "SELECT count(*) FROM provision.webhook_delivery WHERE $_[0]") // -1;
}

create_engine($node, $standin);
create_tenants($node, $jobs);
create_workflow($node, 'steps', 3);
my $webhook = create_webhook('/random', q{'{job.enqueued,job.started,job.completed,step.completed}'});
my $other = create_webhook('/ok', 'NULL', 't1');
my $expected = $jobs * 6;

# Each event six times: enqueued, started, three steps, completed.
start_jobs($node, $jobs, 'steps');
foreach my $kill (1 .. $kills)
{
	my $part = $expected * $kill / ($kills + 2);
	ok(wait_until(sub { count_rows("webhook_id = $webhook AND state = 'delivered'") >= $part }, 600), "$part are delivered");
	$receiver->stop;
	ok(kill_hard($node, wait_for_worker($node)), 'the worker is killed while the receiver is away');
	$receiver->start;
}
# Then at the very places at which something could be lost or forgotten.
foreach my $place (qw(delivery_intended delivery_answered delivery_recorded))
{
	my $worker = wait_for_worker($node);
	append_to_file($node->data_dir . '/provision_fault', "$place 3\n");
	ok(wait_until(sub { ask($node, 'SELECT provision_webhook_test(' . $other . ')'); !-e $node->data_dir . '/provision_fault' }, 120), "it dies at \"$place\"");
	ok(wait_for_worker($node, 'postgres', $worker), 'and another one works');
}
ok(wait_until(sub { count_rows(q{state IN ('waiting', 'sending')}) == 0 && jobs_are_over($node) }, $ENV{PROVISION_TEST_FULL} ? 1200 : 120), 'everything is over')
  or diag($node->safe_psql('postgres', q{SELECT webhook_id, type, state, attempt_count, next_at, last_error FROM provision.webhook_log WHERE state NOT IN ('delivered') LIMIT 20}),
	$node->safe_psql('postgres', q{SELECT * FROM provision.webhook_status}));
is(count_rows("webhook_id = $webhook AND state = 'delivered'"), $expected, 'all are delivered');
is(tally($node), "completed $jobs", 'all jobs are completed');

my @messages = $receiver->messages('/random');
my (%accepted, %last, %ids, @disorder, %verdicts, %types);
foreach my $message (@messages)
{
	my $id = $message->{event_id};
	$verdicts{ $message->{verdict} }++;
	push @disorder, "job $message->{job_id}: $message->{event_id} after $last{ $message->{job_id} }" if $id < ($last{ $message->{job_id} } // 0);
	$last{ $message->{job_id} } = $id;
	$ids{$id}{ $message->{id} }++;
	$accepted{$id}++ if $message->{answer} eq 'ok';
	$types{ $message->{type} }{$id}++;
}
note(scalar(@messages) . " messages for $expected events");
cmp_ok(scalar(@messages), '>', $expected, 'some came more than once');
is(scalar(keys %accepted), $expected, 'each event was accepted');
is("@disorder", '', 'those of a job in their order');
is(scalar(grep { keys %{ $ids{$_} } > 1 } keys %ids), 0, 'each always under the same id');
is(join(' ', map { "$_ $verdicts{$_}" } sort keys %verdicts), 'ok ' . @messages, 'each signature is accepted by standardwebhooks');
is(join(' ', map { $_ . ' ' . keys %{ $types{$_} } } sort keys %types), "job.completed $jobs job.enqueued $jobs job.started $jobs step.completed " . 3 * $jobs, 'all types came');

# The tenant's own webhook is told of that tenant, and of nobody else.
my @own = $receiver->messages('/ok');
is(join(' ', sort map { $_->{data}{tenant} // 'ping' } @own) =~ s/(ping|t1) (?=\1)//gr, 'ping t1', 'a tenant is told of its own jobs');
my @progress = map { $_->{data}{progress} } grep { $_->{type} eq 'job.progress' } @own;
is("@progress", join(' ', sort { $a <=> $b } @progress), 'progress never falls');
my ($completed) = map { $_->{data} } grep { $_->{type} eq 'job.completed' } @own;
is("$completed->{state} $completed->{progress} $completed->{workflow} $completed->{tenant}", 'completed 100 steps t1', 'the last message tells how it ended');
is(join(' ', grep { $_ ne 'ok' } map { $_->{verdict} } @own), '', 'its messages are signed with its own secret');

# A rotation: both secrets sign, so a receiver that knows either accepts.
my $old_secret = (slurp_file($receiver->{secrets}) =~ m{^/ok (\S+)}m)[0];
my $new_secret = $node->safe_psql('postgres', "SELECT provision_webhook_rotate($other)");
foreach my $secret ($old_secret, $new_secret)
{
	my $before = $receiver->messages('/ok');
	$receiver->knows('/ok', $secret);
	$node->safe_psql('postgres', "SELECT provision_webhook_test($other)");
	ok(wait_until(sub { $receiver->messages('/ok') > $before }), 'a ping comes');
	my ($ping) = reverse $receiver->messages('/ok');
	is("$ping->{type} $ping->{verdict} $ping->{signatures}", 'webhook.ping ok 2', 'signed with both secrets');
	wait_until(sub { count_rows(q{state <> 'delivered'}) == 0 });
}
$node->safe_psql('postgres', "UPDATE provision.webhook SET former_until = now()");
$node->safe_psql('postgres', "SELECT provision_webhook_test($other)");
ok(wait_until(sub { count_rows(q{state <> 'delivered'}) == 0 }), 'after the grace');
my ($ping) = reverse $receiver->messages('/ok');
is("$ping->{verdict} $ping->{signatures}", 'ok 1', 'only the new secret signs');

# What nobody shall see is nowhere: neither the secrets of webhooks nor what a receiver answers by mistake.
my @secrets = slurp_file($receiver->{secrets}) =~ /whsec_(\S+)/g;
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres') ], 'the database is dumped');
$node->safe_psql('postgres', 'CHECKPOINT');
ok_invariants($node, $standin);
$node->stop;
is(`grep -rlaF -e hunter2-of-the-receiver @{[ map { "-e '$_'" } @secrets ]} '@{[ $node->data_dir ]}' '@{[ $node->logfile ]}' '$dump'`, '', 'no secret in the data directory, the log or the dump');
like(`grep -laF 'job.completed' '$dump'`, qr/dump/, 'where other words are found');
done_testing();
