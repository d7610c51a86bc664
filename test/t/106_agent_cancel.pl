# Cancelling while Frappe Agent has something to do for a job: what it has not begun is taken back, a backup is stopped, all else goes on and is told; what has ended stays as it ended.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use ProvisionTest;
use Test::More;

my $standin = AgentStandin->new('--manual', '--workers', 0, '--backup-workers', 0, '--root-password', $root_password);
my $node = new_node('main');

# The newest job of Agent for this site: status, and whether it began.
sub at_agent
{
	my ($tenant) = @_;
	my ($job) = reverse grep { $_->{site} eq "$tenant.example.com" } $standin->jobs;
	return $job->{status} . (@{ $job->{steps} } ? ' begun' : '');
}

# A job of ours whose job of Agent stands where it shall: Pending, Running or Success, and we do not know more than that it is open.
sub start_and_wait
{
	my ($workflow, $tenant, $status) = @_;
	my $open = qq{SELECT EXISTS (SELECT FROM provision.remote_job WHERE job_id = provision.newest_job('$tenant') AND ended_at IS NULL AND remote_id IS NOT NULL)};

	create_site_tenants($node, $tenant) if $node->safe_psql('postgres', "SELECT NOT EXISTS (SELECT FROM provision.tenant WHERE name = '$tenant')") eq 't';
	start_site_jobs($node, $workflow, $tenant);
	ok(poll($node, $open), "$tenant: Agent has a job");
	return if $status eq 'Pending';
	if ($status eq 'Success')
	{
		my $away = "UPDATE provision.job SET due_at = 'infinity' WHERE state = 'scheduled' AND job_id = provision.newest_job('$tenant') RETURNING true";
		ok(wait_until(sub { $node->safe_psql('postgres', $away) eq 't' }), 'nobody looks, nor will');
	}
	$standin->mode(workers => 10, backup_workers => 10);
	$standin->tick($status eq 'Success' ? 40 : $workflow eq 'create_site' ? 5 : 1);
	$standin->mode(workers => 0, backup_workers => 0);
	is(at_agent($tenant), "$status begun", "$tenant: which is $status");
	return;
}

