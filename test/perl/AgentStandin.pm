# The stand-in for Frappe Agent as a process of the test. Faults, the log of requests and doubles are as for ERPNext's.
package AgentStandin;

use strict;
use warnings;
use parent 'Standin';
use File::Basename 'dirname';

sub program
{
	return dirname($ENV{STANDIN}) . '/agent.py';
}

# As nginx shows it. The token is test-token, MariaDB's root password test-root.
sub url
{
	return shift->root . '/agent';
}

# A site that nobody submitted: { site => 'acme.example.com', half_made => JSON::PP::true, ... }
sub plant_site
{
	my ($self, $site) = @_;
	return $self->control('POST', 'site', $site);
}

# Every job there ever was: id, key, name, bench, site, status, in_redis, steps.
sub jobs
{
	return @{ shift->control('GET', 'jobs') };
}

# What the one server of this process was made to do: created, deleted, started, sites, overlapping_backups, proxy, callbacks.
sub inventory
{
	my ($server) = values %{ shift->control('GET', 'inventory') };
	return $server;
}

# Correlation key => how many jobs were accepted with it.
sub submits
{
	return %{ shift->inventory->{created}{Submit} // {} };
}

1;
