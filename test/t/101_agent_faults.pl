# Every fault of Frappe Agent in turn, each with a site of its own: the right end, and nothing submitted twice.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use JSON::PP;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

my $true = JSON::PP::true;
my $submit = { method => 'POST', path_regex => '/sites$' };

# name => what is matched beside the site ("request" or "job"), what happens, how the first job ends; how a retry ends, where it is tried
my @faults = (
	[ 'nothing',      undef,     {}, 'completed' ],
	[ 'delayed',      'request', { delay_after_ms => 7000 }, 'completed' ],
	[ 'droppedafter', 'request', { drop => 'after' }, 'completed' ],
	[ 'droppedbefore', 'request', { drop => 'before' }, 'completed' ],
	[ 'badgateway',   'request', { status => 502, body => '<html>Bad Gateway</html>' }, 'completed' ],
	[ 'gatewayafter', 'request', { status => 504, body => '<html>Timeout</html>', effect => $true }, 'completed' ],
	[ 'ghost',        'request', { ghost => $true }, 'completed' ],
	[ 'garbage',      'request', { garbage => 'binary', effect => $true }, 'completed' ],
	[ 'killed',       'job', { kill => $true, at => 'Install Apps' }, 'failed REMOTE_JOB_FAILED', 'completed' ],
	[ 'stuck',        'job', { stuck => $true, at => 'Install Apps' }, 'failed REMOTE_JOB_OVERDUE', 'completed' ],
	[ 'neverstarted', 'job', { never_start => $true }, 'completed' ],
	[ 'failing',      'job', { fail => { output => "installing\nNo module named erpnext\n", returncode => 1 }, at => 'Install Apps' }, 'failed REMOTE_JOB_FAILED', 'completed' ],
	[ 'traceback',    'job', { fail => { traceback => "Traceback (most recent call last):\nValueError: odd\n" }, at => 'Install Apps' }, 'failed REMOTE_JOB_FAILED', 'completed' ],
	[ 'repeating',    'job', { repeat_step => $true, at => 'Install Apps' }, 'completed' ],
	[ 'hiding',       'job', { hide_step => 'Install Apps' }, 'completed' ],
	[ 'wholeseconds', 'job', { whole_seconds => $true }, 'completed' ],
	[ 'talkative',    'job', { output_bytes => 400_000, at => 'Install Apps' }, 'failed ANSWER_TOO_LARGE' ],
);

my $standin = AgentStandin->new('--step-ms', 20, '--workers', 20, '--root-password', $root_password);
my $node = new_node('main', conf => "provision.max_body_size = '200kB'\n");

create_agent($node, $standin, max_pending => 15000, max_running => 15000, options => '{"timeout_ms": 5000}');
create_site_tenants($node, map { $_->[0] } @faults);
foreach my $fault (@faults)
{
	my ($name, $of, $action) = @$fault;
	next unless $of;
	$standin->fault($of eq 'job' ? { site => "$name.example.com", job => 'New Site', times => 1 } : { %$submit, body_regex => "\"$name\\.example", times => 1 }, $action);
}
start_site_jobs($node, 'create_site', map { $_->[0] } @faults);
ok(wait_for_jobs($node), 'all jobs end') or diag(open_steps($node));
my %ends = site_jobs($node);
is($ends{ $_->[0] }, $_->[3], "$_->[0]: $_->[3]") foreach @faults;
like($node->safe_psql('postgres', q{SELECT error_message FROM provision.job_status WHERE tenant = 'failing'}), qr/No module named erpnext \(step "Install Apps"\)/, 'the error says what Agent said');
like($node->safe_psql('postgres', q{SELECT error_message FROM provision.job_status WHERE tenant = 'traceback'}), qr/ValueError: odd/, 'of a failure in Python, too');
is((grep { $_->{site} eq 'stuck.example.com' && $_->{status} eq 'Running' } $standin->jobs), 0, 'what took too long was cancelled');

my @retried = grep { $_->[4] } @faults;
$node->safe_psql('postgres', "SELECT provision_retry(provision.newest_job('$_->[0]'))") foreach @retried;
ok(wait_for_jobs($node), 'all that were retried end') or diag(open_steps($node));
%ends = site_jobs($node);
is($ends{ $_->[0] }, $_->[4], "$_->[0], retried: $_->[4]") foreach @retried;

submits_are_single($standin);
is(tables_with($node, $root_password), '', 'no secret is in a table that is shown');
unlike(slurp_file($node->logfile), qr/\Q$root_password/, 'nor in the log');
is(broken_invariants($node), '', 'the invariants hold');
$node->stop;
done_testing();
