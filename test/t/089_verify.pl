# provision_verify() finds what was changed behind its back, that and nothing else, and changes nothing; a new start repairs it.
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use ProvisionTest;
use Standin;
use Test::More;

my ($standin, $node) = (Standin->new('--site', 'erp.localhost:bare'), new_node('main'));
my %headers = (Host => 'erp.localhost', Authorization => 'token test-key:test-secret', 'Content-Type' => 'application/json');

# What a person does in ERPNext.
sub erpnext
{
	my ($method, $path, $body) = @_;
	my $http = HTTP::Tiny->new(timeout => 60, default_headers => { %headers{qw(Authorization Content-Type)}, 'X-Frappe-Site-Name' => 'erp.localhost' });
	my $answer = $http->request($method, $standin->url . "/api/resource/$path", $body ? { content => encode_json($body) } : {});

	die "$method $path: $answer->{content}" unless $answer->{success};
	return decode_json($answer->{content})->{data};
}

# Runs a verification; its findings as "step drift what", and the requests that it made.
sub verify
{
	my $before = scalar $standin->requests;
	my $job = $node->safe_psql('postgres', q{SELECT provision_verify('t1')});

	wait_for_jobs($node);
	my $findings = $node->safe_psql('postgres', qq{
		SELECT string_agg(format('%s %s %s', finding ->> 'step', finding ->> 'drift', coalesce(finding ->> 'call', finding ->> 'code')), ', ' ORDER BY place)
		  FROM jsonb_array_elements(provision_status($job) -> 'result') WITH ORDINALITY AS found (finding, place)});
	is($node->safe_psql('postgres', "SELECT provision_status($job) ->> 'state'"), 'completed', 'the verification has ended well');
	is(join(', ', grep { $_ ne 'GET' } map { $_->{method} } $standin->requests("since=$before")), '', 'it has only read');
	return $findings;
}

create_engine($node, $standin);
$node->safe_psql('postgres', q{
	SELECT provision_tenant_create('t1', 'bench', '{"company_name": "Company 1", "abbr": "C1", "country": "US", "payment_methods": ["Cash", "Card"], "demo_items": true}')});
like(verify(), qr/^step_1_platform_setup missing create warehouse type, .*step_2_company missing create company, step_3_chart_of_accounts unjudged COMPANY_HALF_MADE/,
	'before a tenant is set up all of it is missing');
start_jobs($node, 1);
ok(wait_for_jobs($node), 'it is set up');
is(tally($node), 'completed 2', 'well') or diag open_steps($node);
is(verify(), '', 'then nothing is missing');

my $known = $node->safe_psql('postgres', 'SELECT metadata FROM provision.tenant');
my $session = erpnext('GET', 'POS%20Opening%20Entry')->[0]{name};
my $price = erpnext('GET', 'Item%20Price')->[0]{name};
my $profile = erpnext('GET', 'POS%20Profile/POS%20-%20C1');
erpnext('PUT', "POS%20Opening%20Entry/$session", { docstatus => 2 });
erpnext('PUT', 'POS%20Profile/POS%20-%20C1', { customer => undef, payments => [ grep { $_->{mode_of_payment} eq 'Cash' } @{ $profile->{payments} } ] });
erpnext('DELETE', 'Customer/Walk-in%20Customer%20-%20C1');
erpnext('DELETE', 'Warehouse/Main%20Store%20-%20C1');
erpnext('DELETE', "Item%20Price/$price");
erpnext('PUT', 'Mode%20of%20Payment/Card', { accounts => [] });
erpnext('PUT', 'Selling%20Settings/Selling%20Settings', { cust_master_name => 'Naming Series' });
is(verify(), join(', ',
		'step_3_chart_of_accounts different add account to Card', 'step_4_warehouses missing create warehouse Main Store',
		'step_5_settings different set selling settings', 'step_6_items missing create prices 1 to 3',
		'step_7_customer missing create customer', 'step_8_pos_profile different add payment methods',
		'step_9_pos_session missing open session', 'step_10_post_sale_updates unjudged SESSION_MISSING'),
	'what was changed is found, each by its step');
is($node->safe_psql('postgres', 'SELECT metadata FROM provision.tenant'), $known, 'what is known of the tenant stays');

start_jobs($node, 1);
ok(wait_for_jobs($node), 'another run');
is(verify(), '', 'repairs all of it');

my $setup = $node->safe_psql('postgres', q{SELECT max(job_id) FROM provision.job WHERE workflow = 'tenant_setup'});
is($node->safe_psql('postgres', "SELECT direction FROM provision_rollback($setup)"), 'back', 'a verification is in no rollback\'s way');
ok(wait_for_jobs($node), 'which ends');
is($node->safe_psql('postgres', q{SELECT lifecycle FROM provision.tenant}), 'active', 'and leaves what the first run made');

create_route_workflow($node);
$node->safe_psql('postgres', q{
	INSERT INTO app.route (tenant, method, path) VALUES ('t1', 'POST', '/api/resource/Warehouse');
	UPDATE provision.step SET only_looks = true WHERE plan_function = 'app.route';
	SELECT provision_start('t1', 'route');});
ok(wait_for_jobs($node), 'a step that may only look and wants to change something');
is($node->safe_psql('postgres', q{SELECT status #>> '{error,code}' || ' ' || (status #>> '{steps,0,attempt_count}') FROM provision_status('t1') AS status}), 'PLAN_FAILED 0',
	'fails before anything is sent');
ok_invariants($node, $standin);
done_testing();
