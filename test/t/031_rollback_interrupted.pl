# A rollback finds out what calls with lost answers made, takes lost answers of its own, and is finished by the next worker when its own is killed.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new('--site', 'erp.localhost:wizard');
my $node = new_node('main', conf => "provision.max_crashes = 100\n");
my %before = map { $_ => 1 } $standin->documents;

sub state_of_newest
{
	return $node->safe_psql('postgres', q{SELECT state || ' ' || direction FROM provision.job ORDER BY job_id DESC LIMIT 1});
}

sub roll_back
{
	$node->safe_psql('postgres', q{SELECT provision_rollback('t1')});
	return wait_for_jobs($node);
}

sub is_as_before
{
	my ($name) = @_;
	my %kept = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', q{SELECT kind || '/' || name FROM provision.creation_status WHERE state = 'kept'});
	my %after = map { $_ => 1 } $standin->documents;

	is(state_of_newest(), 'rolled_back back', "$name: it is rolled back")
	  or diag($node->safe_psql('postgres', 'SELECT error_message FROM provision.job ORDER BY job_id DESC LIMIT 1'), "\n", open_steps($node), "\n", last_calls($node));
	is(join("\n", grep { !$before{$_} && !$kept{$_} } sort keys %after), '', "$name: nothing is left");
	is(join("\n", grep { !$after{$_} } sort keys %before), '', "$name: nothing else is gone");
	return;
}

create_engine($node, $standin, '{"max_concurrent": 50, "failure_threshold": 1000}');
create_tenants($node, 1);
$node->safe_psql('postgres', q{
	SELECT provision_tenant_update('t1', '{"demo_items": true, "payment_methods": ["Cash", "Credit Card"]}');
	UPDATE provision.step SET backoff_ms = 20, backoff_max_ms = 40, patience_ms = 60, max_attempts = 5});

# Every POST that creates is carried out, its answer is lost, and then the job is cancelled before it can look.
foreach my $path ('Company', 'Warehouse', 'POS Profile', 'POS Opening Entry', 'Customer')
{
	my $fault = $standin->fault({ method => 'POST', path_regex => "^/api/resource/$path\$", times => 1 }, { drop => 'after' });

	$node->safe_psql('postgres', q{UPDATE provision.step SET backoff_ms = 60000, backoff_max_ms = 60000});
	start_jobs($node, 1);
	ok(poll($node, q{SELECT EXISTS (SELECT FROM provision.step_status AS s JOIN provision.job USING (job_id) WHERE job.finished_at IS NULL AND s.state = 'retrying')}), "$path: the answer is lost");
	ok(poll($node, q{SELECT count(*) = 1 FROM provision.creation_status WHERE state = 'doubtful'}), "$path: what it made is doubtful");
	$node->safe_psql('postgres', q{UPDATE provision.step SET backoff_ms = 20, backoff_max_ms = 40; SELECT provision_cancel('t1', rollback => true)});
	wait_for_jobs($node) or BAIL_OUT("$path: the rollback does not end");
	is_as_before($path);
	$standin->clear_faults;
}

# Every cancellation and deletion loses its first answer, before or after it was carried out.
start_jobs($node, 1);
ok(wait_for_jobs($node), 'a job ends');
is(state_of_newest(), 'completed forward', 'it is completed');
$standin->fault({ method => 'DELETE', every => 2 }, { drop => 'after' });
$standin->fault({ method => 'DELETE', every => 3 }, { drop => 'before' });
$standin->fault({ method => 'PUT', body_regex => 'docstatus', times => 1 }, { drop => 'after' });
ok(roll_back(), 'its rollback ends');
is_as_before('answers to deletions are lost');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE method = 'DELETE' AND delivery = 'unknown'}), '>', 3, 'several were');
$standin->clear_faults;

# Killed three times before a deletion is answered: each time the second one, which is done and not answered.
start_jobs($node, 1);
ok(wait_for_jobs($node), 'another job ends');
my $pid = wait_for_worker($node);
sub hold_a_deletion { return $standin->fault({ method => 'DELETE', nth => 2 }, { hold => 'after' })->{id} }
my $held = hold_a_deletion();
$node->safe_psql('postgres', q{SELECT provision_rollback('t1')});
foreach my $kill (1 .. 3)
{
	wait_until(sub { jobs_are_over($node) || grep { $_->{id} == $held && $_->{hits} } @{ $standin->control('GET', 'fault') } });
	$held = hold_a_deletion() if $kill < 3;
	ok(kill_hard($node, $pid), "kill $kill");
	$pid = wait_for_worker($node, 'postgres', $pid);
}
ok(wait_for_jobs($node), 'the rollback ends');
is_as_before('the worker was killed');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE verdict = 'crashed'}), '>', 0, 'in the middle of a deletion');
ok_invariants($node, $standin);
$node->stop;
done_testing();
