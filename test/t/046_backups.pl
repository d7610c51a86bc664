# Backups that are started elsewhere, and servers recovered to a point in time, come up paused until somebody adopts them.
use strict;
use warnings;
use ProvisionTest;
use ProvisionNode;
use PostgreSQL::Test::Utils;
use Standin;
use Test::More;

my $standin = Standin->new;
my $origin = new_node('origin', init => { has_archiving => 1, allows_streaming => 1 });

create_engine($origin, $standin);
create_tenants($origin, 2);
is($origin->safe_psql('postgres', 'SELECT provision_adopt()'), 'f', 'the original is no copy');
$origin->backup('base');
$origin->safe_psql('postgres', q{SELECT provision_engine_pause('bench')});
start_jobs($origin, 1);
$origin->safe_psql('postgres', q{SELECT pg_create_restore_point('waiting')});
$origin->safe_psql('postgres', q{SELECT provision_engine_resume('bench')});
ok(wait_for_jobs($origin), 'the job of the original ends');
my $made = () = $standin->creations;
$origin->safe_psql('postgres', 'SELECT pg_switch_wal()');

# To a point in time: the job that has ended long since waits again.
my $past = ProvisionNode->new('past');
$past->init_from_backup($origin, 'base', has_restoring => 1, standby => 0);
$past->append_conf('postgresql.conf', "recovery_target_name = 'waiting'\nrecovery_target_action = 'promote'");
$past->start;
is_paused_copy($past, 'postgres', qr/backup/, 'a server recovered to a point in time');
$past->restart;
is_paused_copy($past, 'postgres', qr/backup/, 'also after a restart');
$past->safe_psql('postgres', q{UPDATE provision.control SET copy_detail = NULL});
is($past->safe_psql('postgres', 'SELECT provision.copy_detail()'), 'This server was recovered to a point in time.', 'the history of its timeline tells, too');
$past->safe_psql('postgres', q{SELECT provision_engine_resume('bench')});
adopt_copy($past, 'postgres');
is(scalar(() = $standin->creations), $made, 'what the original has made is found, not made again');
$past->restart;
ok(wait_for_worker($past), 'once adopted it stays so');
$past->stop;

# The files of a backup, started as they are: neither identifier nor timeline differ.
my $twin = ProvisionNode->new('twin');
$origin->backup('later');
$twin->init_from_backup($origin, 'later');
$twin->start;
$twin->safe_psql('postgres', q{SELECT provision_start('t2')});
ok(poll($twin, 'SELECT copy_detail IS NOT NULL FROM provision.control'), 'a backup that was simply started is paused');
$twin->restart;
like($twin->safe_psql('postgres', 'SELECT detail FROM provision.why_worker()'), qr/backup/, 'also after a restart');
$twin->stop;

ok_invariants($origin, $standin);
$origin->stop;
done_testing();
