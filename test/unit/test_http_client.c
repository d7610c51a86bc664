/*
 * test_http_client.c
 *		What is sent, what is refused, and calls that wait, end or are ended.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "hostile.h"
#include "tap.h"

static long
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
holds(const char *text, const char *part)
{
	return text != NULL && strstr(text, part) != NULL;
}

static void
test_what_is_sent(void)
{
	HttpRequest request = hostile_request("PUT", "/echo");
	HttpAnswer *answer;

	request.site = "acme.example";
	request.authorization = "token key:secret";
	request.correlation_id = "job-7";
	request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	request.idempotency_key = "once-and-only";
	request.job_key = "p0123";
	request.team = "team-one";
	request.body = "{\"a\":\"caf\xc3\xa9\"}";
	request.body_length = strlen(request.body);
	answer = hostile_call(&request);
	tap_ok(holds(answer->body, "PUT /echo HTTP/1.1\n"), "request line");
	tap_ok(holds(answer->body, "\nHost: acme.example\n"), "Host");
	tap_ok(holds(answer->body, "\nX-Frappe-Site-Name: acme.example\n"),
		   "site");
	tap_ok(holds(answer->body, "\nAuthorization: token key:secret\n"),
		   "Authorization");
	tap_ok(holds(answer->body, "\nX-Request-Id: job-7\n"), "X-Request-Id");
	tap_ok(holds(answer->body, "\ntraceparent: 00-0af7"), "traceparent");
	tap_ok(holds(answer->body, "\nIdempotency-Key: once-and-only\n"), "key");
	tap_ok(holds(answer->body, "\nX-Agent-Job-Id: p0123\n"), "key of a job");
	tap_ok(holds(answer->body, "\nX-Press-Team: team-one\n"), "team");
	tap_ok(holds(answer->body, "\nContent-Type: application/json\n"), "type");
	tap_ok(holds(answer->body, "\nAccept: application/json\n"), "Accept");
	tap_ok(holds(answer->body, "\nAccept-Encoding: "), "Accept-Encoding");
	tap_ok(holds(answer->body, "\nUser-Agent: provision-test\n"), "agent");
	tap_ok(holds(answer->body, "\nContent-Length: 13\n"), "length");
	tap_ok(!holds(answer->body, "\nExpect:"), "no Expect");
	tap_ok(!holds(answer->body, "\nCookie:"), "no Cookie");
	tap_ok(holds(answer->body, "\n\n{\"a\":\"caf\xc3\xa9\"}"), "body");
	provision_http_answer_free(answer);
}

static void
test_without_extras(void)
{
	HttpRequest request = hostile_request("GET", "/echo");
	HttpAnswer *answer = hostile_call(&request);

	tap_ok(holds(answer->body, "\nHost: 127.0.0.1:"), "Host of the URL");
	tap_ok(!holds(answer->body, "Authorization"), "no credentials");
	tap_ok(!holds(answer->body, "X-Frappe"), "no site");
	tap_ok(!holds(answer->body, "Content-"), "no body");
	provision_http_answer_free(answer);

	request = hostile_request("POST", "/echo");
	request.cookie = "sid=a-session";
	request.note = "for the caller";
	answer = hostile_call(&request);
	tap_ok(holds(answer->body, "\nCookie: sid=a-session\n") &&
		   !holds(answer->body, "Authorization"), "a session goes as a cookie");
	tap_ok(answer->note != NULL && strcmp(answer->note, request.note) == 0, "a note comes back");
	provision_http_answer_free(answer);

	request = hostile_request("POST", "/echo");
	answer = hostile_call(&request);
	tap_ok(answer->note == NULL, "and none that was not given");
	tap_ok(holds(answer->body, "POST /echo") &&
		   holds(answer->body, "\nContent-Length: 0\n"),
		   "a POST without a body says so");
	provision_http_answer_free(answer);

	request = hostile_request("DELETE", "/echo");
	answer = hostile_call(&request);
	tap_ok(holds(answer->body, "DELETE /echo"), "DELETE");
	provision_http_answer_free(answer);

	request = hostile_request("HEAD", "/ok");
	answer = hostile_call(&request);
	tap_ok(answer->delivery == DELIVERY_ANSWERED && answer->body_length == 0,
		   "HEAD");
	provision_http_answer_free(answer);
}

/* A body larger than every buffer on the way, zero bytes included. */
static void
test_large_body(void)
{
	size_t		size = 3 * 1024 * 1024;
	HttpRequest request = hostile_request("POST", "/echo");
	char	   *body = calloc(1, size);
	HttpAnswer *answer;

	request.body = body;
	request.body_length = size;
	request.mutation = true;
	answer = hostile_call(&request);
	tap_ok(answer->delivery == DELIVERY_ANSWERED &&
		   answer->body_length > size &&
		   memcmp(answer->body + answer->body_length - size, body, size) == 0,
		   "a body of 3 MB arrives");
	provision_http_answer_free(answer);
	free(body);
}

