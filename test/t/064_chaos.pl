# A short chaos run: faults of the servers, kills of workers and postmaster, while jobs come in. In the end each is completed and everything
# was made once. `make chaos` is the long one.
use strict;
use warnings;
use Chaos;
use Test::More;

my $seed = $ENV{CHAOS_SEED} // int(rand(1_000_000));
note("CHAOS_SEED=$seed");
my @lines = Chaos::run(
	seed => $seed, seconds => 6, jobs => 100, kills => 4, percent => 5, engines => 2, workers => 2, look_seconds => 2, patience => 300,
	say => sub { note($_[0]) });
foreach my $line (@lines)
{
	ok(!$line->[1], $line->[0]);
}
done_testing();
