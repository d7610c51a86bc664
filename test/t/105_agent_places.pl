# Frappe Agent never has more jobs of ours than max_jobs: not with nine tenants that wait, nor when answers are lost and workers die. The others keep their line.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use ProvisionTest;
use Test::More;

my ($count, $places) = (9, 3);
my $standin = AgentStandin->new('--manual', '--workers', 100, '--root-password', $root_password);
my $node = new_node('main', conf => "provision.max_crashes = 1000\n");
my @tenants = map { "tenant$_" } 1 .. $count;
my ($most, $broken, $ticks, $pid) = (0, '', 0, 0);

sub watch
{
	my $open = grep { $_->{status} =~ /Pending|Running/ } $standin->jobs;

	$most = $open if $open > $most;
	return 0 if $ticks++ % 4;
	$broken ||= $node->safe_psql('postgres', q{SELECT invariant, example FROM provision.invariants() WHERE violations > 0 AND invariant LIKE '%Frappe Agent%'});
	kill_hard($node, $pid) if $ticks % 16 == 1 && $ticks < 50 && ($pid = wait_for_worker($node, 'postgres', $pid));
	return jobs_are_over($node);
}

create_agent($node, $standin, options => qq({"max_jobs": $places}));
create_site_tenants($node, @tenants, 'urgent');
$standin->fault({ method => 'POST', path_regex => '/sites$', every => 4 }, { drop => 'after' });
start_site_jobs($node, 'create_site', @tenants);
ok(wait_until(sub { (grep { $_->{status} eq 'Pending' } $standin->jobs) == $places }), 'Agent gets as many jobs as it may have');
ok(poll($node, qq{SELECT count(*) = $places FROM provision.remote_job WHERE remote_id IS NOT NULL}), 'they are waited for');
is($node->safe_psql('postgres', 'SELECT count(*), min(queue_position), max(queue_position) FROM provision.queue'), join('|', $count - $places, 1, $count - $places), 'the others stand in line');
ok(ask($node, q{SELECT provision_start('urgent', 'create_site', priority => 50)}), 'an urgent one comes');
is($node->safe_psql('postgres', q{SELECT reason FROM provision_why('urgent') WHERE reason IN ('agent busy', 'engine busy', 'queued')}), "agent busy\nqueued", 'it is told what it waits for');

$standin->tick(8);
ok(poll($node, q{SELECT EXISTS (SELECT FROM provision.job_status WHERE progress BETWEEN 20 AND 90)}), 'progress is made while Agent works');
ok(wait_until(sub { $standin->tick(1); watch() }, 180), 'all jobs end') or diag(open_steps($node));
is(tally($node), 'completed ' . ($count + 1), 'well') or diag(last_calls($node));
is($most, $places, "never more than $places at once");
is($broken, '', 'the invariants hold all the while');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM provision.job WHERE started_at < (SELECT started_at FROM provision.job_status WHERE tenant = 'urgent')}), '<=', $places + 1, 'the urgent one went first');
submits_are_single($standin);
ok_invariants($node, $standin);
$node->stop;
done_testing();
