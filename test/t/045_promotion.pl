# The primary dies after the server has done what it was asked, before it has answered: the promoted standby asks and finds it.
use strict;
use warnings;
use ProvisionTest;
use ProvisionNode;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $primary = new_node('primary', init => { allows_streaming => 1 }, conf => key_file_setting());

create_engine($primary, $standin);
create_tenants($primary, 3);
$primary->backup('base');
my $standby = ProvisionNode->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

# Reads go on, the Company is made, its answer never comes.
$standin->fault({ path_regex => 'resource/Company', method => 'POST', times => 3 }, { hang => \1, effect => \1 });
start_jobs($primary, 3);
ok(wait_until(sub { grep { $_ =~ /Company/ } $standin->creations }), 'the server has made a company and does not say so');
my ($hanging) = grep { $_->{fault} } $standin->requests;
ok($primary->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM provision.attempt WHERE finished_at IS NULL AND method = 'POST')}), 'its call is in flight');
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q{SELECT finding FROM provision_doctor() WHERE severity <> 'critical' OR finding NOT LIKE 'server may%'}), 'standby', 'the standby has nothing to complain of');
my $log_before = -s $standby->logfile;
$primary->stop('immediate');
$standin->clear_faults;
$standby->promote;

ok(wait_for_worker($standby), 'after promotion a worker starts');
is($standby->safe_psql('postgres', 'SELECT provision.copy_detail() IS NULL AND NOT provision_adopt()'), 't', 'a promoted standby is no copy');
is($standby->safe_psql('postgres', q{SELECT (detail ->> 'timeline')::int - (detail ->> 'from_timeline')::int FROM provision.event WHERE event = 'server_promoted'}),
	'1', 'that it was promoted is an event');
ok(wait_for_jobs($standby), 'the jobs end');
is(tally($standby), 'completed 3', 'well') or diag(open_steps($standby));
cmp_ok($standby->safe_psql('postgres', q{SELECT count(*) FROM provision.attempt WHERE verdict = 'crashed' AND delivery = 'unknown' AND method = 'POST'}),
	'>=', '1', 'the calls in flight count as crashed');
my ($next) = grep { !$_->{fault} } $standin->requests("since=$hanging->{seq}&path_regex=resource/Company");
is($next->{method}, 'GET', 'the server is asked before anything is repeated');
is(scalar(grep { /^created Company\// } $standin->creations), 3, 'each company was made once');
unlike(slurp_file($standby->logfile, $log_before), qr/(ERROR|FATAL|WARNING):.*provision/, 'nobody complains in the log');

# Promoted once, it stays at home over restarts.
$standby->restart;
ok(wait_for_worker($standby), 'after a restart it works');
ok_invariants($standby, $standin);
$standby->stop;
done_testing();
