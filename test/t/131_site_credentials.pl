# API keys of new sites are made by the engine itself: with a session that Agent opens, for a user with just the roles that the setup needs. One set of working
# keys in the end, whatever is lost or killed on the way; keys that work are kept; nothing of any of them is ever in clear.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use Canary qw(look_through);
use JSON::PP;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

my @tenants = qw(acmeinc lostkeys lostsession killedkeys killedsession endedearly);
my $generate = 'generate_keys$';
my $agent = AgentStandin->new('--step-ms', 5, '--workers', 8, '--root-password', $root_password);
my $erpnext = Standin->new(map { ('--site', "$_.example.com:bare") } @tenants, 'stranger', 'newcomer');
my $node = new_node('main', faults => 1, conf => "provision.max_crashes = 1000\nlog_statement = all\n");
my $killing = { file => $node->data_dir . '/provision_fault', text => "answered 0\n" };
my $url = $erpnext->url;
my @user = ('provision@acmeinc.example.com');

sub told
{
	my ($standin) = @_;
	return @{ $standin->control('GET', 'told') };
}

# Whether the tenant's keys work: a job that would make some finds that it need not.
sub keys_work
{
	my ($tenant, $name) = @_;
	my $told = told($erpnext);

	start_site_jobs($node, 'site_credentials', $tenant);
	wait_for_jobs($node);
	my %jobs = site_jobs($node);
	is($jobs{$tenant} . ' ' . (told($erpnext) - $told), 'completed 0', $name) or diag(open_steps($node), last_calls($node));
	return;
}

create_agent($node, $agent);
$node->safe_psql('postgres', qq{
	UPDATE provision.step SET backoff_ms = 50, backoff_max_ms = 100, patience_ms = 300;
	SELECT provision_engine_create('bench', '$url', options => '{"agent": "agent", "max_concurrent": 50, "failure_threshold": 1000}');
	SELECT provision_tenant_create(name, 'bench', jsonb_build_object('company_name', name, 'country', 'US', 'site', name || '.example.com'))
	  FROM unnest(string_to_array('} . join(' ', @tenants, 'stranger') . qq{', ' ')) AS name;});
start_site_jobs($node, 'create_site', @tenants);
ok(wait_for_jobs($node), 'sites are made');

# -- made, in spite of losses
$erpnext->fault({ path_regex => $generate, site => 'lostkeys.example.com', nth => 2 }, { drop => 'after' });
$agent->fault({ path_regex => 'lostsession.example.com/sid$', nth => 1 }, { drop => 'after' });
$erpnext->fault({ path_regex => 'get_logged_user', site => 'endedearly.example.com', user => 'Administrator', nth => 1 }, { exc_type => 'PermissionError', body => 'over' });
start_site_jobs($node, 'site_credentials', grep { !/^killed/ } @tenants);
ok(wait_for_jobs($node), 'keys are asked for') or diag(open_steps($node));
my %jobs = site_jobs($node);
is($jobs{$_}, 'completed', "$_: keys are made") or diag(open_steps($node), last_calls($node)) foreach qw(acmeinc lostkeys lostsession);
is($jobs{endedearly}, 'failed SITE_SESSION_LOST', 'a session that is over makes none');
is($node->safe_psql('postgres', q{SELECT string_agg(secret.name, ' ' ORDER BY secret.name) FROM provision.secret JOIN provision.tenant USING (tenant_id) WHERE tenant.name = 'acmeinc'}),
	'admin_password credentials', 'they are kept, and the session is not');
my $document = $erpnext->control('GET', "doc?site=acmeinc.example.com&doctype=User&name=$user[0]");
is(scalar @{ $document->{roles} }, 9, 'their user has nine roles');
is(join(' ', sort map { $_->{user} } grep { $_->{path} =~ /logged_user/ && $_->{site} eq 'acmeinc.example.com' && $_->{status} == 200 } $erpnext->requests), "Administrator $user[0]",
	'the session was tried, and the keys were');
is((grep { $_->{path} =~ m{/logout$} && $_->{status} == 200 } $erpnext->requests), 3, 'each session was ended');
keys_work('lostkeys', 'one set of keys works after a lost answer');

