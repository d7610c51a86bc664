# Who waits for Frappe Cloud holds no place, and asks less and less often: more sites than places are in the works at once, their steps are progress.
use strict;
use warnings;
use AgentTest;
use CloudTest;
use PressStandin;
use ProvisionTest;
use Test::More;

my $count = 12;
my $standin = PressStandin->new('--manual');
my $node = new_node('main');
my @tenants = map { "tenant$_" } 1 .. $count;

create_cloud($node, $standin, options => '{"max_concurrent": 2}');
create_cloud_tenants($node, @tenants);
start_site_jobs($node, 'create_site', @tenants);
ok(poll($node, "SELECT count(*) = $count FROM provision.remote_job"), 'all sites are in the works at once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM provision.exclusion'), $count, 'and each is kept from others meanwhile');
ok(poll($node, q{SELECT bool_and(state = 'scheduled') FROM provision.job}), 'none holds a worker');
ok(poll($node, q{SELECT EXISTS (SELECT FROM provision_why('tenant1') WHERE reason = 'waits for the server')}), 'provision_why() says what for');
my $calls = q{SELECT min(calls_done) FROM provision.step_status WHERE step = 'step_1_site'};
my $before = $node->safe_psql('postgres', $calls);
$standin->tick(3);
ok(poll($node, "SELECT ($calls) > $before"), 'its steps are progress');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE call LIKE 'wait for %' AND url !~ '/press\.api\.site\.(job|get)\?[a-z]+=[A-Za-z0-9.]+$'}), '0', 'each request asks for one job');
ok(poll($node, q{SELECT bool_and(next_poll_at - asked_at > interval '60 ms') FROM provision.remote_job WHERE ended_at IS NULL AND clock_timestamp() - submitted_at > interval '2 s'
                    HAVING count(*) > 0}), 'the longer one takes, the longer the pause');
wait_until(sub { $standin->tick(1); jobs_are_over($node) });
is(tally($node), "completed $count", 'all are made') or diag(open_steps($node));
ok_invariants($node, $standin);
$node->stop;
done_testing();
