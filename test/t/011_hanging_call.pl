# Calls that hang delay nobody else, and no transaction is open while they are in flight.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my $standin = Standin->new;
my $node = new_node('main');

create_engine($node, $standin);
create_tenants($node, 30);
create_workflow($node, 'two', 2);
$node->safe_psql('postgres', q{UPDATE provision.effort SET timeout_ms = 300000 WHERE effort = 'read'});
$standin->fault({ body_regex => '"t[1-5]"' }, { hang => \1 });
start_jobs($node, 5, 'two');
sub hanging { return scalar grep { $_->{status} eq 'hung' } $standin->requests }

ok(wait_until(sub { hanging() == 5 }), 'five calls hang');

my $snapshots = 0;
my $started_at = time;
start_jobs($node, 30, 'two');
ok(wait_until(sub {
	$snapshots++ if $node->safe_psql('postgres', q{SELECT coalesce(max(age(backend_xmin)), 0) FROM pg_stat_activity WHERE backend_type LIKE 'provision%' AND state <> 'active'}) ne '0';
	return $node->safe_psql('postgres', q{SELECT count(*) FROM provision.job WHERE state = 'completed'}) eq '25';
}), 'the others end meanwhile');
ok_in_time($started_at, 5, 'within five seconds');
is($snapshots, 0, 'no snapshot was held');
# A round may be under way just now; one that is over leaves nothing open.
ok(poll($node, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'provision worker' AND (xact_start IS NOT NULL OR backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)}),
	'nor is one afterwards');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.job WHERE state = 'running'}), '5', 'the five still hang');

is($node->safe_psql('postgres', q{SELECT count(*) FROM provision_cancel('t1', 'enough')}), '1', 'one of them can be cancelled');
$standin->clear_faults;
$started_at = time;
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'provision worker'});
ok(wait_for_jobs($node), 'another worker ends the rest');
is(tally($node), 'cancelled 1, completed 29', 'as it should') or diag(open_steps($node));
ok_invariants($node, $standin);
$node->stop;
done_testing();
