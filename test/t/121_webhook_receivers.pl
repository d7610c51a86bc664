# Receivers that one should not go to, that are gone, slow, or lead elsewhere; and a key that is missing. Nobody else suffers from them.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use ProvisionTest;
use Receiver;
use Standin;
use Test::More;

my $standin = Standin->new;
my $receiver = Receiver->new;
my $node = new_node('main', conf => key_file_setting() . "provision.workers = 2\nprovision.max_in_flight = 2\nprovision.webhook_in_flight = 8\n");
my ($key_file) = $node->safe_psql('postgres', 'SHOW provision.key_file');

sub create_webhook
{
	my ($url, $options) = @_;
	my ($id, $secret) = split /\|/, $node->safe_psql('postgres', "SELECT * FROM provision_webhook_create('$url', '{job.completed}', options => '" . ($options // '{"timeout_ms": 20000}') . "')");

	$receiver->knows($1, $secret) if $url =~ m{^http://[^/]+(/.*)};
	return $id;
}

sub allow
{
	my ($hosts) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET provision.webhook_allowed_hosts = '$hosts'");
	$node->reload;
	# Of the worker, too, that will send.
	ok(poll($node, "SELECT setting = '$hosts' FROM pg_settings WHERE name = 'provision.webhook_allowed_hosts'"), "allowed: \"$hosts\"");
	return;
}

# The error of the newest delivery of a webhook once it matches.
sub fails_with
{
	my ($webhook, $error, $name) = @_;
	ok(poll($node, "SELECT coalesce((SELECT last_error ~ '$error' FROM provision.webhook_log WHERE webhook_id = $webhook ORDER BY sent_at DESC NULLS LAST LIMIT 1), false)"), $name)
	  or diag($node->safe_psql('postgres', "SELECT * FROM provision.webhook_log WHERE webhook_id = $webhook"));
	return;
}

sub is_delivered
{
	my ($webhook, $name) = @_;
	ok(poll($node, "SELECT NOT EXISTS (SELECT FROM provision.webhook_log WHERE webhook_id = $webhook AND state <> 'delivered')"), $name)
	  or diag($node->safe_psql('postgres', "SELECT * FROM provision.webhook_log WHERE webhook_id = $webhook"));
	return;
}

create_engine($node, $standin);
create_tenants($node, 20);
create_workflow($node, 'one', 1);

# A name that means this machine: nothing is sent there, whatever stands in the URL, until the operator opens it.
my ($port) = $receiver->{port};
my $named = create_webhook("https://localhost:$port/ok", '{"retry_seconds": [0.2,0.2,0.2,0.2,0.2,0.5,0.5,0.5,1,1,1,1,2,2,2,2,2,2,2,60], "timeout_ms": 2000}');
$node->safe_psql('postgres', "SELECT provision_webhook_test($named)");
fails_with($named, 'connecting: the address [0-9.:]+ is refused, because it is a loopback address', 'a loopback address is not connected to');
isnt($node->psql('postgres', "SELECT provision_webhook_update($named, '{\"url\": \"http://127.0.0.1:$port/ok\"}')", stderr => \my $refused), 0, 'nor can its number be given');
like($refused, qr/url must not lead to a loopback address/, 'the error says why');
is(scalar($receiver->messages), 0, 'nothing arrived');
allow('localhost');
fails_with($named, 'TLS handshake', 'opened, it is connected to');
$node->safe_psql('postgres', "SELECT provision_webhook_update($named, '{\"url\": \"http://localhost:$port/ok\", \"timeout_ms\": 20000}'), provision_webhook_resume($named)");
is_delivered($named, 'and served, by plain http too');
is(scalar($receiver->messages), 1, 'one message arrived');
allow('');
$node->safe_psql('postgres', "SELECT provision_webhook_test($named)");
fails_with($named, 'plain http is only for hosts that provision.webhook_allowed_hosts names', 'closed again, it is closed');
$node->safe_psql('postgres', "SELECT provision_webhook_drop($named)");
allow('127.0.0.1');

# One of each; and one that hangs, with more to say than it has places.
my %webhook = map { $_ => create_webhook($receiver->url("/$_")) } qw(ok gone redirect large error);
$webhook{hang} = create_webhook($receiver->url('/hang'), '{"timeout_ms": 4000, "max_in_flight": 3, "retry_seconds": [3600]}');
start_jobs($node, 20, 'one');
ok(poll($node, "SELECT in_flight = 3 FROM provision.webhook_status WHERE webhook_id = $webhook{hang}"), 'the receiver that hangs holds its own places');
ok(wait_for_jobs($node), 'jobs end meanwhile, though two calls are all that a worker may have in flight');
is_delivered($webhook{ok}, 'other receivers are told');
is(scalar($receiver->messages('/ok')), 20 + 1, 'of each job once');
cmp_ok($node->safe_psql('postgres', "SELECT max(in_flight) FROM provision.webhook_status"), '<=', 3, 'and never more at once than it may');
is_delivered($webhook{large}, 'a large answer is as good as a small one');
fails_with($webhook{hang}, 'waiting for the answer', 'one that hangs is given up in time');
fails_with($webhook{redirect}, 'answered with 302, Location: http://127.0.0.1:[0-9]+/ok', 'a redirect is told, and not followed');
ok(poll($node, "SELECT state = 'disabled' AND reason ~ '410' FROM provision.webhook_status WHERE webhook_id = $webhook{gone}"), '410 disables');
is($node->safe_psql('postgres', "SELECT detail ->> 'webhook_id' FROM provision.event_log WHERE event = 'webhook_disabled'"), $webhook{gone}, 'with an event');
ok(poll($node, "SELECT waiting = 20 FROM provision.webhook_status WHERE webhook_id = $webhook{gone}"), 'what it was to be told is kept');
is($node->safe_psql('postgres', q{SELECT string_agg(finding, ' ') FROM provision_doctor() WHERE finding LIKE 'webhook%'}), 'webhook disabled', 'the doctor knows');
ok(poll($node, q{SELECT count(*) > 0 FROM provision.webhook_delivery WHERE response_excerpt ~ 'redacted'}), 'passwords in answers are blanked out');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.webhook_delivery WHERE length(response_excerpt) > 200 OR response_excerpt ~ 'hunter2'}), '0', 'and little is kept of them');
$node->safe_psql('postgres', "SELECT provision_webhook_update($webhook{gone}, jsonb_build_object('url', '" . $receiver->url('/late') . "')), provision_webhook_resume($webhook{gone})");
is_delivered($webhook{gone}, 'it is told when there is a receiver again');

