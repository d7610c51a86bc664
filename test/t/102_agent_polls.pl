# Many jobs of Agent are asked for in one request, and what waits holds no place: more sites than places are in the works at once.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use ProvisionTest;
use Test::More;

my $count = 30;
my $standin = AgentStandin->new('--manual', '--workers', 100, '--root-password', $root_password);
my $node = new_node('main');
my @tenants = map { "tenant$_" } 1 .. $count;

create_agent($node, $standin, options => '{"max_concurrent": 2}');
create_site_tenants($node, @tenants);
start_site_jobs($node, 'create_site', @tenants);
ok(poll($node, "SELECT count(*) = $count FROM provision.remote_job"), 'all sites are in the works at once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM provision.exclusion'), $count, 'and each is kept from others meanwhile');
ok(poll($node, q{SELECT max(array_length(string_to_array(substring(url FROM '/jobs/([0-9,]+)$'), ','), 1)) >= 10 FROM provision.attempt WHERE call = 'wait for create site'}), 'many are asked for at once');
wait_until(sub { $standin->tick(1); jobs_are_over($node) });
is(tally($node), "completed $count", 'all are made') or diag(open_steps($node));
my @looks = grep { $_->{path} =~ m{/jobs/\d+,} } $standin->requests;
my $asked = 0;
$asked += () = $_->{path} =~ /\d+/g foreach @looks;
cmp_ok($asked, '>=', 2 * @looks, 'a request asked for several');
submits_are_single($standin);
ok_invariants($node, $standin);
$node->stop;
done_testing();
