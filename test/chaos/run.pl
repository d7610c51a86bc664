# `make chaos`: see CONTRIBUTING.md. CHAOS_SECONDS, CHAOS_JOBS, CHAOS_KILLS, CHAOS_FAULTS (percent), CHAOS_SEED.
use strict;
use warnings;
use Chaos;
use Test::More;

# PostgreSQL's modules keep STDOUT for their log.
my $shown = Test::More->builder->output;

sub say_so
{
	print $shown "$_[0]\n";
	$shown->flush;
	return;
}

my $seconds = $ENV{CHAOS_SECONDS} || 60;
my $seed = $ENV{CHAOS_SEED} || int(rand(1_000_000));
my %options = (
	seed => $seed,
	seconds => $seconds,
	jobs => $ENV{CHAOS_JOBS} || int($seconds * 25),
	kills => $ENV{CHAOS_KILLS} || int($seconds / 3) + 1,
	percent => $ENV{CHAOS_FAULTS} // 5,
	engines => 3,
	workers => 2,
	look_seconds => 10,
	patience => 300,
	say => \&say_so);

say_so(sprintf "seed %d: %d jobs within %d s, %s %% faults, %d blows", @options{qw(seed jobs seconds percent kills)});
my @lines = Chaos::run(%options);
is(scalar(grep { $_->[1] } @lines), 0, 'everything is well');
done_testing();
