# Somebody sets the server's clock: a schedule starts one job for what is skipped, and does not wait for a time that was reckoned by a wrong clock.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Standin;
use Test::More;

my ($library) = glob '/usr/lib/*/faketime/libfaketimeMT.so.1';
plan(skip_all => 'libfaketime is not installed') unless $library;

my $clock = PostgreSQL::Test::Utils::tempdir() . '/clock';
my $standin = Standin->new;
my $node;

sub set_clock
{
	my ($offset) = @_;
	open(my $file, '>', "$clock.new") or die "could not write \"$clock.new\": $!";
	printf $file "%+d\n", $offset;
	close $file;
	rename "$clock.new", $clock or die "could not rename \"$clock.new\": $!";
	return;
}

sub runs_are { my ($runs) = @_; return poll($node, "SELECT count(*) = $runs AND bool_and(finished_at IS NOT NULL) FROM provision.job") }

set_clock(0);
{
	local @ENV{qw(LD_PRELOAD FAKETIME_TIMESTAMP_FILE FAKETIME_NO_CACHE FAKETIME_DONT_FAKE_MONOTONIC)} = ($library, $clock, 1, 1);
	$node = new_node('main');
}
create_engine($node, $standin);
create_tenants($node, 1);
create_workflow($node, 'one', 1);
$node->safe_psql('postgres', q{SELECT provision_schedule('t1', 'one', '0 12 * * *')});
wait_for_worker($node);

# What wakes the worker is any commit that concerns it; without one it looks at the clock once a minute.
set_clock(3 * 86400);
$node->safe_psql('postgres', 'SELECT provision.wake_workers()');
ok(runs_are(1), 'three days later one job is started');
is($node->safe_psql('postgres', 'SELECT missed_count FROM provision.schedule_status'), '2', 'for three times');
set_clock(0);
$node->safe_psql('postgres', 'SELECT provision.wake_workers()');
ok(poll($node, q{SELECT next_at < now() + interval '1 day 1 minute' FROM provision.schedule_status}), 'set back, its next time is reckoned by the new clock');
is($node->safe_psql('postgres', 'SELECT count(*) FROM provision.job'), '1', 'and nothing is started for that');
set_clock(86400);
$node->safe_psql('postgres', 'SELECT provision.wake_workers()');
ok(runs_are(2), 'a day later it goes on');
$node->stop;
done_testing();
