# A receiver of webhooks as a process of the test, and the judge of its signatures: test/webhooks.
package Receiver;

use strict;
use warnings;
use Fcntl ':flock';
use IPC::Run ();
use JSON::PP;
use PostgreSQL::Test::Utils;
use Time::HiRes 'usleep';

my $folder = "$ENV{TESTDIR}/test/webhooks";
my @running;

# The npm package of the project Standard Webhooks, pinned with its dependencies; installed once in a run of the tests.
sub judge
{
	my $place = "$ENV{TESTDIR}/tmp_check/standardwebhooks";

	mkdir "$ENV{TESTDIR}/tmp_check";
	mkdir $place;
	open my $lock, '>', "$place.lock" or die "$place.lock: $!";
	flock $lock, LOCK_EX;
	if (!-e "$place/installed")
	{
		my $output;
		system('cp', (map { "$folder/$_" } qw(package.json package-lock.json judge.js)), $place) == 0 or die 'the judge cannot be copied';
		IPC::Run::run([ 'npm', 'ci', '--prefix', $place, '--no-audit', '--no-fund', '--ignore-scripts' ], '<', \undef, '>', \$output, '2>&1', IPC::Run::timeout(300))
		  or die "npm ci: $output";
		append_to_file("$place/installed", "yes\n");
	}
	return "$place/judge.js";
}

# Options are those of the program, for example '--fail', '0.3'.
sub new
{
	my ($class, @options) = @_;
	my $files = PostgreSQL::Test::Utils::tempdir();
	my $self = bless { log => "$files/received", secrets => "$files/secrets", options => [ '--judge', judge(), @options ], port => 0 }, $class;

	push @running, $self;
	append_to_file($self->{$_}, '') foreach qw(log secrets);
	chmod 0600, $self->{secrets};
	return $self->start;
}

# On the same port, when it was stopped.
sub start
{
	my ($self) = @_;
	my $ready = PostgreSQL::Test::Utils::tempdir() . '/port';

	$self->{process} = IPC::Run::start(
		[ 'python3', "$folder/receiver.py", '--ready-file', $ready, '--log', $self->{log}, '--secrets', $self->{secrets}, '--port', $self->{port}, @{ $self->{options} } ],
		'<' => \undef);
	for (my $tries = 0; !-s $ready; $tries++)
	{
		die 'the receiver did not start' if $tries > 2000 || !$self->{process}->pumpable;
		usleep(10_000);
	}
	$self->{port} = int(slurp_file($ready));
	return $self;
}

sub stop
{
	my ($self) = @_;
	local $?;

	$self->{process}->kill_kill(grace => 0) if $self->{process};
	delete $self->{process};
	return;
}

sub url
{
	my ($self, $path) = @_;
	return "http://127.0.0.1:$self->{port}$path";
}

# What the messages to this path are judged by from now on.
sub knows
{
	my ($self, $path, $secret) = @_;
	append_to_file($self->{secrets}, "$path $secret\n");
	return;
}

# What came, in its order; a line that a kill cut off is none.
sub messages
{
	my ($self, $path) = @_;
	return grep { !$path || $_->{path} eq $path } map { eval { decode_json($_) } // () } split /\n/, slurp_file($self->{log});
}

# Not when the object goes: subroutines of the test hold it until nothing works any more.
END
{
	local $?;
	eval { $_->stop } foreach @running;
}

1;
