# A dump holds sealed secrets. Restored on another server it does nothing with them until the key is brought there.
use strict;
use warnings;
use File::Copy 'copy';
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');
create_engine($node, $standin);
create_tenants($node, 3);
create_workflow($node, 'own', 3);
$node->safe_psql('postgres', q{SELECT provision_engine_pause('bench', 'dump')});
start_jobs($node, 3, 'own');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres') ], 'a database with waiting jobs is dumped');
unlike(slurp_file($dump), qr/test-secret/, 'without the secret');
$node->stop;

my $other = new_node('other', extension => 0);
$other->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $other->connstr('postgres') ], 'and restored on another server');
$other->safe_psql('postgres', q{SELECT provision_adopt(); SELECT provision_engine_resume('bench')});
ok(poll($other, q{SELECT count(*) = 3 FROM provision.key_wait WHERE reason LIKE 'They are sealed with key "k1", which is missing.%'}), 'there jobs wait for the key');
is(scalar $standin->requests, 0, 'and nothing is sent');
is($other->safe_psql('postgres', q{SELECT provision_health() ->> 'status'}), 'degraded', 'which is not healthy');
my $err;
$other->psql('postgres', q{SELECT provision_engine_secret('bench', 'test-key', 'test-secret')}, stderr => \$err);
like($err, qr/could not read the keys of secrets/, 'no other key is made beside secrets that need this one');
ok(!-e $other->data_dir . '/provision.key', 'none at all');

copy($node->data_dir . '/provision.key', $other->data_dir . '/provision.key.new') or die $!;
chmod 0600, $other->data_dir . '/provision.key.new';
rename $other->data_dir . '/provision.key.new', $other->data_dir . '/provision.key' or die $!;
ok(wait_for_jobs($other), 'when the key is there the jobs go on');
is(tally($other), 'completed 3', 'and end well');
ok_invariants($other, $standin);
$other->stop;
done_testing();
