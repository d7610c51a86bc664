# A server that says when to come again (429 with Retry-After) is left alone by all jobs of its engine until then; other engines go on.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $other = Standin->new;
my $node = new_node('main');

create_engine($node, $standin, '{"max_concurrent": 3}');
create_tenants($node, 30);
create_workflow($node, 'two', 2);
$node->safe_psql('postgres', qq{
	SELECT provision_engine_create('other', '@{[ $other->url ]}');
	SELECT provision_engine_secret('other', 'test-key', 'test-secret');
	SELECT provision_tenant_create('o' || n, 'other', jsonb_build_object('company_name', 'Other ' || n, 'abbr', 'O' || n, 'country', 'US'))
	  FROM generate_series(1, 20) AS n});

$standin->control('POST', 'mode', { rate_limit => { retry_after => 2 } });
start_jobs($node, 30, 'two');
ok(poll($node, q{SELECT not_before > clock_timestamp() FROM provision.engine_status WHERE engine = 'bench'}), 'the engine is held back');
# It is asked again every two seconds, and refuses.
ok(poll($node, q{SELECT string_agg(DISTINCT reason, ',') = 'engine asked to wait' FROM provision.job AS j, provision_why(j.job_id) WHERE j.state = 'pending' AND reason LIKE 'engine%'}),
	'provision_why tells it');
$node->safe_psql('postgres', q{SELECT count(*) FROM provision_start_many(ARRAY(SELECT 'o' || n FROM generate_series(1, 20) AS n), 'two')});
ok(poll($node, q{SELECT count(*) = 20 FROM provision.job_status WHERE tenant LIKE 'o%' AND state = 'completed'}), 'jobs of another engine end meanwhile');
ok(poll($node, q{SELECT count(*) >= 2 FROM provision.event WHERE event = 'engine_held_back'}), 'when the time has come it is asked again');
$standin->control('POST', 'mode', { rate_limit => undef });
ok(wait_for_jobs($node), 'the server takes calls again: all jobs end');

is(tally($node), 'completed 50', 'well') or diag(open_steps($node));
is($node->safe_psql('postgres', q{
		SELECT count(*) FROM provision.event AS held
		  JOIN provision.engine ON engine.name = held.engine
		  JOIN provision.attempt USING (engine_id)
		 WHERE held.event = 'engine_held_back'
		   AND attempt.started_at > held.at
		   AND attempt.started_at < (held.detail ->> 'until')::timestamptz}), '0', 'no call was made before the time that the server named');
my @refused = grep { $_->{status} eq '429' } $standin->requests;
my $held = $node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event = 'engine_held_back'});
cmp_ok(scalar @refused, '<=', 3 * $held, 'so it had to refuse no more than what was in flight');
is($node->safe_psql('postgres', q{SELECT breaker || failures_in_a_row FROM provision.engine_status WHERE engine = 'bench'}), 'closed0', 'a busy server is no sick one');

# One that names a time far away is asked again after an hour at most, or when an operator says so.
$standin->fault({ path_regex => 'ping', times => 1 }, { status => 503, headers => { 'Retry-After' => '1000000000000' }, body => '<html>busy</html>' });
start_jobs($node, 1, 'two');
ok(poll($node, q{SELECT not_before BETWEEN clock_timestamp() + interval '59 min' AND clock_timestamp() + interval '1 hour' FROM provision.engine_status WHERE engine = 'bench'}),
	'no server is left alone for more than an hour');
start_jobs($node, 2, 'two');
is($node->safe_psql('postgres', q{SELECT state FROM provision.job ORDER BY job_id DESC LIMIT 1}), 'pending', 'a new job waits');
$node->safe_psql('postgres', q{SELECT provision_engine_resume('bench')});
ok(poll($node, q{SELECT state = 'completed' FROM provision.job ORDER BY job_id DESC LIMIT 1}), 'until the engine is resumed');
$node->stop;
done_testing();