static void
refused(HttpRequest request, const char *name)
{
	HttpAnswer *answer = hostile_call(&request);

	tap_ok(answer->delivery == DELIVERY_NOT_SENT && answer->error != NULL &&
		   answer->curl_code != 2 &&	/* which would be tried again */
		   answer->attempt_id == request.attempt_id &&
		   !holds(answer->error, "secret"),
		   "%s: %s", name, answer->error ? answer->error : "sent");
	provision_http_answer_free(answer);
}

#define REFUSED(field, value, name) \
	do { \
		HttpRequest request = hostile_request("GET", "/ok?refused"); \
		request.field = value; \
		refused(request, name); \
	} while (0)

static void
test_refusals(void)
{
	REFUSED(method, NULL, "no method");
	REFUSED(method, "", "empty method");
	REFUSED(method, "GET /", "method with a blank");
	REFUSED(method, "get", "method in small letters");
	REFUSED(url, NULL, "no URL");
	REFUSED(url, "", "empty URL");
	REFUSED(url, "ftp://127.0.0.1/", "ftp");
	REFUSED(url, "file:///etc/passwd", "file");
	REFUSED(url, "127.0.0.1", "URL without a scheme");
	REFUSED(url, "http://", "URL without a host");
	REFUSED(url, "http://127.0.0.1:99999/", "port beyond 65535");
	REFUSED(url, "http://user:secret@127.0.0.1/", "credentials in the URL");
	REFUSED(url, "http://127.0.0.1/\r\nX-Evil: 1", "URL with a line end");
	REFUSED(url, "http://127.0.0.1/a b", "URL with a blank");
	REFUSED(url, "http://127.0.0.1/\x7f", "URL with DEL");
	REFUSED(site, "acme\r\nX-Evil: 1", "site with a line end");
	REFUSED(site, "acme\nX-Evil: 1", "site with LF");
	REFUSED(authorization, "token secret\r\nX-Evil: 1", "credentials");
	REFUSED(cookie, "sid=secret\r\nX-Evil: 1", "cookie");
	REFUSED(correlation_id, "a\rb", "correlation id with CR");
	REFUSED(traceparent, "a\tb", "trace context with a tab");
	REFUSED(idempotency_key, "a\x01", "idempotency key with a control byte");
	REFUSED(job_key, "a\n", "key of a job with LF");
	REFUSED(team, "a\r\nX-Evil: 1", "team with a line end");
	REFUSED(ca_file, "a\nb", "CA file with LF");
	REFUSED(body_length, 5, "length without a body");
	REFUSED(url, "http://nosuch.invalid/", "a name that does not exist");
	REFUSED(url, "http://127.0.0.1:1/", "nobody listens");
	tap_is(hostile_count("/ok?refused"), 0, "none of them arrived");
}

typedef struct WaitCase
{
	const char *path;
	const char *error;
	int			status;
} WaitCase;

/* Whatever bytes a value is made of, it cannot become a header of its own. */
static void
test_nothing_is_injected(void)
{
	int			sent = 0;
	int			wrong = 0;
	int			i;

	srand(1);
	for (i = 0; i < 300; i++)
	{
		char		value[30] = {0};
		HttpRequest request = hostile_request("GET", "/echo");
		HttpAnswer *answer;
		int			byte;

		for (byte = 0; byte < 20; byte++)
			value[byte] = rand() % 8 ? "X-Evil: 1"[rand() % 9] : (char) (1 + rand() % 255);
		request.site = i % 3 == 0 ? value : NULL;
		request.correlation_id = i % 3 == 1 ? value : NULL;
		request.idempotency_key = i % 3 == 2 ? value : NULL;
		answer = hostile_call(&request);
		sent += answer->delivery != DELIVERY_NOT_SENT;
		wrong += holds(answer->body, "\nX-Evil") || holds(answer->body, "\r");
		provision_http_answer_free(answer);
	}
	tap_is(wrong, 0, "no value becomes a header");
	tap_ok(sent > 100 && sent < 300, "%d of 300 were sent", sent);
}