# -- the worker dies between an answer and its record
foreach my $case ([ 'killedkeys', $erpnext, $generate ], [ 'killedsession', $agent, 'killedsession.example.com/sid$' ])
{
	my ($tenant, $standin, $path) = @$case;
	my $pid = wait_for_worker($node, 'postgres');

	$standin->fault({ path_regex => $path, nth => $tenant eq 'killedkeys' ? 2 : 1, $tenant eq 'killedkeys' ? (site => "$tenant.example.com") : () }, { arm => $killing });
	start_site_jobs($node, 'site_credentials', $tenant);
	ok(wait_for_worker($node, 'postgres', $pid), "$tenant: the worker is killed with a secret that it was told");
	ok(wait_for_jobs($node), 'and the job ends');
	is({ site_jobs($node) }->{$tenant}, 'completed', 'well') or diag(open_steps($node), last_calls($node));
	keys_work($tenant, 'one set of keys works');
}

# -- kept, renewed
keys_work('acmeinc', 'keys that work are kept');
my ($old) = grep { $_ } $node->safe_psql('postgres', q{SELECT encode(sealed, 'hex') FROM provision.secret JOIN provision.tenant USING (tenant_id) WHERE tenant.name = 'acmeinc' AND secret.name = 'credentials'});
$node->safe_psql('postgres', q{SELECT provision_start('acmeinc', 'site_credentials', '{"renew": true}')});
ok(wait_for_jobs($node), 'new ones may be asked for');
isnt($node->safe_psql('postgres', q{SELECT encode(sealed, 'hex') FROM provision.secret JOIN provision.tenant USING (tenant_id) WHERE tenant.name = 'acmeinc' AND secret.name = 'credentials'}), $old,
	'and take the place of the old');
keys_work('acmeinc', 'and work');
$node->append_conf('postgresql.conf', "provision.key_file = 'new.key'\n");
append_to_file($node->data_dir . '/new.key', 'k2:' . ('5a' x 32) . "\n" . slurp_file($node->data_dir . '/provision.key'));
chmod 0600, $node->data_dir . '/new.key';
$node->reload;
ok(poll($node, q{SELECT current_setting('provision.key_file') = 'new.key'}), 'another key seals');
cmp_ok($node->safe_psql('postgres', 'SELECT provision_rotate_secrets()'), '>=', 6, 'and seals anew what was sealed');
keys_work('acmeinc', 'with which keys work as well');
start_site_jobs($node, 'site_credentials', 'endedearly');
ok(wait_for_jobs($node), 'where a session was lost another is opened');
is({ site_jobs($node) }->{endedearly}, 'completed', 'and makes keys');

# -- whose site it is
$agent->plant_site({ site => 'stranger.example.com' });
$node->safe_psql('postgres', q{CREATE ROLE bob; GRANT EXECUTE ON FUNCTION provision_start TO bob; SELECT provision_member_add('stranger', 'bob', 'owner')});
$node->safe_psql('postgres', q{SET ROLE bob; SELECT provision_start('stranger', 'site_credentials')});
ok(wait_for_jobs($node), 'a customer names a site that is not theirs');
is({ site_jobs($node) }->{stranger}, 'failed SITE_NOT_OURS', 'and is not let in');
is((grep { $_->{site} eq 'stranger.example.com' } $erpnext->requests), 0, 'nor asks it anything');

# -- a customer is taken on without anybody's help
$erpnext->clear_faults;
$node->safe_psql('postgres', q{SELECT provision_onboard('newcomer', 'bench', '{"company_name": "Newcomer", "country": "US"}')});
ok(wait_for_jobs($node), 'an onboarding waits for nobody');
is({ site_jobs($node) }->{newcomer}, 'completed', 'from nothing to the point of sale') or diag(open_steps($node), last_calls($node));
is($node->safe_psql('postgres', q{SELECT status FROM provision.onboarding_status}), 'completed', 'which the customer is told');
is(join(' ', grep { $_ ne 'provision@newcomer.example.com' } map { $_->{user} // 'Guest' } grep { $_->{site} eq 'newcomer.example.com' && $_->{path} =~ /resource/ && $_->{method} ne 'GET' && $_->{body} && $_->{path} !~ m{/User} } $erpnext->requests), '',
	'by our user alone, whose nine roles suffice');

# -- nothing is anywhere
my @told = (told($agent), told($erpnext));
cmp_ok(scalar @told, '>', 15, 'the servers have told ' . @told . ' secrets');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres') ], 'the database is dumped');
is(broken_invariants($node), '', 'the invariants hold');
$node->stop;
my (undef, @hits) = look_through([ $node->data_dir, $node->logfile, $dump ], @told);
is("@hits", '', 'none is in a file');
done_testing();
