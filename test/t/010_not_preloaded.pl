# Without shared_preload_libraries: jobs can be started, provision_health() says what is missing, provision_worker_start() runs them.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main', preload => 0, conf => key_file_setting());

create_engine($node, $standin);
create_tenants($node, 2);
is(start_jobs($node, 2), '2', 'jobs can be started');
is($node->safe_psql('postgres', q{SELECT provision_health() ->> 'status'}), 'down', 'provision_health() is not content');
like($node->safe_psql('postgres', q{SELECT string_agg(c ->> 'check', ',') FROM jsonb_array_elements(provision_health() -> 'checks') AS c WHERE c ->> 'status' <> 'ok'}),
	qr/preload.*worker/, 'it says what is missing');
is($node->safe_psql('postgres', q{SELECT string_agg(finding, ', ' ORDER BY finding) FROM provision_doctor() WHERE finding NOT LIKE 'server may%'}),
	'library not preloaded, worker not running', 'provision_doctor(), too');
like($node->safe_psql('postgres', q{SELECT string_agg(reason || ' ' || coalesce(fix, ''), E'\n') FROM provision_why('t1')}),
	qr/worker/, 'provision_why() says it too');

is($node->safe_psql('postgres', 'SELECT provision_worker_start()'), 't', 'a worker is started without a restart');
ok(wait_for_jobs($node), 'the jobs end');
is(tally($node), 'completed 2', 'well') or diag(open_steps($node));
$node->safe_psql('postgres', 'SELECT provision_worker_start()');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.worker_status WHERE alive}), '1', 'started twice, there is one');

my $pid = wait_for_worker($node);         # not the one that found a worker there and is leaving
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
ok(wait_for_worker($node, 'postgres', $pid), 'it comes back after its end');
is($node->safe_psql('postgres', 'SELECT provision_worker_stop()'), '1', 'it is stopped');
ok(poll($node, q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'provision worker')}), 'and gone');
start_jobs($node, 2);
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT state, ',') FROM provision.job WHERE finished_at IS NULL}), 'pending', 'jobs wait now');
like($node->safe_psql('postgres', q{SELECT string_agg(fix, ' ') FROM provision_why('t1')}), qr/provision_worker_start/, 'and it is said why');
$node->safe_psql('postgres', 'SELECT provision_worker_start()');
ok(wait_for_jobs($node), 'until it is started again');
ok_invariants($node, $standin);
$node->stop;
done_testing();
