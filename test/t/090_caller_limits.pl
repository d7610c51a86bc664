# Limits for callers: never more is admitted than a limit allows, whoever calls at once and whatever is restarted; who exceeds it again waits longer.
use strict;
use warnings;
use IPC::Run;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => "provision.actor_requests = 100\nprovision.request_window = 1h\n");

sub sql { return $node->safe_psql('postgres', shift) }

# The error of a statement of role app, '' when there is none.
sub refusal
{
	my ($statement) = @_;
	my ($out, $err);

	$node->psql('postgres', "\\set VERBOSITY verbose\nSET ROLE app;\n$statement", stdout => \$out, stderr => \$err);
	return $err;
}

sub set_limits
{
	my (%limits) = (tenant_requests => 0, actor_requests => 0, address_requests => 0, request_window => '1h', @_);

	sql("ALTER SYSTEM SET provision.$_ = '$limits{$_}'") foreach keys %limits;
	$node->reload;
	poll($node, "SELECT bool_and(current_setting('provision.' || key) = value) FROM jsonb_each_text('{" . join(', ', map { qq("$_": "$limits{$_}") } keys %limits) . "}')");
	return;
}

create_engine($node, 'http://127.0.0.1:1');
create_tenants($node, 20);
sql(q{SELECT provision_engine_pause('bench'); SELECT provision_worker_start();
	CREATE ROLE app LOGIN; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO app; GRANT USAGE ON SCHEMA provision TO app;
	SELECT provision_member_add('t' || n, 'app', 'admin') FROM generate_series(1, 20) AS n;
	SELECT provision_member_add('t1', m, 'admin') FROM unnest('{u1,u2,u3,u4}'::name[]) AS m;
	CREATE TABLE admitted (count integer); GRANT INSERT ON admitted TO app;});
wait_for_worker($node);

# Eight sessions at once, 30 requests each, every one of them a transaction of its own that may fail.
my $attempts = q{
	SET ROLE app;
	DO $$ DECLARE admitted integer := 0;
	BEGIN
	    FOR n IN 1 .. 30 LOOP
	        BEGIN
	            PERFORM provision_start('t' || (1 + n % 10));
	            admitted := admitted + 1;
	        EXCEPTION WHEN SQLSTATE 'PV008' THEN NULL;
	        END;
	    END LOOP;
	    INSERT INTO admitted VALUES (admitted);
	END $$;};
