# What somebody uses is left and reported, and removed later; what was adopted, and what other tenants share, is never removed.
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new('--site', 'erp.localhost:bare');
my $node = new_node('main');

sub query
{
	return $node->safe_psql('postgres', shift);
}

sub newest
{
	my ($what, $tenant) = @_;
	return query("SELECT $what FROM provision.job_status WHERE tenant = '$tenant' ORDER BY job_id DESC LIMIT 1");
}

sub has
{
	my ($document) = @_;
	return scalar grep { $_ eq $document } $standin->documents;
}

create_engine($node, $standin);
create_tenants($node, 2);
query(q{UPDATE provision.step SET backoff_ms = 20, backoff_max_ms = 40, patience_ms = 60});

# One and another tenant share the fixtures that the first one made; the second one finds its customer there already.
query(q{SELECT provision_start('t1')});
wait_for_jobs($node);
$standin->control('POST', 'doc', { doc => { doctype => 'Customer', customer_name => 'Walk-in Customer - C2', customer_type => 'Individual' } });
query(q{SELECT provision_start('t2')});
wait_for_jobs($node);
is(tally($node), 'completed 2', 'two tenants are set up on a bare site');
is(query(q{SELECT count(*) FROM provision.creation_status WHERE state <> 'made'}), '0', 'all that was made is known');
query(q{SELECT provision_rollback('t2')});
wait_for_jobs($node);
is(newest('state', 't2'), 'rolled_back', 'one is rolled back') or diag(newest('error_message', 't2'));
ok(has('Customer/Walk-in Customer - C2'), 'what was adopted is still there');
ok(has('Company/Company 1') && !has('Company/Company 2'), 'its company is gone, the other is not');

# Somebody uses the customer; the site's default is the company.
query(q{SELECT provision_start('t2')});
wait_for_jobs($node);
$standin->control('POST', 'doc', { raw => JSON::PP::true, doc => { doctype => 'User Permission', name => 'p1', user => 'Administrator', allow => 'Customer', for_value => 'Walk-in Customer - C1' } });
query(q{SELECT provision_rollback('t1')});
wait_for_jobs($node);
is(newest(q{state || ' ' || direction || ' ' || error_code || ' ' || error_step}, 't1'), 'failed back ROLLBACK_INCOMPLETE step_7_customer', 'a customer in use is left') or diag(newest('error_hint', 't1'));
like(newest('error_message', 't1'), qr/Customer "Walk-in Customer - C1": Cannot delete or cancel because .* is linked with User Permission p1/, 'the message says why');
is(query(q{SELECT kind, state FROM provision.creation_status WHERE tenant = 't1' AND state NOT IN ('undone', 'kept')}), 'Customer|left', 'nothing else is left');
is(query(q{SELECT provision_status('t1') -> 'left' -> 0 ->> 'kind', jsonb_array_length(provision_status('t1') -> 'kept') > 5}), 'Customer|t', 'the status lists what is left and what was kept');
is(query(q{SELECT fix FROM provision_why('t1') WHERE reason = 'not removed'}) =~ s/\d+/N/r, 'SELECT provision_rollback(N);', 'why() says what to do');
ok(!has('Company/Company 1'), 'what does not depend on it is gone');
ok(has('Custom Field/Customer-provision_key') && has('UOM/Nos'), 'what the other tenant shares is kept');
my ($code, $out, $error) = $node->psql('postgres', q{SELECT provision_retry('t1')});
like($error, qr/cannot be retried: it was rolling back.*provision_rollback\(/s, 'it cannot go forward any more');
my $seen = scalar $standin->requests;
$standin->control('DELETE', 'fault');
query(q{SELECT provision_rollback('t1')});
wait_for_jobs($node);
is(newest('state', 't1'), 'failed', 'as long as it is used it is left');
is(join(' ', map { $_->{path} } grep { $_->{method} eq 'DELETE' } $standin->requests("since=$seen")), '/api/resource/Customer/Walk-in Customer - C1', 'only that is tried again');
my $delete = HTTP::Tiny->new->request('DELETE', $standin->url . '/api/resource/User%20Permission/p1', { headers => { Authorization => 'token test-key:test-secret' } });
is($delete->{status}, 202, 'now nobody uses it');
query(q{SELECT provision_rollback('t1')});
wait_for_jobs($node);
is(newest('state', 't1'), 'rolled_back', 'and it is removed') or diag(newest('error_message', 't1'));

# The last tenant goes, and with it the fixtures, but for those the site itself uses; the default company stays.
my $default = HTTP::Tiny->new->request('PUT', $standin->url . '/api/resource/Global%20Defaults/Global%20Defaults',
	{ headers => { Authorization => 'token test-key:test-secret', 'Content-Type' => 'application/json' }, content => '{"default_company": "Company 2"}' });
is($default->{status}, 200, 'a company becomes the default of the site');
query(q{SELECT provision_rollback('t2')});
wait_for_jobs($node);
like(newest('error_message', 't2'), qr/Company "Company 2": it is the default company of the site/, 'it is left');
ok(has('Company/Company 2'), 'it is there');
ok(!has('Customer/Walk-in Customer - C1'), 'the rest is not');

# While a job runs it is told to end and turn round; while it rolls back it can be stopped.
$standin->control('POST', 'reset');
query(q{DELETE FROM provision.job; UPDATE provision.tenant SET metadata = '{}', lifecycle = 'pending'});
$standin->fault({ path_regex => 'POS Profile', method => 'POST' }, { hold => 'before' });
my %before = map { $_ => 1 } $standin->documents;
query(q{SELECT provision_start('t1')});
poll($node, q{SELECT EXISTS (SELECT FROM provision.attempt WHERE call = 'create pos profile' AND finished_at IS NULL)});
is(query(q{SELECT wish FROM provision_cancel('t1', 'wrong customer', rollback => true)}), 'rollback', 'a running job is asked to turn round');
$standin->clear_faults;
wait_for_jobs($node);
is(newest(q{state}, 't1'), 'rolled_back', 'it does') or diag(newest('error_message', 't1'), "\n", last_calls($node));
my %kept = map { $_ => 1 } split /\n/, query(q{SELECT kind || '/' || name FROM provision.creation_status WHERE state = 'kept'});
is(join("\n", grep { !$before{$_} && !$kept{$_} } $standin->documents), '', 'nothing is left');
is(query(q{SELECT string_agg(to_state, ' ' ORDER BY event_id) FROM provision.event WHERE job_id = (SELECT max(job_id) FROM provision.job)
	AND event IN ('job_cancelled', 'job_rolling_back', 'job_rolled_back')}), 'cancelled pending rolled_back', 'the history tells it');

query(q{SELECT provision_start('t2')});
wait_for_jobs($node);
$standin->fault({ method => 'DELETE', path_regex => 'POS Profile' }, { hold => 'before' });
query(q{SELECT provision_rollback('t2')});
poll($node, q{SELECT EXISTS (SELECT FROM provision.attempt WHERE method = 'DELETE' AND url LIKE '%POS%Profile%' AND finished_at IS NULL)});
query(q{SELECT provision_cancel('t2')});
$standin->clear_faults;
wait_for_jobs($node);
is(newest(q{state || ' ' || direction}, 't2'), 'cancelled back', 'a rollback can be stopped');
ok(has('Company/Company 2'), 'before it has come to the company');
query(q{SELECT provision_rollback('t2')});
wait_for_jobs($node);
is(newest('state', 't2'), 'rolled_back', 'and goes on later') or diag(newest('error_message', 't2'));
ok(!has('Company/Company 2'), 'to the end');
ok_invariants($node, $standin);
$node->stop;
done_testing();
