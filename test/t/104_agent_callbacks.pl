# Frappe Agent tells an endpoint of the end of its jobs, which hands that on: the job goes on at once. Of looks that tell nothing new no event is written.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use IO::Socket::INET;
use ProvisionTest;
use Test::More;

my $endpoint = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5, Timeout => 60) or die "no socket: $!";
my $standin = AgentStandin->new('--manual', '--root-password', $root_password, '--press-url', 'http://127.0.0.1:' . $endpoint->sockport . '/agent');
my $node = new_node('main');

# What an application's endpoint does: the engine by the address that was called, the number from the form, and no more.
sub hand_over_callback
{
	my $caller = $endpoint->accept or return;
	my $request = '';
	$request .= $_ while $request !~ /job_id=\d+/ && defined($_ = readline($caller));
	my ($engine, $number) = $request =~ m{^POST /(\w+)/.*job_id=(\d+)}s or return;
	print $caller "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	close $caller;
	return $node->safe_psql('postgres', "SET ROLE endpoint; SELECT provision_agent_callback('$engine', $number)");
}

create_agent($node, $standin, max_pending => 864_000_000);
create_site_tenants($node, 'acmeinc');
$node->safe_psql('postgres', q{CREATE ROLE endpoint; GRANT EXECUTE ON FUNCTION provision_agent_callback TO endpoint});

# -- looks that tell nothing new
start_site_jobs($node, 'create_site', 'acmeinc');
my $looks = q{SELECT count(*) FROM provision.attempt WHERE call = 'wait for create site'};
ok(poll($node, "SELECT ($looks) >= 3"), 'the job of Agent is asked for again and again');
my $events = $node->safe_psql('postgres', q{SELECT string_agg(event || coalesce(' ' || step, ''), ', ' ORDER BY event_id) FROM provision.event WHERE job_id IS NOT NULL});
is($events, 'job_enqueued, job_started, step_started step_0_agent_check, step_completed step_0_agent_check, step_started step_1_site, job_waits', 'its history tells once that the job waits');
my $before = $node->safe_psql('postgres', $looks);
ok(poll($node, "SELECT ($looks) >= $before + 2"), 'looks go on');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE job_id IS NOT NULL}), 6, 'and nothing is added to it');
is(broken_invariants($node), '', 'the invariants hold meanwhile');

# -- an end that is told
$node->safe_psql('postgres', q{UPDATE provision.remote_kind SET min_pause_ms = 50, max_pause_ms = 3600000 WHERE title IN ('', 'New Site');
	UPDATE provision.remote_job SET submitted_at = submitted_at - interval '10 h'});
ok(poll($node, q{SELECT next_poll_at > clock_timestamp() + interval '10 min' FROM provision.remote_job}), 'left alone, the next look would come much later');
$standin->tick(40);
is(hand_over_callback(), 't', 'Agent tells that the job is over, and the endpoint hands it on');
ok(wait_for_jobs($node), 'the job goes on and ends') or diag(open_steps($node));
is({ site_jobs($node) }->{acmeinc}, 'completed', 'well');
like($node->safe_psql('postgres', q{SELECT string_agg(event, ', ' ORDER BY event_id) FROM provision.event WHERE job_id IS NOT NULL}), qr/job_waits, job_started, step_completed/, 'its history tells that it went on');
ok_invariants($node, $standin);
$node->stop;
done_testing();
