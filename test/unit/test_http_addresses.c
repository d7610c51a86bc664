/*
 * test_http_addresses.c
 *		Names that have no address, an odd one, one that is refused, or too
 *		many; IPv6 beside IPv4.
 *
 * getaddrinfo is replaced for libcurl, too: each name below ".test" has the
 * addresses that its case wants.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"
#include "tap.h"

#define MANY 1000

extern int	getaddrinfo(const char *node, const char *service,
						const struct addrinfo *hints,
						struct addrinfo **result);
extern void freeaddrinfo(struct addrinfo *result);

/* What "flips.test" stands for. */
static const char *flipping_address = "127.0.0.1";

/* One allocation for each, so that the list is freed one by one. */
typedef struct Entry
{
	struct addrinfo info;
	struct sockaddr_storage address;
} Entry;

static void
add_v4(struct addrinfo **list, const char *text, int port)
{
	Entry	   *entry = calloc(1, sizeof(Entry));
	struct sockaddr_in *address = (struct sockaddr_in *) &entry->address;

	address->sin_family = AF_INET;
	address->sin_port = htons(port);
	inet_pton(AF_INET, text, &address->sin_addr);
	entry->info.ai_family = AF_INET;
	entry->info.ai_socktype = SOCK_STREAM;
	entry->info.ai_addrlen = sizeof(*address);
	entry->info.ai_addr = (struct sockaddr *) address;
	entry->info.ai_next = *list;
	*list = &entry->info;
}

static void
add_v6(struct addrinfo **list, const char *text, int port)
{
	Entry	   *entry = calloc(1, sizeof(Entry));
	struct sockaddr_in6 *address = (struct sockaddr_in6 *) &entry->address;

	address->sin6_family = AF_INET6;
	address->sin6_port = htons(port);
	inet_pton(AF_INET6, text, &address->sin6_addr);
	entry->info.ai_family = AF_INET6;
	entry->info.ai_socktype = SOCK_STREAM;
	entry->info.ai_addrlen = sizeof(*address);
	entry->info.ai_addr = (struct sockaddr *) address;
	entry->info.ai_next = *list;
	*list = &entry->info;
}

/* The last one added is the first to be tried. */
int
getaddrinfo(const char *node, const char *service,
			const struct addrinfo *hints, struct addrinfo **result)
{
	int			port = service == NULL ? 0 : atoi(service);
	int			i;

	(void) hints;
	*result = NULL;
	if (strcmp(node, "servfail.test") == 0)
		return EAI_AGAIN;
	if (strcmp(node, "broken.test") == 0)
		return EAI_FAIL;
	if (strcmp(node, "both.test") == 0 || strcmp(node, "many.test") == 0)
		add_v4(result, "127.0.0.1", port);
	if (strcmp(node, "both.test") == 0 || strcmp(node, "only6.test") == 0)
		add_v6(result, "::1", port);
	if (strcmp(node, "mapped.test") == 0)
		add_v6(result, "::ffff:127.0.0.1", port);
	if (strcmp(node, "flips.test") == 0)
		add_v4(result, flipping_address, port);
	if (strcmp(node, "mixed.test") == 0)
		add_v4(result, "127.0.0.1", port);
	if (strcmp(node, "mixed.test") == 0 || strcmp(node, "metadata.test") == 0)
	{
		add_v6(result, "fe80::a9fe:a9fe", port);
		add_v4(result, "169.254.169.254", port);
		add_v6(result, "::ffff:169.254.169.254", port);
		add_v6(result, "64:ff9b::a9fe:a9fe", port);
	}
	if (strcmp(node, "unspecified.test") == 0)
		add_v4(result, "0.0.0.0", port);
	for (i = 0; i < MANY && strcmp(node, "many.test") == 0; i++)
		add_v4(result, "127.0.0.2", port);
	return *result == NULL ? EAI_NONAME : 0;
}

void
freeaddrinfo(struct addrinfo *result)
{
	while (result != NULL)
	{
		struct addrinfo *next = result->ai_next;

		free(result);
		result = next;
	}
}

