# The key is changed three times while jobs run: no job fails, none is lost, all is sealed anew.
# PROVISION_TEST_FULL=1 does it with 3,000 jobs and twenty keys, and kills a worker after each change; ROTATION_JOBS and ROTATION_KEYS set the size.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $is_full = $ENV{PROVISION_TEST_FULL};
my $jobs = $ENV{ROTATION_JOBS} // ($is_full ? 3000 : 40);
my $keys = $ENV{ROTATION_KEYS} // ($is_full ? 20 : 3);
my $standin = Standin->new;
my $node = new_node('main', conf => "provision.workers = 2\nprovision.max_crashes = 1000\n");
my $key_file = $node->data_dir . '/provision.key';

sub write_key_file
{
	my ($content) = @_;
	append_to_file("$key_file.draft", $content);
	chmod 0600, "$key_file.draft";
	rename "$key_file.draft", $key_file or die "$key_file: $!";
	return;
}

sub completed
{
	return $node->safe_psql('postgres', q{SELECT count(*) FROM provision.job WHERE state = 'completed'});
}

# Which one, and what it has in flight, is left to chance.
sub kill_a_worker
{
	my ($pid) = grep { /^\d+$/ } split /\n/, ask($node, 'SELECT pid FROM provision.worker_status WHERE alive ORDER BY random()') // '';

	return 1 if defined $pid && kill_hard($node, $pid);
	return 0;
}

create_engine($node, $standin, $is_full ? '{"max_concurrent": 20}' : '{"max_concurrent": 5}');
create_tenants($node, $jobs);
$node->safe_psql('postgres', qq{SELECT provision_tenant_secret('t' || n, 'test-key', 'test-secret') FROM generate_series(1, 10) AS n});
create_workflow($node, 'own', 8);
$standin->fault({ path_regex => 'ping' }, { delay_ms => $is_full ? 60 : 250 });        # so that they last until the last change, however slow this test is
start_jobs($node, $jobs, 'own');

my @lines = (slurp_file($key_file));
my $started_at = time;
my $kills = 0;
foreach my $turn (2 .. $keys + 1)
{
	my $before = completed();
	ok(wait_until(sub { completed() > $before + ($is_full ? $jobs / ($keys + 5) : 0) }, 300), "jobs end before change $turn");
	unshift @lines, sprintf("k$turn:%064x\n", 0x1000000 + $turn);
	write_key_file(join '', @lines);
	is($node->safe_psql('postgres', 'SELECT provision_rotate_secrets()'), 11, 'every secret is sealed with the new key');
	is($node->safe_psql('postgres', 'SELECT provision_rotate_secrets()'), 0, 'once');
	is($node->safe_psql('postgres', 'SELECT string_agg(DISTINCT key_id, \' \') FROM provision.secret'), "k$turn", 'no other key is needed');
	write_key_file(join '', @lines = $lines[0]);
	$kills += kill_a_worker() if $is_full;
}
note(sprintf '%d keys, %d kills, %d of %d jobs ended in %.0f s', $keys, $kills, completed(), $jobs, time - $started_at);
cmp_ok(completed(), '<', $jobs, 'and jobs still run');
$standin->clear_faults if !$is_full;
cmp_ok($kills, '>=', $is_full ? $keys / 2 : 0, 'and workers were killed meanwhile');
ok(wait_until(sub { jobs_are_over($node) }, 600), 'they end') or diag(open_steps($node));
note(sprintf 'all after %.0f s', time - $started_at);
is(tally($node), "completed $jobs", 'all of them well');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE verdict NOT IN ('success', 'crashed', 'interrupted')}), 0, 'without a refused call');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event = 'secrets_rotated'}), 2 * $keys, 'the log of events tells of each change');
ok_invariants($node, $standin);

# A passphrase will do, too; and a secret that no key opens does not keep the others from being sealed anew.
write_key_file("pass:scrypt:00112233445566778899:correct horse battery\n$lines[0]");
$node->safe_psql('postgres', q{UPDATE provision.secret SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)
	WHERE tenant_id = (SELECT tenant_id FROM provision.tenant WHERE name = 't1')});
my ($out, $err);
$node->psql('postgres', 'SELECT provision_rotate_secrets()', stdout => \$out, stderr => \$err);
is($out, 10, 'a damaged secret is left');
like($err, qr{WARNING:  some secrets could not be opened.*tenant/\d+/credentials}s, 'and named');
$node->safe_psql('postgres', q{SELECT provision_start_many('{t1,t2,t20}', 'own')});
ok(poll($node, qq{SELECT count(*) = 2 FROM provision.job WHERE job_id > $jobs AND state = 'completed'}), 'the others go on with a key made of a passphrase');
ok(poll($node, q{SELECT reason ~ 'does not open them' FROM provision.key_wait}), 'the damaged one waits');
$node->safe_psql('postgres', q{SELECT provision_tenant_secret('t1', 'test-key', 'test-secret')});
ok(wait_for_jobs($node), 'until it is set again');
is(tally($node), 'completed ' . ($jobs + 3), 'then all is well');
unlike(slurp_file($node->logfile), qr/0{40}10000|correct horse/, 'no key is in the log');
$node->stop;
done_testing();
