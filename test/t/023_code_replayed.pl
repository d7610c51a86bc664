# An upgrade replays sql/code and sql/workflows. Doing so changes nothing of the same version, and does not disturb the jobs that run.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new('--write-ms', 20, '--company-ms', 50);
my $node = new_node('main');
my $script = join("\n", map { slurp_file($_) } map { sort glob("$ENV{TESTDIR}/sql/$_.sql") } qw(code/[0-8]* workflows/* code/9*));

$script =~ s/\@extschema\@/public/g;
$script =~ s/MODULE_PATHNAME/\$libdir\/provision/g;
like($script, qr/provision_start/, 'the files are found');

# What the extension consists of, as text.
my $inventory = q{
	SELECT string_agg(identity || ' ' || content, E'\n' ORDER BY identity COLLATE "C", content COLLATE "C")
	  FROM (SELECT described.identity,
	               CASE member.classid
	                   WHEN 'pg_proc'::regclass THEN (SELECT md5(pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '')) FROM pg_proc AS p WHERE p.oid = member.objid)
	                   WHEN 'pg_class'::regclass THEN coalesce((SELECT md5(pg_get_viewdef(c.oid)) FROM pg_class AS c WHERE c.oid = member.objid AND relkind = 'v'), '')
	                   ELSE '' END || coalesce(obj_description(member.objid, member.classid::regclass::name), '') AS content
	          FROM pg_depend AS member
	         CROSS JOIN LATERAL pg_identify_object(member.classid, member.objid, 0) AS described
	         WHERE member.refclassid = 'pg_extension'::regclass
	           AND member.deptype = 'e'
	        UNION ALL SELECT 'policy of ' || polrelid::regclass, concat_ws(' ', oid, polname, pg_get_expr(polqual, polrelid), polroles) FROM pg_policy
	        UNION ALL SELECT 'security of ' || oid::regclass, concat_ws(' ', relrowsecurity, relforcerowsecurity, reloptions, relacl) FROM pg_class WHERE relnamespace = 'provision'::regnamespace
	        UNION ALL SELECT 'rows of ' || w.name, s::text FROM provision.workflow AS w JOIN provision.step AS s USING (workflow_id)) AS members (identity, content)};

create_engine($node, $standin);
create_tenants($node, 10);
my $before = $node->safe_psql('postgres', $inventory);
wait_for_worker($node);
start_jobs($node, 10);
ok(poll($node, 'SELECT count(*) > 50 FROM provision.attempt'), 'the jobs are under way');
my $worker = worker_pid($node);
$node->safe_psql('postgres', "BEGIN;\n$script\nCOMMIT;");
is($node->safe_psql('postgres', $inventory), $before, 'replaying the code changes nothing');
ok(wait_for_jobs($node), 'all jobs end');
is(tally($node), 'completed 10', 'well') or diag(open_steps($node));
is(worker_pid($node), $worker, 'with the same worker');
ok_invariants($node, $standin);
$node->stop;
done_testing();
