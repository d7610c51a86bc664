# Every fault of Frappe Cloud in turn, each with a site of its own: the right end, and no site made twice.
use strict;
use warnings;
use AgentTest;
use CloudTest;
use JSON::PP;
use PostgreSQL::Test::Utils;
use PressStandin;
use ProvisionTest;
use Test::More;

my $true = JSON::PP::true;

# name => what is matched beside the site (the method of a request, or the title of a job), what happens, how the first job ends; how a retry ends
my @faults = (
	[ 'nothing',       undef,        {}, 'completed' ],
	[ 'delayed',       'site.new',   { delay_after_ms => 3000 }, 'completed' ],
	[ 'droppedafter',  'site.new',   { drop => 'after' }, 'completed' ],
	[ 'droppedbefore', 'site.new',   { drop => 'before' }, 'completed' ],
	[ 'hanging',       'site.new',   { hang => $true }, 'completed' ],
	[ 'badgateway',    'site.new',   { status => 502, body => '<html>Bad Gateway</html>' }, 'completed' ],
	[ 'gatewayafter',  'site.new',   { status => 504, body => '<html>Timeout</html>', effect => $true }, 'completed' ],
	[ 'garbage',       'site.new',   { garbage => 'binary', effect => $true }, 'completed' ],
	[ 'pythonerror',   'site.new',   { exc_type => 'KeyError', body => 'group' }, 'completed' ],
	[ 'ratelimited',   'site.new',   { exc_type => 'RateLimitExceededError', headers => { 'Retry-After' => 1 } }, 'completed' ],
	[ 'maintained',    'site.new',   { exc_type => 'SessionStopped' }, 'completed' ],
	[ 'unpaid',        'site.new',   { exc_type => 'ValidationError', body => 'Add a <b>payment</b> method' }, 'failed CLOUD_REFUSED', 'completed' ],
	[ 'fullserver',    'site.new',   { exc_type => 'InsufficientSpaceOnServer', status => 417, body => 'Not enough space' }, 'failed CLOUD_SERVER_FULL', 'completed' ],
	[ 'unauthorised',  'site.new',   { exc_type => 'AuthenticationError' }, 'failed ENGINE_AUTH_FAILED', 'completed' ],
	[ 'lookfails',     'site.get',   { status => 503, body => '<html>Away</html>' }, 'completed' ],
	[ 'pollfails',     'site.job',   { garbage => 'html' }, 'completed' ],
	[ 'listless',      'site.jobs',  { exc_type => 'KeyError', body => 'x' }, 'completed' ],
	[ 'failing',       'New Site',   { fail => { output => "installing\nNo module named erpnext --admin-password hunter2\n" }, at => 'Install Apps' }, 'failed CLOUD_JOB_FAILED', 'completed' ],
	[ 'proxyfails',    'Add Site to Upstream', { fail => { output => 'nginx: not reloaded' } }, 'failed CLOUD_JOB_FAILED', 'completed' ],
	[ 'stuck',         'New Site',   { stuck => $true, at => 'Install Apps' }, 'failed CLOUD_JOB_OVERDUE' ],
	[ 'neverstarted',  'New Site',   { never_start => $true }, 'failed CLOUD_JOB_OVERDUE' ],
	[ 'forgotten',     'New Site',   { lost => $true }, 'completed' ],
);

my $standin = PressStandin->new;
my $node = new_node('main');

create_cloud($node, $standin, max_pending => 3_600_000, max_running => 3_600_000, options => '{"timeout_ms": 2000}');
create_cloud_tenants($node, (map { $_->[0] } @faults), 'busysite', 'gonesite', 'lostarchive', 'lostbackup', 'badbackup');
foreach my $fault (@faults)
{
	my ($name, $of, $action) = @$fault;
	next unless $of;
	$standin->fault($of =~ / / ? { site => "$name.frappe.cloud", job => $of, times => 1 }
		: $of eq 'site.job' ? { path_regex => 'site\.job$', times => 1 }
		: $of eq 'site.get' ? { path_regex => 'site\.get$', query_regex => "name=$name\\.", times => 1 }
		: { path_regex => "\Q$of\E\$", body_regex => "\"$name(\\.frappe\\.cloud)?\"", times => 1 }, $action);
}
start_site_jobs($node, 'create_site', (map { $_->[0] } @faults), 'busysite', 'gonesite', 'lostarchive', 'lostbackup', 'badbackup');
age_remote_job($node, 'stuck', 'Running');
age_remote_job($node, 'neverstarted', 'Pending');
ok(wait_for_jobs($node), 'all jobs end') or diag(open_steps($node));
my %ends = site_jobs($node);
is($ends{ $_->[0] }, $_->[3], "$_->[0]: $_->[3]") foreach @faults;
my $message = "SELECT error_message || ' ' || error_hint FROM provision.job_status WHERE tenant = '%s'";
like($node->safe_psql('postgres', sprintf $message, 'failing'), qr/No module named erpnext --admin-password \[redacted\] \(step "Install Apps"\)/, 'the error says what the job said, without secrets');
like($node->safe_psql('postgres', sprintf $message, 'proxyfails'), qr/Add Site to Upstream.*nginx: not reloaded/, 'of the second job, too');
like($node->safe_psql('postgres', sprintf $message, 'unpaid'), qr/Add a payment method/, 'a refusal says why, as plain text');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event_log WHERE event = 'engine_held_back'}), '1', 'Retry-After holds for the engine');

