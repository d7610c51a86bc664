# At each of the eleven steps the answer to a call is lost after its effect, and the worker is killed with -9 at one of the edges of claim, send,
# answer and record: the job is completed, and the server has exactly what it has after a run without faults.
#
# Each run puts one edge to each step. EDGES=all makes them all: every step with every edge. Otherwise there is one run, in which a number
# (EDGES=17, or one by chance) says which edge goes with which step: EDGES=all test/run check tap 063.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Standin;
use Test::More;

my @edges = (
	'intended',         # the call is written down and not sent
	'in call',          # the effect has happened, its answer is on the way
	'answered',         # the loss of the answer is known and not recorded
	'recorded',         # recorded and not committed
	'committed',        # committed, and nothing done about it
	'before_claim',     # about to claim the job again
	'claimed',          # claimed and not planned
	'intended again');  # about to look whether the thing exists

my $json = JSON::PP->new->canonical;
my $standin = Standin->new('--site', 'erp.localhost:bare');
my $node = new_node('main', faults => 1, conf => "provision.max_crashes = 1000\n");
my $arming_file = $node->data_dir . '/provision_fault';

# One call at a time, so that a kill belongs to one step.
create_engine($node, $standin, '{"max_concurrent": 1, "failure_threshold": 1000}');
create_tenants($node, 1);
$node->safe_psql('postgres', q{
	UPDATE provision.step SET backoff_ms = 20, backoff_max_ms = 40, patience_ms = 100;
	SELECT provision_tenant_update('t1', '{"demo_items": true}')});

sub start_afresh
{
	$node->safe_psql('postgres', q{
		SET provision.may_change_history = on; DELETE FROM provision.attempt; DELETE FROM provision.event; DELETE FROM provision.job;
		UPDATE provision.tenant SET metadata = '{}', lifecycle = 'pending'});
	$standin->control('POST', 'reset');
	return;
}

# What the server has been made to have: how often each thing was created.
sub inventory
{
	return $json->encode($standin->control('GET', 'inventory')->{'erp.localhost'}{created});
}

# The requests of a run without faults, and of each step the one to strike: its first that changes something, else its first.
sub watch_a_run
{
	my (%count, %struck);

	start_jobs($node, 1);
	ok(wait_for_jobs($node), 'a job without faults ends');
	my @requests = $standin->requests;
	my @attempts = map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', 'SELECT ordinal, call, guard FROM provision.attempt ORDER BY attempt_id');
	is(scalar @requests, scalar @attempts, 'each attempt was one request');
	foreach my $place (0 .. $#requests)
	{
		my $request = $requests[$place];
		my ($step, $call, $guard) = @{ $attempts[$place] };
		my $changes = $request->{method} ne 'GET' && $request->{effect};
		$request->{nth} = ++$count{"$request->{method} $request->{path}?$request->{query}"};
		$struck{$step} = $place if !defined $struck{$step} || $changes && !$requests[ $struck{$step} ]{changes};
		$request->{changes} = $changes;
		($request->{guard}) = grep { $guard && $attempts[$_][0] eq $step && $attempts[$_][1] eq $guard } 0 .. $place - 1;
	}
	return (\@requests, \%struck);
}

sub strike
{
	my ($request, $action) = @_;
	return $standin->fault(
		{ method => $request->{method}, path_regex => '^' . quotemeta($request->{path}) . '$', query_regex => '^' . quotemeta($request->{query}) . '$',
		  nth => $request->{nth} }, $action);
}

# How the answer is lost. A read that gets no byte at all libcurl repeats by itself, so its answer is cut in the middle.
sub loss
{
	my ($request) = @_;
	return $request->{method} eq 'GET' ? (garbage => 'truncated') : (drop => 'after');
}

sub arm
{
	my ($point) = @_;
	return { file => $arming_file, text => "$point 0\n" };
}

# The call before arms it. Before the first there is none; and one that is struck itself is followed by its guard, asked once more.
sub arm_before
{
	my ($requests, $place, $is_struck) = @_;
	my $before = $place > 0 ? $requests->[ $place - 1 ] : undef;

	return append_to_file($arming_file, "intended 0\n") unless $before;
	if ($is_struck->{ $place - 1 })
	{
		my $guard = $requests->[ $before->{guard} ];
		$before = { %$guard, nth => $guard->{nth} + 1 };
	}
	return strike($before, { arm => arm('intended') });
}

# The faults for one step; returns the number of the one that waits to be killed from outside.
sub prepare_edge
{
	my ($requests, $place, $edge, $is_struck) = @_;

	if ($edge eq 'in call')
	{
		return strike($requests->[$place], { loss($requests->[$place]), hold => 'after' })->{id};
	}
	elsif ($edge eq 'intended')
	{
		arm_before($requests, $place, $is_struck);
		strike($requests->[$place], { loss($requests->[$place]) });
	}
	else
	{
		strike($requests->[$place], { loss($requests->[$place]), arm => arm($edge =~ s/ again//r) });
	}
	return;
}

sub ask_patiently
{
	my ($query) = @_;
	my $answer;

	wait_until(sub { defined($answer = ask($node, $query)) });
	return $answer;
}

# Kills the worker whose call has had its effect, as soon as it has.
sub kill_in_calls
{
	my (%waiting) = @_;

	foreach my $fault (grep { $waiting{ $_->{id} } && $_->{hits} } @{ $standin->control('GET', 'fault') })
	{
		delete $waiting{ $fault->{id} };
		my $pid;
		wait_until(sub { $pid = ask_patiently(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'provision worker'}); return $pid =~ /^\d+$/ });
		kill 'KILL', $pid if $pid;
	}
	return %waiting;
}

my ($requests, $struck) = watch_a_run();
my $wanted = inventory();
my $is_struck = { map { $_ => 1 } values %$struck };
my @steps = sort { $a <=> $b } keys %$struck;
is(scalar @steps, 11, 'there are eleven steps');

my $choice = $ENV{EDGES} // ($ENV{PROVISION_TEST_FULL} ? 'all' : int(rand(1000)));
my @runs = $choice eq 'all' ? (0 .. $#edges) : ($choice);
foreach my $run (@runs)
{
	my %waiting;

	note("EDGES=$run");
	start_afresh();
	foreach my $step (@steps)
	{
		# Neighbouring steps get edges that are far apart, and each step gets every edge once in eight runs.
		my $fault = prepare_edge($requests, $struck->{$step}, $edges[ ($run + 3 * $step) % @edges ], $is_struck);
		$waiting{$fault} = 1 if defined $fault;
	}
	start_jobs($node, 1);
	my $is_over = wait_until(sub {
		%waiting = kill_in_calls(%waiting);
		return ask_patiently('SELECT NOT EXISTS (SELECT FROM provision.job WHERE finished_at IS NULL)') eq 't';
	}, 600);
	ok($is_over, "run $run: the job ends");
	is(tally($node), 'completed 1', "run $run: it is completed") or diag(open_steps($node), "\n", last_calls($node));
	# Steps run side by side, so that one death can serve two of them.
	cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event = 'worker_lost'}), '>=', @steps - 2, "run $run: the worker was killed again and again")
	  or diag(join("\n", map { $json->encode($_) } @{ $standin->control('GET', 'fault') }));
	is(scalar(grep { !$_->{hits} } @{ $standin->control('GET', 'fault') }), 0, "run $run: at every step");
	is(inventory(), $wanted, "run $run: everything was made once");
	ok_invariants($node, $standin);
}
$node->stop;
done_testing();
