# A standby is quiet; when it is promoted it goes on where its primary stopped.
use strict;
use warnings;
use ProvisionTest;
use ProvisionNode;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $primary = new_node('primary', init => { allows_streaming => 1 });

create_engine($primary, $standin);
create_tenants($primary, 4);
$primary->backup('base');
my $standby = ProvisionNode->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

start_jobs($primary, 2);
ok(wait_for_jobs($primary), 'jobs on the primary end');
$primary->wait_for_catchup($standby);
is(tally($standby), 'completed 2', 'the standby shows them');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'provision%'}), '0', 'it has no process of ours');
like($standby->safe_psql('postgres', q{SELECT provision_health()}), qr/standby/, 'provision_health() says that it is a standby');
unlike(slurp_file($standby->logfile), qr/provision.*(ERROR|FATAL)|(ERROR|FATAL).*provision/, 'its log is quiet');

# In mid-flight: the old primary never records what becomes of these calls.
$standin->fault({ path_regex => '/api/', method => 'POST', nth => 1 }, { hang => \1 });
start_jobs($primary, 4);
ok(wait_until(sub { grep { $_->{fault} } $standin->requests }), 'a call hangs');
$primary->wait_for_catchup($standby);
$primary->stop('immediate');
$standin->clear_faults;
$standby->promote;
ok(wait_for_worker($standby), 'after promotion a worker starts');
ok(wait_for_jobs($standby), 'the jobs end');
is($standby->safe_psql('postgres', q{SELECT string_agg(DISTINCT state, ',') FROM provision.job}), 'completed', 'all are completed')
  or diag(open_steps($standby));
ok_invariants($standby, $standin);
$standby->stop;
done_testing();
