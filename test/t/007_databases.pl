# Two databases, one renamed, one dropped by force, one used as a template: each has its worker as long as it exists. A list of
# databases that names none of them by mistake is refused.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my %standin = (first => Standin->new, second => Standin->new);
my $node = new_node('main', extension => 0);

foreach my $database ('first', 'second')
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION provision');
	create_engine($node, $standin{$database}, undef, $database);
	create_tenants($node, 3, $database);
	start_jobs($node, 3, 'tenant_setup', $database);
}
foreach my $database ('first', 'second')
{
	ok(wait_for_jobs($node, $database), "jobs of the $database database end");
	is($node->safe_psql($database, q{SELECT string_agg(DISTINCT state, ',') FROM provision.job}), 'completed', 'well')
	  or diag(open_steps($node, $database));
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'provision worker'}), '2', 'each has its worker');
is(worker_pid($node), '', 'a database without the extension has none');

my $offset = -s $node->logfile;
my $pid = worker_pid($node, 'second');
my ($result, $out, $error) = $node->psql('postgres', 'ALTER DATABASE second RENAME TO renamed');
if ($result != 0)       # as for any database that somebody is connected to: stop the worker first
{
	$node->safe_psql('second', 'SELECT provision_worker_stop()');
	ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = 'second')}), 'provision_worker_stop() frees a database');
	$node->safe_psql('postgres', 'ALTER DATABASE second RENAME TO renamed');
	$node->safe_psql('renamed', 'SELECT provision_worker_start()');
}
ok(wait_for_worker($node, 'renamed', $pid), 'the renamed database has a worker');
start_jobs($node, 3, 'tenant_setup', 'renamed');
ok(wait_for_jobs($node, 'renamed'), 'which works');

$node->safe_psql('postgres', 'DROP DATABASE renamed WITH (FORCE)');
ok(poll($node, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'provision worker'}), 'a database is dropped with its worker');
start_jobs($node, 3, 'tenant_setup', 'first');
ok(wait_for_jobs($node, 'first'), 'the other one still works');

$node->safe_psql('first', 'SELECT provision_worker_stop()');
ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = 'first')}), 'the worker lets go');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE first');
$node->safe_psql('postgres', 'DROP DATABASE first');
is($node->safe_psql('copy', 'SELECT count(*) FROM provision.job'), '6', 'a database can be copied');
ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'provision worker')}), 'and dropped');
my ($refused, undef, $reason) = $node->psql('postgres', q{ALTER SYSTEM SET provision.databases = 'copy,'});
isnt($refused, 0, 'a list of databases that cannot be read is refused');
like($reason, qr/List syntax is invalid/, 'and told from one that names no database');
unlike(slurp_file($node->logfile, $offset), qr/PANIC|terminated by signal/, 'nothing crashed');
$node->stop;
done_testing();
