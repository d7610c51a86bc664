# Objects that an ordinary role puts in the way, with names of the server's and of ours, are neither adopted by an installation nor called with rights of others.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', extension => 0);
my ($out, $err);
my $sources = join("\n", map { slurp_file($_) } glob("$ENV{TESTDIR}/sql/*/*.sql"));
my %word = map { $_ => 1 } $sources =~ /\b([a-z][a-z0-9_]+)\(/g;
my $words = join(',', sort keys %word);

$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN');
foreach my $database (qw(taken replaced fitting))
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, "GRANT CREATE ON DATABASE $database TO mallory; GRANT CREATE ON SCHEMA public TO mallory");
}

sub as_mallory { return $node->psql($_[0], $_[1], stdout => \$out, stderr => \$err, extra_params => [ '-U', 'mallory' ]) }

# What has the name of ours is not taken for ours.
as_mallory('taken', q{CREATE SCHEMA provision; CREATE TYPE provision.call AS (name text)});
isnt($node->psql('taken', 'CREATE EXTENSION provision', stderr => \$err), 0, 'a schema that somebody made is not used');
like($err, qr/schema "provision" already exists/, 'the error says so');
as_mallory('replaced', q{CREATE FUNCTION provision_start(tenant text, workflow text DEFAULT 'tenant_setup', options jsonb DEFAULT '{}', priority integer DEFAULT NULL,
	run_at timestamptz DEFAULT NULL, idempotency_key text DEFAULT NULL) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'});
isnt($node->psql('replaced', 'CREATE EXTENSION provision', stderr => \$err), 0, 'nor is a function replaced');
like($err, qr/provision_start\(.*is not a member of extension/, 'which would stay its maker\'s');

# Overloads that fit better than the server's functions, in the schema of the extension; and rights on whatever is new.
as_mallory('fitting', join ' ', (map { "CREATE FUNCTION public.format($_) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''trojan''';" } 'text, text', 'text, bigint', 'text, text, text'),
	(map { "CREATE FUNCTION public.join_$_(text, $_) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''trojan'''; CREATE OPERATOR public.|| (LEFTARG = text, RIGHTARG = $_, FUNCTION = public.join_$_);" }
		qw(integer bigint smallint)), 'CREATE TABLE public.job (job_id bigint); CREATE TABLE public.pg_proc (oid oid)');
$node->safe_psql('fitting', join ' ', map { "ALTER DEFAULT PRIVILEGES GRANT ALL ON $_ TO mallory;" } qw(TABLES SEQUENCES FUNCTIONS SCHEMAS TYPES));
$node->safe_psql('fitting', 'CREATE EXTENSION provision');
is($node->safe_psql('fitting', q{
	SELECT count(DISTINCT needed.identity) FROM pg_depend AS member JOIN pg_depend AS dependency ON dependency.classid = member.classid AND dependency.objid = member.objid
	 CROSS JOIN LATERAL pg_identify_object(dependency.refclassid, dependency.refobjid, 0) AS needed
	 WHERE member.deptype = 'e' AND member.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'provision')
	   AND needed.schema = 'public' AND needed.identity NOT LIKE 'public.provision\\_%'}), '0', 'nothing of ours is bound to an object of somebody else');
is($node->safe_psql('fitting', q{
	SELECT count(*) FROM (SELECT relacl FROM pg_class WHERE relnamespace = 'provision'::regnamespace UNION ALL
		SELECT proacl FROM pg_proc WHERE pronamespace = 'provision'::regnamespace OR proname LIKE 'provision\\_%' UNION ALL
		SELECT nspacl FROM pg_namespace WHERE nspname = 'provision') AS object (acl), aclexplode(object.acl) AS granted WHERE granted.grantee = 'mallory'::regrole}),
	'0', 'default privileges give no right on what is ours');

# Trojans under the names and with the arguments of all the server's functions that we name, and of all its operators on usual types: they tell when they run
# with the rights of somebody else. The log of the server has what they say.
my $traps = q{
	CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO PUBLIC;
	DO $do$
	DECLARE
		usual constant oidvector := '16 19 20 21 23 25 26 114 700 701 1009 1016 1082 1114 1184 1186 1700 2950 3802 4072';
		target record;
		made integer := 0;
		body constant text := 'DECLARE is_told boolean := current_user <> session_user OR current_setting(''trap.always'', true) = ''on''; BEGIN IF is_told THEN RAISE WARNING USING MESSAGE = ''TROJAN NAME''; END IF; RETURN RESULT; END';
	BEGIN
		FOR target IN
			SELECT proname AS name, pg_get_function_identity_arguments(oid) AS arguments, pg_get_function_result(oid) AS result, proretset FROM pg_proc
			 WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND proname = ANY (string_to_array('WORDS', ','))
		LOOP
			BEGIN
				EXECUTE format('CREATE FUNCTION trap.%I(%s) RETURNS %s LANGUAGE plpgsql SET search_path = pg_catalog AS %L', target.name, regexp_replace(target.arguments, 'OUT \w+ [^,]+(, )?', '', 'g'),
					target.result, replace(replace(body, 'NAME', target.name), 'RESULT', CASE WHEN target.proretset THEN '' ELSE 'NULL' END));
				made := made + 1;
			EXCEPTION WHEN OTHERS THEN NULL;
			END;
		END LOOP;
		FOR target IN
			SELECT oid, oprname AS name, oprleft, oprright, oprresult FROM pg_operator
			 WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprleft = ANY (usual) AND oprright = ANY (usual) AND oprresult = ANY (usual)
		LOOP
			EXECUTE format('CREATE FUNCTION trap.operator_%s(%s, %s) RETURNS %s LANGUAGE plpgsql SET search_path = pg_catalog AS %L', target.oid, target.oprleft::regtype, target.oprright::regtype,
				target.oprresult::regtype, replace(replace(body, 'NAME', 'operator ' || target.name), 'RESULT', 'NULL'));
			EXECUTE format('CREATE OPERATOR trap.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = trap.operator_%s)', target.name, target.oprleft::regtype, target.oprright::regtype, target.oid);
			made := made + 1;
		END LOOP;
		RAISE NOTICE 'made %', made;
	END $do$;} =~ s/WORDS/$words/r;
$node->safe_psql('postgres', 'GRANT CREATE ON DATABASE postgres TO mallory');
is(as_mallory('postgres', $traps), 0, 'the traps are set') or diag($err);
cmp_ok(($err =~ /made (\d+)/)[0], '>', 300, 'hundreds of them');
my $hostile = 'SET search_path = trap, pg_temp, pg_catalog, public;';

sub trojans { my %heard = map { $_ => 1 } slurp_file($node->logfile) =~ /WARNING:  (TROJAN .*)/g; return join("\n", sort keys %heard) }

is($node->psql('postgres', "SET trap.always = on; SET search_path = trap, public; CREATE EXTENSION provision SCHEMA public", stderr => \$err), 0, 'installed in spite of them') or diag($err);
is(trojans(), '', 'none is called by the installation, whoever it is that installs');
create_engine($node, $standin);
create_tenants($node, 2);
start_jobs($node, 1);
ok(wait_for_jobs($node), 'a job is done');
$node->safe_psql('postgres', q{SELECT provision_member_add('*', 'mallory', 'owner');
	DO $$ DECLARE name regprocedure; BEGIN FOR name IN SELECT oid FROM pg_proc WHERE proname LIKE 'provision\\_%' LOOP EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO mallory', name); END LOOP; END $$;
	GRANT USAGE ON SCHEMA provision TO mallory; GRANT SELECT ON ALL TABLES IN SCHEMA provision TO mallory});

# Each public function, with arguments by their names, and each view and table, by a session that has trojans before the server's names and temporary tables before ours.
my $calls = $node->safe_psql('postgres', q{
	SELECT string_agg(format(CASE prokind WHEN 'p' THEN 'CALL %s(%s);' ELSE 'SELECT * FROM %s(%s);' END, 'public.' || quote_ident(proname),
	                         (SELECT coalesce(string_agg(CASE argument.name WHEN 'job_id' THEN '1' WHEN 'tenant' THEN '''t1''' WHEN 'tenants' THEN '''{t1,t2}''' WHEN 'engine' THEN '''bench'''
	                                                     WHEN 'name' THEN '''bench''' WHEN 'workflow' THEN '''tenant_setup''' WHEN 'direction' THEN '''forward''' WHEN 'page' THEN '1' WHEN 'size' THEN '20'
	                                                     WHEN 'config' THEN '''{"company_name": "Acme", "country": "Kenya"}''' WHEN 'options' THEN '''{}''' WHEN 'older_than' THEN '''1 day'''
	                                                     WHEN 'timeout' THEN '''0.01 s''' WHEN 'member' THEN '''somebody''' WHEN 'role' THEN '''member''' WHEN 'step' THEN '''step_6_items''' WHEN 'max_rows' THEN '10'
	                                                     WHEN 'after_event' THEN '0' WHEN 'api_key' THEN '''a-key''' WHEN 'api_secret' THEN '''a-secret''' WHEN 'plan' THEN '''starter''' ELSE 'NULL' END
	                                                     || '::' || format_type(argument.type, NULL), ', ' ORDER BY argument.place), '')
	                            FROM unnest(proargnames[1:pronargs], proargtypes::oid[]) WITH ORDINALITY AS argument (name, type, place) WHERE argument.type <> 0)), E'\n' ORDER BY proname)
	  FROM pg_proc WHERE proname LIKE 'provision\\_%' AND pronamespace = 'public'::regnamespace});
my $looks = $node->safe_psql('postgres', q{SELECT string_agg(format('SELECT * FROM %s LIMIT 5;', oid::regclass), E'\n') FROM pg_class WHERE relnamespace = 'provision'::regnamespace AND relkind IN ('r', 'v')});
my $shadows = $node->safe_psql('postgres', q{SELECT string_agg(DISTINCT format('CREATE TEMPORARY TABLE %I (job_id integer);', relname), ' ') FROM pg_class
	WHERE relnamespace = 'provision'::regnamespace AND relkind IN ('r', 'v')});
is($calls =~ s/\n/\n/g + 1, $node->safe_psql('postgres', q{SELECT count(*) FROM pg_proc WHERE proname LIKE 'provision\\_%' AND pronamespace = 'public'::regnamespace}), 'every public function is called');
# psql stops at an error only where it is told to.
$node->psql('postgres', "\\set ON_ERROR_STOP 0\n$shadows $hostile\n$calls\n$looks", stdout => \$out, stderr => \$err, extra_params => [ '-U', 'mallory' ]);
is(trojans(), '', 'none is called with the rights of the owner');
unlike($err, qr/undefined|column .* does not exist|operator does not exist|function .* does not exist/, 'nor is a temporary table read in place of ours');
like($out, qr/step_2_company/, 'while the functions worked') or diag($err);
is($node->safe_psql('postgres', q{SELECT count(*) > 0 FROM provision.event WHERE actor = 'mallory'}), 't', 'as the events tell');

# The one that runs with the rights of its caller names everything in full; so does whatever the worker runs, were it to begin with such a path.
$node->psql('postgres', "\\set ON_ERROR_STOP 0\n$hostile SET trap.always = on;\nCALL public.provision_wait(1, '0.1 s');\nCALL public.provision_wait((SELECT pg_catalog.max(job_id) FROM provision.job), '0.1 s');", stderr => \$err);
is(trojans(), '', 'provision_wait calls none');
$node->safe_psql('postgres', q{SELECT provision_resume_all(); SELECT provision_worker_start(); SELECT provision_engine_secret('bench', 'test-key', 'test-secret')});
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET search_path = trap, pg_catalog, public; ALTER DATABASE postgres SET trap.always = on});
$ENV{PGOPTIONS} = '-c search_path=public -c trap.always=off';
my $worker = wait_for_worker($node);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
ok(wait_for_worker($node, 'postgres', $worker), 'another worker begins with that path');
$node->safe_psql('postgres', q{SELECT provision_tenant_create('t3', 'bench', '{"company_name": "Company 3", "abbr": "C3", "country": "US"}'); SELECT provision_start('t3')});
ok(poll($node, q{SELECT state = 'completed' FROM provision.job_status WHERE tenant = 't3'}), 'it works') or diag(open_steps($node));
is(trojans(), '', 'and calls none');

# The traps are real.
$node->safe_psql('postgres', q{CREATE FUNCTION public.careless() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN lower('A'); END $$});
as_mallory('postgres', "$hostile SELECT public.careless()");
is(trojans(), 'TROJAN lower', 'a function without a path of its own is caught');
$node->stop;
done_testing();
