# A server of a test. A psql whose connection is refused may end before it has read what it was to send; that is not the test's failure,
# as it would be in PostgreSQL::Test::Cluster ("ack Broken pipe").
package ProvisionNode;

use strict;
use warnings;
use parent 'PostgreSQL::Test::Cluster';

sub is_refusal
{
	my ($error) = @_;
	return $error =~ /^ack Broken pipe/;
}

# 2, as psql says where there is no connection.
sub psql
{
	my ($self, $database, $sql, %options) = @_;
	my $wants_list = wantarray;
	my @answer;

	return $wants_list ? @answer : $answer[0]
	  if eval { @answer = $wants_list ? $self->SUPER::psql($database, $sql, %options) : scalar $self->SUPER::psql($database, $sql, %options); 1 };
	die $@ if $options{on_error_die} || !is_refusal($@);
	return $wants_list ? (2, '', $@) : 2;
}

sub poll_query_until
{
	my ($self, @query) = @_;
	my $found;

	for (my $tries = 1; !eval { $found = $self->SUPER::poll_query_until(@query); 1 }; $tries++)
	{
		die $@ if $tries == 100 || !is_refusal($@);
	}
	return $found;
}

1;
