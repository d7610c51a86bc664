#!/usr/bin/perl
# Runs TAP programs one after the other and counts files: harness.pl COUNT_FILE COMMAND... -- FILE...
# A file that skips everything counts as nothing. The output of a failed one is shown in full.
use strict;
use warnings;
use TAP::Parser;
use Time::HiRes 'time';

my $count_file = shift;
my @command;
push @command, shift while @ARGV && $ARGV[0] ne '--';
shift;

my ($passed, $failed) = (0, 0);
foreach my $file (@ARGV)
{
	my ($name) = $file =~ m{([^/]+)$};
	my @shown;
	my $started_at = time;
	my $parser = TAP::Parser->new({ exec => [ @command, $file ], merge => 1 });
	while (my $result = $parser->next)
	{
		push @shown, $result->as_string;
	}
	my $seconds = sprintf '%.1f s', time - $started_at;
	if ($parser->skip_all)
	{
		printf "skipped - %s: %s\n", $name, $parser->skip_all;
	}
	elsif (!$parser->has_problems && $parser->tests_run > 0)
	{
		$passed++;
		printf "ok - %s (%d, %s)\n", $name, $parser->tests_run, $seconds;
	}
	else
	{
		$failed++;
		printf "not ok - %s (%s)\n", $name, $seconds;
		print "    $_\n" foreach @shown;
		print "    # $_\n" foreach $parser->parse_errors;
		printf "    # exit status %s, %s of %s tests failed\n", $parser->exit // '', scalar($parser->failed), $parser->tests_run // 0;
	}
	STDOUT->flush;
}
open(my $counts, '>', $count_file) or die "could not write \"$count_file\": $!";
print $counts "$passed $failed\n";
close $counts;
exit($failed > 0);
