/*
 * test_http_resolver.c
 *		A resolver that hangs delays neither other calls nor the end of its own.
 *
 * getaddrinfo is replaced for libcurl, too: the name "hangs.test" is resolved
 * when the test allows it.
 */
#define _GNU_SOURCE
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hostile.h"
#include "tap.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int	hanging_count = 0;
static bool may_go_on = false;
static bool signals_are_blocked = false;

extern int	getaddrinfo(const char *node, const char *service,
						const struct addrinfo *hints,
						struct addrinfo **result);
extern void freeaddrinfo(struct addrinfo *result);

static bool
blocks_signals(void)
{
	sigset_t	blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	return sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGUSR1) &&
		sigismember(&blocked, SIGHUP) && !sigismember(&blocked, SIGSEGV);
}

/* Nothing but "hangs.test" is ever looked up here, and it has no address. */
int
getaddrinfo(const char *node, const char *service,
			const struct addrinfo *hints, struct addrinfo **result)
{
	(void) service;
	(void) hints;
	(void) result;
	pthread_mutex_lock(&lock);
	signals_are_blocked = blocks_signals();
	hanging_count++;
	pthread_cond_broadcast(&changed);
	while (!may_go_on && strcmp(node, "hangs.test") == 0)
		pthread_cond_wait(&changed, &lock);
	hanging_count--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return EAI_NONAME;
}

void
freeaddrinfo(struct addrinfo *result)
{
	(void) result;
}

static long
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static HttpRequest
hanging_request(void)
{
	HttpRequest request = hostile_request("POST", "/ok");

	request.url = "http://hangs.test/";
	request.mutation = true;
	return request;
}

static void
test_timeout(void)
{
	HttpRequest request = hanging_request();
	long		start = now_ms();
	HttpAnswer *answer;

	request.connect_timeout_ms = 300;
	answer = hostile_call(&request);
	tap_ok(answer->delivery == DELIVERY_NOT_SENT && answer->error != NULL &&
		   strncmp(answer->error, "name resolution: ", 17) == 0 &&
		   answer->dns_ms == -1,
		   "it ends in time: %s", answer->error);
	tap_ok(now_ms() - start < (tap_is_slow() ? 5000 : 1000),
		   "and does not wait for the resolver");
	provision_http_answer_free(answer);
}

static void
test_others(void)
{
	HttpRequest hanging = hanging_request();
	HttpRequest request = hostile_request("GET", "/ok");
	HttpAnswer *answer;

	provision_http_client_send(&hanging);
	answer = hostile_call(&request);
	tap_ok(answer->attempt_id == request.attempt_id &&
		   answer->http_status == 200, "another call goes on");
	provision_http_answer_free(answer);
	tap_ok(provision_http_client_cancel(hanging.attempt_id), "cancel");
	answer = provision_http_client_next_answer();
	tap_is(answer->delivery, DELIVERY_NOT_SENT, "the other was not sent");
	provision_http_answer_free(answer);
}

static void
test_close(void)
{
	HttpRequest request = hanging_request();
	long		start = now_ms();

	provision_http_client_send(&request);
	provision_http_client_work();
	provision_http_client_close();
	tap_ok(now_ms() - start < (tap_is_slow() ? 5000 : 1000),
		   "closing does not wait for the resolver");
}

static void
release_resolvers(void)
{
	pthread_mutex_lock(&lock);
	tap_ok(hanging_count > 0, "%d resolvers hang", hanging_count);
	tap_ok(signals_are_blocked, "the server's signals are blocked in them");
	may_go_on = true;
	pthread_cond_broadcast(&changed);
	while (hanging_count > 0)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

int
main(void)
{
	HttpLimits	limits = {0};

	hostile_start();
	if (!provision_http_client_open(&limits))
		return 1;
	test_timeout();
	test_others();
	test_close();
	release_resolvers();
	hostile_stop();
	return tap_done();
}
