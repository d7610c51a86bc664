# The workflows of sites, where Frappe Cloud makes them: made, taken over, backed up, deleted, rolled back; and somebody else's left alone.
use strict;
use warnings;
use AgentTest;
use CloudTest;
use JSON::PP;
use PostgreSQL::Test::Utils;
use PressStandin;
use ProvisionTest;
use Test::More;

my $standin = PressStandin->new('--team', 'team-one', '--team', 'team-two');
my $node = new_node('main');

create_cloud($node, $standin, options => '{"cluster": "Mumbai"}');
create_cloud_tenants($node, 'first', 'second', 'third', 'taken', 'blocked', 'stranger');
$standin->plant_site({ site => 'taken.frappe.cloud', team => 'team-one' });
$standin->plant_site({ site => 'other.frappe.cloud', team => 'team-nine', domain => 'blocked.frappe.cloud' });

# -- made
start_site_jobs($node, 'create_site', 'first', 'second', 'third', 'taken', 'blocked');
ok(wait_for_jobs($node), 'jobs that make sites end');
my %jobs = site_jobs($node);
is($jobs{$_}, 'completed', "$_ is made") || diag(open_steps($node), last_calls($node)) foreach qw(first second third);
is($jobs{taken}, 'failed SITE_TAKEN', 'one that our team had already is a conflict');
is($jobs{blocked}, 'failed SITE_TAKEN', 'and so is a name that is a domain of somebody else');
is(cloud_sites($standin, 'created'), 'first.frappe.cloud 1, second.frappe.cloud 1, third.frappe.cloud 1', 'Press made each once');
is($node->safe_psql('postgres', q{SELECT lifecycle || ' ' || (settings ->> 'site') || ' ' || (metadata ->> 'created_site') FROM provision.tenant WHERE name = 'first'}),
	'active first.frappe.cloud first.frappe.cloud', 'the tenant is active, and its site known');
