# An answer that kills whoever reads it: its job is quarantined after provision.max_crashes crashes, which are counted before each act, and
# nobody who was in flight beside it is. Once the cause is mended, a retry completes it.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $max_crashes = 4;
my $neighbours = 12;
my $standin = Standin->new('--write-ms', 30);
my $node = new_node('main', faults => 1, conf => "provision.max_crashes = $max_crashes\n");

create_engine($node, $standin);
create_tenants($node, $neighbours + 1);
create_workflow($node, 'three', 3);
# Each time the deadly one is called, the worker dies of the next answer it gets.
$standin->fault({ body_regex => '"t5"' }, { arm => { file => $node->data_dir . '/provision_fault', text => "answered 0\n" } });
start_jobs($node, $neighbours + 1, 'three');

ok(wait_for_jobs($node), 'all jobs end');
is(tally($node), "completed $neighbours, failed 1", 'all are completed but one')
  or diag($node->safe_psql('postgres', q{SELECT tenant, state, error_code FROM provision.job_status WHERE state <> 'completed'}));
is($node->safe_psql('postgres', q{SELECT tenant, error_code, step FROM provision.dead_letter}), 't5|QUARANTINED|step_0', 'the deadly one is quarantined');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt JOIN provision.job_status USING (job_id) WHERE tenant = 't5' AND verdict = 'crashed'}),
	$node->safe_psql('postgres', q{SELECT crash_count FROM provision.job JOIN provision.dead_letter USING (job_id) LIMIT 1}), 'each of its crashes was counted');
is($node->safe_psql('postgres', q{SELECT max(crash_count) FROM provision.job WHERE state = 'completed'}), '0', 'of the others none stays under suspicion');
ok_invariants($node, $standin);

$standin->clear_faults;
$node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT job_id FROM provision.dead_letter OFFSET 0) AS dead, provision_retry(dead.job_id)});
ok(wait_for_jobs($node), 'mended and retried, it ends');
is(tally($node), 'completed ' . ($neighbours + 1), 'completed');
ok_invariants($node, $standin);
$node->stop;
done_testing();
