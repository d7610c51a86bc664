# The server that misbehaves (test/unit/hostile_server.py) as a process of the test, and workflows that call its paths.
package Hostile;

use strict;
use warnings;
use File::Basename 'dirname';
use HTTP::Tiny;
use IPC::Run ();
use Time::HiRes 'usleep';

sub new
{
	my ($class) = @_;
	my $self = bless { input => '', output => '' }, $class;

	$self->{process} = IPC::Run::start(
		[ 'python3', dirname($ENV{STANDIN}) . '/../unit/hostile_server.py' ],
		'<', \$self->{input}, '>', \$self->{output});
	for (my $tries = 0; $self->{output} !~ /^ready$/m; $tries++)
	{
		die 'the hostile server did not start' if $tries > 3000 || !$self->{process}->pumpable;
		$self->{process}->pump_nb;
		usleep(10_000);
	}
	%{ $self->{places} } = $self->{output} =~ /^(\w+) (\S+)$/mg;
	return $self;
}

# A port or a file by its name in the server's first lines.
sub place
{
	my ($self, $name) = @_;
	return $self->{places}{$name} // die "the hostile server has no $name";
}

sub url
{
	return 'http://127.0.0.1:' . shift->place('plain');
}

# Requests that arrived with this path and query.
sub count
{
	my ($self, $target) = @_;
	return int(HTTP::Tiny->new(timeout => 60)->get($self->url . "/count?$target")->{content});
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@);
	eval { $self->{process}->kill_kill(grace => 5) } if $self->{process};
}

1;
