/*
 * test_http_tls.c
 *		TLS is verified, never older than 1.2, and its failures happen before
 *		anything was sent.
 */
#include <stdio.h>
#include <string.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"
#include "http_identity.h"
#include "tap.h"

typedef struct TlsCase
{
	const char *name;
	const int  *port;
	const char *ca_file;
	Delivery	delivery;
	int			curl_code;
	const char *client_certificate; /* in the folder; NULL: none */
	const char *client_key;
} TlsCase;

/* Of a file in the folder; valid until the fourth call from now. */
static const char *
path_of(const char *file)
{
	static char paths[4][300];
	static int	next = 0;
	char	   *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", hostile.folder, file);
	return path;
}

static void
check(const TlsCase *expected)
{
	HttpRequest request = hostile_request("POST", "");
	HttpAnswer *answer;

	request.mutation = true;
	request.url = hostile_url_at("https", *expected->port, "/ok?tls");
	request.ca_file = expected->ca_file;
	request.authorization = "token secret:secret";
	if (expected->client_certificate != NULL)
	{
		request.client_certificate_file = path_of(expected->client_certificate);
		request.client_key_file = path_of(expected->client_key);
	}
	if (expected->curl_code == 28)
		request.connect_timeout_ms = tap_is_slow() ? 10000 : 1000;
	answer = hostile_call(&request);
	tap_ok(answer->delivery == expected->delivery &&
		   answer->curl_code == expected->curl_code &&
		   (answer->error == NULL ||
			strncmp(answer->error, "TLS handshake: ", 15) == 0),
		   "%s: %s", expected->name, answer->error ? answer->error : "works");
	provision_http_answer_free(answer);
}

/* In TLS 1.2 the server speaks within the handshake, in 1.3 after it. Those that work are last, because their connections are kept. */
static void
test_client_certificates(void)
{
	const TlsCase cases[] = {
		{.name = "one of a stranger", .port = &hostile.client_certificate, .client_certificate = "wrong.pem", .client_key = "wrong.key",
		.delivery = DELIVERY_NOT_SENT, .curl_code = 98},
		{.name = "one of a stranger, TLS 1.3", .port = &hostile.client_certificate_later, .client_certificate = "wrong.pem", .client_key = "wrong.key",
		.delivery = DELIVERY_UNKNOWN, .curl_code = 98},
		{.name = "a key with a passphrase", .port = &hostile.client_certificate, .client_certificate = "client.pem", .client_key = "client.sealed.key",
		.delivery = DELIVERY_NOT_SENT, .curl_code = 58},
		{.name = "the key of another", .port = &hostile.client_certificate, .client_certificate = "client.pem", .client_key = "wrong.key",
		.delivery = DELIVERY_NOT_SENT, .curl_code = 58},
		{.name = "no such file", .port = &hostile.client_certificate, .client_certificate = "nowhere.pem", .client_key = "client.key",
		.delivery = DELIVERY_NOT_SENT, .curl_code = 58},
		{.name = "no such key", .port = &hostile.client_certificate, .client_certificate = "client.pem", .client_key = "nowhere.key",
		.delivery = DELIVERY_NOT_SENT, .curl_code = 58},
		{.name = "our certificate", .port = &hostile.client_certificate, .client_certificate = "client.pem", .client_key = "client.key",
		.delivery = DELIVERY_ANSWERED},
		{.name = "our certificate, TLS 1.3", .port = &hostile.client_certificate_later, .client_certificate = "client.pem", .client_key = "client.key",
		.delivery = DELIVERY_ANSWERED},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		TlsCase		expected = cases[i];

		expected.ca_file = hostile.ca_file;
		check(&expected);
	}
	tap_is(hostile_count("/ok?tls"), 4, "only with the right one a request arrives");
}

/* What an engine is told when it is given these files. */
static void
test_identity(void)
{
	static const struct
	{
		const char *certificate;
		const char *key;
		const char *problem;	/* NULL: none */
	}			cases[] = {
		{"client.pem", "client.key", NULL},
		{"right.pem", "right.key", NULL},
		{"client.pem", "wrong.key", "The client key does not belong to the client certificate."},
		{"client.pem", "client.sealed.key", "The client key is protected by a passphrase, which nobody could type: take it off (openssl pkey) and close the file to others."},
		{"client.pem", "client.pem", "The file of the client key cannot be used. Others may read"},
		{"client.key", "client.key", "The file of the client certificate holds no certificate in PEM form."},
		{"expired.pem", "expired.key", "The client certificate has expired."},
		{"nowhere.pem", "client.key", "The file of the client certificate cannot be used. It cannot be opened: No such file or directory."},
		{"client.pem", "nowhere.key", "The file of the client key cannot be used. It cannot be opened: No such file or directory."},
		{".", "client.key", "The file of the client certificate cannot be used. It is not a regular file of at most 1 MB."},
		{"client.pem", "index.closed", "The file of the client key holds no private key in PEM form."},
	};
	FILE	   *empty;

	chmod(path_of("client.pem"), 0644);
	empty = fopen(path_of("index.closed"), "w");
	if (empty != NULL)
		fclose(empty);
	chmod(path_of("index.closed"), 0600);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char		problem[KEY_PROBLEM_SIZE] = "";
		bool		is_right = provision_http_identity_check(path_of(cases[i].certificate), path_of(cases[i].key), problem);

		tap_ok(is_right == (cases[i].problem == NULL) && strncmp(problem, cases[i].problem ? cases[i].problem : "", cases[i].problem ? strlen(cases[i].problem) : 1) == 0,
			   "%s and %s: %s", cases[i].certificate, cases[i].key, is_right ? "right" : problem);
	}
	chmod(path_of("client.key"), 0644);
	tap_ok(!provision_http_identity_check(path_of("client.pem"), path_of("client.key"), (char[KEY_PROBLEM_SIZE]) {""}), "a key that others may read");
	chmod(path_of("client.key"), 0600);
}

