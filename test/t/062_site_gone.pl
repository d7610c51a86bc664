# A site that vanishes between two steps is no missing document: nothing is created in its place, a person is asked, and a retry goes on.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new('--site', 'erp.localhost:bare');
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 2);
my $gone = '<html><h1>404 Not Found</h1><p>erp.localhost does not exist</p></html>';

# The first job loses its site in a look whose "not found" would lead to a creation, the second in the creation itself.
$standin->fault({ method => 'GET', path_regex => '/api/resource/Company/Company 1$' }, { status => 404, body => $gone });
$standin->fault({ method => 'POST', path_regex => '/api/resource/Item$', body_regex => 'C2|Company 2' }, { status => 404, body => $gone });
$standin->fault({ method => 'POST', path_regex => '/api/resource/Warehouse$', body_regex => 'Company 2' }, { status => 404, body => $gone });
start_jobs($node, 2);
ok(wait_for_jobs($node), 'the jobs end');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT state || ' ' || error_code, ', ') FROM provision.step_status WHERE error_code IS NOT NULL AND error_code <> 'STEP_BLOCKED'}),
	'failed SITE_NOT_FOUND', 'because there is no site') or diag(last_calls($node));
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT verdict, ', ') FROM provision.call_log WHERE error_code = 'SITE_NOT_FOUND'}), 'needs_person', 'which needs a person');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.call_log WHERE http_status = 404 AND verdict = 'absent' AND response_excerpt LIKE '%does not exist%'}), '0', 'a page is no "absent"');
is(join(', ', grep { m{Company/Company 1$} } $standin->creations), '', 'nothing was made blindly');

$standin->clear_faults;
$node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT job_id FROM provision.dead_letter OFFSET 0) AS dead, provision_retry(dead.job_id)});
ok(wait_for_jobs($node), 'the site is back: the jobs are tried again');
is(tally($node), 'completed 2', 'and completed') or diag(open_steps($node));
ok_invariants($node, $standin);
$node->stop;
done_testing();
