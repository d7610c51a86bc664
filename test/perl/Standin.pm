# A stand-in as a process of the test, and its control API: ERPNext's here, others in AgentStandin.pm and PressStandin.pm.
package Standin;

use strict;
use warnings;
use HTTP::Tiny;
use IPC::Run ();
use JSON::PP;
use PostgreSQL::Test::Utils;
use Time::HiRes 'usleep';

sub program
{
	return $ENV{STANDIN};
}

# Options are those of the program, for example '--site', 'erp.localhost:bare'.
sub new
{
	my ($class, @options) = @_;
	my $ready = PostgreSQL::Test::Utils::tempdir() . '/port';
	my $self = bless { http => HTTP::Tiny->new(timeout => 60, keep_alive => 0) }, $class;

	$self->{process} = IPC::Run::start(
		[ 'python3', $class->program, '--ready-file', $ready, '--max-seconds', '1200', @options ],
		'<' => \undef);
	for (my $tries = 0; !-s $ready; $tries++)
	{
		die 'the stand-in did not start' if $tries > 12_000 || !$self->{process}->pumpable;
		usleep(10_000);
	}
	$self->{port} = int(PostgreSQL::Test::Utils::slurp_file($ready));
	return $self;
}

sub root
{
	return 'http://127.0.0.1:' . shift->{port};
}

# For an engine.
sub url
{
	return shift->root;
}

sub control
{
	my ($self, $method, $path, $body) = @_;
	my %content = $body ? (content => encode_json($body)) : ();
	my $answer = $self->{http}->request($method, $self->root . "/_standin/$path", \%content);

	die "$method $path: $answer->{status} $answer->{content}" unless $answer->{success};
	return decode_json($answer->{content});
}

sub fault
{
	my ($self, $match, $action) = @_;
	return $self->control('POST', 'fault', { match => $match, action => $action });
}

sub clear_faults
{
	return shift->control('DELETE', 'fault');
}

# What may change at run time; the names are in test/standin/README.md.
sub mode
{
	my ($self, %changes) = @_;
	return $self->control('POST', 'mode', \%changes);
}

# Where jobs go on by hand (--manual): so many moments for each that can.
sub tick
{
	my ($self, $count) = @_;
	return $self->control('POST', 'tick', { count => $count // 1 });
}

# Requests in the order of their arrival.
sub requests
{
	my ($self, $query) = @_;
	return @{ $self->control('GET', 'log' . ($query ? "?$query" : '')) };
}

# Requests that made something, as "created Company/Acme".
sub creations
{
	my ($self, $query) = @_;
	return grep { /^created / } map { $_->{effect} // '' } $self->requests($query);
}

# Every document there is, as "DocType/name", over all sites.
sub documents
{
	my ($self) = @_;
	my $sites = $self->control('GET', 'names');

	return sort map { my $tables = $_; map { my $doctype = $_; map { "$doctype/$_" } @{ $tables->{$doctype} } } keys %$tables } values %$sites;
}

# Things that were made more than once, over all sites or servers: must be none.
sub doubles
{
	my ($self) = @_;
	my $inventory = $self->control('GET', 'inventory');

	return map { my $site = $_; map { "$site: " . (ref $_ ? encode_json($_) : $_) } @{ $inventory->{$site}{more_than_once} } } sort keys %$inventory;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@);
	eval { $self->{process}->kill_kill(grace => 5) } if $self->{process};
}

1;
