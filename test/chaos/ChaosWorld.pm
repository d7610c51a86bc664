# What a chaos run happens to: a server, stand-ins for ERPNext, tenants, and workflows of one call to eleven and more.
package ChaosWorld;

use strict;
use warnings;
use Exporter 'import';
use ProvisionTest;
use Standin;

our @EXPORT_OK = qw(make_world start_some documents_wanted);

my @lengths = (1, 3, 5, 11);    # steps of the workflows chain_1 …

# One document of the tenant's for each step, looked for before it is made.
sub create_chains
{
	my ($node) = @_;

	$node->safe_psql('postgres', q{CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO provision_planner; CREATE TABLE app.blow (at timestamptz, kind text, is_crash boolean)});
	foreach my $step (0 .. $lengths[-1] - 1)
	{
		$node->safe_psql('postgres', qq{
			CREATE FUNCTION app.document_$step(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS \$\$
				SELECT * FROM provision.ensure_document(job, 'unit', 'UOM', (job ->> 'tenant') || '-$step',
				                                        jsonb_build_object('uom_name', (job ->> 'tenant') || '-$step'));
			\$\$;});
	}
	foreach my $length (@lengths)
	{
		$node->safe_psql('postgres', qq{
			WITH new_workflow AS (INSERT INTO provision.workflow (name) VALUES ('chain_$length') RETURNING workflow_id)
			INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical, requires)
			SELECT workflow_id, n, 'step_' || n, 'app.document_' || n, true, CASE WHEN n > 0 THEN ARRAY['step_' || (n - 1)] ELSE '{}' END
			  FROM new_workflow, generate_series(0, $length - 1) AS n;});
	}
	$node->safe_psql('postgres', 'UPDATE provision.step SET max_attempts = 20, backoff_ms = 100, backoff_max_ms = 1000');
	return;
}

# The number of a tenant says on which engine it is and what is done to it: one in fifty is set up in full.
sub create_tenants_on
{
	my ($node, $engines, $jobs) = @_;

	$node->safe_psql('postgres', qq{
		CREATE TABLE app.plan AS
		SELECT n, 't' || n AS tenant, 'e' || (1 + n % $engines) AS engine, 'chaos-' || n AS key,
		       CASE WHEN n % 50 = 0 THEN 'tenant_setup' ELSE 'chain_' || ('{1,1,1,3,3,5,11}'::integer[])[1 + n % 7] END AS workflow
		  FROM generate_series(1, $jobs) AS n;
		SELECT count(provision_tenant_create(tenant, engine, jsonb_build_object('company_name', 'Company ' || n, 'abbr', 'C' || n, 'country', 'US')))
		  FROM app.plan;});
	return;
}

# Options: engines, jobs, workers. Returns the server and its stand-ins.
sub make_world
{
	my (%options) = @_;
	my @standins = map { Standin->new('--read-ms', 2, '--write-ms', 5, '--company-ms', 50, '--settings-ms', 20, '--log-limit', 1000, '--seed', $options{seed} + $_) }
	  1 .. $options{engines};
	my $node = new_node('chaos', conf => "provision.workers = $options{workers}\n");

	foreach my $number (1 .. $options{engines})
	{
		my $url = $standins[ $number - 1 ]->url;
		$node->safe_psql('postgres', qq{
			SELECT provision_engine_create('e$number', '$url', options => '{"max_concurrent": 20, "timeout_ms": 2000, "recovery_seconds": 1}');
			SELECT provision_engine_secret('e$number', 'test-key', 'test-secret')});
	}
	create_chains($node);
	create_tenants_on($node, $options{engines}, $options{jobs});
	return ($node, @standins);
}

# Starts the jobs of the tenants from one number to another, as an application would: with a key, and again when no answer came.
sub start_some
{
	my ($node, $from, $to) = @_;
	return defined ask($node, "SELECT count(provision_start(tenant, workflow, idempotency_key => key)) FROM app.plan WHERE n BETWEEN $from AND $to");
}

# The documents of the chains, once each, as "engine UOM/t1-0".
sub documents_wanted
{
	my ($node) = @_;
	return split /\n/, $node->safe_psql('postgres', q{
		SELECT engine || ' ' || tenant || '-' || step
		  FROM app.plan, generate_series(0, substr(workflow, 7)::integer - 1) AS step
		 WHERE workflow LIKE 'chain%' ORDER BY 1});
}

1;