# Without the key nothing can be signed: it waits, and says so, until the key is back.
rename $key_file, "$key_file.away";
$node->safe_psql('postgres', "SELECT provision_webhook_test($webhook{ok})");
ok(poll($node, "SELECT state = 'waits for key' AND reason <> '' FROM provision.webhook_status WHERE webhook_id = $webhook{ok}"), 'without its key a webhook waits')
  or diag($node->safe_psql('postgres', "SELECT * FROM provision.webhook_status WHERE webhook_id = $webhook{ok}"));
is($node->safe_psql('postgres', "SELECT attempt_count FROM provision.webhook_log WHERE webhook_id = $webhook{ok} AND state = 'waiting'"), '0', 'which is no try');
rename "$key_file.away", $key_file;
is_delivered($webhook{ok}, 'with the key it goes on by itself');
is(join(' ', grep { $_ ne 'ok' } map { $_->{verdict} } ($receiver->messages('/ok'))[1 .. 21]), '', 'every signature is good');

# Paused, everything waits. A dump of it, restored, is a copy that sends nothing until it is adopted, and then under the same ids; dropped, nothing is left.
$node->safe_psql('postgres', "SELECT provision_pause_all(); SELECT provision_webhook_test($webhook{ok})");
is($node->safe_psql('postgres', 'SELECT provision.next_delivery_at(8)'), '', 'everything paused, nothing is due');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres') ], 'it is dumped');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('copy') ], 'and restored');
$node->safe_psql('postgres', 'SELECT provision_resume_all()');
is_delivered($webhook{ok}, 'until it is resumed');
my ($ping) = reverse $receiver->messages('/ok');
my $is_sent = "FROM provision.webhook_log WHERE message_id = '$ping->{id}'";
is($node->safe_psql('copy', "SELECT state || ' ' || attempt_count $is_sent"), 'waiting 0', 'the copy sends nothing');
$node->safe_psql('copy', 'SELECT provision_adopt()');
ok(poll($node, "SELECT state = 'delivered' $is_sent", 'copy'), 'until it is adopted');
is(join(' ', map { $_->{verdict} } grep { $_->{id} eq $ping->{id} } $receiver->messages('/ok')), 'ok ok', 'then under the same id, with the same secret');
$node->safe_psql('postgres', 'SELECT provision_webhook_drop(webhook_id) FROM provision.webhook_status');
is($node->safe_psql('postgres', q{SELECT count(*) FROM provision.secret WHERE webhook_id IS NOT NULL}), '0', 'dropped, their secrets are gone');
$node->stop;
done_testing();
