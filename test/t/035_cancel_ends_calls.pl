# Cancelling ends the call in flight where the step says so or where it only looks; otherwise the call is awaited. Nothing is lost or made twice.
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
$node->safe_psql('postgres', q{
	CREATE OR REPLACE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS $$
	BEGIN
		RETURN NEXT provision.look('look', provision.document_path('Warehouse Type', 'W ' || (job ->> 'tenant')));
		RETURN NEXT provision.create_document('make', 'Warehouse Type', jsonb_build_object('name', 'W ' || (job ->> 'tenant')),
			wanted => NOT provision.found(job, 'look'), guard => 'look');
	END $$;
	UPDATE provision.step SET patience_ms = 100, backoff_ms = 20, backoff_max_ms = 40 WHERE plan_function = 'app.one_call';
	UPDATE provision.effort SET timeout_ms = 120000;});

sub hung { return grep { $_->{status} eq 'hung' } $standin->requests }
sub state_of { my ($tenant) = @_; return $node->safe_psql('postgres', "SELECT provision_status('$tenant') ->> 'state'") }
sub wait_for_state { my ($tenant, $state) = @_; return poll($node, "SELECT provision_status('$tenant') ->> 'state' = '$state'") }

# A look that hangs is ended, whatever the step says.
$standin->fault({ method => 'GET', path_regex => 'W t1' }, { hang => \1 });
$node->safe_psql('postgres', q{SELECT provision_start('t1', 'making')});
ok(wait_until(sub { hung() == 1 }), 'a look hangs');
$node->safe_psql('postgres', q{SELECT provision_cancel('t1', 'enough')});
ok(wait_for_state('t1', 'cancelled'), 'its job is cancelled long before the time limit of the call');
is($node->safe_psql('postgres', q{SELECT delivery, verdict, curl_code, http_status, error_detail FROM provision.call_log}),
	'unknown|interrupted|42||waiting for the answer: the call was cancelled', 'what became of the call is recorded');
is($node->safe_psql('postgres', q{SELECT state, tries, error_code FROM provision.step_status}), 'waiting|0|', 'it did not count as a try');
is($node->safe_psql('postgres', q{SELECT failures_in_a_row FROM provision.engine_status}), '0', 'nor against the server');
$standin->clear_faults;
$node->safe_psql('postgres', q{SELECT provision_retry('t1')});
ok(wait_for_state('t1', 'completed'), 'retried, it is completed');

# A creation is awaited by default, and provision_why() says so.
$standin->fault({ method => 'POST', body_regex => 'W t2' }, { hold => 'before' });
$node->safe_psql('postgres', q{SELECT provision_start('t2', 'making')});
ok(wait_until(sub { $standin->requests('method=POST') == 2 }), 'a creation is on its way');
$node->safe_psql('postgres', q{SELECT provision_cancel('t2')});
like($node->safe_psql('postgres', q{SELECT detail FROM provision_why('t2') WHERE reason = 'cancel asked for'}),
	qr/asked for it\. It waits for call "make" to end, at the latest at /, 'why() names the call that is awaited');
# It was the step's last call: what was done decides, not what was wished.
$standin->clear_faults;
ok(wait_for_state('t2', 'completed'), 'its answer is waited for');
is($node->safe_psql('postgres', q{SELECT verdict FROM provision.call_log WHERE call = 'make' ORDER BY attempt_id DESC LIMIT 1}), 'success', 'and recorded');

# A step that says "end" ends it. It took effect, which the next run finds out.
$node->safe_psql('postgres', q{UPDATE provision.step SET on_cancel = 'end' WHERE plan_function = 'app.one_call'});
$standin->fault({ method => 'POST', body_regex => 'W t3' }, { hang => \1, effect => \1 });
$node->safe_psql('postgres', q{SELECT provision_start('t3', 'making')});
ok(wait_until(sub { hung() == 2 }), 'a creation hangs after it was done');
$node->safe_psql('postgres', q{SELECT provision_cancel('t3')});
ok(wait_for_state('t3', 'cancelled'), 'its job is cancelled at once');
is($node->safe_psql('postgres', q{SELECT delivery, verdict FROM provision.call_log WHERE call = 'make' ORDER BY attempt_id DESC LIMIT 1}),
	'unknown|interrupted', 'the outcome of the call is unknown');
$standin->clear_faults;
$node->safe_psql('postgres', q{SELECT provision_retry('t3')});
ok(wait_for_state('t3', 'completed'), 'retried, it is completed');
is($standin->requests('method=POST'), 3, 'without a second creation');
ok_invariants($node, $standin);
$node->stop;
done_testing();
