# What the tests of sites share: an engine that is the stand-in for Frappe Agent, with short times, and tenants on it.
package AgentTest;

use strict;
use warnings;
use Exporter 'import';
use ProvisionTest;
use Test::More;

our @EXPORT = qw(shorten_times create_agent create_site_tenants start_site_jobs site_jobs age_remote_job submits_are_single $root_password $bench);

our $root_password = 'root-of-mariadb-4711';
our $bench = 'bench-0001-000001-f1';

# Times of jobs in milliseconds: max_pending, max_running. Pauses are short.
sub shorten_times
{
	my ($node, %given) = @_;
	my ($pending, $running) = ($given{max_pending} // 600_000, $given{max_running} // 600_000);

	$node->safe_psql('postgres', qq{
		UPDATE provision.remote_kind SET min_pause_ms = 50, max_pause_ms = 500, max_pending_ms = $pending, max_running_ms = $running;
		UPDATE provision.step SET patience_ms = 300, backoff_ms = 50, backoff_max_ms = 200
		 WHERE workflow_id IN (SELECT workflow_id FROM provision.workflow WHERE works_at = 'site_maker');});
	return;
}

# Options are added to those of the engine; times as above.
sub create_agent
{
	my ($node, $standin, %given) = @_;
	my $url = $standin->url;
	my $options = $given{options} // '{}';

	shorten_times($node, %given);
	$node->safe_psql('postgres', qq{
		SELECT provision_engine_create('agent', '$url', 'frappe_agent',
		         '{"bench": "$bench", "domain": "example.com", "max_concurrent": 50, "failure_threshold": 1000, "max_jobs": 1000}'::jsonb || '$options');
		SELECT provision_engine_secret('agent', 'agent', 'test-token');
		SELECT provision_engine_secret_set('agent', 'mariadb_root_password', '$root_password');});
	return;
}

# Their sites are their names under example.com.
sub create_site_tenants
{
	my ($node, @names) = @_;
	my $list = join ',', @names;

	$node->safe_psql('postgres', qq{
		SELECT provision_tenant_create(name, 'agent', jsonb_build_object('company_name', name, 'country', 'US'))
		  FROM unnest('{$list}'::text[]) AS name;});
	return;
}

sub start_site_jobs
{
	my ($node, $workflow, @names) = @_;
	my $list = join ',', @names;

	return $node->safe_psql('postgres', "SELECT count(*) FROM provision_start_many('{$list}', '$workflow')");
}

# The state and error code of each tenant's newest job, as "failed SITE_TAKEN".
sub site_jobs
{
	my ($node) = @_;
	return map { my ($tenant, $result) = split /\|/; ($tenant, $result) } split /\n/, $node->safe_psql('postgres', q{
		SELECT DISTINCT ON (tenant) tenant, concat_ws(' ', state, error_code) FROM provision.job_status ORDER BY tenant, job_id DESC});
}

# As if the job of the server had been submitted yesterday, as soon as it is known to stand where it will stand for ever.
sub age_remote_job
{
	my ($node, $tenant, $status) = @_;
	my $known = "status = '$status' AND ended_at IS NULL AND job_id = provision.newest_job('$tenant')";

	ok(poll($node, "SELECT EXISTS (SELECT FROM provision.remote_job WHERE $known)"), "$tenant: its server says $status") or diag(open_steps($node));
	$node->safe_psql('postgres', qq{UPDATE provision.remote_job SET submitted_at = submitted_at - interval '1 day', running_since = running_since - interval '1 day',
		next_poll_at = clock_timestamp() WHERE $known;
		UPDATE provision.job SET due_at = clock_timestamp() WHERE state = 'scheduled' AND job_id = provision.newest_job('$tenant')});
	return;
}

sub submits_are_single
{
	my ($standin, $name) = @_;
	my %submits = $standin->submits;

	is(join(', ', grep { $submits{$_} > 1 } sort keys %submits), '', $name // 'nothing was submitted twice under one key');
	return;
}

1;
