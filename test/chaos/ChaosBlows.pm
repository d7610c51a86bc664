# What is done to the world: faults of the stand-ins, for a share of all requests, and blows to the server and its workers.
package ChaosBlows;

use strict;
use warnings;
use Exporter 'import';
use ProvisionTest;

our @EXPORT_OK = qw(add_faults count_faults strike_blow wait_until_up);

# Of 50 requests that go wrong, so many each. They strike one after the other, so the shares are near enough.
my @faults = (
	[ 6, 'answer dropped before the effect', { drop => 'before' } ],
	[ 8, 'answer dropped after the effect', { drop => 'after' } ],
	[ 5, 'reset within the answer', { reset => 20 } ],
	[ 5, '500', { status => 500 } ],
	[ 4, '503', { status => 503 } ],
	[ 5, '429', { status => 429, headers => { 'Retry-After' => 1 } } ],
	[ 3, 'effect later than the time limit', { delay_ms => 3000 } ],
	[ 3, 'answer later than the time limit', { delay_after_ms => 3000 } ],
	[ 4, 'HTML', { garbage => 'html' } ],
	[ 3, 'binary', { garbage => 'binary' } ],
	[ 3, 'cut in the middle', { garbage => 'truncated' } ],
	[ 1, 'empty', { garbage => 'empty' } ]);

sub add_faults
{
	my ($percent, @standins) = @_;

	foreach my $standin (@standins)
	{
		foreach my $fault (@faults)
		{
			$standin->fault({ path_regex => '^/api/', probability => $fault->[0] / 50 * $percent / 100 }, $fault->[2]);
		}
	}
	return;
}

# How often each fault struck, over all stand-ins.
sub count_faults
{
	my (@standins) = @_;
	my %count;

	foreach my $standin (@standins)
	{
		my @active = @{ $standin->control('GET', 'fault') };
		$count{ $faults[$_][1] } += $active[$_]{hits} foreach 0 .. $#active;
	}
	return %count;
}

sub wait_until_up
{
	my ($node) = @_;
	return wait_until(sub { defined ask($node, 'SELECT 1') });
}

sub random_worker
{
	my ($node) = @_;
	return ask($node, q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'provision worker' ORDER BY random() LIMIT 1}) || 0;
}

# After a kill -9 of the postmaster its children leave by themselves; until then the data directory is theirs.
sub start_again
{
	my ($node) = @_;
	return wait_until(sub {
		return 1 if $node->start(fail_ok => 1);
		$node->{_pid} = undef;          # start() believes the file that the dead one left
		return 0;
	});
}

my %blows = (
	'kill -9 of a worker' => sub { my ($node) = @_; my $pid = random_worker($node); return $pid && kill_hard($node, $pid) },
	'kill -9 of the postmaster' => sub { my ($node) = @_; $node->kill9; return start_again($node) },
	'immediate shutdown' => sub { my ($node) = @_; $node->stop('immediate'); return start_again($node) },
	'fast shutdown' => sub { my ($node) = @_; $node->stop('fast'); return start_again($node) },
	'pg_terminate_backend of a worker' => sub {
		my ($node) = @_;
		my $pid = random_worker($node);
		return $pid && defined ask($node, "SELECT pg_terminate_backend($pid)");
	});
# Of twenty blows, so many each.
my @choice = (('kill -9 of a worker') x 13, ('kill -9 of the postmaster') x 2, 'immediate shutdown', 'fast shutdown', ('pg_terminate_backend of a worker') x 3);

# One blow by chance. Returns what it was, when, and whether it was a crash; nothing when there was nobody to strike.
sub strike_blow
{
	my ($node) = @_;
	my $kind = $choice[ rand @choice ];
	my $at = time;

	$blows{$kind}->($node) or return;
	return { kind => $kind, at => $at, is_crash => $kind =~ /kill|immediate/ ? 1 : 0 };
}

1;
