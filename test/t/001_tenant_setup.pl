# A tenant is set up from nothing to the end, on a site whose wizard ran and on a bare one, and a second run makes nothing.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

# What would be sent, from provision_plan(), by step; what depends on answers is left out.
sub planned_calls
{
	my ($node, $tenant) = @_;
	my %calls;

	foreach my $line (split /\n/, $node->safe_psql('postgres', qq{
		SELECT step, method || ' ' || regexp_replace(url, '^http://[^/]*', '')
		  FROM provision_plan('$tenant') WHERE call NOT LIKE '%(%' ORDER BY ordinal}))
	{
		my ($step, $call) = split /\|/, $line, 2;
		push @{ $calls{$step} }, decoded($call);
	}
	return %calls;
}

sub decoded
{
	my ($text) = @_;
	$text =~ s/%([0-9A-F]{2})/chr hex $1/ge;
	return $text;
}

sub arrived_calls
{
	my ($standin) = @_;
	return map { decoded($_) } map { "$_->{method} $_->{path}" . ($_->{query} ne '' ? "?$_->{query}" : '') } $standin->requests;
}

# Planned calls that did not arrive in this order.
sub missing_calls
{
	my ($planned, $arrived) = @_;
	my @missing;
	my $position = 0;

	foreach my $call (@$planned)
	{
		my $next = $position;
		$next++ while $next < @$arrived && $arrived->[$next] ne $call;
		if ($next < @$arrived) { $position = $next + 1 }
		else                   { push @missing, $call }
	}
	return @missing;
}

my $node = new_node('main');
foreach my $kind ('wizard', 'bare')
{
	my $standin = Standin->new('--site', "erp.localhost:$kind");

	$node->safe_psql('postgres', "DELETE FROM provision.tenant; DELETE FROM provision.engine;");
	create_engine($node, $standin);
	create_tenants($node, 1);
	$node->safe_psql('postgres', q{SELECT provision_tenant_update('t1', '{"demo_items": true}')});
	is($node->safe_psql('postgres', 'SELECT provisioning_status FROM provision.tenant_status'), 'NOT_STARTED', "$kind site: not started");
	my %planned = planned_calls($node, 't1');

	start_jobs($node, 1);
	ok(wait_for_jobs($node), "$kind site: the job ends");
	is(tally($node), 'completed 1', "$kind site: it is completed")
	  or diag(open_steps($node), "\n", last_calls($node));
	is($node->safe_psql('postgres', 'SELECT provisioning_status, lifecycle, progress FROM provision.tenant_status'),
		'COMPLETED|active|100', "$kind site: the tenant is active");
	is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT state) FROM provision.job_step'), '11|1', "$kind site: all eleven steps");
	my @arrived = arrived_calls($standin);
	is(join("\n", map { missing_calls($planned{$_}, \@arrived) } sort keys %planned), '', "$kind site: what was planned arrived, step by step in this order");
	cmp_ok(scalar keys %planned, ">=", 10, "$kind site: the plan says something about nearly every step");
	ok(scalar(grep { $_ eq 'created Company/Company 1' } $standin->creations), "$kind site: the company exists");

	my $seen = scalar $standin->requests;
	start_jobs($node, 1);
	ok(wait_for_jobs($node), "$kind site: a second job ends");
	is(tally($node), 'completed 2', "$kind site: it is completed too");
	is(join("\n", $standin->creations("since=$seen")), '', "$kind site: it makes nothing");
	ok_invariants($node, $standin);
	$node->safe_psql('postgres', 'SET provision.may_change_history = on; DELETE FROM provision.attempt; DELETE FROM provision.event; DELETE FROM provision.job');
}
$node->stop;
done_testing();
