# The stand-in for Frappe Cloud's public API as a process of the test. The key is test-key, the secret test-secret.
package PressStandin;

use strict;
use warnings;
use parent 'Standin';
use File::Basename 'dirname';

sub program
{
	return dirname($ENV{STANDIN}) . '/press.py';
}

# A site that nobody asked for: { site => 'acme.frappe.cloud', team => 'team-one', domain => 'erp.acme.com', status => 'Active' }
sub plant_site
{
	my ($self, $site) = @_;
	return $self->control('POST', 'site', $site);
}

1;
