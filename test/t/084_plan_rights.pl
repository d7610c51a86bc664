# Plan functions have rights of their own: what a malicious one tries fails its step, changes nothing, and is not left behind for the next.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

# What the worker, a superuser, could do; the role of plan functions has been granted all it could be on app.loot.
my %attack = (
	writes => 'INSERT INTO app.loot VALUES (1)',
	updates => 'UPDATE app.loot SET n = 2',
	removes => 'TRUNCATE app.loot',
	locks_rows => 'PERFORM FROM app.loot FOR UPDATE',
	counts => q{PERFORM nextval('app.counter')},
	reads_secrets => 'PERFORM FROM provision.secret',
	reads_tenants => 'PERFORM FROM provision.tenant',
	reads_jobs => 'PERFORM FROM provision.job_status',
	acts => q{PERFORM public.provision_pause_all()},
	settles => 'PERFORM provision.settle_here()',
	notifies => q{NOTIFY provision_test, 'forged'},
	notifies_by_function => q{PERFORM pg_notify('provision_test', 'forged')},
	listens => 'LISTEN provision_test',
	makes_temporary => 'CREATE TEMPORARY TABLE job (job_id bigint)',
	makes => 'CREATE TABLE public.job (job_id bigint)',
	sets => 'SET search_path = app, pg_catalog',
	sets_by_function => q{PERFORM set_config('search_path', 'app, pg_catalog', false)},
	resets_role => 'RESET ROLE',
	sets_role => q{EXECUTE format('SET ROLE %I', session_user)},
	sets_role_by_function => q{PERFORM set_config('role', session_user, false)},
	sets_session => q{EXECUTE format('SET SESSION AUTHORIZATION %I', session_user)},
	reads_files => q{PERFORM pg_read_file('PG_VERSION')},
	runs_programs => q{COPY (SELECT 1) TO PROGRAM 'true'},
	unlocks => 'PERFORM pg_advisory_unlock_all()',
	stores => 'PERFORM lo_create(1000000)',
	prepares => q{EXECUTE 'PREPARE p AS SELECT 1'},
	commits => 'COMMIT',
);
my $standin = Standin->new;
my $node = new_node('main');

sub answer { return $node->safe_psql('postgres', $_[0]) }

# A workflow of one step, as text.
sub workflow_of
{
	my ($name, $body) = @_;
	return "CREATE FUNCTION app.$name(job jsonb) RETURNS SETOF provision.call LANGUAGE plpgsql STABLE AS \$\$ $body \$\$;
		WITH own AS (INSERT INTO provision.workflow (name) VALUES ('$name') RETURNING workflow_id)
		INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical) SELECT workflow_id, 0, 'step_0', 'app.$name', true FROM own;";
}

create_engine($node, $standin);
create_tenants($node, 1);
create_workflow($node, 'plain', 1);
answer(q{CREATE TABLE app.loot (n integer); CREATE SEQUENCE app.counter; INSERT INTO app.loot VALUES (0);
	GRANT ALL ON app.loot TO provision_planner; GRANT ALL ON app.counter TO provision_planner; GRANT CREATE ON SCHEMA app TO provision_planner});
my $workflows = workflow_of('honest', q{BEGIN RETURN QUERY SELECT 'tell', 'POST', '/api/method/ping',
	jsonb_build_object('user', current_user, 'path', current_setting('search_path'), 'temporary', pg_my_temp_schema(), 'given', job -> 'options'), true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text; END});

