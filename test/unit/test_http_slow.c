/*
 * test_http_slow.c
 *		Servers that drip, stall or vanish without a word: every call ends, by
 *		whichever limit comes first, and the next one is served.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "hostile.h"
#include "tap.h"

#define LOW_SPEED_SECONDS 1
#define MAX_DESCRIPTOR 200
#define SHORT_MS (tap_is_slow() ? 5000 : 300)

static long
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Which of the two limits ended it shows in libcurl's own words. */
static void
ends_by(const char *path, const char *method, int timeout_ms,
		const char *words)
{
	HttpRequest request = hostile_request(method, path);
	HttpAnswer *answer;

	request.timeout_ms = timeout_ms;
	answer = hostile_call(&request);
	if (!tap_ok(answer->delivery == DELIVERY_UNKNOWN &&
				answer->curl_code == 28 && answer->error != NULL &&
				strstr(answer->error, words) != NULL,
				"%s %s ends: %s", method, path, answer->error))
		tap_note("%s, curl %d", provision_http_delivery_name(answer->delivery),
				 answer->curl_code);
	provision_http_answer_free(answer);
}

static void
test_limits(const char *method, int timeout_ms, const char *words)
{
	static const char *const paths[] = {
		"/stalls-in-head", "/stalls-in-body", "/slow-head", "/slow-body"
	};
	size_t		i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		ends_by(paths[i], method, timeout_ms, words);
}

/* Before an answer begins, a server may think as long as the call allows. */
static void
test_thinking_is_allowed(void)
{
	HttpRequest request = hostile_request("POST", "/silence?thinking");
	long		start = now_ms();
	HttpAnswer *answer;

	request.timeout_ms = LOW_SPEED_SECONDS * 1000 + 1500;
	answer = hostile_call(&request);
	tap_ok(now_ms() - start >= request.timeout_ms - 50,
		   "the speed of an answer that has not begun does not matter: %s",
		   answer->error);
	provision_http_answer_free(answer);
}

/* The connection stands at this end only. */
static void
test_half_open(const char *method)
{
	HttpRequest request = hostile_request(method, "/silent-if-reused");
	HttpAnswer *answer;

	hostile_warm_up(hostile_url("/ok"), NULL);
	request.mutation = strcmp(method, "POST") == 0;
	request.timeout_ms = SHORT_MS;
	answer = hostile_call(&request);
	tap_ok(answer->delivery == DELIVERY_UNKNOWN || !answer->error,
		   "%s on a connection that is dead: %s", method,
		   answer->error ? answer->error : "it had a new one");
	provision_http_answer_free(answer);
	request.timeout_ms = 50000;
	answer = hostile_call(&request);
	tap_is(answer->http_status, 200, "the next %s has another", method);
	provision_http_answer_free(answer);
	tap_is(provision_http_client_in_flight(), 0, "no place is stuck");
}

static bool
is_option_set(int descriptor, int level, int option, int *value)
{
	socklen_t	size = sizeof(*value);

	return getsockopt(descriptor, level, option, value, &size) == 0;
}

/* The kernel finds out about connections over which nothing is said. */
static void
test_keepalive(void)
{
	int			sockets = 0;
	int			watched = 0;
	int			descriptor;

	hostile_warm_up(hostile_url("/ok"), NULL);
	for (descriptor = 3; descriptor < MAX_DESCRIPTOR; descriptor++)
	{
		struct sockaddr_in peer;
		socklen_t	size = sizeof(peer);
		int			value = 0;

		if (getpeername(descriptor, (struct sockaddr *) &peer, &size) != 0 ||
			peer.sin_family != AF_INET ||
			ntohs(peer.sin_port) != hostile.plain)
			continue;
		sockets++;
		watched += is_option_set(descriptor, SOL_SOCKET, SO_KEEPALIVE, &value) && value != 0;
#ifdef TCP_KEEPIDLE
		tap_ok(is_option_set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &value) && value <= 30,
			   "after %d s of silence", value);
#endif
	}
	tap_ok(sockets > 0 && sockets == watched,
		   "TCP keepalive is on for each of %d connections", sockets);
}

int
main(void)
{
	HttpLimits	patient = {0};
	HttpLimits	limits = {.low_speed_seconds = LOW_SPEED_SECONDS};

	hostile_start();
	if (!provision_http_client_open(&patient))
		return 1;
	test_limits("GET", SHORT_MS, "timed out after");
	ends_by("/silence", "POST", SHORT_MS, "timed out after");
	provision_http_client_close();
	if (!provision_http_client_open(&limits))
		return 1;
	test_limits("POST", 60000, "too slow");
	test_thinking_is_allowed();
	test_half_open("GET");
	test_half_open("POST");
	test_keepalive();
	provision_http_client_close();
	hostile_stop();
	return tap_done();
}
