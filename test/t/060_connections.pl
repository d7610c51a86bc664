# Connections that cannot be made: each reason has its error code, nothing is sent in clear, and nobody tries for ever. Certificates are made
# for the test.
use strict;
use warnings;
use Hostile;
use ProvisionTest;
use Test::More;

my $hostile = Hostile->new;
my $node = new_node('main', conf => "provision.ca_file = '@{[ $hostile->place('authority_file') ]}'\n");
my $v6 = $hostile->place('plain_v6');

sub at { my ($scheme, $host, $name) = @_; return "$scheme://$host:" . $hostile->place($name) }
sub tls { return at('https', '127.0.0.1', shift) }

# Base URL, whose certificates are trusted (default: the authority's), error code ('' is success) and calls made.
my %cases = (
	own_authority => [ tls('signed'), undef, '', 1 ],
	self_signed_trusted => [ tls('tls'), 'ca_file', '', 1 ],
	self_signed => [ tls('tls'), undef, 'TLS_CERTIFICATE_REFUSED', 1 ],
	another_authority => [ tls('signed'), 'wrong_ca_file', 'TLS_CERTIFICATE_REFUSED', 1 ],
	expired => [ tls('expired'), undef, 'TLS_CERTIFICATE_REFUSED', 1 ],
	wrong_host => [ tls('wrong_host'), 'wrong_ca_file', 'TLS_CERTIFICATE_REFUSED', 1 ],
	old_tls => [ tls('old_tls'), 'ca_file', 'TLS_FAILED', 1 ],
	broken_tls => [ tls('broken_tls'), 'ca_file', 'TLS_FAILED', 1 ],
	plain_http => [ tls('plain'), 'ca_file', 'TLS_FAILED', 1 ],
	wants_certificate => [ tls('client_certificate'), 'ca_file', 'TLS_FAILED', 1 ],
	wants_certificate_later => [ tls('client_certificate_later'), 'ca_file', 'TLS_CLIENT_CERTIFICATE_WANTED', 1 ],
	no_ca_file => [ tls('tls'), 'ca_file', 'TLS_CA_FILE_UNREADABLE', 1 ],
	silent_tls => [ tls('silent_tls'), 'ca_file', 'ENGINE_UNREACHABLE', 2 ],
	tls_in_clear => [ at('http', '127.0.0.1', 'tls'), undef, 'CONNECTION_LOST', 1 ],
	no_such_name => [ 'http://nosuch.invalid', undef, 'ENGINE_NAME_NOT_FOUND', 2 ],
	refused => [ 'http://127.0.0.1:1', undef, 'ENGINE_UNREACHABLE', 2 ],
	full => [ at('http', '127.0.0.1', 'full'), undef, 'ENGINE_UNREACHABLE', 2 ],
	ipv4 => [ at('http', '127.0.0.1', 'plain'), undef, '', 1 ],
	two_addresses => [ at('http', 'localhost', 'plain'), undef, '', 1 ],    # nobody listens at ::1
	$v6 ? (ipv6 => [ "http://[::1]:$v6", undef, '', 1 ],
		ipv6_refused => [ at('http', '[::1]', 'plain'), undef, 'ENGINE_UNREACHABLE', 2 ],
		ipv4_in_ipv6 => [ at('http', '[::ffff:127.0.0.1]', 'plain'), undef, '', 1 ]) : ());

create_route_workflow($node);
my $companies = 0;
foreach my $name (sort keys %cases)
{
	my ($url, $trusted) = @{ $cases{$name} };
	my $patience = $name =~ /^(silent_tls|full)$/ ? 500 : 15000;       # only where nobody will ever answer
	my $ca_file = $trusted ? sprintf(', "ca_file": "%s"', $hostile->place($trusted)) : '';

	$companies++;

	$node->safe_psql('postgres', qq{
		SELECT provision_engine_create('$name', '$url', options => '{"connect_timeout_ms": $patience, "failure_threshold": 100, "allow_http": true$ca_file}');
		SELECT provision_engine_secret('$name', 'test-key', 'test-secret');
		SELECT provision_tenant_create('$name', '$name', '{"company_name": "Company $companies", "abbr": "C$companies", "country": "US"}');
		INSERT INTO app.route VALUES ('$name', 'POST', '/ok?$name')});
}
$node->safe_psql('postgres', q{UPDATE provision.engine SET ca_file = '/nonexistent/ca.pem' WHERE name = 'no_ca_file'});      # it was there when it was named
$node->safe_psql('postgres', q{SELECT count(provision_start(tenant, 'route')) FROM app.route});
ok(wait_for_jobs($node), 'all jobs end');
foreach my $name (sort keys %cases)
{
	my ($url, $trusted, $code, $calls) = @{ $cases{$name} };

	is($node->safe_psql('postgres', qq{SELECT state, error_code FROM provision.job_status WHERE tenant = '$name'}),
		$code ? "failed|$code" : 'completed|', $name)
	  or diag($node->safe_psql('postgres', qq{SELECT curl_code, error_detail FROM provision.attempt JOIN provision.engine USING (engine_id) WHERE name = '$name'}));
	is($node->safe_psql('postgres', qq{SELECT count(*) FROM provision.attempt JOIN provision.engine USING (engine_id) WHERE name = '$name'}), $calls, "$name: tries");
	is($hostile->count("/ok?$name"), $code ? 0 : 1, "$name: requests that arrived");
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.job_status WHERE error_code LIKE 'TLS%' AND (error_message IS NULL OR error_hint IS NULL OR error_hint ~ '[{](engine|job|detail|status)[}]')}),
	'0', 'each has a message and a hint');
ok_invariants($node);

# Many jobs for a server that nobody can trust: the breaker opens, and the rest waits for a probe.
$node->safe_psql('postgres', q{
	SELECT provision_engine_update('expired', '{"failure_threshold": 2, "max_concurrent": 2, "recovery_seconds": 600}');
	SELECT provision_tenant_create('expired' || n, 'expired', jsonb_build_object('company_name', 'X' || n, 'abbr', 'X' || n, 'country', 'US')) FROM generate_series(1, 20) AS n;
	INSERT INTO app.route SELECT 'expired' || n, 'POST', '/ok?expired' FROM generate_series(1, 20) AS n;
	SELECT count(provision_start('expired' || n, 'route')) FROM generate_series(1, 20) AS n});
ok(poll($node, q{SELECT breaker = 'open' FROM provision.engine_status WHERE engine = 'expired'}), 'no storm: the breaker opens');
ok(poll($node, q{SELECT count(*) = 0 FROM provision.job WHERE state = 'running'}), 'nothing runs');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.job WHERE state = 'failed' AND workflow = 'route' AND job_id > (SELECT max(job_id) - 20 FROM provision.job)}),
	'<=', 4, 'few jobs have failed, the others wait');
$node->stop;
done_testing();
