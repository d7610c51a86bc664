# What was wished of a running job, or its deadline, holds when the worker is killed before it could be granted, and while nobody may call.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 3);
create_workflow($node, 'making', 1);
# Not to be sent twice, but looked for: awaited by a cancellation.
$node->safe_psql('postgres', q{
	CREATE OR REPLACE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$
	BEGIN
		RETURN NEXT provision.look('look', provision.document_path('Warehouse Type', 'W ' || (job ->> 'tenant')));
		RETURN NEXT provision.create_document('make', 'Warehouse Type', jsonb_build_object('name', 'W ' || (job ->> 'tenant')),
			wanted => NOT provision.found(job, 'look'), guard => 'look');
	END $$;
	UPDATE provision.effort SET timeout_ms = 120000;
	UPDATE provision.step SET patience_ms = 100 WHERE plan_function = 'app.one_call';});
$standin->fault({ method => 'POST', body_regex => 'W t[123]' }, { hang => \1, effect => \1 });
$node->safe_psql('postgres', q{
	SELECT provision_start('t1', 'making'); SELECT provision_start('t2', 'making');
	SELECT provision_start('t3', 'making', '{"deadline": "10 s"}')});
ok(wait_until(sub { (grep { $_->{status} eq 'hung' } $standin->requests) == 3 }), 'three creations hang after they were done');
$node->safe_psql('postgres', q{SELECT provision_cancel('t1'); SELECT provision_pause('t2')});
ok(poll($node, q{SELECT count(wish) = 3 FROM provision.job}), 'cancel, pause and a deadline wait for them');
is($node->safe_psql('postgres', q{SELECT string_agg(wish, ',' ORDER BY job_id) FROM provision.job WHERE state = 'running'}), 'cancel,pause,expire', 'as they were asked for');

# Nobody may call any more, so the jobs could not be claimed to have it granted.
$node->safe_psql('postgres', q{SELECT provision_engine_pause('bench')});
ok(kill_hard($node, wait_for_worker($node)), 'the worker is killed');
ok(poll($node, q{SELECT count(*) = 0 FROM provision.job WHERE wish IS NOT NULL}), 'the next one grants it');
is($node->safe_psql('postgres', q{SELECT string_agg(state, ',' ORDER BY job_id) FROM provision.job}), 'cancelled,paused,failed', 'as it should');
is($node->safe_psql('postgres', q{SELECT error_code FROM provision.job WHERE state = 'failed'}), 'JOB_DEADLINE', 'with the reason');

$standin->clear_faults;
$node->safe_psql('postgres', q{
	SELECT provision_engine_resume('bench'); SELECT provision_retry('t1'); SELECT provision_resume('t2'); SELECT provision_retry('t3')});
ok(wait_for_jobs($node), 'taken up again, all end');
is(tally($node), 'completed 3', 'well') or diag(open_steps($node), last_calls($node));
is($standin->requests('method=POST'), 3, 'nothing was sent twice');
ok_invariants($node, $standin);
$node->stop;
done_testing();
