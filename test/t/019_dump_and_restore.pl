# pg_dump and restore keep engines, tenants, own workflows, jobs and their history; the copy goes on with new numbers.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
# Only the original has a worker, so that the copy can be compared before anything happens in it.
my $node = new_node('main', conf => "provision.databases = 'postgres'\n");

create_engine($node, $standin);
create_tenants($node, 4);
$node->safe_psql('postgres', q{SELECT provision_member_add('t1', 'ann', 'owner'), provision_member_add('t1', 'bob'), provision_member_add('*', 'watch')});
create_workflow($node, 'own', 3);
start_jobs($node, 3, 'own');
ok(wait_for_jobs($node), 'jobs end');
$standin->fault({ path_regex => '/api/' }, { exc_type => 'ValidationError', body => 'no' });
$node->safe_psql('postgres', q{SELECT provision_start('t4', 'own')});
ok(wait_for_jobs($node), 'one of them badly');
$standin->clear_faults;
$node->safe_psql('postgres', q{SELECT provision_engine_pause('bench', 'dump'); SELECT provision_start('t1'), provision_start('t2', run_at => now() + '1 day')});
is(tally($node), 'completed 3, failed 1, pending 1, scheduled 1', 'there are jobs in many states');

# Whatever the worker does beside its rounds would tell the original from its copy: what is known of callers, seals.
$node->safe_psql('postgres', q{ALTER SYSTEM SET provision.databases = 'nowhere'});
$node->reload;
poll($node, q{SELECT current_setting('provision.databases') = 'nowhere'});
$node->safe_psql('postgres', 'SELECT provision_worker_start()');         # so that the list is looked at now
ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'provision worker')}), 'the worker leaves');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres') ], 'the database is dumped');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('copy') ], 'and restored');

my @tables = split /\n/, $node->safe_psql('postgres', q{
	SELECT relname FROM pg_class WHERE relnamespace = 'provision'::regnamespace AND relkind = 'r' AND relname NOT IN ('worker', 'control', 'pace', 'step_pace') ORDER BY 1});
foreach my $table (@tables)
{
	# What is built in comes with the new extension, at the time of the restore; numbers of transactions are the new database's.
	my $row = $table eq 'workflow' ? "to_jsonb(t) - 'created_at'" : "to_jsonb(t) - 'changed_in'";
	my $content = "SELECT count(*) || ' ' || coalesce(md5(string_agg(($row)::text, E'\n' ORDER BY ($row)::text)), '') FROM provision.$table AS t";
	is($node->safe_psql('copy', $content), $node->safe_psql('postgres', $content), "table $table is the same");
}
is($node->safe_psql('copy', q{SELECT string_agg(tenant || ' ' || member || ' ' || role, ', ' ORDER BY tenant, member) FROM provision.tenant_member}),
	'* watch member, t1 ann owner, t1 bob member', 'members are still members');
is($node->safe_psql('copy', q{BEGIN; SELECT provision_act_as('bob'); SELECT string_agg(DISTINCT tenant, ' ') FROM provision.job_status}) =~ s/^\n//r, 't1', 'and see no more than before');
like($node->safe_psql('copy', q{SELECT string_agg(reason || ' ' || fix, ' ') FROM provision_why('t1')}), qr/restored copy.*provision_adopt/, 'the copy does nothing until it is adopted');
my $newest = $node->safe_psql('copy', 'SELECT max(job_id) FROM provision.job');
cmp_ok($node->safe_psql('copy', q{SELECT provision_start('t3')}), '>', $newest, 'a new job gets a new number');
is($node->safe_psql('copy', q{SELECT state FROM provision_cancel('t1')}), 'cancelled', 'jobs can be acted on');

$node->safe_psql('postgres', 'ALTER SYSTEM RESET provision.databases');
$node->append_conf('postgresql.conf', "provision.databases = 'copy'");
$node->reload;
$node->safe_psql('copy', q{SELECT provision_adopt(); SELECT provision_engine_resume('bench')});
ok(poll($node, q{SELECT provision_status('t3') ->> 'state' = 'completed'}, 'copy'), 'and run in the copy');
$node->stop;
done_testing();
