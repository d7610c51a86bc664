# Where a request must not go it does not go, whatever names, addresses, paths, redirects or the server's environment say: each reason has its
# error code, the breaker stays closed, and nobody tries again.
use strict;
use warnings;
use Hostile;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

my $hostile = Hostile->new;
my $home = PostgreSQL::Test::Utils::tempdir();
my $port = $hostile->place('plain');
my $url = $hostile->url;

# What a server may be started with, and must not be led by.
append_to_file("$home/.netrc", "default login stolen password stolen\n");
append_to_file("$home/.curlrc", "proxy = http://127.0.0.1:1\n");
my %environment = (HOME => $home, SSLKEYLOGFILE => "$home/keys", map { $_ => 'http://127.0.0.1:1' } qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY));
my $node;
{
	local @ENV{ keys %environment } = values %environment;
	$node = new_node('main', conf => "provision.allowed_hosts = '127.0.0.0/8, localhost:$port, *.test, 169.254.0.0/16, 0.0.0.0/8, ::/0'\n");
}

my $companies = 0;

# Statements for an engine and a tenant of this name, whose call is for this path.
sub new_tenant
{
	my ($name, $base_url, $path, $options) = @_;

	$options //= '{"allow_http": true, "failure_threshold": 2}';
	$companies++;
	return qq{
		SELECT provision_engine_create('$name', '$base_url', options => '$options');
		SELECT provision_engine_secret('$name', 'test-key', 'test-secret');
		SELECT provision_tenant_create('$name', '$name', '{"company_name": "Company $companies", "abbr": "C$companies", "country": "US"}');
		INSERT INTO app.route VALUES ('$name', 'POST', E'$path');};
}

sub refusal
{
	my ($base_url, $options) = @_;
	my ($out, $err);

	$node->psql('postgres', qq{SELECT provision_engine_create('refused', '$base_url', options => '$options')}, stdout => \$out, stderr => \$err);
	return $err;
}

# Error code ('' is success), and requests that arrive.
my %ended;
sub is_ended
{
	my ($name, $code, $arrived) = @_;

	is($ended{$name}, $code ? "failed $code" : 'completed ', $name)
	  or diag($node->safe_psql('postgres', qq{SELECT curl_code, error_detail FROM provision.attempt JOIN provision.engine USING (engine_id) WHERE name = '$name'}));
	is($hostile->count("/ok?$name"), $arrived, "$name: requests that arrived");
	return;
}

# What no engine is given in the first place.
like(refusal('http://169.254.169.254', '{"allow_http": true}'), qr/DETAIL:  base_url must not name a link-local address/, 'metadata');
like(refusal('https://[::ffff:169.254.169.254]', '{}'), qr/DETAIL:  base_url must not name a link-local address/, 'metadata in IPv6');
like(refusal('https://erp.example.com', '{}'), qr/DETAIL:  base_url must name a host that the setting provision\.allowed_hosts names; port 443 of "erp\.example\.com" is none\./, 'a host that is not listed');
like(refusal("http://localhost:1", '{}'), qr/provision\.allowed_hosts names; port 1 of/, 'nor is another port');
my ($folder, $ca_file) = ($hostile->place('folder'), $hostile->place('ca_file'));
like(refusal('https://a.test', qq({"client_certificate_file": "$folder/client.pem", "client_key_file": "$folder/client.sealed.key"})),
	qr/The client key is protected by a passphrase/, 'a key with a passphrase');
chmod 0644, "$folder/right.key";
like(refusal('https://a.test', qq({"client_certificate_file": "$folder/right.pem", "client_key_file": "$folder/right.key"})),
	qr/Others may read or change it \(mode 0644\)/, 'a key that others may read');

create_route_workflow($node);

# Addresses, as names may come to mean them after the engine was made.
my %moved = (link_local => 'http://169.254.169.254', mapped => 'http://[::ffff:169.254.169.254]', translated => "http://[64:ff9b::a9fe:a9fe]",
	unspecified => "http://0.0.0.0:$port", unspecified_v6 => "http://[::]:$port");
my $cases = '';
foreach my $name (sort keys %moved)
{
	$cases .= new_tenant($name, 'https://a.test', "/ok?$name") . qq{
		UPDATE provision.engine SET base_url = '$moved{$name}' WHERE name = '$name';};
}

# Paths, redirects, certificates.
my %certificate = (own => 'client', strange => 'wrong', lost => 'lost');
system_or_bail("cp", "-p", "$folder/client.$_", "$folder/lost.$_") for qw(pem key);
foreach my $name (sort keys %certificate)
{
	foreach my $version ('', '_later')
	{
		my $file = "$folder/$certificate{$name}";
		my $place = $hostile->place("client_certificate$version");

		$cases .= new_tenant("$name$version", "https://127.0.0.1:$place", "/ok?$name$version",
			qq({"failure_threshold": 2, "ca_file": "$ca_file", "client_certificate_file": "$file.pem", "client_key_file": "$file.key"}));
	}
}
$node->safe_psql('postgres', $cases
	  . new_tenant('redirected', $url, "/redirect-to?http://localhost:$port/ok?redirected")
	  . new_tenant('metadata', $url, '/redirect-to?http://169.254.169.254/latest/meta-data/iam/security-credentials/')
	  . new_tenant('dots', "$url/prefix", '/../ok?dots')
	  . new_tenant('encoded_dots', "$url/prefix", '/%2e%2e/ok?encoded_dots')
	  . new_tenant('fragment', $url, '/ok?fragment#x')
	  . new_tenant('two_lines', $url, '/ok?two_lines HTTP/1.1\r\nHost: elsewhere.test')
	  . new_tenant('no_slash', $url, "\@127.0.0.1:$port/ok?no_slash")
	  . new_tenant('well', $url, '/ok?well'));
