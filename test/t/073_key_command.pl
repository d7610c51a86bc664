# Keys come from a command instead of a file: no shell reads it, what it prints is in no log, and jobs wait while it fails.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $folder = PostgreSQL::Test::Utils::tempdir();
my $command = "$folder/key";
my $key = 'c5' x 32;

sub write_command
{
	my ($body) = @_;
	unlink "$command.draft";
	append_to_file("$command.draft", "#!/bin/sh\n$body\n");
	chmod 0700, "$command.draft";
	rename "$command.draft", $command or die "$command: $!";
	return;
}

# The log of the server would show what the command writes to its standard error.
write_command(qq{echo "\$1 \$2" > $folder/arguments; set -x; cat $folder/answer});
append_to_file("$folder/answer", "k1:$key\n");
my $node = new_node('main', conf => "provision.key_command = '$command two \$(words);x'\nprovision.key_file = '/nowhere'\n");
create_engine($node, $standin);
create_tenants($node, 3);
create_workflow($node, 'own', 4);
is(slurp_file("$folder/arguments"), "two \$(words);x\n", 'arguments are given as they are');
start_jobs($node, 3, 'own');
ok(wait_for_jobs($node), 'jobs end with a key from a command');
is(tally($node), 'completed 3', 'well');
ok(!-e $node->data_dir . '/provision.key', 'no key file was made');
is($node->safe_psql('postgres', q{SELECT c ->> 'status' FROM jsonb_array_elements(provision_health() -> 'checks') AS c WHERE c ->> 'check' = 'key'}), 'ok', 'which is healthy');

write_command('exit 3');
$node->reload;
ok(wait_until(sub { slurp_file($node->logfile) =~ /The command of provision\.key_command gives no keys\. It ended with exit status 3\./ }), 'the log tells that it fails');
start_jobs($node, 3, 'own');
ok(poll($node, q{SELECT count(*) = 3 FROM provision.key_wait WHERE reason LIKE '%It ended with exit status 3.'}), 'jobs wait');
write_command("cat $folder/answer");
ok(wait_for_jobs($node), 'and go on by themselves');
is(tally($node), 'completed 6', 'well');

my ($out, $err);
$node->safe_psql('postgres', q{CREATE ROLE curious});
$node->psql('postgres', q{SET ROLE curious; SHOW provision.key_command}, stderr => \$err, stdout => \$out);
like($err, qr/permission denied|must be superuser/, 'others do not see the command');
is($node->safe_psql('postgres', q{SET ROLE curious; SELECT count(*) FROM pg_settings WHERE name LIKE 'provision.key\_%'}), 0, 'nor in the list of settings');
$node->psql('postgres', q{SET provision.key_command = '/bin/true'}, stderr => \$err);
like($err, qr/cannot be changed now/, 'and nobody changes it in a session');

# A command that hangs: nobody has to wait for it.
write_command("echo >> $folder/began; sleep 8; echo > $folder/ended; cat $folder/answer");
($out, $err) = ('', '');
$node->psql('postgres', q{SET statement_timeout = '200ms'; SELECT provision_rotate_secrets()}, stderr => \$err, stdout => \$out);
like($err, qr/canceling statement due to statement timeout/, 'a statement that runs a command that hangs can be cancelled');
ok_invariants($node, $standin);
unlink "$folder/began";
$node->reload;
ok(wait_until(sub { -e "$folder/began" }), 'the worker runs it');
ok($node->stop('fast', timeout => 30), 'and is told to stop');
ok(!-e "$folder/ended", 'neither waits for its end');
unlike(slurp_file($node->logfile), qr/$key/, 'no key is in the log');
done_testing();
