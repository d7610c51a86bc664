# preflight tells all that is missing at once and changes nothing; with what it asks for, and no more, a tenant can be set up and removed.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my ($standin, $node) = (Standin->new('--site', 'erp.localhost:bare'), new_node('main'));
my $user = 'prov@example.com';

sub deny
{
	return $standin->control('POST', 'deny', { name => $user, denied => \@_ });
}

# Runs preflight, again where it failed before; its state, error code and findings.
sub preflight
{
	my ($again) = @_;
	my $job = $node->safe_psql('postgres', $again ? "SELECT job_id FROM provision_retry($again)" : q{SELECT provision_start('t1', 'preflight')});

	wait_for_jobs($node);
	my @told = split /\|/, $node->safe_psql('postgres', qq{
		SELECT status ->> 'state', status #>> '{error,code}',
		       (SELECT string_agg(concat_ws(' ', finding ->> 'code', finding ->> 'permission', finding ->> 'doctype', finding ->> 'for', finding ->> 'detail'), ', ' ORDER BY place)
		          FROM jsonb_array_elements(nullif(status -> 'result', 'null')) WITH ORDINALITY AS found (finding, place)),
		       status #>> '{error,message}'
		  FROM provision_status($job) AS status}), -1;
	return ($job, @told);
}

$standin->control('POST', 'user', { name => $user, key => 'test-key-2', secret => 'test-secret' });
create_engine($node, $standin);
create_tenants($node, 1);
$node->safe_psql('postgres', q{SELECT provision_engine_secret('bench', 'test-key-2', 'test-secret'); SELECT provision_tenant_update('t1', '{"demo_items": true, "payment_methods": ["Cash", "Card"]}')});
deny([ 'Item', 'delete' ]);
my ($job, $state, $code, $findings) = preflight();
is("$state $findings", 'completed PERMISSION_MISSING delete Item rollback',
	'the roles that the documentation names suffice; what only a rollback would lack is told, and fails nothing') or diag open_steps($node);
$standin->control('POST', 'doc', { doc => { doctype => 'Warehouse Type', name => 'Transit' } });
$standin->control('POST', 'doc', { doc => { doctype => 'Company', company_name => 'Other', abbr => 'C1', default_currency => 'USD', country => 'United States' } });
my $versions = $standin->fault({ path_regex => 'get_versions' }, { body => { message => { frappe => { version => '15.1.0' }, erpnext => { version => '13.9.1' } } } });
$standin->control('POST', 'user', { name => $user, key => 'test-key-2', secret => 'test-secret', roles => [ 'System Manager', 'Sales User' ] });
$node->safe_psql('postgres', q{SELECT provision_tenant_update('t1', '{"pos_user": "nobody@example.com"}')});
($job, $state, $code, $findings) = preflight();
is("$state $code", 'failed PREFLIGHT_FAILED', 'problems of several kinds');
like($findings, qr/(?=.*VERSION_UNSUPPORTED erpnext 13\.9\.1)(?=.*PERMISSION_MISSING create Warehouse setup)(?=.*PERMISSION_MISSING write Stock Settings setup)(?=.*ROLES_MISSING Accounts Manager)(?=.*DUPLICATE_ABBR C1 belongs to the company "Other")(?=.*POS_USER_MISSING nobody)/,
	'come all at once');
is(join(', ', grep { $_ ne 'GET' } map { $_->{method} } $standin->requests), '', 'it has only read');

$standin->control('POST', 'reset');
$standin->control('POST', 'user', { name => $user, key => 'test-key-2', secret => 'test-secret' });
$node->safe_psql('postgres', q{SELECT provision_tenant_update('t1', '{"pos_user": null}')});
($job, $state, $code, $findings) = preflight($job);
is("$state $findings", 'completed ', 'when all is solved a retry tells so');
my @needed = split /\n/, $node->safe_psql('postgres', qq{
	SELECT format('%s|%s', need ->> 'doctype', need ->> 'permission')
	  FROM jsonb_array_elements(provision_status($job) #> '{steps,0,result,permissions}') AS need});
my %needed = map { $_ => 1 } @needed;
my %doctypes = map { (split /\|/)[0] => 1 } @needed;
deny(map { my $doctype = $_; map { [ $doctype, $_ ] } grep { !$needed{"$doctype|$_"} } qw(read write create delete submit cancel) } sort keys %doctypes,
	'User', 'Department', 'Role');
cmp_ok(scalar(@needed), '>', 60, 'what it asked for');
start_jobs($node, 1);
ok(wait_for_jobs($node), 'a tenant is set up with that and nothing more');
is($node->safe_psql('postgres', q{SELECT state FROM provision.job WHERE workflow = 'tenant_setup'}), 'completed', 'well') or diag open_steps($node), last_calls($node);
$node->safe_psql('postgres', q{SELECT provision_rollback(max(job_id)) FROM provision.job});
ok(wait_for_jobs($node), 'and removed');
is($node->safe_psql('postgres', q{SELECT state FROM provision.job WHERE workflow = 'tenant_setup'}), 'rolled_back', 'completely') or diag last_calls($node);

$node->safe_psql('postgres', q{SELECT provision_engine_secret('bench', 'nobody', 'knows')});
($job, $state, $code) = preflight();
is("$state $code", 'failed ENGINE_AUTH_FAILED', 'credentials that are not valid');
done_testing();