static void
test_timeouts(void)
{
	static const WaitCase cases[] = {
		{"/silence", "waiting for the answer: ", 0},
		{"/slow-head", "reading the answer: ", 200},
		{"/slow-body", "reading the answer: ", 200},
	};
	size_t		i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HttpRequest request = hostile_request("POST", cases[i].path);
		long		start = now_ms();
		HttpAnswer *answer;

		request.timeout_ms = 300;
		answer = hostile_call(&request);
		tap_ok(answer->delivery == DELIVERY_UNKNOWN &&
			   answer->http_status == cases[i].status &&
			   holds(answer->error, cases[i].error),
			   "%s: %s", cases[i].path, answer->error);
		tap_ok(now_ms() - start < 300 + (tap_is_slow() ? 5000 : 700),
			   "%s: it ends in time", cases[i].path);
		provision_http_answer_free(answer);
	}
}

static void
test_unread_body(void)
{
	size_t		size = 16 * 1024 * 1024;
	char	   *body = calloc(1, size);
	HttpRequest request = hostile_request("POST", "/never-reads");
	HttpAnswer *answer;

	request.body = body;
	request.body_length = size;
	request.timeout_ms = 300;
	answer = hostile_call(&request);
	tap_ok(answer->delivery == DELIVERY_UNKNOWN &&
		   holds(answer->error, "sending the request: "),
		   "a body that is not read: %s", answer->error);
	provision_http_answer_free(answer);
	free(body);
}

static void
test_nobody_accepts(void)
{
	HttpRequest request = hostile_request("POST", "");
	HttpAnswer *answer;

	request.url = hostile_url_at("http", hostile.full, "/");
	request.connect_timeout_ms = 300;
	answer = hostile_call(&request);
	tap_ok(answer->delivery == DELIVERY_NOT_SENT &&
		   holds(answer->error, "connecting: "),
		   "a full queue: %s", answer->error);
	provision_http_answer_free(answer);
}

/* Lets libcurl run until a request has arrived. */
static void
wait_for_arrival(const char *target)
{
	int			i;

	for (i = 0; i < 1000 && hostile_count(target) == 0; i++)
		provision_http_client_work();
}

static void
test_cancel(void)
{
	HttpRequest request = hostile_request("POST", "/silence?cancelled");
	HttpAnswer *answer;

	tap_ok(!provision_http_client_cancel(request.attempt_id),
		   "a call that was never made cannot be cancelled");
	provision_http_client_send(&request);
	tap_is(provision_http_client_in_flight(), 1, "one call is in flight");
	tap_ok(provision_http_client_cancel(request.attempt_id), "cancel at once");
	tap_is(provision_http_client_in_flight(), 0, "none is in flight");
	tap_is(provision_http_client_timeout_ms(), 0, "its answer is ready");
	answer = provision_http_client_next_answer();
	tap_is(answer->delivery, DELIVERY_NOT_SENT, "it was not sent");
	provision_http_answer_free(answer);

	request.attempt_id++;
	provision_http_client_send(&request);
	wait_for_arrival("/silence?cancelled");
	tap_ok(provision_http_client_cancel(request.attempt_id), "cancel later");
	answer = provision_http_client_next_answer();
	tap_ok(answer->delivery == DELIVERY_UNKNOWN &&
		   holds(answer->error, "the call was cancelled"),
		   "it may have acted: %s", answer->error);
	provision_http_answer_free(answer);
	tap_ok(!provision_http_client_cancel(request.attempt_id),
		   "a call cannot be cancelled twice");
	tap_ok(provision_http_client_next_answer() == NULL, "and answers once");
}

/* Of two calls, one has arrived and the other has not been sent. */
static void
test_withdraw(void)
{
	HttpRequest request = hostile_request("POST", "/silence?stays");
	HttpAnswer *answer;

	provision_http_client_withdraw();
	provision_http_client_send(&request);
	wait_for_arrival("/silence?stays");
	request.attempt_id++;
	provision_http_client_send(&request);
	provision_http_client_withdraw();
	answer = provision_http_client_next_answer();
	tap_ok(answer != NULL && answer->attempt_id == request.attempt_id && answer->delivery == DELIVERY_NOT_SENT,
		   "what was not sent is withdrawn");
	provision_http_answer_free(answer);
	tap_is(provision_http_client_in_flight(), 1, "what was sent stays in flight");
	tap_ok(provision_http_client_cancel(request.attempt_id - 1), "until it is cancelled");
	provision_http_answer_free(provision_http_client_next_answer());
}

/* One call that hangs does not delay 200 others. */
static void
test_many_at_once(void)
{
	HttpRequest hanging = hostile_request("POST", "/silence?hanging");
	long		start = now_ms();
	int			answered = 0;
	int			i;

	provision_http_client_send(&hanging);
	for (i = 0; i < 200; i++)
	{
		HttpRequest request = hostile_request("GET", "/ok");

		request.timeout_ms = 30000;
		provision_http_client_send(&request);
	}
	tap_is(provision_http_client_in_flight(), 201, "201 calls are in flight");
	for (i = 0; i < 200; i++)
	{
		HttpAnswer *answer = hostile_wait();

		answered += answer->delivery == DELIVERY_ANSWERED;
		provision_http_answer_free(answer);
	}
	tap_is(answered, 200, "200 calls beside one that hangs, in %ld ms",
		   now_ms() - start);
	provision_http_client_cancel(hanging.attempt_id);
	provision_http_answer_free(provision_http_client_next_answer());
}

