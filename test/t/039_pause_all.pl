# Everything is paused: calls in flight end, no other is made by any worker, over a restart; resumed, all goes on.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', conf => "provision.workers = 2\n");

create_engine($node, $standin, '{"max_concurrent": 2}');
create_tenants($node, 12);
create_workflow($node, 'three', 3);
ok(poll($node, 'SELECT count(*) = 2 FROM provision.worker_status WHERE alive'), 'two workers run');
$standin->fault({ path_regex => 'ping' }, { delay_ms => 100 });
start_jobs($node, 6, 'three');
ok(wait_until(sub { $standin->control('GET', 'stats')->{requests} >= 3 }), 'jobs are on their way');
$node->safe_psql('postgres', q{SELECT provision_pause_all('moving house'); SELECT provision_pause_all('a second time')});
ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM provision.job WHERE state = 'running')}), 'their calls end, the jobs wait');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE finished_at IS NULL OR verdict <> 'success'}), '0', 'no outcome is lost');
my $seen = $standin->control('GET', 'stats')->{requests};
$node->safe_psql('postgres', q{SELECT count(*) FROM provision_start_many(ARRAY(SELECT 't' || n FROM generate_series(7, 12) AS n), 'three')});
like($node->safe_psql('postgres', q{SELECT detail || fix FROM provision_why('t12') WHERE reason = 'everything paused'}),
	qr/paused everything at .*Reason: moving house.*provision_resume_all/, 'why() says so, with the first reason');
is($node->safe_psql('postgres', q{SELECT value ->> 'status' FROM jsonb_array_elements(provision_health() -> 'checks') WHERE value ->> 'check' = 'pause'}), 'down', 'so does health()');
my $last_event = $node->safe_psql('postgres', 'SELECT max(event_id) FROM provision.event');
$node->restart;
ok(poll($node, 'SELECT count(*) = 2 FROM provision.worker_status WHERE alive AND rounds > 0'), 'after a restart two workers run');
is($node->safe_psql('postgres', q{SELECT state FROM provision_cancel('t12')}), 'cancelled', 'a job can be cancelled');
ok(poll($node, q{SELECT count(*) = 2 FROM pg_stat_activity WHERE backend_type = 'provision worker' AND wait_event_type = 'Extension'}), 'they wait');
is($standin->control('GET', 'stats')->{requests}, $seen, 'no call was made');
is($node->safe_psql('postgres', qq{SELECT count(*) FROM provision.event WHERE event = 'job_started' AND event_id > $last_event}), '0', 'no job was started');
$node->safe_psql('postgres', 'SELECT provision_resume_all()');
ok(wait_for_jobs($node), 'resumed, all end');
is(tally($node), 'cancelled 1, completed 11', 'well');
ok_invariants($node, $standin);
$node->stop;
done_testing();
