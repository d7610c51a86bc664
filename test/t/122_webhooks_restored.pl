# A dump restored with webhooks before events, which no order of pg_restore rules out, and by pg_dump | psql: what was told is not told again, and
# what waits keeps its number.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Test::More;

my $node = new_node('main', conf => "provision.databases = 'none'\n");
$node->safe_psql('postgres', q{
	SELECT provision_engine_create('main', 'https://erp.example.com');
	SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
	SELECT FROM provision_webhook_create('https://hooks.example.com/a');
	SELECT provision_start('acme');
	SELECT provision_cancel('acme');
	UPDATE provision.webhook_delivery SET state = 'delivered', next_at = NULL, finished_at = now() WHERE type = 'job.enqueued';});
my $content = q{SELECT string_agg(to_jsonb(d)::text, E'\n' ORDER BY delivery_id) FROM provision.webhook_delivery AS d};
my $told = $node->safe_psql('postgres', $content);
like($told, qr/job\.enqueued.*\n.*job\.cancelled/, 'one message was delivered, one waits');

my $place = PostgreSQL::Test::Utils::tempdir();
$node->command_ok([ 'pg_dump', '--no-sync', '-Fc', '-f', "$place/dump", '-d', $node->connstr('postgres') ], 'the database is dumped');
my ($list) = run_command([ 'pg_restore', '-l', "$place/dump" ]);
my @lines = split /\n/, $list;
my @events = grep { /TABLE DATA provision event / } @lines;
is(scalar(@events), 1, 'with its events');
append_to_file("$place/list", join("\n", (grep { !/TABLE DATA provision event / } @lines), @events) . "\n");
$node->safe_psql('postgres', 'CREATE DATABASE reordered');
$node->command_ok([ 'pg_restore', '-e', '-L', "$place/list", '-d', $node->connstr('reordered'), "$place/dump" ], 'and restored, events last');
is($node->safe_psql('reordered', $content), $told, 'its deliveries are the same');

$node->command_ok([ 'pg_dump', '--no-sync', '-f', "$place/dump.sql", '-d', $node->connstr('postgres') ], 'dumped as text');
$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$place/dump.sql", '-d', $node->connstr('plain') ], 'and restored');
is($node->safe_psql('plain', $content), $told, 'its deliveries are the same');
is($node->safe_psql('plain', q{SELECT provision_adopt(); SELECT provision_start('acme') > 0; SELECT string_agg(type, ' ' ORDER BY delivery_id) FROM provision.webhook_delivery}),
	"t\nt\njob.enqueued job.cancelled job.enqueued", 'adopted, it tells what happens there');
$node->stop;
done_testing();
