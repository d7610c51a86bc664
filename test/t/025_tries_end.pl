# A call whose guard finds nothing, and which fails each time all the same, is given up after max_attempts: looking again is not progress.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my %failures = (
	't1' => [ 500, 'QueryDeadlockError' ],
	't2' => [ 409, 'DuplicateEntryError' ],
	't3' => [ 503, undef ]);
my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin, '{"failure_threshold": 100}');
create_tenants($node, 3);
create_workflow($node, 'guarded', 1);
$node->safe_psql('postgres', q{
	CREATE OR REPLACE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
		SELECT * FROM provision.ensure_document(job, 'unit', 'UOM', 'Crate ' || (job ->> 'tenant'),
		                                        jsonb_build_object('uom_name', 'Crate ' || (job ->> 'tenant')));
	$$;
	UPDATE provision.step SET backoff_ms = 50, backoff_max_ms = 100, patience_ms = 100 WHERE plan_function = 'app.one_call';});
foreach my $tenant (sort keys %failures)
{
	my ($status, $exc_type) = @{ $failures{$tenant} };
	$standin->fault({ method => 'POST', body_regex => "Crate $tenant" },
		{ status => $status, $exc_type ? (exc_type => $exc_type) : (body => '<html>down</html>') });
}
start_jobs($node, 3, 'guarded');
ok(wait_for_jobs($node), 'the jobs end');
is(tally($node), 'failed 3', 'as failed') or diag(last_calls($node));
is($node->safe_psql('postgres', q{SELECT string_agg(tries::text, ' ') FROM (SELECT count(*) AS tries FROM provision.attempt WHERE method = 'POST' GROUP BY job_id) AS c}),
	'3 3 3', 'after three tries each');

$standin->clear_faults;
$node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT job_id FROM provision.dead_letter OFFSET 0) AS dead, provision_retry(dead.job_id)});
ok(wait_for_jobs($node), 'retried without the failures they end');
is(tally($node), 'completed 3', 'completed') or diag(last_calls($node));
ok_invariants($node, $standin);
$node->stop;
done_testing();
