# A secret that is recognised in whatever form it left a trace, and where to look for it.
package Canary;

use strict;
use warnings;
use Exporter 'import';
use File::Find;
use JSON::PP;
use MIME::Base64;
use PostgreSQL::Test::Utils;

our @EXPORT_OK = qw(forms echoes found_in look_through);

# In JSON, URLs, HTML and SQL the letters at its beginning and end stay what they are; base64 depends on what stands before it.
sub forms
{
	my ($secret) = @_;
	my ($head) = $secret =~ /^([A-Za-z0-9]{8,})/;
	my ($tail) = $secret =~ /([A-Za-z0-9]{8,})$/;
	my @base64 = map { substr(encode_base64(('x' x $_) . $head . 'abc', ''), 4, 8) } 0 .. 2;

	return ($head, $tail, scalar reverse($head), unpack('H*', $head), uc unpack('H*', $head), @base64,
		map { my $form = $_; join '', map { sprintf $form, ord } split //, $head } '\\u%04x', '%%%02X', '&#%d;', '&#x%x;');
}

# What a server may answer that repeats the credentials it was sent, as faults of the stand-in.
sub echoes
{
	my ($key, $secret) = @_;
	my $pair = "$key:$secret";
	my $json = encode_json([$secret]) =~ s/^\["|"\]$//gr;
	my $url = $pair =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;
	my $html = $pair =~ s/&/&amp;/gr =~ s/</&lt;/gr =~ s/"/&quot;/gr;
	my @bodies = (
		{ message => "welcome $pair", pwd => $secret, headers => { Authorization => "token $pair" } },
		{ exc_type => 'ValidationError', exception => "no: $secret", _server_messages => encode_json([ encode_json({ message => $secret }) ]) },
		{ welcome => encode_base64($pair, ''), also => encode_base64($secret, ''), third => encode_base64("a$pair", ''), hex => unpack('H*', $secret) },
		"{\"welcome\": \"" . join('', map { sprintf '\\u%04x', ord } split //, $secret) . '", "slashed": "' . ($json =~ s{/}{\\/}gr) . '"}',
		"<html>welcome $html " . join('', map { "&#" . ord() . ';' } split //, $secret) . "</html>",
		"not JSON: $url and $pair");

	return (
		(map { my $body = $_; map { +{ status => $_, body => $body } } 200, 500 } @bodies),
		{ status => 200, body => "{\"welcome\": \"$json\"}", gzip => JSON::PP::true },
		{ status => 302, headers => { Location => "https://elsewhere.example/?a=$url", 'Set-Cookie' => "sid=$secret", 'X-Echo' => $pair } },
		{ status => 307, headers => { Location => 'https://elsewhere.example/' . ('x' x 360) . $pair } },
		{ status => 401, headers => { 'WWW-Authenticate' => "Basic realm=\"$json\"" }, body => { exc_type => 'AuthenticationError', exception => "Authorization: token $pair" } },
		{ status => 200, headers => { 'X-Frappe-Echo' => $secret }, body => "welcome $secret" });
}

# Those of the forms that are in these bytes.
sub found_in
{
	my ($bytes, @forms) = @_;
	return grep { index($bytes, $_) >= 0 } @forms;
}

# Reads every file below the places; returns the number of bytes read, and "file: form" for each hit.
sub look_through
{
	my ($places, @forms) = @_;
	my ($bytes, @hits) = (0);

	find({ no_chdir => 1, wanted => sub {
		return unless -f $_ && -r _;
		my $content = slurp_file($_);
		my $file = $_;
		$bytes += length $content;
		push @hits, map { "$file: $_" } found_in($content, @forms);
	} }, @$places);
	return ($bytes, @hits);
}

1;