static void
test_nothing_blocks(void)
{
	HttpRequest request = hostile_request("GET", "/silence?never");
	long		start = now_ms();
	int			i;

	provision_http_client_send(&request);
	for (i = 0; i < 100; i++)
		provision_http_client_work();
	tap_ok(now_ms() - start < (tap_is_slow() ? 3000 : 300),
		   "work does not wait");
	provision_http_client_cancel(request.attempt_id);
	provision_http_answer_free(provision_http_client_next_answer());
}

/* Kept connections neither need a timer nor wake anybody. */
static void
test_idle(void)
{
	int			rounds = 0;
	long		timeout;

	while ((timeout = provision_http_client_timeout_ms()) >= 0 &&
		   rounds++ < 1000)
	{
		struct pollfd none = {.fd = -1};

		poll(&none, 1, (int) timeout);
		provision_http_client_work();
	}
	tap_ok(rounds < 100, "an idle client has no timer after %d rounds", rounds);
}

/* What bounds the kept connections does not make a call wait. */
static void
test_connection_limit(void)
{
	HttpLimits	limits = {.max_connections = 1};
	HttpRequest hanging = hostile_request("GET", "/silence?only");
	HttpRequest request = hostile_request("POST", "/ok");
	HttpAnswer *answer;

	provision_http_client_close();
	provision_http_client_open(&limits);
	provision_http_client_send(&hanging);
	provision_http_client_work();
	answer = hostile_call(&request);
	tap_ok(answer->attempt_id == request.attempt_id &&
		   answer->http_status == 200, "a call beside the only connection");
	provision_http_answer_free(answer);
	provision_http_client_cancel(hanging.attempt_id);
	provision_http_answer_free(provision_http_client_next_answer());
}

static void
test_descriptor_shortage(void)
{
	struct rlimit before;
	struct rlimit none;
	HttpRequest request = hostile_request("POST", "/ok?shortage");
	HttpAnswer *answer;

	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = 0;
	provision_http_client_close();
	tap_ok(provision_http_client_open(&(HttpLimits) {0}), "open again");
	setrlimit(RLIMIT_NOFILE, &none);
	answer = hostile_call(&request);
	setrlimit(RLIMIT_NOFILE, &before);
	tap_ok(answer->delivery == DELIVERY_NOT_SENT, "no descriptor left: %s",
		   answer->error);
	provision_http_answer_free(answer);
	answer = hostile_call(&request);
	tap_is(answer->http_status, 200, "and later it works");
	provision_http_answer_free(answer);
}

static void
test_closing(void)
{
	HttpRequest request = hostile_request("GET", "/silence?closing");
	HttpRequest refused_request = hostile_request("", "");
	HttpLimits	limits = {0};

	provision_http_client_send(&request);
	provision_http_client_send(&refused_request);
	provision_http_client_work();
	tap_ok(!provision_http_client_open(&limits), "an open client stays");
	provision_http_client_close();
	tap_is(provision_http_client_in_flight(), 0, "closed with a call in flight");
	tap_is(provision_http_client_descriptor(), -1, "no descriptor");
	tap_is(provision_http_client_timeout_ms(), -1, "no timer");
	tap_ok(provision_http_client_next_answer() == NULL, "no answer");
	tap_ok(!provision_http_client_send(&request), "nothing can be sent");
	tap_ok(!provision_http_client_cancel(1), "nothing can be cancelled");
	provision_http_client_work();
	provision_http_client_close();
	tap_ok(provision_http_client_open(&limits), "it opens again");
}

int
main(void)
{
	HttpLimits	limits = {.user_agent = "provision-test"};

	/* The client must not look at these. */
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("all_proxy", "http://127.0.0.1:1/", 1);
	hostile_start();
	if (!provision_http_client_open(&limits))
		return 1;
	test_what_is_sent();
	test_without_extras();
	test_large_body();
	test_refusals();
	test_nothing_is_injected();
	test_timeouts();
	test_unread_body();
	test_nobody_accepts();
	test_cancel();
	test_withdraw();
	test_many_at_once();
	test_nothing_blocks();
	test_idle();
	test_connection_limit();
	test_descriptor_shortage();
	test_closing();
	provision_http_client_close();
	hostile_stop();
	return tap_done();
}
