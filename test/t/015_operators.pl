# Cancel, pause, resume, retry, continue and skip, on jobs at work and on jobs that failed.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');

sub state_of
{
	my ($tenant) = @_;
	return $node->safe_psql('postgres', "SELECT provision_status('$tenant') ->> 'state'");
}

sub wait_for_state
{
	my ($tenant, $state) = @_;
	return poll($node, "SELECT provision_status('$tenant') ->> 'state' = '$state'");
}

create_engine($node, $standin);
create_tenants($node, 6);
$node->safe_psql('postgres', 'UPDATE provision.step SET backoff_ms = 20, backoff_max_ms = 40');
wait_for_worker($node);

# A running job is told; its call ends first.
$standin->fault({ method => 'POST', path_regex => '/Company$' }, { hold => 'before' });
$node->safe_psql('postgres', q{SELECT provision_start('t1')});
ok(wait_until(sub { $standin->requests('path_regex=/Company$&method=POST') }), 'a company is being made');
$node->safe_psql('postgres', q{SELECT provision_cancel('t1', 'customer left')});
$standin->clear_faults;
ok(wait_for_state('t1', 'cancelled'), 'the job is cancelled');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE call LIKE 'create company%' AND verdict = 'success'}), '1',
	'the call that was on its way is recorded');
$node->safe_psql('postgres', q{SELECT provision_retry('t1')});
ok(wait_for_state('t1', 'completed'), 'retried, it is completed');

$standin->fault({ method => 'POST', path_regex => '/Company$' }, { hold => 'before' });
$node->safe_psql('postgres', q{SELECT provision_start('t2')});
ok(wait_until(sub { $standin->requests('path_regex=/Company$&method=POST') == 2 }), 'another company is being made');
$node->safe_psql('postgres', q{SELECT provision_pause('t2')});
$standin->clear_faults;
ok(wait_for_state('t2', 'paused'), 'its job is paused');
$node->safe_psql('postgres', q{SELECT provision_resume('t2')});
ok(wait_for_state('t2', 'completed'), 'resumed, it is completed');

# A waiting job changes at once.
$node->safe_psql('postgres', q{SELECT provision_engine_pause('bench', 'maintenance'); SELECT provision_start('t3')});
is($node->safe_psql('postgres', q{SELECT state FROM provision_pause('t3')}), 'paused', 'a waiting job is paused');
is($node->safe_psql('postgres', q{SELECT state FROM provision_continue('t3')}), 'pending', 'and continued');
like($node->safe_psql('postgres', q{SELECT string_agg(reason || coalesce(fix, ''), ' ') FROM provision_why('t3')}), qr/provision_engine_resume/, 'why it waits is said');
is($node->safe_psql('postgres', q{SELECT state FROM provision_cancel('t3')}), 'cancelled', 'and cancelled');
$node->safe_psql('postgres', q{SELECT provision_engine_resume('bench')});

# Permanent failures: of a critical step, and of an optional one.
$standin->fault({ method => 'POST', path_regex => '/Company$', body_regex => 'Company 4' }, { exc_type => 'ValidationError', body => 'not this one' });
$node->safe_psql('postgres', q{SELECT provision_start('t4')});
ok(wait_for_state('t4', 'failed'), 'a job fails at a critical step');
like($node->safe_psql('postgres', q{SELECT error_code, error_hint FROM provision.dead_letter WHERE tenant = 't4'}), qr/VALIDATION_FAILED.*provision_retry/s, 'with a hint');
$standin->clear_faults;
my $seen = $standin->control('GET', 'stats')->{requests};
$node->safe_psql('postgres', q{SELECT provision_retry('t4')});
ok(wait_for_state('t4', 'completed'), 'retried, it is completed');
is(scalar(grep { $_->{path} =~ m{/api/method/ping} } $standin->requests("since=$seen")), 0, 'completed steps did not run again');

$node->safe_psql('postgres', q{SELECT provision_tenant_update('t5', '{"demo_items": true}')});
$standin->fault({ method => 'POST', path_regex => 'insert_many$' }, { exc_type => 'ValidationError', body => 'no items' });
$node->safe_psql('postgres', q{SELECT provision_start('t5')});
ok(wait_for_state('t5', 'partial'), 'a job whose optional step fails is partial') or diag(open_steps($node), last_calls($node));
is($node->safe_psql('postgres', q{SELECT state FROM provision_skip_step((SELECT max(job_id) FROM provision.job), 'step_6_items', 'not wanted')}),
	'completed', 'the step is skipped and the job completed') or diag(open_steps($node));
ok_invariants($node, $standin);
$node->stop;
done_testing();
