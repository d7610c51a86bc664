# What the tests of Frappe Cloud share: an engine that is its stand-in, with short times, and an ERPNext engine whose sites it makes.
package CloudTest;

use strict;
use warnings;
use AgentTest;
use Exporter 'import';
use ProvisionTest;

our @EXPORT = qw(create_cloud create_cloud_tenants cloud_sites);

# Options are added to those of the engine; null takes one away. Times of jobs in milliseconds: max_pending, max_running.
sub create_cloud
{
	my ($node, $standin, %given) = @_;
	my $url = $standin->url;
	my $options = $given{options} // '{}';

	shorten_times($node, %given);
	$node->safe_psql('postgres', qq{
		SELECT provision_engine_create('cloud', '$url', 'frappe_cloud', '{"team": "team-one", "domain": "frappe.cloud", "plan": "USD 10",
		         "release_group": "bench-0001", "max_concurrent": 50, "failure_threshold": 1000}'::jsonb || '$options');
		SELECT provision_engine_secret('cloud', 'test-key', 'test-secret');
		SELECT provision_engine_create('erp', 'https://erp.example.com', options => '{"agent": "cloud"}');});
	return;
}

# Their sites are their names under frappe.cloud.
sub create_cloud_tenants
{
	my ($node, @names) = @_;
	my $list = join ',', @names;

	$node->safe_psql('postgres', qq{
		SELECT provision_tenant_create(name, 'erp', jsonb_build_object('company_name', name, 'country', 'US'))
		  FROM unnest('{$list}'::text[]) AS name;});
	return;
}

# What Press has of the team, as "acme.frappe.cloud Active"; what was "created" or "deleted" of sites, as "acme.frappe.cloud 1".
sub cloud_sites
{
	my ($standin, $what, $team) = @_;
	my $inventory = $standin->control('GET', 'inventory')->{ $team // 'team-one' };
	my $of = $what ? $inventory->{$what}{Site} // {} : $inventory->{sites};

	return join ', ', map { "$_ $of->{$_}" } sort keys %$of;
}

1;
