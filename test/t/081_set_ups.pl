# The pages of doc/security.md that set roles up do what they say, as they are printed. A block of SQL is run by the role that its first line
# names; it meets the errors that its comments name, and no others.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

my $node = new_node('main', conf => "provision.databases = 'none'\n");
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

create_engine($node, 'https://erp.example.com');
$node->safe_psql('postgres', q{
	SELECT provision_engine_create('main', 'https://erp.example.com');
	SELECT provision_tenant_create(name, 'main', jsonb_build_object('company_name', name, 'country', 'US')) FROM unnest('{acme,bakery}'::text[]) AS name;
	SELECT provision_start('bakery');});

my $page = slurp_file("$ENV{TESTDIR}/doc/security.md");
my ($chapter) = $page =~ /^## Who may do what\n(.*?)^## /ms or die 'no chapter';
my @set_ups = split /^### /m, $chapter;
my $blocks = 0;

sub run_as
{
	my ($role, $statements) = @_;
	my ($out, $err);

	$node->psql('postgres', $statements, stdout => \$out, stderr => \$err, on_error_stop => 0,
		extra_params => [ '-U', $role eq 'an administrator' ? $superuser : $role, '-v', 'VERBOSITY=terse' ]);
	return ($out, join "\n", $err =~ /(?:ERROR|WARNING|FATAL):.*/g);
}

foreach my $set_up (@set_ups)
{
	my ($title) = $set_up =~ /^(.*)/;
	my @sql = $set_up =~ /^```sql\n(.*?)^```/msg or next;

	foreach my $block (@sql)
	{
		my ($role) = $block =~ /\A-- as (.*)\n/ or die "a block of \"$title\" names no role";
		my ($out, $err) = run_as($role, $block);
		is($err, join("\n", $block =~ /-- (ERROR:.*)/g), "$title, as $role");
		note($out);
		$blocks++;
	}
}
is($blocks, 10, 'five set-ups, each by two roles');

# What the pages promise beside.
is((run_as('acme_ann', 'SELECT DISTINCT tenant FROM provision.job_status'))[0], 'acme', 'a customer sees its own');
is((run_as('acme_ann', 'SELECT queue_position FROM provision.queue'))[0], '3', 'at its place among all');
is((run_as('watch', 'SELECT count(DISTINCT tenant) FROM provision.job_status'))[0], '3', 'monitoring sees all');
is($node->safe_psql('postgres', q{SELECT actor || ' ' || via FROM provision.event WHERE event = 'member_added' AND detail ->> 'member' = 'bob@example.com'}),
	'ann@example.com portal', 'the event names who was acted for and who connected');
is($node->safe_psql('postgres', q{SELECT string_agg(actor, ' ') FROM provision.event WHERE event = 'all_paused'}), 'night_shift', 'and the operator');
$node->stop;
done_testing();
