#!/usr/bin/perl
# Runs TAP programs and counts files: harness.pl COUNT_FILE COMMAND... -- FILE...
# HARNESS_JOBS of them at a time (default: 1); each is shown when it has ended. A file that skips everything counts as nothing.
# The output of a failed one is shown in full.
use strict;
use warnings;
use TAP::Parser;
use Time::HiRes 'time';

my $count_file = shift;
my @command;
push @command, shift while @ARGV && $ARGV[0] ne '--';
shift;

# What became of a file: passed, failed or skipped, and the text that says so.
sub judge
{
	my ($file) = @_;
	my ($name) = $file =~ m{([^/]+)$};
	my $started_at = time;
	my $parser = TAP::Parser->new({ exec => [ @command, $file ], merge => 1 });
	my @shown;
	while (my $result = $parser->next)
	{
		push @shown, $result->as_string;
	}
	my $seconds = sprintf '%.1f s', time - $started_at;
	return ('skipped', sprintf "skipped - %s: %s\n", $name, $parser->skip_all) if $parser->skip_all;
	return ('passed', sprintf "ok - %s (%d, %s)\n", $name, $parser->tests_run, $seconds)
	  if !$parser->has_problems && $parser->tests_run > 0;
	return (
		'failed',
		join '',
		"not ok - $name ($seconds)\n",
		(map { "    $_\n" } @shown),
		(map { "    # $_\n" } $parser->parse_errors),
		sprintf("    # exit status %s, %s of %s tests failed\n", $parser->exit // '', scalar($parser->failed), $parser->tests_run // 0));
}

# In a process of its own, which tells its verdict through a pipe.
sub start
{
	my ($file) = @_;
	my $pid = open(my $verdict, '-|') // die "could not start a process: $!";
	return [ $pid, $verdict ] if $pid;
	print join "\n", judge($file);
	STDOUT->flush;
	exit 0;
}

my $jobs = $ENV{HARNESS_JOBS} || 1;
my %count = (passed => 0, failed => 0, skipped => 0);
my @waiting = @ARGV;
my @running;
while (@waiting || @running)
{
	push @running, start(shift @waiting) while @waiting && @running < $jobs;
	my $ready = '';
	vec($ready, fileno($_->[1]), 1) = 1 foreach @running;
	select($ready, undef, undef, undef);
	my @ended = grep { vec($ready, fileno($_->[1]), 1) } @running;
	@running = grep { !vec($ready, fileno($_->[1]), 1) } @running;
	foreach my $ended (@ended)
	{
		my ($outcome, @text) = readline $ended->[1];
		close $ended->[1];
		chomp($outcome //= 'failed');
		$count{$outcome}++;
		print @text;
		STDOUT->flush;
	}
}
open(my $counts, '>', $count_file) or die "could not write \"$count_file\": $!";
print $counts "$count{passed} $count{failed}\n";
close $counts;
exit($count{failed} > 0);
