# Somebody sets the server's clock, by an hour or a year, forth and back: jobs, pauses, the rate limit and the breaker go on, history stays,
# no worker counts as dead, and what a caller has put off stays put off.
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

sub jobs_end { return poll($node, q{SELECT NOT EXISTS (SELECT FROM provision.job WHERE finished_at IS NULL AND workflow <> 'later')}) }

set_clock(0);
{
	local @ENV{qw(LD_PRELOAD FAKETIME_TIMESTAMP_FILE FAKETIME_NO_CACHE FAKETIME_DONT_FAKE_MONOTONIC)} = ($library, $clock, 1, 1);
	$node = new_node('main');
}
create_engine($node, $standin, '{"max_concurrent": 20, "rate_per_second": 200, "failure_threshold": 3, "recovery_seconds": 2}');
create_tenants($node, 10);
create_workflow($node, 'three', 3);
create_workflow($node, 'later', 1);
$node->safe_psql('postgres', q{UPDATE provision.step SET backoff_ms = 4000, backoff_max_ms = 4000 WHERE plan_function = 'app.one_call'});
$node->safe_psql('postgres', q{SELECT provision_start('t1', 'later', run_at => clock_timestamp() + interval '3 years')});
my $worker = wait_for_worker($node);

my $hour = 3600;
my $year = 365 * 24 * $hour;
my $started = 0;
foreach my $offset ($hour, 0, $year, 0)
{
	# Two calls are refused at first, so that their jobs pause; one is on its way.
	$standin->fault({ body_regex => '"t[23]"', times => 2 }, { status => 503, body => { message => 'busy' } });
	$standin->fault({ body_regex => '"t4"', nth => 1 }, { hold => 'before' });
	$started += start_jobs($node, 10, 'three');
	ok(poll($node, q{SELECT EXISTS (SELECT FROM provision.job_step WHERE state = 'retrying') AND EXISTS (SELECT FROM provision.attempt WHERE finished_at IS NULL)}),
		'a job pauses, a call is in flight');
	my $history = $node->safe_psql('postgres', 'SELECT count(*) FROM provision.event');
	set_clock($offset);
	$standin->clear_faults;
	ok(jobs_end(), "the clock is set to $offset s: the jobs end") or diag(open_steps($node));
	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM provision.event'), '>', $history, 'no history is removed');
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.job WHERE workflow = 'three' AND state = 'completed'}), $started, 'all are completed');
is(worker_pid($node), $worker, 'by the same worker');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event IN ('worker_lost', 'job_rescued')}), '0', 'which never counted as dead');
is($node->safe_psql('postgres', q{SELECT state FROM provision.job WHERE workflow = 'later'}), 'scheduled', 'what was put off for years still is');

# An open breaker, tokens and a launcher that is to start a worker, over a clock set back.
set_clock($year);
$standin->fault({ path_regex => 'ping' }, { drop => 'before' });
start_jobs($node, 10, 'three');
ok(poll($node, q{SELECT breaker = 'open' FROM provision.engine_state}), 'the breaker opens');
set_clock(0);
$standin->clear_faults;
ok(jobs_end(), 'set back by a year, the engine is probed and the jobs end') or diag(open_steps($node), last_calls($node));
is($node->safe_psql('postgres', 'SELECT breaker FROM provision.engine_state'), 'closed', 'the breaker is closed');
set_clock(-$year);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
ok(wait_for_worker($node, 'postgres', $worker), 'set back again, a worker that ended is replaced');
start_jobs($node, 10, 'three');
ok(jobs_end(), 'and works');
my $problem;
is($node->psql('postgres', q{SELECT provision_cancel((SELECT job_id FROM provision.job WHERE workflow = 'later'))}, stderr => \$problem), 0, 'what is put off can be cancelled') or diag($problem);
ok_invariants($node, $standin);
$node->stop;
done_testing();