static HttpAnswer *
call(const char *host, int port)
{
	HttpRequest request = hostile_request("POST", "");
	char		url[100];

	snprintf(url, sizeof(url), "http://%s:%d/ok?%s", host, port, host);
	request.url = url;
	request.mutation = true;
	request.timeout_ms = 20000;
	return hostile_call(&request);
}

static void
is_not_found(const char *host)
{
	HttpAnswer *answer = call(host, hostile.plain);

	tap_ok(answer->delivery == DELIVERY_NOT_SENT && answer->curl_code == 6 &&
		   strncmp(answer->error, "name resolution: ", 17) == 0,
		   "%s: %s", host, answer->error ? answer->error : "found");
	provision_http_answer_free(answer);
}

static void
is_served(const char *host, int port)
{
	HttpAnswer *answer = call(host, port);

	tap_ok(answer->http_status == 200, "%s is served: %s", host,
		   answer->error ? answer->error : "yes");
	provision_http_answer_free(answer);
}

static void
is_refused(const char *host, int port)
{
	HttpAnswer *answer = call(host, port);

	tap_ok(answer->delivery == DELIVERY_NOT_SENT && answer->curl_code == 7,
		   "%s: %s", host, answer->error ? answer->error : "served");
	provision_http_answer_free(answer);
}

/* Nothing is sent, and it is said why. */
static void
is_forbidden(HttpPeer peer, const char *host, const char *words)
{
	HttpRequest request = hostile_request("POST", "");
	char		url[100];
	HttpAnswer *answer;

	/* A callback goes by https, which it does not come to here. */
	snprintf(url, sizeof(url), "%s://%s:%d/ok?forbidden", peer == HTTP_PEER_CALLBACK ? "https" : "http", host, hostile.plain);
	request.url = url;
	request.peer = peer;
	request.mutation = true;
	request.authorization = "token key:secret";
	answer = hostile_call(&request);
	tap_ok(answer->delivery == DELIVERY_NOT_SENT && answer->curl_code == 1001 &&
		   strncmp(answer->error, "connecting: the address ", 24) == 0 && strstr(answer->error, words) != NULL,
		   "%s: %s", host, answer->error ? answer->error : "served");
	provision_http_answer_free(answer);
}

static void
test_forbidden(void)
{
	is_forbidden(HTTP_PEER_ENGINE, "169.254.169.254", "link-local");
	is_forbidden(HTTP_PEER_ENGINE, "metadata.test", "link-local");
	is_forbidden(HTTP_PEER_ENGINE, "unspecified.test", "unspecified");
	is_forbidden(HTTP_PEER_ENGINE, "0.0.0.0", "unspecified");
	is_forbidden(HTTP_PEER_ENGINE, "[::]", "unspecified");
	is_forbidden(HTTP_PEER_ENGINE, "[::ffff:169.254.169.254]", "link-local");
	is_forbidden(HTTP_PEER_CALLBACK, "127.0.0.1", "loopback");
	is_forbidden(HTTP_PEER_CALLBACK, "both.test", "loopback");
	is_forbidden(HTTP_PEER_CALLBACK, "mapped.test", "loopback");
	is_forbidden(HTTP_PEER_CALLBACK, "mixed.test", "refused");
	is_forbidden(HTTP_PEER_CALLBACK, "10.0.0.1", "private");
	is_forbidden(HTTP_PEER_CALLBACK, "[fd00::1]", "private");
	tap_is(hostile_count("/ok?forbidden"), 0, "nothing of that arrived");
	is_served("mixed.test", hostile.plain);
}

/* Judged is the address of the connection, not what the name meant before. */
static void
test_rebinding(void)
{
	HttpLimits	limits = {0};

	is_served("flips.test", hostile.plain);
	flipping_address = "169.254.169.254";
	provision_http_client_close();	/* which has kept address and connection */
	provision_http_client_open(&limits);
	is_forbidden(HTTP_PEER_ENGINE, "flips.test", "169.254.169.254");
}

