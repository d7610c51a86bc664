# The worker gets no more memory while large answers come in: at worst it ends, never the server, and afterwards the jobs are finished.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Standin;
use Test::More;

my $jobs = 20;
my $standin = Standin->new;
my $node = new_node('main', conf => "provision.max_crashes = 100\n");

create_engine($node, $standin);
create_tenants($node, $jobs);
create_workflow($node, 'two', 2);
my $worker = wait_for_worker($node);
my $checkpointer = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'});

# A little more than it has now: some answers fit, all of them do not.
my ($size) = slurp_file("/proc/$worker/status") =~ /^VmSize:\s+(\d+) kB/m;
my $limit = ($size + 32 * 1024) * 1024;
is(system('prlimit', '--pid', $worker, "--as=$limit:"), 0, 'the worker has 32 MB left');
$standin->fault({ path_regex => 'ping', times => 60 }, { status => 200, body => { message => 'x' x 6_000_000 } });
start_jobs($node, $jobs, 'two');
ok(wait_until(sub {
	slurp_file($node->logfile) =~ /out of memory/
	  || $node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE error_detail ILIKE '%memory%'}) > 0;
}), 'memory is lacking') or diag(last_calls($node));
$standin->clear_faults;
ok(wait_for_jobs($node), 'all jobs end') or diag(open_steps($node));
is($node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'}), $checkpointer, 'the server never crashed');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'nor did the worker');
$node->safe_psql('postgres', q{SELECT provision_retry(job_id) FROM provision.job WHERE state = 'failed'});
ok(wait_for_jobs($node), 'what failed is tried again');
is(tally($node), "completed $jobs", 'all are completed') or diag(open_steps($node));
ok_invariants($node, $standin);
$node->stop;
done_testing();
