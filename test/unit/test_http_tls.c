/*
 * test_http_tls.c
 *		TLS is verified, never older than 1.2, and its failures happen before
 *		anything was sent.
 */
#include <stdio.h>
#include <string.h>

#include "hostile.h"
#include "tap.h"

typedef struct TlsCase
{
	const char *name;
	const int  *port;
	const char *ca_file;
	Delivery	delivery;
	int			curl_code;
} TlsCase;

static void
check(const TlsCase *expected)
{
	HttpRequest request = hostile_request("POST", "");
	HttpAnswer *answer;

	request.mutation = true;
	request.url = hostile_url_at("https", *expected->port, "/ok?tls");
	request.ca_file = expected->ca_file;
	request.authorization = "token secret:secret";
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

static void
test_certificates(void)
{
	const TlsCase cases[] = {
		{"self-signed, trusted", &hostile.tls, hostile.ca_file,
		DELIVERY_ANSWERED, 0},
		{"own CA", &hostile.signed_by_authority, hostile.authority_file,
		DELIVERY_ANSWERED, 0},
		{"self-signed, the system's CAs", &hostile.tls, NULL,
		DELIVERY_NOT_SENT, 60},
		{"own CA, the system's CAs", &hostile.signed_by_authority, NULL,
		DELIVERY_NOT_SENT, 60},
		{"another CA", &hostile.tls, hostile.wrong_ca_file,
		DELIVERY_NOT_SENT, 60},
		{"expired", &hostile.expired, hostile.authority_file,
		DELIVERY_NOT_SENT, 60},
		{"missing CA file", &hostile.tls, "/nonexistent.pem",
		DELIVERY_NOT_SENT, 77},
		{"wrong host", &hostile.wrong_host, hostile.wrong_ca_file,
		DELIVERY_NOT_SENT, 60},
		{"TLS 1.1", &hostile.old_tls, hostile.ca_file, DELIVERY_NOT_SENT,
		35},
		{"close in the handshake", &hostile.broken_tls, hostile.ca_file,
		DELIVERY_NOT_SENT, 35},
		{"silence in the handshake", &hostile.silent_tls, hostile.ca_file,
		DELIVERY_NOT_SENT, 28},
		{"client certificate wanted", &hostile.client_certificate,
		hostile.ca_file, DELIVERY_NOT_SENT, 35},
		{"client certificate wanted, TLS 1.3",
			&hostile.client_certificate_later, hostile.ca_file,
		DELIVERY_UNKNOWN, 98},
		{"plain HTTP server", &hostile.plain, hostile.ca_file,
		DELIVERY_NOT_SENT, 35},
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
	hostile.wrong_ca_file, DELIVERY_NOT_SENT, 60};

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
	if (!provision_http_client_open(&limits))
		return 1;
	/* Before there is a connection over TLS: some versions of libcurl would use it for plain HTTP, too. */
	test_tls_server_gets_plain_http();
	test_certificates();
	test_connection_belongs_to_its_ca();
	test_times();
	provision_http_client_close();
	hostile_stop();
	return tap_done();
}