/* A connection that was made for an engine must not carry anybody else there. */
static void
test_kept_connection(void)
{
	HttpRequest request = hostile_request("POST", "");
	HttpAnswer *answer;

	request.url = hostile_url_at("https", hostile.tls, "/ok?kept");
	request.ca_file = hostile.ca_file;
	hostile_warm_up(request.url, hostile.ca_file);
	tap_is(hostile_count("/ok?kept"), 1, "a connection is there");
	request.peer = HTTP_PEER_CALLBACK;
	answer = hostile_call(&request);
	tap_ok(answer->delivery == DELIVERY_NOT_SENT && answer->curl_code == 1001, "it is refused to others: %s",
		   answer->error ? answer->error : "served");
	provision_http_answer_free(answer);
	tap_is(hostile_count("/ok?kept"), 1, "a kept connection is of no use to others");
}

static const char *
url_for(const char *host, const char *path)
{
	static char url[100];

	snprintf(url, sizeof(url), "http://%s:%d%s", host, hostile.plain, path);
	return url;
}

/* To a callback the operator can open hosts and networks, but not what is closed to engines. */
static void
is_opened(const char *hosts, const char *url, bool expected)
{
	HttpLimits	limits = {.callback_hosts = hosts};
	HttpRequest request = hostile_request("POST", "");
	HttpAnswer *answer;

	provision_http_client_change_limits(&limits);
	request.url = url;
	request.peer = HTTP_PEER_CALLBACK;
	request.mutation = true;
	answer = hostile_call(&request);
	tap_ok((answer->http_status == 200) == expected && (expected || answer->delivery == DELIVERY_NOT_SENT),
		   "%s with \"%s\": %s", url, hosts, answer->error ? answer->error : "served");
	provision_http_answer_free(answer);
}

static void
test_opened(void)
{
	is_opened("", hostile_url("/ok?opened"), false);
	is_opened("127.0.0.1", hostile_url("/ok?opened"), true);
	is_opened("127.0.0.1:1", hostile_url("/ok?opened"), false);
	is_opened("127.0.0.0/8", hostile_url("/ok?opened"), true);
	is_opened("10.0.0.0/8, example.com", hostile_url("/ok?opened"), false);
	is_opened("both.test", url_for("both.test", "/ok?opened"), true);
	is_opened("127.0.0.0/8", url_for("both.test", "/ok?opened"), false);	/* plain http is for named hosts */
	is_opened("metadata.test", url_for("metadata.test", "/ok?opened"), false);
	is_opened("169.254.0.0/16", "http://169.254.169.254/ok", false);
	tap_is(hostile_count("/ok?opened"), 3, "that many arrived");
}

/* A thousand addresses at which nobody listens do not outlast the limit. */
static void
test_many(void)
{
	HttpRequest request = hostile_request("POST", "");
	char		url[100];
	HttpAnswer *answer;

	snprintf(url, sizeof(url), "http://many.test:%d/ok", hostile.plain);
	request.url = url;
	request.connect_timeout_ms = 500;
	answer = hostile_call(&request);
	tap_ok(answer->http_status == 200 ||
		   answer->delivery == DELIVERY_NOT_SENT, "%d addresses: %s", MANY,
		   answer->error ? answer->error : "the last one is found");
	tap_ok(tap_is_slow() || answer->total_ms < 1500, "within the time to connect");
	provision_http_answer_free(answer);
}

/* Where this machine has IPv6, the server has a port there that IPv4 lacks. */
static void
test_v6(void)
{
	if (hostile.plain_v6 == 0)
	{
		tap_note("no IPv6 here");
		return;
	}
	is_served("[::1]", hostile.plain_v6);
	is_served("only6.test", hostile.plain_v6);
	is_refused("only6.test", hostile.plain);
	is_refused("[::1]", hostile.plain);
	is_served("mapped.test", hostile.plain);
	is_served("[::ffff:127.0.0.1]", hostile.plain);
}

int
main(void)
{
	HttpLimits	limits = {0};

	hostile_start();
	if (!provision_http_client_open(&limits))
		return 1;
	is_not_found("nosuch.test");
	is_not_found("servfail.test");
	is_not_found("broken.test");
	is_served("both.test", hostile.plain);
	test_many();
	test_v6();
	test_forbidden();
	test_rebinding();
	test_kept_connection();
	test_opened();
	provision_http_client_close();
	hostile_stop();
	return tap_done();
}
