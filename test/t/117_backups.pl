# Backups on a schedule: the site is told how long to keep them, what was made is listed, and it is known as long as it is kept.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use ProvisionTest;
use Test::More;

my $standin = AgentStandin->new('--step-ms', 20, '--root-password', $root_password);
my $node = new_node('main', conf => "provision.retention = '1 hour'\n");

# Half a day from now, so that it comes only when this test says so.
my $daily = q{to_char(now() AT TIME ZONE 'Europe/Berlin' + interval '12 hours', '"0" HH24 "* * *"')};

sub kept_hours { return $standin->inventory->{sites}{"$bench/first.example.com"}{config}{keep_backups_for_hours} }

sub run_schedule
{
	my ($backups) = @_;

	$node->safe_psql('postgres', 'UPDATE provision.schedule SET next_at = now(), due_at = now() WHERE paused_at IS NULL; SELECT provision.wake_workers()');
	return poll($node, "SELECT count(*) = $backups FROM provision.backup");
}

create_agent($node, $standin);
create_site_tenants($node, 'first');
start_site_jobs($node, 'create_site', 'first');
ok(wait_for_jobs($node), 'a site is made');
is(kept_hours(), undef, 'which says nothing about backups');
is($node->safe_psql('postgres', qq{SELECT provision_schedule('first', 'backup_site', $daily, 'Europe/Berlin', '{"keep": "90 minutes"}')}), '1', 'a backup is scheduled');
ok(run_schedule(1), 'and made') or diag(open_steps($node), last_calls($node));
is(kept_hours(), 2, 'the site keeps it for so many hours');
is($node->safe_psql('postgres', q{SELECT cardinality(files) || ' ' || (size > 0) || ' ' || (urls[1] ~ '^https://first.example.com/backups/') || ' ' || expired || ' ' || schedule_id || ' ' || (expires_at - taken_at) FROM provision.backup}),
	'4 true true false 1 01:30:00', 'it is listed');
$node->safe_psql('postgres', qq{SELECT provision_schedule('first', 'backup_site', $daily, 'Europe/Berlin', '{"keep": "7 days", "with_files": false}')});
ok(run_schedule(2), 'the schedule is changed, and another is made');
is(kept_hours(), 168, 'the site keeps its backups for longer');
is($node->safe_psql('postgres', q{SELECT string_agg(cardinality(files)::text, ' ' ORDER BY job_id) FROM provision.backup}), '4 2', 'both are listed');

# Older than provision.retention, one still kept, one no longer.
$node->safe_psql('postgres', q{SELECT provision_schedule_pause(1)});
$node->safe_psql('postgres', q{SELECT provision_backup_site('first')});
ok(poll($node, 'SELECT count(*) = 3 FROM provision.backup'), 'a third is made by hand');
$node->safe_psql('postgres', q{UPDATE provision.job SET finished_at = finished_at - interval '2 hours' WHERE workflow = 'backup_site'});
is($node->safe_psql('postgres', q{SELECT string_agg(expired::text, ' ' ORDER BY job_id) FROM provision.backup}), 'true false false', 'one has expired');
$node->safe_psql('postgres', q{SELECT provision_purge('1 hour')});
is($node->safe_psql('postgres', q{SELECT string_agg(cardinality(files)::text, ' ' ORDER BY job_id) FROM provision.backup}), '2 4', 'what is kept is known after its history has been removed');

# The site goes, and with it the schedule.
$node->safe_psql('postgres', q{SELECT provision_schedule_resume(1), provision_delete_site('first')});
is($node->safe_psql('postgres', q{SELECT paused || ' ' || reason FROM provision.schedule_status}), 'true the tenant is deleted', 'a schedule ends with the site');
ok(wait_for_jobs($node), 'which is deleted');
is($node->psql('postgres', 'SELECT provision_schedule_resume(1)', stderr => \my $refused), 3, 'it cannot be resumed');
like($refused, qr/nothing can be scheduled for tenant "first": it is deleted/, 'and why');
submits_are_single($standin);
is(broken_invariants($node), '', 'the invariants hold');
$node->stop;
done_testing();
