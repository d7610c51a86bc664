/*
 * test_http_once.c
 *		A mutation reaches the server at most once, whatever the library would
 *		like to do; a read may be repeated.
 */
#include <stdio.h>
#include <string.h>

#include "hostile.h"
#include "http_call.h"
#include "tap.h"

typedef struct OnceCase
{
	const char *method;
	const char *body;
	bool		mutation;
} OnceCase;

static const OnceCase cases[] = {
	{"POST", "{\"name\":\"x\"}", true},
	{"PUT", "{\"name\":\"x\"}", true},
	{"POST", NULL, true},
	{"POST", "", true},
	{"DELETE", NULL, true},
	{"PATCH", "{}", true},
	{"GET", NULL, false},
	{"POST", "{\"query\":\"x\"}", false},
};

static HttpRequest
make_request(const OnceCase *which, const char *target)
{
	HttpRequest request = hostile_request(which->method, target);

	request.body = which->body;
	request.body_length = which->body == NULL ? 0 : strlen(which->body);
	request.mutation = which->mutation;
	return request;
}

/* An older libcurl makes a new connection for each mutation. */
static void
check_dead_connection(const OnceCase *which, const char *path,
					  const HttpAnswer *answer)
{
	if (!which->mutation)
		tap_ok(answer->delivery == DELIVERY_ANSWERED ||
			   !HTTP_CAN_COUNT_SENDING,
			   "%s %s: a read is repeated", which->method, path);
	else if (HTTP_CAN_COUNT_SENDING)
		tap_is(answer->delivery, DELIVERY_UNKNOWN,
			   "%s %s: a mutation ends as unknown, %s",
			   which->method, path, answer->error);
	else
		tap_is(answer->delivery, DELIVERY_ANSWERED,
			   "%s %s: a mutation has its own connection",
			   which->method, path);
}

/* The connection dies under a request that was written to it. */
static void
test_dead_connection(const OnceCase *which, const char *path)
{
	static int	number = 0;
	char		target[100];
	HttpRequest request;
	HttpAnswer *answer;
	int			count;

	snprintf(target, sizeof(target), "%s?%d", path, ++number);
	hostile_warm_up(hostile_url("/ok"), NULL);
	request = make_request(which, target);
	answer = hostile_call(&request);
	check_dead_connection(which, path, answer);
	provision_http_answer_free(answer);
	count = hostile_count(target);
	tap_ok(which->mutation ? count == 1 : count >= 2,
		   "%s %s: it arrived %d times", which->method, path, count);
}

/* HTTP/2: the server refuses the stream, which invites to try again. */
static void
test_refused_stream(const OnceCase *which)
{
	HttpRequest request = make_request(which, "");
	int			before = hostile_count("/h2");
	int			arrived;
	HttpAnswer *answer;

	request.url = hostile_url_at("https", hostile.http2, "/h2");
	request.ca_file = hostile.ca_file;
	answer = hostile_call(&request);
	arrived = hostile_count("/h2") - before;
	if (which->mutation)
		tap_ok(answer->delivery == DELIVERY_UNKNOWN && arrived <= 1,
			   "%s over HTTP/2: a refused mutation is not repeated",
			   which->method);
	else
		tap_ok(arrived <= 2, "%s over HTTP/2: %d arrived, status %d",
			   which->method, arrived, answer->http_status);
	provision_http_answer_free(answer);

	/* The server answers every second stream: be in step for the next case. */
	if (arrived % 2 == 1)
	{
		answer = hostile_call(&request);
		provision_http_answer_free(answer);
	}
}

static void
test_connection_is_kept(void)
{
	OnceCase	mutation = {"POST", "{}", true};
	HttpRequest request = make_request(&mutation, "/ok");
	HttpAnswer *answer;

	hostile_warm_up(hostile_url("/ok"), NULL);
	answer = hostile_call(&request);
	tap_ok(answer->connect_ms == 0 || !HTTP_CAN_COUNT_SENDING,
		   "a mutation uses a young connection again");
	provision_http_answer_free(answer);
}

int
main(void)
{
	HttpLimits	limits = {0};
	size_t		i;

	hostile_start();
	if (!provision_http_client_open(&limits))
		return 1;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		test_dead_connection(&cases[i], "/close-if-reused");
		test_dead_connection(&cases[i], "/reset-if-reused");
		test_refused_stream(&cases[i]);
	}
	test_connection_is_kept();
	provision_http_client_close();
	hostile_stop();
	return tap_done();
}
