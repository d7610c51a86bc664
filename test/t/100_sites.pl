# A site is made, backed up and deleted through Frappe Agent, and made again; no secret is kept, and somebody else's site is left alone.
use strict;
use warnings;
use AgentStandin;
use AgentTest;
use JSON::PP;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

sub sites_of
{
	my ($standin, $what) = @_;
	return join ' ', sort map { s{^.*/}{}r } keys %{ $standin->inventory->{$what}{Site} };
}

my $standin = AgentStandin->new('--step-ms', 20, '--root-password', $root_password);
my $node = new_node('main');

create_agent($node, $standin);
create_site_tenants($node, 'first', 'second', 'third', 'taken', 'stranger');
$standin->plant_site({ site => 'taken.example.com' });

# -- made
is(start_site_jobs($node, 'create_site', 'first', 'second', 'third', 'taken'), 4, 'jobs that make sites are started');
ok(wait_for_jobs($node), 'they end');
my %jobs = site_jobs($node);
is($jobs{first}, 'completed', 'a site is made') or diag(open_steps($node), last_calls($node));
is($jobs{second}, 'completed', 'and another');
is($jobs{taken}, 'failed SITE_TAKEN', 'one that somebody else has made is a conflict');
is($node->safe_psql('postgres', q{SELECT lifecycle || ' ' || (settings ->> 'site') || ' ' || (metadata ->> 'created_site') FROM provision.tenant WHERE name = 'first'}),
	'active first.example.com first.example.com', 'the tenant is active, and its site known');
is($node->safe_psql('postgres', q{SELECT bool_and(calls_done = calls_total AND calls_total > 0) FROM provision.step_status WHERE tenant = 'first' AND state = 'completed'}), 't', 'progress came to its end');
is(sites_of($standin, 'created'), 'first.example.com second.example.com third.example.com', 'Agent made these');
ok(ask($node, q{SELECT provision_create_site('first')}), 'once more');
ok(wait_for_jobs($node), 'and it ends');
is({ site_jobs($node) }->{first}, 'completed', 'what is there is taken over');
is($standin->inventory->{created}{Site}{"$bench/first.example.com"}, 1, 'and not made again');

# -- backed up
is($node->safe_psql('postgres', q{SELECT provision_backup_site('first', with_files => false) = provision_backup_site('first')}), 't', 'a second backup of a site is the first');
$node->safe_psql('postgres', q{SELECT provision_backup_site('second')});
ok(wait_for_jobs($node), 'backups end');
is($node->safe_psql('postgres', q{SELECT string_agg(file ->> 'kind', ' ' ORDER BY file ->> 'kind') FROM jsonb_array_elements(provision_status('first') -> 'result') AS file}),
	'database site_config', 'the result names the files');
is($node->safe_psql('postgres', q{SELECT string_agg(file ->> 'kind', ' ' ORDER BY file ->> 'kind') FROM jsonb_array_elements(provision_status('second') -> 'result') AS file}),
	'database private public site_config', 'with files there are more');
is($node->safe_psql('postgres', q{SELECT bool_and((file ->> 'size')::bigint > 0) FROM jsonb_array_elements(provision_status('first') -> 'result') AS file}), 't', 'with their sizes');

# -- deleted
start_site_jobs($node, 'delete_site', 'first', 'taken', 'stranger');
ok(wait_for_jobs($node), 'deletions end');
%jobs = site_jobs($node);
is($jobs{first}, 'completed', 'a site of ours is deleted');
is($jobs{taken}, 'failed SITE_NOT_OURS', q{somebody else's is not});
is($jobs{stranger}, 'completed', 'one that was never there is no failure');
is(sites_of($standin, 'deleted'), 'first.example.com', 'Agent archived one');
is($node->safe_psql('postgres', q{SELECT lifecycle || ' ' || metadata FROM provision.tenant WHERE name = 'first'}), 'deleted {}', 'the tenant is deleted');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.secret JOIN provision.tenant USING (tenant_id) WHERE tenant.name = 'first'}), '0', 'and so is the password');

# A site that somebody makes under the name of one of ours that is no more
$standin->plant_site({ site => 'first.example.com' });
$node->safe_psql('postgres', q{SELECT provision_create_site('first')});
ok(wait_for_jobs($node), 'a job for it ends');
is({ site_jobs($node) }->{first}, 'failed SITE_TAKEN', 'it is left alone');

# -- rolled back
my $job = $node->safe_psql('postgres', q{SELECT min(job_id) FROM provision.job_status WHERE tenant = 'third' AND workflow = 'create_site'});
$node->safe_psql('postgres', "SELECT provision_rollback($job)");
ok(wait_for_jobs($node), 'a rollback ends');
is($node->safe_psql('postgres', "SELECT concat_ws(' ', state, error_message) FROM provision.job_status WHERE job_id = $job"), 'rolled_back', 'the site is removed again') or diag(last_calls($node));
is(sites_of($standin, 'deleted'), 'first.example.com third.example.com', 'by Agent');

# -- kept secret
my ($sent) = grep { $_->{method} eq 'POST' && $_->{path} =~ m{/sites$} } $standin->requests;
my $body = ref $sent->{body} ? $sent->{body} : decode_json($sent->{body});
my $password = $body->{admin_password};
like($password, qr/^[A-Za-z0-9]{24}$/, 'the password of the administrator is strong and harmless');
is($body->{mariadb_root_password}, $root_password, 'the one of the database went along');
foreach my $secret ($root_password, $password, 'test-token')
{
	is(tables_with($node, $secret), '', 'no table that is shown has it');
	unlike(slurp_file($node->logfile), qr/\Q$secret/, 'nor the log');
}
is($node->safe_psql('postgres', q{SELECT count(*) > 0 FROM provision.attempt WHERE request_body @> '{"admin_password": {"$secret": "admin_password"}}'}), 't', 'attempts name it');
is($node->safe_psql('postgres', q{SELECT count(*) > 0 FROM provision_plan('stranger', 'create_site') WHERE body @> '{"admin_password": {"$secret": "admin_password"}}'}), 't', 'so does the dry run');
submits_are_single($standin);
is($standin->inventory->{overlapping_backups} // 0, 0, 'no two backups of a site overlapped');
ok_invariants($node, $standin);
$node->stop;
done_testing();
