# Every fault of Frappe Agent in turn, for one workflow, each with a site of its own: the right end, and nothing submitted twice. What takes hours is aged, not waited for.
package AgentFaults;

use strict;
use warnings;
use AgentStandin;
use AgentTest;
use Exporter 'import';
use JSON::PP;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

our @EXPORT = qw(try_faults);

# Of each workflow: the request that submits, what tells the site in it, the job of Agent, and the step at which it is struck.
my %workflows = (
	create_site => { path => '/sites$', title => 'New Site', step => 'Install Apps' },
	delete_site => { path => '/archive$', title => 'Archive Site', step => 'Archive Site' },
	backup_site => { path => '/backup$', title => 'Backup Site', step => 'Backup Site' });

# name => what is struck: the request that submits, or the job of Agent; how; how our job ends, and how it ends when it is tried again
my ($true, $odd) = (JSON::PP::true, "\x{fffd}\x{fffd} is no UTF-8\n");
my @faults = (
	[ 'nothing' ],
	[ 'delayed', 'request', { delay_after_ms => 7000 } ],
	[ 'droppedafter', 'request', { drop => 'after' } ],
	[ 'droppedbefore', 'request', { drop => 'before' } ],
	[ 'badgateway', 'request', { status => 502, body => '<html>Bad Gateway</html>' } ],
	[ 'gatewayafter', 'request', { status => 504, body => '<html>Timeout</html>', effect => $true } ],
	[ 'trickling', 'request', { trickle => { bytes => 1, ms => 800 } } ],
	[ 'garbage', 'request', { garbage => 'binary', effect => $true } ],
	[ 'ghost', 'request', { ghost => $true } ],
	[ 'neverstarted', 'job', { never_start => $true } ],
	[ 'stuck', 'job', { stuck => $true, at => 'STEP' }, 'failed REMOTE_JOB_OVERDUE' ],
	[ 'killed', 'job', { kill => $true, at => 'STEP' }, 'failed REMOTE_JOB_FAILED' ],
	[ 'failing', 'job', { fail => { output => "at it\nNo module named erpnext\n", returncode => 1 }, at => 'STEP' }, 'failed REMOTE_JOB_FAILED' ],
	[ 'failinghidden', 'job', { fail => { output => "hidden\n", returncode => 1 }, hide_step => 'STEP', at => 'STEP' }, 'failed REMOTE_JOB_FAILED' ],
	[ 'traceback', 'job', { fail => { traceback => "Traceback (most recent call last):\nValueError: odd\n" }, at => 'STEP' }, 'failed REMOTE_JOB_FAILED' ],
	[ 'replaced', 'job', { fail => { output => $odd, returncode => 1 }, at => 'STEP' }, 'failed REMOTE_JOB_FAILED' ],
	[ 'repeating', 'job', { repeat_step => $true, at => 'STEP' } ],
	[ 'hiding', 'job', { hide_step => 'STEP' } ],
	[ 'wholeseconds', 'job', { whole_seconds => $true } ],
	[ 'talkative', 'job', { output_bytes => 400_000, at => 'STEP' }, 'failed ANSWER_TOO_LARGE' ]);

# What happens to the whole server while a job of the workflow is there, which stands still or never begins for it.
my @disasters = (
	[ 'restarted', { stuck => $true, at => 'STEP' }, [ 'restart', { history => 'kept', down_ms => 300 } ], 'failed REMOTE_JOB_FAILED' ],
	[ 'reinstalled', { stuck => $true, at => 'STEP' }, [ 'restart', { history => 'lost', down_ms => 300 } ], 'failed REMOTE_JOB_LOST' ],
	[ 'forgotten', { never_start => $true }, [ 'redis', { lose => 'everything' } ], 'completed' ],
	[ 'killedforgotten', { stuck => $true, at => 'STEP' }, [ 'redis', { lose => 'everything' } ], 'failed REMOTE_JOB_OVERDUE' ]);

my ($node, $standin, $workflow);

sub strike
{
	my ($tenant, $of, $action) = @_;
	my $known = $workflows{$workflow};
	my %struck = map { my $value = $action->{$_}; ($_ => !ref $value && $value eq 'STEP' ? $known->{step} : $value) } keys %$action;

	return $standin->fault({ job => $known->{title}, site => "$tenant.example.com", times => 1 }, \%struck) if $of eq 'job';
	return $standin->fault({ method => 'POST', path_regex => "/sites/$tenant\\.example\\.com$known->{path}", times => 1 }, \%struck) if $workflow ne 'create_site';
	return $standin->fault({ method => 'POST', path_regex => $known->{path}, body_regex => "\"$tenant\\.example", times => 1 }, \%struck);
}

# A delete or a backup needs a site of ours.
sub prepare
{
	my @tenants = @_;

	create_site_tenants($node, @tenants);
	return if $workflow eq 'create_site';
	start_site_jobs($node, 'create_site', @tenants);
	ok(wait_for_jobs($node), 'sites are made') or diag(open_steps($node));
	return;
}