sub cancel
{
	my ($tenant, $options) = @_;
	my $said = $node->safe_psql('postgres', "SELECT wish FROM provision_cancel('$tenant'" . ($options // '') . ')');

	ok(wait_for_jobs($node), "$tenant: the job ends") or diag(open_steps($node), last_calls($node));
	return $said;
}

sub outcome
{
	my ($tenant) = @_;
	return $node->safe_psql('postgres', qq{SELECT concat_ws(' ', job.state, remote_job.status) FROM provision.job_status AS job
		LEFT JOIN provision.remote_job ON remote_job.job_id = job.job_id WHERE job.job_id = provision.newest_job('$tenant') ORDER BY remote_job.submitted_at DESC LIMIT 1});
}

sub reasons
{
	my ($tenant) = @_;
	return $node->safe_psql('postgres', "SELECT reason FROM provision_why('$tenant')");
}

sub let_finish
{
	$standin->mode(workers => 10, backup_workers => 10);
	my $over = wait_until(sub { $standin->tick(5); jobs_are_over($node) });
	$standin->mode(workers => 0, backup_workers => 0);
	return $over;
}

create_agent($node, $standin);
$node->safe_psql('postgres', q{UPDATE provision.step SET max_attempts = 100 WHERE exclusive = 'site'});		# while the test looks on

# -- not begun
start_and_wait('create_site', 'waiting', 'Pending');
is(cancel('waiting', q{, 'a mistake'}), 'cancel', 'Agent is asked first');
is(outcome('waiting'), 'cancelled Withdrawn', 'then the job is cancelled');
is(at_agent('waiting'), 'Failure', 'Agent never began its own');
is(reasons('waiting'), 'cancelled', 'nothing is left');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.creation}), '0', 'nor believed to be made');
$standin->plant_site({ site => 'waiting.example.com' });
start_site_jobs($node, 'create_site', 'waiting');
ok(wait_for_jobs($node), 'started anew it ends');
is(outcome('waiting'), 'failed', q{for a site under its name is somebody else's now});

# -- sent, and not answered
$standin->fault({ method => 'POST', path_regex => '/sites$', times => 1 }, { drop => 'after' });
create_site_tenants($node, 'doubtful');
start_site_jobs($node, 'create_site', 'doubtful');
ok(wait_until(sub { grep { $_->{site} eq 'doubtful.example.com' } $standin->jobs }), 'doubtful: Agent has a job of which we do not know');
cancel('doubtful');
is(outcome('doubtful'), 'cancelled Withdrawn', 'it is found by its key');
is(at_agent('doubtful'), 'Failure', 'and taken back');

# -- at work
start_and_wait('create_site', 'working', 'Running');
cancel('working');
is(outcome('working'), 'cancelled Left', 'a site that is being made is not left half-made');
is(reasons('working'), "cancelled\nleft to the server", 'which is told');
is($node->safe_psql('postgres', q{SELECT detail - 'remote_id' FROM provision.event WHERE event = 'remote_job_left'}), '{"title": "New Site", "status": "Left"}', 'and is in the history');
start_site_jobs($node, 'create_site', 'working');
ok(let_finish(), 'a new job ends');
is(outcome('working') =~ s/ .*//r, 'completed', 'it takes the site over');
is($standin->inventory->{created}{Site}{"$bench/working.example.com"}, 1, 'which was made once');

start_and_wait('backup_site', 'working', 'Running');
cancel('working');
is(outcome('working'), 'cancelled Failure', 'a backup is stopped');
is(at_agent('working'), 'Failure begun', 'at Agent, too');

# -- over already, though nobody has looked yet
start_and_wait('backup_site', 'working', 'Success');
cancel('working');
is(outcome('working'), 'cancelled Success', 'what has ended well');
is(at_agent('working'), 'Success begun', 'is not made a failure of');

# -- with a rollback
start_and_wait('create_site', 'undone', 'Running');
is($node->safe_psql('postgres', q{SELECT wish FROM provision_cancel('undone', rollback => true)}), 'rollback', 'with a rollback');
ok(let_finish(), 'it ends');
is(outcome('undone') =~ s/ .*//r, 'rolled_back', 'nothing is left of it') or diag(last_calls($node));
is((grep { m{undone} } keys %{ $standin->inventory->{sites} }), 0, 'at Agent');
start_and_wait('create_site', 'unmade', 'Pending');
cancel('unmade', ', rollback => true');
is(outcome('unmade'), 'rolled_back Withdrawn', 'where nothing was begun, there is nothing to remove');

# -- Agent cannot be asked
start_and_wait('create_site', 'alone', 'Pending');
$standin->fault({ path_regex => '/agent-jobs/' }, { status => 503 });
is($node->safe_psql('postgres', q{SELECT wish FROM provision_cancel('alone')}), 'cancel', 'while Agent does not answer the job is not cancelled');
ok(poll($node, q{SELECT count(*) >= 2 FROM provision.attempt WHERE call = 'withdraw: look' AND verdict = 'transient'}), 'it is asked again');
$node->safe_psql('postgres', q{SELECT provision_engine_pause('agent')});
ok(poll($node, q{SELECT state = 'pending' FROM provision.job_status WHERE job_id = provision.newest_job('alone')}), 'until its engine is paused');
like(reasons('alone'), qr/engine paused\ncancel asked for/, 'which is told');
is($node->safe_psql('postgres', q{SELECT state FROM provision_cancel('alone')}), 'cancelled', 'whoever cancels it once more does not wait for that');
is(outcome('alone'), 'cancelled Left', 'and leaves the job to Agent');
$standin->clear_faults;
$node->safe_psql('postgres', q{SELECT provision_engine_resume('agent')});

# -- what was left is let end before the next
start_and_wait('backup_site', 'working', 'Running');
$standin->fault({ path_regex => '/agent-jobs/' }, { status => 503 });
$node->safe_psql('postgres', q{SELECT provision_cancel('working')});
ok(poll($node, q{SELECT count(*) > 0 FROM provision.attempt WHERE job_id = provision.newest_job('working') AND call = 'withdraw: look' AND verdict = 'transient'}), 'a backup that cannot be withdrawn');
$node->safe_psql('postgres', q{SELECT provision_engine_pause('agent')});
ok(poll($node, q{SELECT state <> 'running' FROM provision.job_status WHERE job_id = provision.newest_job('working')}), 'is given up');
$node->safe_psql('postgres', q{SELECT provision_cancel('working'); SELECT provision_engine_resume('agent')});
$standin->clear_faults;
start_site_jobs($node, 'backup_site', 'working');
ok(poll($node, q{SELECT EXISTS (SELECT FROM provision.remote_job WHERE job_id = provision.newest_job('working') AND call LIKE 'wait for left job %' AND status = 'Running')}), 'the next one waits for its end');
is(at_agent('working'), 'Running begun', 'and submits nothing meanwhile');
ok(let_finish(), 'then it goes on');
is(outcome('working'), 'completed Success', 'and ends well');
is($standin->inventory->{overlapping_backups} // 0, 0, 'no two backups of a site overlapped');

cmp_ok((grep { $_->{path} =~ m{/cancel$} } $standin->requests), '<=', 5, 'nothing else was cancelled at Agent');
submits_are_single($standin);
ok_invariants($node);
$node->stop;
done_testing();
