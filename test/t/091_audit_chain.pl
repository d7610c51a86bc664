# The chain of hashes over events: the worker seals behind everybody's back, every kind of tampering is found, retention and restores are not taken for one.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', faults => 1, conf => "provision.audit_chain = on\nautovacuum = off\n");

sub sql { return $node->safe_psql('postgres', shift) }
sub problems { return $node->safe_psql(shift // 'postgres', q{SELECT seal || ' ' || problem FROM provision_audit_verify()}) }
sub all_are_sealed { return poll($node, 'SELECT max(through_event) >= (SELECT max(event_id) FROM provision.event) FROM provision.audit_seal') }

# A change that only a superuser can make, what is found, and the change undone.
sub found_after
{
	my ($change, $expected, $name) = @_;
	my $found = sql("BEGIN; SET LOCAL provision.may_change_history = on; $change; SELECT string_agg(seal || ' ' || problem, ', ') FROM provision_audit_verify(); ROLLBACK");

	return like($found, $expected, $name);
}

create_engine($node, $standin);
create_tenants($node, 5);
ok(all_are_sealed(), 'events that are no work for the worker are sealed too');
start_jobs($node, 5);
ok(wait_for_jobs($node) && all_are_sealed(), 'and those of jobs');
is(problems(), '', 'all seals hold');

# Whoever writes events waits for nobody who seals, and nobody who seals waits.
my $writer = open_session($node);
my $sealer = open_session($node);
$writer->query_safe(q{BEGIN; SELECT provision_engine_pause('bench', 'open')});
sql(q{SELECT provision_tenant_update('t1', '{"email": "a@example.com"}')});
my $before = sql('SELECT max(through_event) FROM provision.audit_seal');
is(sql('SELECT provision_audit_seal()'), '0', 'nothing is sealed beside a transaction that may still write what comes before');
$writer->query_safe('COMMIT');
ok(all_are_sealed(), 'once it is over it is');
is(sql("SELECT string_agg(event, ' ' ORDER BY event_id) FROM provision.event WHERE event_id > $before"), 'engine_paused tenant_updated', 'in the order of the numbers');
$sealer->query_safe('BEGIN; SELECT provision.lock_chain()');
$writer->query_safe(q{SET lock_timeout = '20s'; SELECT provision_engine_resume('bench')});
is(sql('SELECT provision_audit_seal()'), '0', 'beside another sealer there is nothing to do');
$sealer->query_safe('COMMIT');
ok(all_are_sealed(), 'later there is');
$_->quit foreach $writer, $sealer;
is(problems(), '', 'all seals hold');

my $head = sql('SELECT provision_audit_head()');
my ($seal, $first, $last) = split /\|/, sql(q{SELECT seal, min(event_id), max(event_id) FROM provision.audit_seal JOIN provision.event ON event_id > after_event AND event_id <= through_event
	WHERE event_count > 5 GROUP BY seal ORDER BY seal LIMIT 1});        # numbers that a transaction gave back are nobody's
found_after("UPDATE provision.event SET actor = 'nobody' WHERE event_id = $first", qr/^$seal events changed$/, 'a changed event is found');
found_after("UPDATE provision.event SET detail = detail || '{\"x\": null}' WHERE event_id = (SELECT min(event_id) FROM provision.event WHERE event_id >= $first AND detail IS NOT NULL)",
	qr/events changed$/, 'a detail of it too');
found_after("DELETE FROM provision.event WHERE event_id = $last", qr/^$seal events missing$/, 'a deleted one');
found_after("UPDATE provision.event AS one SET at = other.at, actor = other.actor, event = other.event, job_id = other.job_id, tenant = other.tenant, step = other.step,
		from_state = other.from_state, to_state = other.to_state, detail = other.detail, correlation_id = other.correlation_id
	FROM provision.event AS other WHERE one.event_id IN ($first, $last) AND other.event_id = $first + $last - one.event_id", qr/^$seal events changed/, 'two that were exchanged');
found_after("DELETE FROM provision.event WHERE event_id = $last; INSERT INTO provision.event (event_id, event) OVERRIDING SYSTEM VALUE VALUES ($last, 'forged')",
	qr/^$seal events changed/, 'one that was replaced');
found_after("INSERT INTO provision.event (event_id, event, at) OVERRIDING SYSTEM VALUE VALUES (0, 'forged', now() - interval '1 day')", qr/^1 events added$/, 'one that was put before all others');
found_after("INSERT INTO provision.event (event, at) VALUES ('forged', now() - interval '1 day'); SELECT provision.append_seal((SELECT max(event_id) FROM provision.event))",
	qr/^\d+ events back-dated$/m, 'one that was written now, with a date of yesterday');
found_after("DELETE FROM provision.event WHERE event_id BETWEEN $first AND $last; DELETE FROM provision.audit_seal WHERE seal = $seal", qr/chain broken/, 'a seal that was taken out with its events');
found_after("UPDATE provision.audit_seal SET sealed_at = now() WHERE seal = $seal", qr/^$seal seal changed$/, 'a changed seal');
found_after("DELETE FROM provision.event WHERE event_id = $first; UPDATE provision.audit_seal AS s SET (event_count, digest) = (SELECT d.event_count, d.digest FROM provision.digest_of_events(after_event, through_event) AS d) WHERE seal = $seal;
	UPDATE provision.audit_seal AS s SET hash = provision.hash_text(provision.seal_text(s)) WHERE seal = $seal", qr/chain broken/, 'a seal that was made anew');

# A tail that is cut off leaves a chain that holds: the head that was kept elsewhere tells.
my $cut = 'DELETE FROM provision.audit_seal WHERE seal = (SELECT max(seal) FROM provision.audit_seal)';
found_after($cut, qr/^$/, 'a cut off end is not seen in the chain');
is(sql("BEGIN; SET LOCAL provision.may_change_history = on; $cut; SELECT problem FROM provision_audit_verify('$head'); ROLLBACK"), 'head missing', 'but by the head');
is(sql("SELECT count(*) FROM provision_audit_verify('$head')"), '0', 'which the sound chain has');

# Killed in the middle of sealing.
my $worker = wait_for_worker($node);
append_to_file($node->data_dir . '/provision_fault', "sealed 0\n");
$node->psql('postgres', q{SELECT provision_engine_pause('bench', 'kill')});
ok(wait_until(sub { (ask($node, 'SELECT provision_audit_head() IS NOT NULL') // '') eq 't' && !-e $node->data_dir . '/provision_fault' }), 'the worker is killed while it seals');
ok(wait_for_worker($node, 'postgres', $worker), 'another comes');
sql(q{SELECT provision_engine_resume('bench')});
ok(all_are_sealed(), 'and seals');
is(sql("SELECT count(*) FROM provision_audit_verify('$head')"), '0', 'all seals hold');

# A dump takes the chain along; in the copy, whose transactions have other numbers, it goes on.
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
my $other = new_node('other', extension => 0, conf => "provision.audit_chain = on\n");
$head = sql('SELECT provision_audit_head()');
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres') ], 'the database is dumped');
$other->safe_psql('postgres', 'CREATE DATABASE copy');
$other->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $other->connstr('copy') ], 'and restored in another cluster');
is($other->safe_psql('copy', "SELECT count(*) FROM provision_audit_verify('$head')"), '0', 'all seals hold');
$other->safe_psql('copy', 'SELECT provision_adopt()');
ok(poll($other, 'SELECT max(through_event) >= (SELECT max(event_id) FROM provision.event) FROM provision.audit_seal', 'copy'), 'its worker goes on with the chain');
is($other->safe_psql('copy', "SELECT count(*) FROM provision_audit_verify('$head')"), '0', 'which leads to the head of the original');
isnt($other->safe_psql('copy', 'SELECT provision_audit_head()'), $head, 'and beyond');
$_->stop foreach $node, $other;
done_testing();
