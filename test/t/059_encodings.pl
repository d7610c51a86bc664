# Bytes that are no text, and letters that the database does not have, end one step and never a worker, whatever the database's encoding.
use strict;
use warnings;
use Hostile;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

# What /text?… answers, and the error code that follows; '' is success.
my %cases = (
	(map { $_ => '' } qw(escaped-nul lone-surrogate byte-order-mark many-scripts)),
	(map { $_ => 'NOT_FRAPPE' } qw(invalid-utf8 nul malformed cut deep latin1 huge-number login page blank number)));
my @databases = qw(utf8 latin1 sql_ascii);
my $hostile = Hostile->new;
my $node = new_node('main', extension => 0);
my %worker;

foreach my $database (@databases)
{
	my $count = 0;
	my $tenants = join ';', map {
		(my $tenant = $_) =~ tr/-/_/;
		$count++;
		qq{SELECT provision_tenant_create('$tenant', 'bench', '{"company_name": "X $tenant", "abbr": "X$count", "country": "US"}');
		   INSERT INTO app.route VALUES ('$tenant', 'POST', '/text?$_')} } sort keys %cases;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING '$database' LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($database, 'CREATE EXTENSION provision');
	create_engine($node, $hostile->url, '{"failure_threshold": 100}', $database);
	create_route_workflow($node, $database);
	$node->safe_psql($database, $tenants);
	$worker{$database} = wait_for_worker($node, $database);
	$node->safe_psql($database, q{SELECT count(provision_start(tenant, 'route')) FROM app.route});
}
foreach my $database (@databases)
{
	ok(wait_for_jobs($node, $database), "$database: all jobs end");
	is($node->safe_psql($database, q{SELECT string_agg(concat_ws(' ', tenant, state, error_code), ', ' ORDER BY tenant COLLATE "C") FROM provision.job_status}),
		join(', ', map { (my $tenant = $_) =~ tr/-/_/; $tenant . ($cases{$_} ? " failed $cases{$_}" : ' completed') } sort { ($a =~ tr/-/_/r) cmp ($b =~ tr/-/_/r) } keys %cases),
		"$database: as their answers deserve");
	is($node->safe_psql($database, q{SELECT count(*) FROM provision.call_log WHERE response_excerpt IS NULL AND url NOT LIKE '%blank'}), '0', "$database: of each answer something is kept to look at");
	is(worker_pid($node, $database), $worker{$database}, "$database: the worker lives");
	is($node->safe_psql($database, q{SELECT provision.collation_key(' ACME '), provision.plain_letters('A-b')}), 'acme|Ab', "$database: names are compared, also those that are known when it is planned");
	ok_invariants($node, undef, $database);
}
like($node->safe_psql('latin1', q{SET client_encoding = utf8; SELECT response_excerpt FROM provision.call_log WHERE url LIKE '%page'}),
	qr/\Q<html><h1>???? ?<\E/, 'a letter that the database does not have is shown as a question mark');
unlike(slurp_file($node->logfile), qr/(ERROR|FATAL|PANIC):/, 'no process had an error');
$node->stop;
done_testing();
