# Whatever a server answers, or does not: the call ends in time, its job has the right error code, and nobody else notices.
use strict;
use warnings;
use Hostile;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Standin;
use Test::More;

# Path, then the error code for GET and, where it differs, for POST; '' is success.
my @cases = (
	[ '/ok', '' ],
	[ '/chunked?x', 'NOT_FRAPPE' ],
	[ '/silence', 'ENGINE_TIMEOUT' ],
	[ '/slow-head', 'ENGINE_TIMEOUT' ],
	[ '/slow-body', 'ENGINE_TIMEOUT' ],
	[ '/stalls-in-body', 'ENGINE_TIMEOUT' ],
	[ '/never-reads', 'ENGINE_TIMEOUT' ],
	[ '/close-before-reading', 'CONNECTION_LOST' ],
	[ '/close-after-reading', 'CONNECTION_LOST' ],
	[ '/reset-after-reading', 'CONNECTION_LOST' ],
	[ '/reset-in-body', 'CONNECTION_LOST' ],
	[ '/close-in-body', 'CONNECTION_LOST' ],
	[ '/close-in-chunk', 'CONNECTION_LOST' ],
	[ '/close-in-head', 'CONNECTION_LOST' ],
	[ '/continue-and-close', 'CONNECTION_LOST' ],
	[ '/huge-body', 'ANSWER_TOO_LARGE' ],
	[ '/endless-chunks', 'ANSWER_TOO_LARGE' ],
	[ '/gzip-bomb', 'ANSWER_TOO_LARGE' ],
	[ '/deflate-bomb', 'ANSWER_TOO_LARGE' ],
	[ '/nested-gzip-bomb', 'ANSWER_TOO_LARGE' ],
	[ '/many-headers', 'ANSWER_TOO_LARGE' ],
	[ '/many-encodings', 'ANSWER_UNREADABLE' ],
	[ '/false-gzip', 'ANSWER_UNREADABLE' ],
	[ '/garbage', 'ANSWER_UNREADABLE' ],
	[ '/http-0-9', 'ANSWER_UNREADABLE' ],
	[ '/redirect', 'ENGINE_REDIRECTS' ],
	[ '/redirect-loop', 'ENGINE_REDIRECTS' ],
	[ '/early-hints', '' ],
	[ '/no-content?204', 'NOT_FRAPPE' ],
	[ '/reset-content', 'NOT_FRAPPE' ],
	[ '/text?escaped-nul', '' ],
	[ '/text?lone-surrogate', '' ],
	[ '/text?byte-order-mark', '' ],
	[ '/text?many-keys', 'ANSWER_TOO_LARGE' ],
	(map { [ "/text?$_", 'NOT_FRAPPE' ] } qw(invalid-utf8 nul malformed cut deep latin1 huge-number login blank number)),
	[ '/status?206', '' ],
	[ '/status?299', '' ],
	[ '/status?300', 'ENGINE_REDIRECTS' ],
	[ '/status?400', 'REQUEST_REJECTED' ],
	[ '/status?404', 'API_NOT_FOUND' ],
	[ '/status?451', 'ENGINE_FORBIDDEN' ],
	[ '/status?499', 'CONNECTION_LOST' ],
	[ '/status?500', 'ENGINE_UNAVAILABLE' ],
	[ '/status?511', 'PROXY_REFUSED' ],
	[ '/status?530', 'ENGINE_UNAVAILABLE' ],
	[ '/status?600', 'NOT_FRAPPE' ],
	[ '/status?999', 'NOT_FRAPPE' ]);

my $hostile = Hostile->new;
my $standin = Standin->new;
my $node = new_node('main', conf => "provision.max_body_size = '256kB'\n");

create_engine($node, $standin);
create_tenants($node, 20);
create_workflow($node, 'two', 2);
create_route_workflow($node);
$node->safe_psql('postgres', qq{
	SELECT provision_engine_create('hostile', '@{[ $hostile->url ]}', options => '{"max_concurrent": 30, "failure_threshold": 1000}');
	SELECT provision_engine_secret('hostile', 'test-key', 'test-secret');
	UPDATE provision.effort SET timeout_ms = 700 WHERE effort = 'read'});

my @routes = map { my $case = $_; map { [ $_, @$case ] } 'GET', 'POST' } @cases;
$node->safe_psql('postgres', join ';', map {
	my ($method, $path, $code) = @{ $routes[$_] };
	my $effort = $code eq 'ENGINE_TIMEOUT' ? 'read' : 'company';     # only those that hang have little time
	qq{SELECT provision_tenant_create('r$_', 'hostile', '{"company_name": "R$_", "abbr": "R$_", "country": "US"}');
	   INSERT INTO app.route VALUES ('r$_', '$method', '$path', '$effort')} } 0 .. $#routes);

# In kB; '' where the system does not tell.
sub peak_memory
{
	my ($pid) = @_;
	return -r "/proc/$pid/status" && slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m ? $1 : '';
}

my $pid = wait_for_worker($node);
my $peak = peak_memory($pid);

$node->safe_psql('postgres', q{SELECT count(provision_start(tenant, 'route')) FROM app.route});
start_jobs($node, 20, 'two');
ok(wait_for_jobs($node), 'all jobs end');
is($node->safe_psql('postgres', q{SELECT DISTINCT state FROM provision.job WHERE workflow = 'two'}), 'completed', 'those of a server that is well are completed');
my %ended = map { split /=/, $_, 2 } split /\n/, $node->safe_psql('postgres', q{
	SELECT format('%s=%s %s', tenant, state, error_code) FROM provision.job_status WHERE workflow = 'route'});
for my $number (0 .. $#routes)
{
	my ($method, $path, $on_get, $on_post) = @{ $routes[$number] };
	my $code = $method eq 'POST' ? $on_post // $on_get : $on_get;

	is($ended{"r$number"}, $code ? "failed $code" : 'completed ', "$method $path");
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt JOIN provision.job USING (job_id)
		WHERE job.workflow = 'route' AND attempt.method = 'POST' AND attempt.delivery = 'unknown' AND attempt.verdict NOT IN ('ambiguous', 'permanent')}),
	'0', 'a lost POST is never taken for one that was not made');
is($node->safe_psql('postgres', q{SELECT max(calls) FROM (SELECT count(*) AS calls FROM provision.attempt GROUP BY job_id, ordinal) AS c}), '2', 'nobody tries more often than allowed');
like($node->safe_psql('postgres', q{SELECT error_hint FROM provision.job_status JOIN app.route USING (tenant) WHERE path = '/redirect' AND method = 'GET'}),
	qr{Location: http://127\.0\.0\.1:\d+/ok\?redirected}, 'a redirect tells where it points');
is($hostile->count('/ok?redirected') . $hostile->count('/redirect-loop'), '02', 'and is not followed');
is(worker_pid($node), $pid, 'the worker lives');
cmp_ok(peak_memory($pid) - $peak, '<', 100_000, 'and took less than 100 MB') if $peak;
unlike(slurp_file($node->logfile), qr/(ERROR|FATAL|PANIC):/, 'no process had an error');
ok_invariants($node, $standin);
$node->stop;
done_testing();