# Each by the plan function itself, and by a VOLATILE function that a plan function calls.
my $stubborn = '';
foreach my $name (sort keys %attack)
{
	$workflows .= workflow_of($name, "BEGIN $attack{$name}; RETURN QUERY SELECT * FROM app.one_call(job); END")
	  . "CREATE FUNCTION app.do_$name() RETURNS integer LANGUAGE plpgsql AS \$\$ BEGIN $attack{$name}; RETURN 1; END \$\$;"
	  . workflow_of("${name}_within", "BEGIN PERFORM app.do_$name(); RETURN QUERY SELECT * FROM app.one_call(job); END");
	$stubborn .= "BEGIN $attack{$name}; succeeded := succeeded || '$name'::text; EXCEPTION WHEN OTHERS THEN NULL; END; "
	  . "BEGIN PERFORM app.do_$name(); succeeded := succeeded || '${name}_within'::text; EXCEPTION WHEN OTHERS THEN NULL; END; ";
}
answer($workflows . workflow_of('stubborn', "DECLARE succeeded text[] := '{}'; BEGIN $stubborn RETURN QUERY SELECT 'tell', 'POST', '/api/method/ping',
	jsonb_build_object('succeeded', succeeded), true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text; END"));
my $worker = wait_for_worker($node);
my $locks = q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 7};
my $locks_held = answer($locks);
my $listener = open_session($node);
$listener->query_safe('LISTEN provision_test');

answer('BEGIN; ' . join(' ', map { "SELECT provision_start('t1', '$_'), provision_start('t1', '${_}_within');" } sort keys %attack) . q{ SELECT provision_start('t1', 'stubborn'); COMMIT});
ok(wait_for_jobs($node), 'all jobs end');
is(answer(q{SELECT coalesce(string_agg(workflow || ' ' || state || ' ' || coalesce(error_code, ''), ', '), '') FROM provision.job
	WHERE workflow NOT IN ('honest', 'stubborn') AND (state, error_code) IS DISTINCT FROM ('failed', 'PLAN_FAILED')}), '', 'each malicious plan fails its step');
is(answer(q{SELECT count(*) FROM provision.job WHERE state = 'failed'}), 2 * keys %attack, 'all of them were tried');
is(answer(q{SELECT string_agg(DISTINCT substring(error_hint FROM 'SQLSTATE (\w+)'), ' ') FROM provision.job WHERE state = 'failed'}),
	'0A000 2D000 42501', 'for lack of a right, or because it would not only read')
  or diag(answer(q{SELECT workflow || ': ' || error_hint FROM provision.job WHERE state = 'failed' ORDER BY 1}));
like(answer(q{SELECT error_hint FROM provision.job WHERE workflow = 'reads_secrets'}), qr/permission denied for table secret.*run as role provision_planner, and only read/, 'the hint says so');
is(answer(q{SELECT request_body ->> 'succeeded' FROM provision.attempt WHERE call = 'tell'}), '[]', 'one that catches every error has no success either');

# Nothing changed, here and in the worker.
is(answer('SELECT string_agg(n::text, \',\') FROM app.loot'), '0', 'no row was written');
is(answer(q{SELECT is_called::text || (SELECT count(*) FROM pg_largeobject_metadata) || (SELECT count(*) FROM pg_class WHERE relname = 'job' AND relnamespace <> 'provision'::regnamespace) FROM app.counter}),
	'false00', 'nothing was counted, stored or made');
is($listener->query_safe('SELECT 1'), '1', 'nobody was notified') or diag('a notification is shown with the answer');
is(answer('SELECT paused_at IS NULL FROM provision.control'), 't', 'nothing is paused');
is(worker_pid($node) . ' ' . answer($locks), "$worker $locks_held", 'the worker lives and holds its locks');
answer(q{SELECT provision_start('t1', 'honest')});
ok(wait_for_jobs($node), 'an honest plan runs in the same worker');
is(answer(q{SELECT request_body ->> 'user' || ' ' || (request_body ->> 'path') || ' ' || (request_body ->> 'temporary') FROM provision.attempt JOIN provision.job USING (job_id)
	WHERE job.workflow = 'honest'}), 'provision_planner pg_catalog, pg_temp 0', 'as the role, with the settings of the worker');

# The dry run goes the same way, and comes back from it.
is(answer(q{SELECT body ->> 'user' FROM provision_plan('t1', 'honest')}), 'provision_planner', 'so does the dry run');
is(answer(q{DO $$ BEGIN PERFORM FROM provision_plan('t1', 'unlocks'); RAISE 'it was planned'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
	SELECT current_user = session_user, current_setting('search_path') = '"$user", public', pg_notify('provision_test', 'mine') IS NOT NULL;
	CREATE TEMPORARY TABLE own (n integer)}), 't|t|t', 'after an error the session is what it was');

# Without its role no plan function runs: never as somebody else.
sub waits_without
{
	my ($break, $reason, $mend) = @_;
	subtest $reason => sub {
		answer($break);
		my $job = answer(q{SELECT provision_start('t1', 'honest')});
		ok(poll($node, "SELECT state = 'running' AND due_at IS NOT NULL FROM provision.job WHERE job_id = $job"), 'its job waits');
		like(answer("SELECT detail FROM provision_why($job) WHERE reason = 'no role to plan as'"), qr/$reason/, 'and is told why');
		is(answer(q{SELECT provision_health() ->> 'status'}), 'down', 'as is the probe');
		my $err;
		isnt($node->psql('postgres', q{SELECT * FROM provision_plan('t1', 'honest')}, stderr => \$err), 0, 'nor is there a dry run');
		like($err, qr/no plan function can run: role "provision_planner"/, 'which says why');
		answer($mend);
		ok(wait_for_jobs($node), 'mended, it goes on');
		is(answer("SELECT job.state || ' ' || (request_body ->> 'user') FROM provision.job JOIN provision.attempt USING (job_id) WHERE job_id = $job"), 'completed provision_planner', 'as the role');
	};
	return;
}
waits_without('ALTER ROLE provision_planner SUPERUSER', 'is a superuser', 'ALTER ROLE provision_planner NOSUPERUSER');
waits_without('DROP OWNED BY provision_planner; DROP ROLE provision_planner', 'does not exist', 'BEGIN; SELECT provision.prepare_planner(); GRANT USAGE ON SCHEMA app TO provision_planner; COMMIT');
waits_without('DROP OWNED BY provision_planner; DROP ROLE provision_planner; CREATE ROLE provision_planner', 'has no right', 'BEGIN; SELECT provision.prepare_planner(); GRANT USAGE ON SCHEMA app TO provision_planner; COMMIT');

# A role of this name that is something else is not made use of.
my $err;
answer('CREATE DATABASE other');
answer('ALTER ROLE provision_planner LOGIN; GRANT pg_monitor TO provision_planner');
isnt($node->psql('other', 'CREATE EXTENSION provision', stderr => \$err), 0, 'an extension is refused');
like($err, qr/role "provision_planner" exists and is not fit.*LOGIN.*pg_monitor.*RENAME TO.*NOLOGIN.*REVOKE pg_monitor/s, 'the error says what is wrong, and what to do');
answer('ALTER ROLE provision_planner NOLOGIN; REVOKE pg_monitor FROM provision_planner');
$node->safe_psql('other', 'CREATE EXTENSION provision; DROP EXTENSION provision');
is(answer(q{SELECT count(*) FROM pg_roles WHERE rolname = 'provision_planner'}), '1', 'it stays when an extension is dropped');
$listener->quit;
ok_invariants($node, $standin);
$node->stop;
done_testing();
