# A chaos run: jobs come in all the time, a share of all requests goes wrong, workers and server are struck again and again. Then nothing goes
# wrong any more, and everything has to end well.
package Chaos;

use strict;
use warnings;
use ChaosBlows qw(add_faults count_faults strike_blow wait_until_up);
use ChaosReport qw(keep_blows judge);
use ChaosWorld qw(make_world start_some);
use ProvisionTest;
use Test::More;

# Rules that may never be broken, whatever is going on. Between a death and the rescue jobs belong to the dead.
sub broken_meanwhile
{
	my ($node) = @_;
	return ask($node, q{SELECT string_agg(format('%s: %s', invariant, example), '; ') FROM provision.invariants()
	                     WHERE violations > 0 AND invariant <> 'a job that runs belongs to a worker that lives'}) // '';
}

sub show_progress
{
	my ($run) = @_;
	my ($ended, $failed) = split /\|/, ask($run->{node}, q{SELECT count(*) FILTER (WHERE finished_at IS NOT NULL), count(*) FILTER (WHERE state = 'failed') FROM provision.job}) // return;

	$run->{shown_at} = time;
	$run->{say}->(sprintf '%4d s  %d of %d jobs have ended, %d failed, %d blows', time - $run->{began_at}, $ended, $run->{started}, $failed, scalar @{ $run->{blows} });
	return;
}

# As many jobs as should have come in by now.
sub bring_jobs
{
	my ($run) = @_;
	my $due = $run->{jobs} * (time - $run->{began_at} + 1) / $run->{seconds};
	my $until = $due > $run->{jobs} ? $run->{jobs} : int $due;

	return if $until <= $run->{started};
	$run->{started} = $until if start_some($run->{node}, $run->{started} + 1, $until);
	return;
}

sub look_meanwhile
{
	my ($run) = @_;
	my $broken = broken_meanwhile($run->{node});

	$run->{looks}++;
	$run->{looked_at} = time;
	push @{ $run->{broken} }, $broken if $broken ne '';
	return;
}

sub deal_blow
{
	my ($run) = @_;
	my $pause = $run->{seconds} / $run->{kills};
	my $blow = strike_blow($run->{node});

	push @{ $run->{blows} }, $blow if $blow;
	wait_until_up($run->{node}) or die 'the server does not come back';
	$run->{blow_at} = time + rand(2 * $pause) * (@{ $run->{blows} } * $pause > time - $run->{began_at} ? 1 : 0.3);
	return;
}

sub make_chaos
{
	my ($run) = @_;

	while (time < $run->{began_at} + $run->{seconds} || $run->{started} < $run->{jobs})
	{
		bring_jobs($run);
		deal_blow($run) if time >= $run->{blow_at} && @{ $run->{blows} } < $run->{kills};
		look_meanwhile($run) if time >= $run->{looked_at} + $run->{look_seconds};
		show_progress($run) if time >= $run->{shown_at} + 5;
		usleep(100_000);
	}
	return;
}

sub why_failed
{
	my ($node) = @_;
	return split /\n/, $node->safe_psql('postgres', q{SELECT count(*) || ' ' || error_code FROM provision.dead_letter GROUP BY error_code ORDER BY 1 DESC});
}

# Peace: what failed for good by a fault is given another chance, as an operator would.
sub end_well
{
	my ($run) = @_;
	my $node = $run->{node};
	my %faults = count_faults(@{ $run->{standins} });

	$_->clear_faults foreach @{ $run->{standins} };
	$run->{faults} = \%faults;
	for my $turn (1 .. 3)
	{
		wait_until(sub {
			show_progress($run) if time >= $run->{shown_at} + 5;
			look_meanwhile($run) if time >= $run->{looked_at} + $run->{look_seconds};
			return (ask($node, 'SELECT NOT EXISTS (SELECT FROM provision.job WHERE finished_at IS NULL)') // '') eq 't';
		}, $run->{patience});
		$run->{first_states} //= tally($node) . join '', map { "\n         $_" } why_failed($node);
		last unless $node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT job_id FROM provision.dead_letter OFFSET 0) AS dead, provision_retry(dead.job_id)');
	}
	return;
}

sub show_report
{
	my ($run, @lines) = @_;
	my %blows;
	my $requests = 0;

	$blows{ $_->{kind} }++ foreach @{ $run->{blows} };
	$requests += $_->control('GET', 'stats')->{requests} foreach @{ $run->{standins} };
	$run->{say}->("requests: $requests; those that went wrong:");
	$run->{say}->(sprintf '  %6d %s', $run->{faults}{$_}, $_) foreach sort keys %{ $run->{faults} };
	$run->{say}->('blows: ' . scalar @{ $run->{blows} });
	$run->{say}->(sprintf '  %6d %s', $blows{$_}, $_) foreach sort keys %blows;
	$run->{say}->("jobs at first: $run->{first_states}");
	$run->{say}->(($_->[1] ? 'NOT WELL  ' : '') . $_->[0]) foreach @lines;
	return;
}

# Options: seed, seconds, jobs, kills, engines, workers, percent, patience in seconds, say. Returns lines of the report, each with a true
# second value where something is not well.
sub run
{
	my (%options) = @_;
	my ($node, @standins) = make_world(%options);
	my $run = { %options, node => $node, standins => \@standins, began_at => time, started => 0, blows => [], broken => [], looks => 0,
		looked_at => time, shown_at => time, blow_at => time + 1 };

	srand($options{seed});
	add_faults($options{percent}, @standins);
	make_chaos($run);
	end_well($run);
	keep_blows($node, @{ $run->{blows} });
	my @lines = judge($node, @standins);
	push @lines, [ "rules broken meanwhile: " . scalar(@{ $run->{broken} }) . " of $run->{looks} looks" . (@{ $run->{broken} } ? " ($run->{broken}[0])" : ''),
		scalar @{ $run->{broken} } ];
	show_report($run, @lines);
	$node->stop;
	return @lines;
}

1;
