# The key is changed three times while jobs run: no job fails, none is lost, all is sealed anew.
use strict;
use warnings;
use ProvisionTest;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', conf => "provision.workers = 2\n");
my $key_file = $node->data_dir . '/provision.key';
my $jobs = 40;

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

create_engine($node, $standin, '{"max_concurrent": 5}');
create_tenants($node, $jobs);
$node->safe_psql('postgres', qq{SELECT provision_tenant_secret('t' || n, 'test-key', 'test-secret') FROM generate_series(1, 10) AS n});
create_workflow($node, 'own', 8);
$standin->fault({ path_regex => 'ping' }, { delay_ms => 60 });
start_jobs($node, $jobs, 'own');

my @keys = (slurp_file($key_file));
foreach my $turn (2 .. 4)
{
	my $before = completed();
	ok(wait_until(sub { completed() > $before }), "jobs end before change $turn");
	unshift @keys, "k$turn:" . ("$turn$turn" x 32) . "\n";
	write_key_file(join '', @keys);
	is($node->safe_psql('postgres', 'SELECT provision_rotate_secrets()'), 11, 'every secret is sealed with the new key');
	is($node->safe_psql('postgres', 'SELECT provision_rotate_secrets()'), 0, 'once');
	is($node->safe_psql('postgres', 'SELECT string_agg(DISTINCT key_id, \' \') FROM provision.secret'), "k$turn", 'no other key is needed');
	write_key_file(join '', @keys = $keys[0]);
}
cmp_ok(completed(), '<', $jobs, 'and jobs still run');
ok(wait_for_jobs($node), 'they end') or diag(open_steps($node));
is(tally($node), "completed $jobs", 'all of them well');
is($node->safe_psql('postgres', 'SELECT count(*) FROM provision.job_step WHERE tries > 0'), 0, 'without a failed try');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event = 'secrets_rotated'}), 6, 'the log of events tells of each change');
ok_invariants($node, $standin);

# A passphrase will do, too; and a secret that no key opens does not keep the others from being sealed anew.
write_key_file("pass:scrypt:00112233445566778899:correct horse battery\n$keys[0]");
$node->safe_psql('postgres', q{UPDATE provision.secret SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)
	WHERE tenant_id = (SELECT tenant_id FROM provision.tenant WHERE name = 't1')});
my ($out, $err);
$node->psql('postgres', 'SELECT provision_rotate_secrets()', stdout => \$out, stderr => \$err);
is($out, 10, 'a damaged secret is left');
like($err, qr{WARNING:  some secrets could not be opened.*tenant/\d+/credentials}s, 'and named');
$node->safe_psql('postgres', q{SELECT provision_start_many('{t1,t2,t20}', 'own')});
ok(poll($node, q{SELECT count(*) = 2 FROM provision.job WHERE job_id > 40 AND state = 'completed'}), 'the others go on with a key made of a passphrase');
ok(poll($node, q{SELECT reason ~ 'does not open them' FROM provision.key_wait}), 'the damaged one waits');
$node->safe_psql('postgres', q{SELECT provision_tenant_secret('t1', 'test-key', 'test-secret')});
ok(wait_for_jobs($node), 'until it is set again');
is(tally($node), 'completed ' . ($jobs + 3), 'then all is well');
unlike(slurp_file($node->logfile), qr/(?:22){32}|(?:33){32}|correct horse/, 'no key is in the log');
$node->stop;
done_testing();