is($node->safe_psql('postgres', q{SELECT bool_and(calls_done = calls_total AND calls_total > 0) FROM provision.step_status WHERE tenant = 'first' AND state = 'completed'}), 't', 'progress came to its end');
my @requests = $standin->requests;
is((grep { ($_->{headers}{'x-press-team'} // '') ne 'team-one' } @requests), 0, 'each request names the team');
my ($new) = map { decode_json($_->{body})->{site} } grep { $_->{path} =~ /site\.new$/ && $_->{body} =~ /"first"/ } @requests;
is_deeply($new, { name => 'first', domain => 'frappe.cloud', apps => [ 'frappe', 'erpnext' ], plan => 'USD 10', group => 'bench-0001', cluster => 'Mumbai' },
	'what was asked for is what the engine says');
$node->safe_psql('postgres', q{SELECT provision_create_site('first')});
ok(wait_for_jobs($node), 'once more');
is({ site_jobs($node) }->{first}, 'completed', 'what is there is taken over');
like(cloud_sites($standin, 'created'), qr/first.frappe.cloud 1,/, 'and not made again');

# -- backed up, twice at once
is($node->safe_psql('postgres', q{SELECT provision_backup_site('first', with_files => false) = provision_backup_site('first')}), 't', 'a second backup of a site is the first');
$node->safe_psql('postgres', q{SELECT provision_backup_site('second')});
ok(wait_for_jobs($node), 'backups end');
my $kinds = q{SELECT string_agg(file ->> 'kind', ' ' ORDER BY file ->> 'kind') FROM jsonb_array_elements(provision_status('%s') -> 'result') AS file WHERE (file ->> 'size')::bigint > 0 AND file ->> 'url' LIKE 'https://%%'};
is($node->safe_psql('postgres', sprintf($kinds, 'first')), 'database site_config', 'the result has the files, their sizes and addresses') or diag(last_calls($node));
is($node->safe_psql('postgres', sprintf($kinds, 'second')), 'database private public site_config', 'with files there are more');

# -- deleted
start_site_jobs($node, 'delete_site', 'first', 'taken', 'blocked', 'stranger');
ok(wait_for_jobs($node), 'deletions end');
%jobs = site_jobs($node);
is($jobs{first}, 'completed', 'a site of ours is deleted') or diag(last_calls($node));
is($jobs{$_}, 'failed SITE_NOT_OURS', "$_ is not") foreach qw(taken blocked);
is($jobs{stranger}, 'completed', 'one that was never there is no failure');
is(cloud_sites($standin, 'deleted'), 'first.frappe.cloud 1', 'Press archived one');
is($node->safe_psql('postgres', q{SELECT lifecycle || ' ' || metadata FROM provision.tenant WHERE name = 'first'}), 'deleted {}', 'the tenant is deleted');

# Its name is free for others.
$standin->plant_site({ site => 'first.frappe.cloud', team => 'team-one' });
$node->safe_psql('postgres', q{SELECT provision_create_site('first')});
ok(wait_for_jobs($node), 'a job for it ends');
is({ site_jobs($node) }->{first}, 'failed SITE_TAKEN', 'what somebody made under it is left alone');

# -- entered
$node->safe_psql('postgres', q{
	WITH entering AS (INSERT INTO provision.workflow (name, works_at) VALUES ('enter', 'site_maker') RETURNING workflow_id)
	INSERT INTO provision.step (workflow_id, ordinal, name, plan_function, critical) SELECT workflow_id, 0, 'step_0', 'provision.plan_cloud_session', true FROM entering;
	SELECT provision_start('second', 'enter')});
ok(wait_for_jobs($node), 'a session is opened');
is({ site_jobs($node) }->{second}, 'completed', 'by Press') or diag(last_calls($node));
is($node->safe_psql('postgres', q{SELECT string_agg(secret.name, ' ') FROM provision.secret JOIN provision.tenant USING (tenant_id) WHERE tenant.name = 'second'}), 'site_session', 'and sealed');
my ($session) = @{ $standin->control('GET', 'told') };
like($session, qr/^[0-9a-f]{56}$/, 'which Press has told');
is(tables_with($node, $session), '', 'no table that is shown has it');
unlike(slurp_file($node->logfile), qr/$session/, 'nor the log');

# -- rolled back
my $job = $node->safe_psql('postgres', q{SELECT job_id FROM provision.job_status WHERE tenant = 'third' AND workflow = 'create_site'});
$node->safe_psql('postgres', "SELECT provision_rollback($job)");
ok(wait_for_jobs($node), 'a rollback ends');
is($node->safe_psql('postgres', "SELECT concat_ws(' ', state, error_message) FROM provision.job_status WHERE job_id = $job"), 'rolled_back', 'the site is removed again') or diag(last_calls($node));
is(cloud_sites($standin, 'deleted'), 'first.frappe.cloud 1, third.frappe.cloud 1', 'by Press');

# -- a bench of its own
$node->safe_psql('postgres', q{SELECT provision_engine_update('cloud', '{"release_group": null, "plan": "USD 25 - Private Bench"}')});
create_cloud_tenants($node, 'ownbench', 'badbench');
$standin->fault({ job => 'Deploy Bench', site => 'badbench.frappe.cloud' }, { fail => { output => 'no such branch' } });
start_site_jobs($node, 'create_site', 'ownbench', 'badbench');
ok(wait_for_jobs($node), 'sites with a bench of their own');
%jobs = site_jobs($node);
is($jobs{ownbench}, 'completed', 'one is made when its bench is') or diag(open_steps($node), last_calls($node));
is($jobs{badbench}, 'failed CLOUD_BENCH_FAILED', 'and not when that fails');

is($node->safe_psql('postgres', q{SELECT count(*) > 0 FROM provision_plan('stranger', 'create_site') WHERE url LIKE '%/api/method/press.api.site.new' AND body #>> '{site,name}' = 'stranger'}), 't',
	'the dry run shows what would be asked for');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.secret WHERE name = 'admin_password'}), '0', 'Press makes the passwords of its sites itself');
ok_invariants($node, $standin);
$node->stop;
done_testing();
