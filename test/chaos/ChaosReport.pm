# What a chaos run came to: what was done, how the jobs ended, what the servers have, how soon jobs went on, and what broke a rule.
package ChaosReport;

use strict;
use warnings;
use ChaosWorld 'documents_wanted';
use Exporter 'import';
use ProvisionTest;

our @EXPORT_OK = qw(keep_blows reclaim_times judge);

my $longest_reclaim_seconds = 10;

sub keep_blows
{
	my ($node, @blows) = @_;

	return unless @blows;
	$node->safe_psql('postgres', 'INSERT INTO app.blow VALUES '
		  . join(', ', map { sprintf q{(to_timestamp(%.6f), '%s', %s::boolean)}, $_->{at}, $_->{kind}, $_->{is_crash} } @blows));
	return;
}

# From the crash in which a job lost its worker until it was claimed again: number, p50, p95, p99 and longest in seconds.
sub reclaim_times
{
	my ($node) = @_;
	my ($count, @seconds) = split /\|/, $node->safe_psql('postgres', q{
		WITH life AS (
			SELECT job_id, event, at, lag(at) OVER its_job AS before, lead(at) OVER its_job AS after
			  FROM provision.event
			 WHERE event IN ('job_started', 'job_rescued')
			WINDOW its_job AS (PARTITION BY job_id ORDER BY event_id)
		), reclaimed AS (
			SELECT extract(epoch FROM life.after - (SELECT min(blow.at) FROM app.blow WHERE blow.is_crash AND blow.at >= life.before)) AS seconds
			  FROM life
			 WHERE life.event = 'job_rescued' AND life.after IS NOT NULL
		)
		SELECT count(seconds), percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds), percentile_disc(0.95) WITHIN GROUP (ORDER BY seconds),
		       percentile_disc(0.99) WITHIN GROUP (ORDER BY seconds), max(seconds) FROM reclaimed});
	return ($count, map { sprintf '%.2f', $_ || 0 } @seconds);
}

# Documents of the chains that are there a number of times other than once.
sub wrong_documents
{
	my ($node, @standins) = @_;
	my %count = map { $_ => 0 } documents_wanted($node);

	foreach my $number (1 .. @standins)
	{
		my $created = $standins[ $number - 1 ]->control('GET', 'inventory')->{'erp.localhost'}{created}{UOM};
		foreach my $name (grep { /^t\d+-\d+$/ } keys %$created) { $count{"e$number $name"} += $created->{$name} }
	}
	return (scalar keys %count, grep { $count{$_} != 1 } sort keys %count);
}

# Each is a line for the report, with a true value for a violation.
sub judge
{
	my ($node, @standins) = @_;
	my $started = $node->safe_psql('postgres', 'SELECT count(*) FROM app.plan');
	my $ended = $node->safe_psql('postgres', q{SELECT count(*) FROM provision.job WHERE state = 'completed'});
	my $open = $node->safe_psql('postgres', 'SELECT count(*) FROM provision.job WHERE finished_at IS NULL');
	my $lost = $node->safe_psql('postgres', 'SELECT count(*) FROM app.plan WHERE NOT EXISTS (SELECT FROM provision.job WHERE idempotency_key = plan.key)');
	my @doubles = map { $_->doubles } @standins;
	my ($documents, @wrong) = wrong_documents($node, @standins);
	my ($reclaims, $p50, $p95, $p99, $longest) = reclaim_times($node);
	my @broken = split /\n/, broken_invariants($node);
	my $secret = tables_with($node, 'test-secret');

	return (
		[ "jobs: $started started, $ended completed", $ended != $started ],
		[ "lost: $lost", $lost ],
		[ "stuck: $open", $open ],
		[ 'made twice: ' . scalar(@doubles) . (@doubles ? " (@doubles[0 .. ($#doubles > 4 ? 4 : $#doubles)])" : ''), scalar @doubles ],
		[ "documents of the chains: $documents wanted, " . scalar(@wrong) . " not there exactly once" . (@wrong ? " ($wrong[0])" : ''), scalar @wrong ],
		[ "claimed again after a crash: $reclaims times, p50 $p50 s, p95 $p95 s, p99 $p99 s, longest $longest s", $reclaims && $p99 > $longest_reclaim_seconds ],
		[ 'rules broken at the end: ' . scalar(@broken) . (@broken ? " (@broken)" : ''), scalar @broken ],
		[ 'tables that hold a secret: ' . ($secret || 'none'), $secret ne '' ]);
}

1;