# -- archives and backups
$standin->clear_faults;
$standin->control('POST', 'site', { site => 'busysite.frappe.cloud', status => 'Updating' });
$standin->fault({ path_regex => 'site\.archive$', body_regex => 'lostarchive', times => 1 }, { drop => 'after' });
$standin->fault({ path_regex => 'site\.archive$', body_regex => 'gonesite', times => 1 }, { exc_type => 'SiteAlreadyArchived', status => 417, effect => $true });
$standin->fault({ path_regex => 'site\.backup$', body_regex => 'lostbackup', times => 1 }, { drop => 'after' });
$standin->fault({ job => 'Backup Site', site => 'badbackup.frappe.cloud', times => 1 }, { fail => { output => 'disk full' } });
start_site_jobs($node, 'delete_site', 'busysite', 'gonesite', 'lostarchive');
start_site_jobs($node, 'backup_site', 'lostbackup', 'badbackup');
$node->safe_psql('postgres', qq{SELECT provision_retry(provision.newest_job('$_->[0]'))}) foreach grep { $_->[4] } @faults;
ok(poll($node, q{SELECT EXISTS (SELECT FROM provision.remote_job JOIN provision.job_status USING (job_id) WHERE tenant = 'busysite' AND call = 'wait for a pause before delete site' AND remote_job.status = 'Running')}), 'a site that is being updated is waited for');
$standin->control('POST', 'site', { site => 'busysite.frappe.cloud', status => 'Active' });
ok(wait_for_jobs($node), 'all end') or diag(open_steps($node));
%ends = site_jobs($node);
is($ends{$_}, 'completed', "$_: deleted") || diag(last_calls($node)) foreach qw(busysite gonesite lostarchive);
is($ends{lostbackup}, 'completed', 'a backup is found whose answer was lost');
is($standin->control('GET', 'inventory')->{'team-one'}{created}{Backup} ? (grep { m{^lostbackup} } keys %{ $standin->control('GET', 'inventory')->{'team-one'}{created}{Backup} }) : 0, 1, 'and not made again');
is($ends{badbackup}, 'failed CLOUD_JOB_FAILED', 'a backup that fails');
like($node->safe_psql('postgres', sprintf $message . " AND workflow = 'backup_site'", 'badbackup'), qr/disk full/, 'says why');
is($ends{ $_->[0] }, $_->[4], "$_->[0], retried: $_->[4]") || diag($node->safe_psql('postgres', sprintf($message, $_->[0]))) foreach grep { $_->[4] } @faults;

# -- a Press that shows customers no difference between a site of others and none, and tells little about names; a team we are not in; another domain
$standin->mode(hide_missing => $true, exists_per_minute => 0);
create_cloud_tenants($node, 'hidden', 'hiddentaken', 'elsewhere', 'foreign');
$standin->plant_site({ site => 'hiddentaken.frappe.cloud', team => 'team-nine' });
start_site_jobs($node, 'create_site', 'hidden', 'hiddentaken');
ok(wait_for_jobs($node), 'both end');
%ends = site_jobs($node);
is($ends{hidden}, 'completed', 'what cannot be seen may be made');
is($ends{hiddentaken}, 'failed SITE_TAKEN', q{what is another team's cannot});
$standin->mode(made_under => 'erpnext.example');
start_site_jobs($node, 'create_site', 'elsewhere');
ok(wait_for_jobs($node), 'one under another domain ends');
is({ site_jobs($node) }->{elsewhere}, 'failed CLOUD_DOMAIN_WRONG', 'it is no success');
$node->safe_psql('postgres', q{SELECT provision_rollback('elsewhere')});
ok(wait_for_jobs($node), 'and rolled back');
like(cloud_sites($standin, 'deleted'), qr/elsewhere\.erpnext\.example 1/, 'under the name that it was given');
$node->safe_psql('postgres', q{SELECT provision_engine_update('cloud', '{"team": "team-two"}')});
start_site_jobs($node, 'create_site', 'foreign');
ok(wait_for_jobs($node), 'a job for a team without us ends');
is({ site_jobs($node) }->{foreign}, 'failed CLOUD_TEAM_WRONG', 'it is found out before anything is made');
unlike(cloud_sites($standin, 'created'), qr/foreign/, 'and nothing is');

is(join(', ', $standin->doubles), '', 'no site was made twice');
is(tables_with($node, 'hunter2'), '', 'no secret of an output is kept');
is(tables_with($node, 'test-secret'), '', 'nor our own');
unlike(slurp_file($node->logfile), qr/test-secret|hunter2/, 'nor in the log');
is(broken_invariants($node), '', 'the invariants hold');
$node->stop;
done_testing();
