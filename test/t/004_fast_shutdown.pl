# A fast shutdown while calls hang: the server stops quickly, nothing is lost, no try is consumed.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $jobs = 30;
my $standin = Standin->new;
my $node = new_node('main', conf => "provision.max_in_flight = 100\nautovacuum = off\n");

create_engine($node, $standin);
create_tenants($node, $jobs);
create_workflow($node, 'two', 2);
$node->safe_psql('postgres', q{UPDATE provision.effort SET timeout_ms = 300000});
$standin->fault({ path_regex => '/api/' }, { hang => \1 });
start_jobs($node, $jobs, 'two');
ok(wait_until(sub { scalar(grep { $_->{status} eq 'hung' } $standin->requests) == $jobs }), 'calls hang');

my $offset = -s $node->logfile;
my $started_at = time;
$node->stop('fast');
ok_in_time($started_at, 3, 'the server stops within three seconds');
unlike(slurp_file($node->logfile, $offset), qr/ERROR|FATAL|PANIC/, 'in good order');

$standin->clear_faults;
$node->start;
ok(wait_for_jobs($node), 'after the start the jobs end');
is(tally($node), "completed $jobs", 'all are completed') or diag(open_steps($node));
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT verdict, ',' ORDER BY verdict) FROM provision.attempt WHERE delivery <> 'answered'}),
	'interrupted', 'the interrupted calls are in the history');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event IN ('job_rescued', 'worker_lost', 'step_retrying')}), '0',
	'the worker gave back what it owned; nobody had to rescue it, and no try was counted');
is($node->safe_psql('postgres', q{SELECT max(crash_count) FROM provision.job}), '0', 'nor a crash');
ok_invariants($node, $standin);
$node->stop;
done_testing();