unlink "$folder/lost.key";
$node->safe_psql('postgres', q{SELECT count(provision_start(tenant, 'route')) FROM app.route});
ok(wait_for_jobs($node), 'all jobs end');
%ended = map { split /=/, $_, 2 } split /\n/, $node->safe_psql('postgres', q{SELECT format('%s=%s %s', tenant, state, error_code) FROM provision.job_status});
is_ended($_, 'ADDRESS_REFUSED', 0) foreach sort keys %moved;
is_ended('own' . $_, '', 1) foreach '', '_later';
is_ended('strange' . $_, 'TLS_CLIENT_CERTIFICATE_WANTED', 0) foreach '', '_later';
is_ended('lost' . $_, 'TLS_CLIENT_CERTIFICATE_UNREADABLE', 0) foreach '', '_later';
is_ended($_, 'ENGINE_REDIRECTS', 0) foreach 'redirected', 'metadata';
is_ended($_, 'REQUEST_NOT_SENDABLE', 0) foreach 'dots', 'encoded_dots', 'fragment', 'two_lines';
is_ended('no_slash', 'PLAN_FAILED', 0);
is_ended('well', '', 1);
like($node->safe_psql('postgres', q{SELECT error_hint FROM provision.job_status WHERE tenant = 'mapped'}),
	qr/engine "mapped" stands for an address.*Reported: connecting: the address ::ffff:169\.254\.169\.254 is refused, because it is a link-local address$/, 'the hint names the address');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE error_code = 'ADDRESS_REFUSED' AND delivery = 'not_sent' AND verdict = 'needs_person'}),
	scalar keys %moved, 'each was tried once');
is($node->safe_psql('postgres', q{SELECT string_agg(engine, ' ') FROM provision.engine_status WHERE breaker <> 'closed'}), '', 'no breaker is open');
like($node->safe_psql('postgres', q{SELECT detail FROM provision_doctor() WHERE finding = 'client certificate not usable'}),
	qr/Engine "lost": The file of the client key cannot be used\. It cannot be opened: No such file or directory\./, 'provision_doctor() finds the lost key');
ok(!-e "$home/keys", 'no keys of connections were written');

# The list is made shorter while engines are there: their calls fail before they are sent, until it is right again.
sub allow
{
	my ($hosts) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET provision.allowed_hosts = '$hosts'");
	$node->reload;
	return;
}

sub probe_says
{
	my ($expected) = @_;

	$node->safe_psql('postgres', q{SELECT provision_start('probe', 'route')});
	wait_for_jobs($node);
	return $node->safe_psql('postgres', q{SELECT coalesce(error_code, state) FROM provision.job_status WHERE tenant = 'probe' ORDER BY job_id DESC LIMIT 1}) eq $expected;
}

my ($out, $err);
isnt($node->psql('postgres', q{ALTER SYSTEM SET provision.allowed_hosts = '127.0.0.1, 10.0.0.1/8'}, stdout => \$out, stderr => \$err), 0, 'a list that cannot be read is refused');
like($err, qr/"10\.0\.0\.1\/8" is no host name, address or network\..*HINT:  For example/s, 'and its wrong entry told');
$node->safe_psql('postgres', new_tenant('probe', $url, '/ok?probe'));
allow('erp.example.com');
ok(wait_until(sub { probe_says('HOST_NOT_ALLOWED') }), 'the worker has the new list');
$node->safe_psql('postgres', qq{
	SELECT provision_tenant_create('well' || n, 'well', jsonb_build_object('company_name', 'X' || n, 'abbr', 'X' || n, 'country', 'US')) FROM generate_series(1, 5) AS n;
	INSERT INTO app.route SELECT 'well' || n, 'POST', '/ok?short' FROM generate_series(1, 5) AS n;
	SELECT count(provision_start('well' || n, 'route')) FROM generate_series(1, 5) AS n});
ok(wait_for_jobs($node), 'jobs of an engine whose host is not on the list end');
is($node->safe_psql('postgres', q{SELECT count(*), min(error_code), max(error_code) FROM provision.job_status WHERE tenant ~ '^well[0-9]'}), '5|HOST_NOT_ALLOWED|HOST_NOT_ALLOWED', 'and have failed');
is($node->safe_psql('postgres', q{SELECT count(*), min(delivery), max(verdict) FROM provision.attempt JOIN provision.job USING (job_id) JOIN provision.tenant USING (tenant_id) WHERE tenant.name ~ '^well[0-9]'}),
	'5|not_sent|needs_person', 'after one try, without anything sent');
is($hostile->count('/ok?short'), 0, 'nothing arrived');
is($node->safe_psql('postgres', q{SELECT breaker FROM provision.engine_status WHERE engine = 'well'}), 'closed', 'the breaker is closed');
like($node->safe_psql('postgres', q{SELECT detail FROM provision_doctor() WHERE finding = 'engine may not be called' AND detail LIKE '%"well"%'}), qr/provision\.allowed_hosts/, 'provision_doctor() tells');
like($node->safe_psql('postgres', q{SELECT error_hint FROM provision.job_status WHERE tenant = 'well1'}), qr/provision\.allowed_hosts does not name the host of engine "well".*provision_retry\(\d+\)\.$/, 'and so does the hint');
allow('127.0.0.1');
ok(wait_until(sub { probe_says('completed') }), 'the worker has the old list again');
$node->safe_psql('postgres', q{SELECT count(*) FROM provision_retry_all(error_code => 'HOST_NOT_ALLOWED', engine => 'well')});
ok(wait_for_jobs($node), 'the jobs are retried');
is($hostile->count('/ok?short'), 5, 'and have made their calls');
ok_invariants($node);
$node->stop;
done_testing();