static void
test_certificates(void)
{
	const TlsCase cases[] = {
		{"self-signed, trusted", &hostile.tls, hostile.ca_file,
		DELIVERY_ANSWERED, 0, NULL, NULL},
		{"own CA", &hostile.signed_by_authority, hostile.authority_file,
		DELIVERY_ANSWERED, 0, NULL, NULL},
		{"self-signed, the system's CAs", &hostile.tls, NULL,
		DELIVERY_NOT_SENT, 60, NULL, NULL},
		{"own CA, the system's CAs", &hostile.signed_by_authority, NULL,
		DELIVERY_NOT_SENT, 60, NULL, NULL},
		{"another CA", &hostile.tls, hostile.wrong_ca_file,
		DELIVERY_NOT_SENT, 60, NULL, NULL},
		{"expired", &hostile.expired, hostile.authority_file,
		DELIVERY_NOT_SENT, 60, NULL, NULL},
		{"missing CA file", &hostile.tls, "/nonexistent.pem",
		DELIVERY_NOT_SENT, 77, NULL, NULL},
		{"wrong host", &hostile.wrong_host, hostile.wrong_ca_file,
		DELIVERY_NOT_SENT, 60, NULL, NULL},
		{"TLS 1.1", &hostile.old_tls, hostile.ca_file,
		DELIVERY_NOT_SENT, 35, NULL, NULL},
		{"close in the handshake", &hostile.broken_tls, hostile.ca_file,
		DELIVERY_NOT_SENT, 35, NULL, NULL},
		{"silence in the handshake", &hostile.silent_tls, hostile.ca_file,
		DELIVERY_NOT_SENT, 28, NULL, NULL},
		{"client certificate wanted", &hostile.client_certificate, 
		hostile.ca_file,
		DELIVERY_NOT_SENT, 35, NULL, NULL},
		{"client certificate wanted, TLS 1.3", &hostile.client_certificate_later, hostile.ca_file,
		DELIVERY_UNKNOWN, 98, NULL, NULL},
		{"plain HTTP server", &hostile.plain, hostile.ca_file,
		DELIVERY_NOT_SENT, 35, NULL, NULL},
	};
	size_t		i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&cases[i]);
	tap_is(hostile_count("/ok?tls"), 2,
		   "only those arrived, and none in plain text");
}

/* A connection made with one CA must not serve a call that trusts another. */
static void
test_connection_belongs_to_its_ca(void)
{
	TlsCase		distrusting = {"kept connection, another CA", &hostile.tls,
	hostile.wrong_ca_file, DELIVERY_NOT_SENT, 60, NULL, NULL};

	hostile_warm_up(hostile_url_at("https", hostile.tls, "/ok"),
					hostile.ca_file);
	check(&distrusting);
}

static void
test_times(void)
{
	HttpRequest request = hostile_request("GET", "");
	HttpAnswer *answer;

	request.url = hostile_url_at("https", hostile.tls, "/ok");
	request.ca_file = hostile.ca_file;
	answer = hostile_call(&request);
	tap_ok(answer->tls_ms >= 0 && answer->total_ms >= answer->first_byte_ms,
		   "the times of a call over TLS");
	provision_http_answer_free(answer);
}

static void
test_tls_server_gets_plain_http(void)
{
	HttpRequest request = hostile_request("GET", "");
	HttpAnswer *answer;

	request.url = hostile_url_at("http", hostile.tls, "/ok");
	answer = hostile_call(&request);
	tap_is(answer->delivery, DELIVERY_UNKNOWN, "plain HTTP to a TLS server: %s",
		   answer->error);
	provision_http_answer_free(answer);
}

int
main(void)
{
	HttpLimits	limits = {0};

	hostile_start();
	/* The client must not write there what it sends. */
	setenv("SSLKEYLOGFILE", path_of("tls.keys"), 1);
	if (!provision_http_client_open(&limits))
		return 1;
	/* Before there is a connection over TLS: some versions of libcurl would use it for plain HTTP, too. */
	test_tls_server_gets_plain_http();
	test_certificates();
	test_client_certificates();
	test_identity();
	tap_ok(access(path_of("tls.keys"), F_OK) != 0, "no file with the keys of connections");
	test_connection_belongs_to_its_ca();
	test_times();
	provision_http_client_close();
	hostile_stop();
	return tap_done();
}
