/*
 * fuzz_http_request.c
 *		Whatever a request is made of, it is refused, or one request goes to
 *		the host of its URL, with our header lines and no others.
 *
 * The input is the texts of a request, each ended by the byte 0xff.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* strcasestr */
#endif

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "http_call.h"

#define TEXTS 10

/* An address of IPv6 can be written in several ways. */
static bool
is_same_address(const char *written, const char *host)
{
	struct in6_addr one;
	struct in6_addr other;
	char		copies[2][64] = {"", ""};

	return sscanf(written, "[%63[^]]]", copies[0]) == 1 && sscanf(host, "[%63[^]]]", copies[1]) == 1 &&
		inet_pton(AF_INET6, copies[0], &one) == 1 && inet_pton(AF_INET6, copies[1], &other) == 1 && memcmp(&one, &other, sizeof(one)) == 0;
}

/* As a reader would do it who knows RFC 3986 and nothing of libcurl: between "//" and the next of "/?#". */
static void
check_origin(const char *url)
{
	CURLU	   *parsed = curl_url();
	const char *authority = strstr(url, "//") + 2;
	size_t		length = strcspn(authority, "/?#");
	char	   *host = NULL;

	fuzz_promise(curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK, "libcurl understands what it has sent");
	fuzz_promise(curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK, "it has a host");
	fuzz_promise(is_same_address(authority, host) ||
				 (length >= strlen(host) && strncasecmp(authority, host, strlen(host)) == 0 &&
				  (length == strlen(host) || authority[strlen(host)] == ':')), "the host is the one that a reader sees");
	fuzz_promise(memchr(authority, '@', length) == NULL && memchr(authority, '\\', length) == NULL, "and nobody else is named beside it");
	curl_free(host);
	curl_url_cleanup(parsed);
}

