# A plan that raises, one that loops for ever, one that kills its worker with -9: each fails its own job and no other.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my %poison = (
	raises => q{BEGIN RAISE EXCEPTION 'this plan is wrong'; END},
	divides => q{BEGIN PERFORM 1 / 0; RETURN; END},
	loops => q{BEGIN LOOP PERFORM 1; END LOOP; END},
	floods => q{BEGIN RETURN QUERY SELECT 'call ' || n, 'GET', '/api/method/ping', NULL::jsonb, true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text FROM generate_series(1, 100000) AS n; END},
	nonsense => q{BEGIN RETURN QUERY SELECT NULL::text, 'GET', NULL::text, NULL::jsonb, true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text; END},
	kills => q{BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''kill -9 $PPID'''; RETURN; END},
	ends => q{BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN; END},
);
my $standin = Standin->new;
my $node = new_node('main', conf => "provision.max_crashes = 3\n");

create_engine($node, $standin);
create_tenants($node, 20);
create_workflow($node, 'healthy', 2);
foreach my $name (sort keys %poison)
{
	# What acts upon processes is open only to the owner's functions, in the owner's schema.
	my ($schema, $rights) = $name =~ /kills|ends/ ? ('provision', 'VOLATILE SECURITY DEFINER') : ('app', 'STABLE');
	create_workflow($node, $name, 1);
	$node->safe_psql('postgres', qq{
		CREATE FUNCTION $schema.$name(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql $rights AS \$\$ $poison{$name} \$\$;
		UPDATE provision.step SET plan_function = '$schema.$name'
		 WHERE workflow_id = (SELECT workflow_id FROM provision.workflow WHERE name = '$name')});
}
create_workflow($node, 'missing', 1);
$node->safe_psql('postgres', q{UPDATE provision.step SET plan_function = 'app.nowhere'
	WHERE workflow_id = (SELECT workflow_id FROM provision.workflow WHERE name = 'missing')});

# Together with the healthy ones, so that they share rounds.
$node->safe_psql('postgres', 'BEGIN; ' . join(' ', map { "SELECT provision_start('t1', '$_');" } sort(keys %poison), 'missing')
	  . q{SELECT count(*) FROM provision_start_many(ARRAY(SELECT 't' || n FROM generate_series(1, 20) AS n), 'healthy'); COMMIT});
# The server is away after each kill, so ask patiently.
sub poll_patiently
{
	my ($query) = @_;
	return wait_until(sub { my $out; return $node->psql('postgres', $query, stdout => \$out, stderr => \my $err) == 0 && $out eq 't' });
}
ok(poll_patiently(q{SELECT count(*) = 20 FROM provision.job WHERE workflow = 'healthy' AND state = 'completed'}), 'healthy jobs are completed')
  or diag(tally($node), open_steps($node));
foreach my $name (sort(keys %poison), 'missing')
{
	next if $name eq 'nonsense' || $name eq 'ends';
	ok(poll_patiently(qq{SELECT state = 'failed' FROM provision.job WHERE workflow = '$name'}), "the job whose plan $name fails")
	  or diag($node->safe_psql('postgres', "SELECT state, due_at, crash_count FROM provision.job WHERE workflow = '$name'"));
}
ok(wait_for_jobs($node), 'all jobs end');
is($node->safe_psql('postgres', q{SELECT error_code FROM provision.job WHERE workflow = 'kills'}), 'QUARANTINED', 'the one that kills is quarantined');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.dead_letter WHERE error_hint IS NULL OR error_message IS NULL}), '0', 'each says what to do');
start_jobs($node, 5, 'healthy');
ok(wait_for_jobs($node), 'work goes on');
ok_invariants($node, $standin);
$node->stop;
done_testing();
