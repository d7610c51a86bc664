# The credentials do not come into the server's log, though the statement that holds them fails.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

my $node = new_node('main');
my ($out, $err);

$node->psql('postgres', "SELECT provision_engine_secret('nowhere', 'key', 'canary-1')", stderr => \$err);
like($err, qr/engine "nowhere" does not exist/, 'no such engine');
$node->psql('postgres', "SELECT provision_engine_secret('nowhere', 'key', E'canary-2\\n')", stderr => \$err);
unlike($err =~ s/^LINE .*//mr, qr/canary/, 'the message does not show the secret');
$node->psql('postgres', "SELECT provision_tenant_secret('nobody', 'key', 'canary-3')", stderr => \$err);
like($err, qr/tenant "nobody" does not exist/, 'no such tenant');

my $log = slurp_file($node->logfile);
like($log, qr/engine "nowhere" does not exist/, 'the log has the errors');
unlike($log, qr/canary/, 'and no secret');
$node->stop;
done_testing();