my @sessions = map { IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c', $attempts ]) } 1 .. 8;
$_->finish foreach @sessions;
is(sql('SELECT count(*), sum(count) FROM admitted'), '8|100', 'of 240 requests of eight sessions as many are admitted as the limit says');
my $error = refusal(q{SELECT provision_start('t1')});
like($error, qr/ERROR:  PV008: too many requests for role "app"/, 'the next is refused');
like($error, qr/DETAIL:  100 were made within the last 3600 seconds; provision.actor_requests is 100\./, 'the detail has the numbers');
like($error, qr/HINT:  Try again in (\d+) seconds\./, 'the hint says when to come again');
like($error, qr/in (3[5-9]\d\d) seconds/, 'in about an hour');
is(refusal(q{SELECT provision_status('t1')}), '', 'looking is free');
is(refusal(q{RESET ROLE; SELECT provision_pause('t1')}), '', 'administrators are not counted');

# Restarts: in order, after the worker has left; and by force, once the worker has written down what it knew.
$node->restart;
like(refusal(q{SELECT provision_start('t1')}), qr/PV008/, 'a restart is no new beginning');
ok(poll($node, q{SELECT count(*) = 1 FROM provision.event_log WHERE event = 'requests_refused' AND detail @> '{"kind": "role", "name": "app", "offences": 1}'}),
	'the offence is an event, once, though it was committed by a transaction that failed');
is(sql(q{SELECT (SELECT sum(n) FROM unnest(counts) AS n) || ' ' || offences FROM provision.caller}), '100 1', 'it is written down, with all requests');
$node->stop('immediate');
$node->start;
like(refusal(q{SELECT provision_start('t1')}), qr/PV008/, 'neither is a crash');

# By number; for tenants; by address.
set_limits(tenant_requests => 3);
like(refusal(q{SELECT provision_start('t2') FROM generate_series(1, 4)}), qr/PV008: too many requests for tenant "t2"/, 'a tenant has its own limit');
is(refusal(q{SELECT provision_start('t3') FROM generate_series(1, 3)}), '', 'and another one its own');
set_limits(actor_requests => 15);
like(refusal(q{SELECT count(*) FROM provision_start_many(ARRAY(SELECT 't' || n FROM generate_series(1, 20) AS n))}),
	qr/too many requests at once for role "app".*HINT:  Make them in smaller groups/s, 'many starts are as many requests');
set_limits(address_requests => 4);
sub as_user { my ($user, $address) = @_; return refusal("BEGIN; SELECT provision_act_as('$user', $address); SELECT provision_start('t1'); COMMIT") }
is(join('', map { as_user("u$_", "'2001:db8::$_'") } 1 .. 4), '', 'four users of one network');
like(as_user('u1', "'2001:db8::9'"), qr/PV008: too many requests for address "2001:db8::\/64"/, 'are all that it may send');
is(as_user('u1', "'2001:db8:0:1::9'"), '', 'another one is free');
is(as_user('u1', 'NULL'), '', 'and where none is stated, that of the application does not count');
is(refusal(q{SELECT provision_start('t1')}), '', 'a Unix socket has none');
set_limits(actor_requests => 2);
like(join('', map { as_user('u2', 'NULL') } 1 .. 3), qr/PV008: too many requests for user "u2"/, 'users are actors');
is(as_user('u3', 'NULL'), '', 'each with a limit of its own');

# Whoever exceeds it again as soon as it may come again waits longer and longer; after good conduct it begins anew. Time is the subject here: the
# session sleeps for as long as it is told to. A machine that stands still meanwhile makes it better behaved, so it is tried until it is offence 3.
set_limits(tenant_requests => 5, request_window => '1s');
sql(q{
	CREATE FUNCTION offend(OUT wait integer, OUT detail text) LANGUAGE plpgsql AS $$
	DECLARE
	    hint text;
	BEGIN
	    LOOP
	        BEGIN
	            PERFORM provision_start('t4') FROM generate_series(1, 6);
	        EXCEPTION WHEN SQLSTATE 'PV008' THEN
	            GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	            wait := substring(hint FROM 'again in ([0-9]+) seconds');
	            RETURN;
	        END;
	    END LOOP;
	END $$;
	CREATE FUNCTION offend_three_times(OUT first integer, OUT third integer, OUT comes_again boolean, OUT afterwards text) LANGUAGE plpgsql AS $$
	DECLARE
	    offence record;
	BEGIN
	    FOR attempt IN 1 .. 30 LOOP
	        offence := offend();
	        first := coalesce(first, offence.wait);
	        third := offence.wait;
	        PERFORM pg_sleep(third);
	        EXIT WHEN offence.detail LIKE '%exceeded that 3 times in a row%';
	    END LOOP;
	    comes_again := provision_start('t4') IS NOT NULL;
	    PERFORM pg_sleep(4);
	    afterwards := (offend()).detail;
	END $$;});
my ($first, $third, $comes_again, $afterwards) = split /\|/,
  $node->safe_psql('postgres', 'SET ROLE app; SELECT * FROM offend_three_times()', timeout => 120);
cmp_ok($first, '<=', 2, 'the first time it is the window');
cmp_ok($third, '>', $first, 'the third time it is longer');
is($comes_again, 't', 'who comes when it was told to is admitted');
unlike($afterwards, qr/in a row/, 'and after as many windows of good conduct it is as at first');
$node->stop;

# Without the library in shared memory.
my $lone = new_node('lone', preload => 0, conf => key_file_setting() . "provision.actor_requests = 2\n");
create_engine($lone, 'http://127.0.0.1:1');
create_tenants($lone, 1);
$lone->safe_psql('postgres', q{CREATE ROLE app; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO app; SELECT provision_member_add('t1', 'app', 'admin')});
my ($out, $err);
$lone->psql('postgres', q{SET ROLE app; SELECT provision_start('t1') FROM generate_series(1, 3)}, stderr => \$err);
like($err, qr/too many requests for role "app"/, 'without shared memory a session counts for itself');
is($lone->safe_psql('postgres', q{SELECT severity FROM provision_doctor() WHERE finding = 'requests hardly limited'}), 'warning', 'which provision_doctor() says');
$lone->stop;
done_testing();