/* Whether libcurl reads the same in this part of both URLs. */
static bool
is_same_part(CURLU *one, CURLU *other, CURLUPart part)
{
	char	   *first = NULL;
	char	   *second = NULL;
	bool		is_same = curl_url_get(one, part, &first, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		curl_url_get(other, part, &second, CURLU_DEFAULT_PORT) == CURLUE_OK && strcasecmp(first, second) == 0;

	curl_free(first);
	curl_free(second);
	return is_same;
}

static void
check_base(const char *base_url, const char *url)
{
	CURLU	   *base = curl_url();
	CURLU	   *whole = curl_url();
	char	   *base_path = NULL;
	char	   *path = NULL;

	fuzz_promise(curl_url_set(base, CURLUPART_URL, base_url, 0) == CURLUE_OK &&
				 curl_url_set(whole, CURLUPART_URL, url, 0) == CURLUE_OK, "libcurl understands both");
	fuzz_promise(is_same_part(base, whole, CURLUPART_SCHEME), "the scheme is that of the base");
	fuzz_promise(is_same_part(base, whole, CURLUPART_PORT), "the port is that of the base");
	fuzz_promise(is_same_part(base, whole, CURLUPART_HOST) || strrchr(base_url, '.') != NULL || strchr(base_url, '[') != NULL,
				 "the host is that of the base");
	(void) curl_url_get(base, CURLUPART_PATH, &base_path, 0);
	(void) curl_url_get(whole, CURLUPART_PATH, &path, 0);
	fuzz_promise(strncmp(path, base_path, strlen(base_path) - (base_path[strlen(base_path) - 1] == '/')) == 0, "the path is below that of the base");
	curl_free(base_path);
	curl_free(path);
	curl_url_cleanup(base);
	curl_url_cleanup(whole);
}

/* The value in the only line with this name; NULL: there is none. */
static const char *
header_value(const char *head, const char *name)
{
	const char *line = strcasestr(head, name);

	fuzz_promise(line == NULL || strcasestr(line + 1, name) == NULL, "no header line comes twice");
	return line == NULL ? NULL : line + strlen(name);
}

static void
check_header(const char *head, const char *name, const char *given)
{
	const char *value = header_value(head, name);

	if (given == NULL || value == NULL)
		return;
	fuzz_promise(strncmp(value, given, strlen(given)) == 0 && strncmp(value + strlen(given), "\r\n", 2) == 0,
				 "a header line has the value that was given, whole");
}

/* Every line is one that we wrote: its name is in the list, and there are no more lines than that. */
static void
check_names(const char *head)
{
	static const char *const names[] = {"Host: ", "X-Frappe-Site-Name: ", "Authorization: ", "Cookie: ", "X-Request-Id: ", "traceparent: ",
		"Idempotency-Key: ", "Accept: ", "Content-Type: ", "User-Agent: ", "Accept-Encoding: ", "Content-Length: "};
	const char *line = strstr(head, "\r\n");

	for (; line[2] != '\0'; line = strstr(line + 2, "\r\n"))
	{
		bool		is_ours = false;

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			is_ours = is_ours || strncmp(line + 2, names[i], strlen(names[i])) == 0;
		fuzz_promise(is_ours, "every header line is one of ours");
	}
}

static void
check_wire(const HttpRequest *request, char *wire)
{
	const char *end = strstr(wire, "\r\n");
	char	   *body = strstr(wire, "\r\n\r\n");
	const char *target = strchr(wire, ' ');
	const char *sent = request->body == NULL || strcmp(request->method, "HEAD") == 0 ? "" : request->body;

	fuzz_promise(body != NULL && target != NULL && target < end, "there is a head with a request line");
	body[2] = '\0';
	body += 4;
	fuzz_promise((size_t) (target - wire) == strlen(request->method) && strncmp(wire, request->method, strlen(request->method)) == 0,
				 "it begins with the method");
	fuzz_promise(target[1] == '/' && strchr(target + 1, ' ') < end && strncmp(strchr(target + 1, ' '), " HTTP/1.1\r\n", 11) == 0,
				 "it has three words, the second of which is a path");
	fuzz_promise(strpbrk(wire, "\r\n") == end, "it is one line");
	check_names(wire);
	check_header(wire, "\r\nHost: ", request->site);
	check_header(wire, "\r\nAuthorization: ", request->authorization);
	check_header(wire, "\r\nCookie: ", request->cookie);
	check_header(wire, "\r\nX-Request-Id: ", request->correlation_id);
	check_header(wire, "\r\ntraceparent: ", request->traceparent);
	check_header(wire, "\r\nIdempotency-Key: ", request->idempotency_key);
	fuzz_promise(strcmp(body, sent) == 0, "after the head comes the body and nothing else");
}

/* Sends it, if it may be sent, to a server that ends the connection. */
static void
send_request(const HttpRequest *request)
{
	HttpLimits	limits = {.user_agent = "fuzz",.max_body_size = 1000,.max_header_size = 1000,.low_speed_seconds = 30};
	HttpCall   *call = provision_http_call_make(1, &limits);
	static char wire[65536];

	fuzz_promise(provision_http_call_copy(call, request, &limits), "there is memory");
	call->easy = curl_easy_init();
	if (provision_http_request_apply(call, &limits) && provision_http_answer_apply(call) &&
		!call->secure && fuzz_wire_begin(call->easy, (const uint8_t *) "HTTP/1.1 204 \r\n\r\n", 17))
	{
		CURLcode	code = curl_easy_perform(call->easy);

		fuzz_wire_end(wire, sizeof(wire));
		provision_http_answer_finish(call, code);
		if (code == CURLE_OK)
		{
			check_origin(request->url);
			check_wire(request, wire);
		}
		fuzz_promise(code == CURLE_OK || wire[0] == '\0', "what libcurl does not take is not sent");
	}
	curl_easy_cleanup(call->easy);
	provision_http_call_free(call);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char	   *texts[TEXTS];
	HttpRequest request;
	HttpLimits	limits = {0};
	CURLcode	code;

	for (int i = 0; i < TEXTS; i++)
		texts[i] = fuzz_next_text(&bytes, &length);
	request = (HttpRequest) {.method = texts[0] == NULL ? "GET" : texts[0],.url = texts[1],.site = texts[2],.authorization = texts[3],
		.correlation_id = texts[4],.traceparent = texts[5],.idempotency_key = texts[6],.body = texts[7],
		.body_length = texts[7] == NULL ? 0 : strlen(texts[7]),.base_url = texts[8],.cookie = texts[9]};
	if (provision_http_request_refusal(&request, &limits, &code) == NULL)
	{
		if (request.base_url != NULL)
			check_base(request.base_url, request.url);
		send_request(&request);
	}
	for (int i = 0; i < TEXTS; i++)
		free(texts[i]);
	return 0;
}
