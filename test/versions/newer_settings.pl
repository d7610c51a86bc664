# Settings that came after version 15, set so that they would hurt: the worker's statements run.
use strict;
use warnings;
use ProvisionTest;
use Standin;
use Test::More;

my %hostile = (
	debug_parallel_query => 'on',                                        # 16
	event_triggers => 'off',                                             # 17
	restrict_nonsystem_relation_kind => "'view, foreign-table'",         # 17
	transaction_timeout => '500',                                        # 17
	io_method => 'sync',                                                 # 18
);
my $standin = Standin->new;
my $node = new_node('main');
my @known = split /\n/, $node->safe_psql('postgres',
	"SELECT name FROM pg_settings WHERE name = ANY ('{" . join(',', keys %hostile) . "}') ORDER BY name");

plan(skip_all => 'this version has none of these settings') if !@known;
create_engine($node, $standin);
create_tenants($node, 3);
create_workflow($node, 'slow', 1);
$node->safe_psql('postgres', q{
	CREATE OR REPLACE FUNCTION app.one_call(job jsonb) RETURNS SETOF provision.call LANGUAGE sql STABLE AS $$
		SELECT 'ping', 'GET', '/api/method/ping', NULL::jsonb, true, NULL, true, 'read', NULL::jsonb, NULL::jsonb, NULL::boolean, NULL::jsonb, NULL::text
		  FROM (SELECT pg_sleep(0.8) OFFSET 0) AS a_transaction_longer_than_its_limit;
	$$});
my $before = wait_for_worker($node);
$node->safe_psql('postgres', "ALTER SYSTEM SET $_ = $hostile{$_}") foreach @known;
$node->restart;
# This session needs what the worker gives itself.
$ENV{PGOPTIONS} = join ' ', map { "-c $_=" . ($_ eq 'transaction_timeout' ? 0 : '') } grep { /^(transaction|restrict)/ } @known;
ok(wait_for_worker($node, 'postgres', $before), 'a worker starts');
start_jobs($node, 3);
start_jobs($node, 3, 'slow');
ok(wait_for_jobs($node), 'jobs end');
is(tally($node), 'completed 6', 'they are completed') or diag(open_steps($node));
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.event WHERE event = 'worker_lost'}), '0', 'no worker died');
ok_invariants($node, $standin);
$node->stop;
done_testing();