sub ended_as
{
	my ($what, %expected) = @_;
	my %ends;

	ok(wait_for_jobs($node), "$what: all jobs end") or diag(open_steps($node));
	%ends = site_jobs($node);
	foreach my $tenant (sort keys %expected)
	{
		is($ends{$tenant}, $expected{$tenant}, "$tenant, $what: $expected{$tenant}") or diag(calls_of($tenant));
	}
	return;
}

# For a look at what went wrong.
sub calls_of
{
	my ($tenant) = @_;
	return $node->safe_psql('postgres', qq{SELECT attempt_id, call, verdict, http_status, response_excerpt FROM provision.attempt
		WHERE job_id = provision.newest_job('$tenant') ORDER BY attempt_id DESC LIMIT 20});
}

sub retry
{
	my (@tenants) = @_;

	$node->safe_psql('postgres', "SELECT provision_retry(provision.newest_job('$_'))") foreach @tenants;
	ended_as('retried', map { $_ => 'completed' } @tenants);
	return;
}

sub try_disaster
{
	my ($tenant, $job_action, $disaster, $end) = @_;

	strike($tenant, 'job', $job_action);
	start_site_jobs($node, $workflow, $tenant);
	my $status = $job_action->{never_start} ? 'Pending' : 'Running';
	ok(poll($node, "SELECT EXISTS (SELECT FROM provision.remote_job WHERE status = '$status' AND ended_at IS NULL)"), "$tenant: Agent has the job");
	if ($tenant eq 'killedforgotten')
	{
		my ($running) = grep { $_->{site} eq "$tenant.example.com" && $_->{status} eq 'Running' } $standin->jobs;
		$node->safe_psql('postgres', q{SELECT provision_pause_all()});
		ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM provision.job_step WHERE attempt_id IS NOT NULL)}), 'nobody looks');
		$standin->control('POST', 'kill', { job => $running->{id} });
		$standin->control('POST', @$disaster);
		$node->safe_psql('postgres', q{SELECT provision_resume_all()});
	}
	else
	{
		$standin->control('POST', @$disaster);
	}
	age_remote_job($node, $tenant, $status) if $disaster->[0] eq 'redis';
	ended_as($disaster->[0], $tenant => $end);
	retry($tenant) if $end =~ /^failed/;
	return;
}

# How often each site was made: once, and once more where a half-made one was removed before.
sub sites_are_single
{
	my $inventory = $standin->inventory;
	my ($made, $removed) = ($inventory->{created}{Site} // {}, $inventory->{deleted}{Site} // {});
	my @doubled = grep { $made->{$_} > 1 + ($removed->{$_} // 0) } sort keys %$made;

	is("@doubled", '', 'no site was made while it was there');
	is($inventory->{overlapping_backups} // 0, 0, 'no two backups of a site overlapped');
	return;
}

sub secrets_are_kept
{
	my %secrets = map { my $body = ref $_->{body} ? $_->{body} : decode_json($_->{body}); ($body->{admin_password} => 1, $body->{mariadb_root_password} => 1) }
		(grep { $_->{method} eq 'POST' && $_->{path} =~ m{/sites$} && $_->{body} } $standin->requests)[ 0 .. 1 ];
	my $log = slurp_file($node->logfile);

	foreach my $secret ('test-token', grep { length } keys %secrets)
	{
		is(tables_with($node, $secret), '', 'no secret is in a table that is shown');
		unlike($log, qr/\Q$secret/, 'nor in the log');
	}
	return;
}

sub try_faults
{
	$workflow = shift;
	$standin = AgentStandin->new('--step-ms', 20, '--workers', 40, '--backup-workers', 40, '--root-password', $root_password);
	$node = new_node('main', conf => "provision.max_body_size = '200kB'\n");
	my @tenants = map { $_->[0] } @faults;
	my %ends = map { $_->[0] => $_->[3] // 'completed' } @faults;

	create_agent($node, $standin, max_pending => 3_600_000, max_running => 3_600_000, options => '{"timeout_ms": 5000}');
	prepare(@tenants, map { $_->[0] } @disasters);
	strike(@$_) foreach map { [ @$_[ 0 .. 2 ] ] } grep { $_->[1] } @faults;
	start_site_jobs($node, $workflow, @tenants);
	age_remote_job($node, $_, 'Pending') foreach 'ghost', 'neverstarted';
	age_remote_job($node, 'stuck', 'Running');
	ended_as('struck', %ends);
	my %said = map { split /\|/, $_, 2 } split /\n/, $node->safe_psql('postgres', q{SELECT tenant, error_message FROM provision.job_status WHERE state = 'failed'});
	like($said{failing}, qr/No module named erpnext/, 'the error says what Agent said');
	like($said{traceback}, qr/ValueError: odd/, 'of a failure in Python, too');
	is((grep { $_->{site} eq 'stuck.example.com' && $_->{status} eq 'Running' } $standin->jobs), 0, 'what took too long was cancelled');
	retry(grep { $ends{$_} =~ /^failed REMOTE/ } @tenants);
	submits_are_single($standin);
	sites_are_single();
	try_disaster(@$_) foreach @disasters;
	secrets_are_kept();
	ok_invariants($node);
	$node->stop;
	return;
}

1;
