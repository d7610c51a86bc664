# The key goes, is another one, comes back: jobs wait with the reason, use up no attempt, and go on by themselves.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');
my $key_file = $node->data_dir . '/provision.key';

sub write_key_file
{
	my ($content) = @_;
	my $draft = "$key_file.draft";

	append_to_file($draft, $content);
	chmod 0600, $draft;
	rename $draft, $key_file or die "$key_file: $!";
	return;
}

sub wait_for_waiting_jobs
{
	my ($count) = @_;
	return poll($node, "SELECT count(*) = $count FROM provision.key_wait JOIN provision.job USING (job_id) WHERE state = 'scheduled'");
}

create_engine($node, $standin);
create_tenants($node, 6);
create_workflow($node, 'own', 40);
my $key = slurp_file($key_file);
like($key, qr/^k1:[0-9a-f]{64}\n$/, 'a key file was made');
is((stat $key_file)[2] & 07777, 0600, 'for the server only');
like(slurp_file($node->logfile), qr/made the key file/, 'which the log tells');

# Each job has answered calls behind it when the key goes, one in flight, and more to come than this test can be kept waiting for.
$standin->fault({ path_regex => 'ping' }, { delay_ms => 400 });
start_jobs($node, 6, 'own');
ok(wait_until(sub { $standin->requests > 8 }), 'jobs run');
unlink $key_file;
ok(wait_for_waiting_jobs(6), 'without the key all of them wait');
$standin->clear_faults;
my $requests = $standin->requests;
is($node->safe_psql('postgres', 'SELECT count(*) FROM provision.attempt WHERE finished_at IS NULL OR delivery IS DISTINCT FROM \'answered\''), 0, 'no attempt was begun');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.job_step AS s
	WHERE tries > 0 OR attempt_count <> (SELECT count(*) FROM provision.attempt AS a WHERE a.job_id = s.job_id AND a.ordinal = s.ordinal)}), 0, 'and none used up');
is($node->safe_psql('postgres', q{SELECT string_agg(reason || ': ' || detail, '|') FROM provision_why('t1') WHERE reason = 'key missing'}),
	'key missing: A secret cannot be opened. They are sealed with key "k1", which is missing. '
	. 'The file of provision.key_file gives no keys. It cannot be opened: No such file or directory.', 'and the reason is told');
like($node->safe_psql('postgres', q{SELECT c ->> 'status' || ' ' || (c ->> 'detail') FROM jsonb_array_elements(provision_health() -> 'checks') AS c WHERE c ->> 'check' = 'key'}),
	qr/^degraded 1 secret is sealed with key "k1", which is missing/, 'by the health check, too');
my ($out, $err);
$node->psql('postgres', q{SELECT provision_engine_secret('bench', 'a', 'b')}, stderr => \$err);
like($err, qr/could not read the keys of secrets.*HINT:  Bring the key file back/s, 'no new key is made beside what a lost one seals');

write_key_file("k1:" . ('ab' x 32) . "\n");
ok(poll($node, q{SELECT count(*) = 6 FROM provision.key_wait WHERE reason LIKE 'Key "k1" does not open them%'}), 'with another key of that name they wait, too');
write_key_file("# not yet\nk2:" . ('cd' x 32) . "\n");
ok(poll($node, q{SELECT count(*) = 6 FROM provision.key_wait WHERE reason = 'They are sealed with key "k1", which is missing.'}), 'and without a key of that name');
chmod 0644, $key_file;
$node->safe_psql('postgres', "ALTER SYSTEM SET provision.key_file = '$key_file'");
$node->reload;
ok(poll($node, q{SELECT count(*) = 6 FROM provision.key_wait WHERE reason LIKE '%Others may read or change it (mode 0644)%'}), 'and with a file that others may read');
is(scalar $standin->requests, $requests, 'nothing was sent meanwhile');
is($node->safe_psql('postgres', q{SELECT state FROM provision_cancel('t6')}), 'cancelled', 'a waiting job can be cancelled');
is($node->safe_psql('postgres', q{SELECT state FROM provision_pause('t5')}), 'paused', 'or paused');

$node->safe_psql('postgres', 'ALTER SYSTEM RESET provision.key_file');
$node->reload;
write_key_file("k2:" . ('cd' x 32) . "\n$key");
chmod 0644, $key_file;		# as after a copy of the data directory, which is closed by itself
ok(poll($node, q{SELECT count(*) = 4 FROM provision.job WHERE state = 'completed'}), 'when the key is back they go on')
  or diag(open_steps($node));
$node->safe_psql('postgres', q{SELECT provision_resume('t5')});
ok(wait_for_jobs($node), 'the paused one when it is resumed');
is(tally($node), 'cancelled 1, completed 5', 'and all end well');
is($node->safe_psql('postgres', 'SELECT count(*) FROM provision.job_step WHERE tries > 0'), 0, 'no try was lost');
ok(poll($node, 'SELECT NOT EXISTS (SELECT FROM provision.key_wait)'), 'nobody waits any more');
is($node->safe_psql('postgres', 'SELECT provision_rotate_secrets()'), 1, 'the secret is sealed with the new key');
ok_invariants($node, $standin);
unlike(slurp_file($node->logfile), qr/(?:ab){32}|(?:cd){32}/, 'no key is in the log');
$node->stop;
done_testing();
