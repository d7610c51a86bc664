# Databases that are not in UTF-8: names beyond ASCII reach ERPNext as they were meant, come back, and never stop a worker.
use strict;
use warnings;
use utf8;
use Encode 'encode';
use JSON::PP;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', extension => 0);
my %company = (utf8 => 'Müller & 株式会社', latin1 => 'Müller & Søn', sql_ascii => 'Müller Ελλάς');

# Starts a job for the database's tenant, which has the database's name, and waits for its end; returns the job's state and error code.
sub run_job
{
	my ($database, $workflow) = @_;

	$node->safe_psql($database, "SELECT provision_start('$database', '$workflow')");
	ok(wait_for_jobs($node, $database), "$database: a job of $workflow ends");
	return $node->safe_psql($database, q{SELECT concat_ws(' ', state, error_code) FROM provision.job_status ORDER BY job_id DESC LIMIT 1});
}

foreach my $database (sort keys %company)
{
	my $name = encode('UTF-8', $company{$database});
	my $client_encoding = $database eq 'sql_ascii' ? 'sql_ascii' : 'utf8';

	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING '$database' LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($database, 'CREATE EXTENSION provision');
	create_engine($node, $standin, undef, $database);
	$node->safe_psql($database, qq{
		SET client_encoding = $client_encoding;
		SELECT provision_tenant_create('$database', 'bench', '{"company_name": "$name", "abbr": "\U$database\E", "country": "DE"}')});
	is(run_job($database, 'tenant_setup'), 'completed', 'well') or diag(open_steps($node, $database));
	ok((grep { $_ eq "created Company/$company{$database}" } $standin->creations), 'ERPNext has the name of the company');
	my $seen = scalar $standin->requests;
	is(run_job($database, 'tenant_setup'), 'completed', 'the same again') or diag(open_steps($node, $database));
	is(join("\n", $standin->creations("since=$seen")), '', 'makes nothing');
	ok_invariants($node, $standin, $database);
}

# Answers with letters that the database does not have: raw, escaped, and escaped in a text within a text.
my $answer = { exc_type => 'ValidationError', note => "株 \\u \x{1f680}", _server_messages => JSON::PP->new->ascii->encode([ JSON::PP->new->ascii->encode({ message => 'Ungültig: 株' }) ]) };
my %shown = (latin1 => 'Ungültig: ?', sql_ascii => 'Ungültig: 株');
foreach my $database (sort keys %shown)
{
	create_workflow($node, 'ping', 1, $database);
	foreach my $json (JSON::PP->new->ascii->encode($answer), JSON::PP->new->encode($answer))
	{
		my $pid = wait_for_worker($node, $database);

		$standin->clear_faults;
		$standin->fault({ method => 'POST', path_regex => '/api/method/ping' }, { status => 417, body => $json });
		is(run_job($database, 'ping'), 'failed VALIDATION_FAILED', 'because ERPNext refused');
		like($node->safe_psql($database, q{SET client_encoding = } . ($database eq 'latin1' ? 'utf8' : 'sql_ascii') . q{;
			SELECT error_message FROM provision.job_status ORDER BY job_id DESC LIMIT 1}),
			qr/\Q@{[ encode('UTF-8', $shown{$database}) ]}\E/, 'in words as far as the database can hold them');
		is(worker_pid($node, $database), $pid, 'the worker lives');
	}
}
$standin->clear_faults;

# SQL_ASCII keeps bytes that are no UTF-8, but they cannot be sent: that is the failure of one step.
my $pid = wait_for_worker($node, 'sql_ascii');
$node->safe_psql('sql_ascii', q{
	CREATE OR REPLACE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
		SELECT 'ping', 'POST', '/api/method/ping', jsonb_build_object('name', E'M\xfcller'), true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text;
	$$});
is(run_job('sql_ascii', 'ping'), 'failed PLAN_FAILED', 'because a name is not UTF-8');
is(worker_pid($node, 'sql_ascii'), $pid, 'the worker lives');
unlike(slurp_file($node->logfile), qr/(ERROR|FATAL|PANIC):/, 'no process had an error');
$node->stop;
done_testing();
