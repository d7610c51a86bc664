/*
 * http_multi.c
 *		libcurl's multi handle: its sockets, its timer and its threads.
 */
#include "http_multi.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "http_poll.h"

/* So many batches at most before the caller gets its turn. */
#define MAX_BATCHES 16

static CURLM *multi = NULL;		/* NULL: not open */
static int64_t due_at_ms = -1;	/* monotonic; -1: never */

int64_t
provision_http_monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Called inside libcurl.  After -1 it ends all calls in flight with an error,
 * each of which then has its answer; the next ones start afresh.
 *
 * Connecting is waiting to write; who waits to read before anything was sent
 * is past that.
 */
static int
watch_for_libcurl(CURL *easy, curl_socket_t socket_number, int what,
				  void *userdata, void *socket_data)
{
	HttpCall   *call = NULL;

	(void) userdata;
	(void) socket_data;
	(void) curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
	if (call != NULL && call->phase == PHASE_CONNECTING && what == CURL_POLL_IN)
		call->phase = PHASE_HANDSHAKING;
	return provision_http_poll_watch(socket_number, what) ? 0 : -1;
}

/* Called inside libcurl. */
static int
set_timer(CURLM *handle, long timeout_ms, void *userdata)
{
	(void) handle;
	(void) userdata;
	due_at_ms = timeout_ms < 0 ? -1 : provision_http_monotonic_ms() + timeout_ms;
	return 0;
}

static bool
is_libcurl_usable(void)
{
	static bool initialized = false;
	curl_version_info_data *version;

	/* Never undone: resolver threads may outlive the client. */
	if (!initialized)
	{
		/* Whoever reads the file that this names can read what was sent. */
		unsetenv("SSLKEYLOGFILE");
		initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	}
	if (!initialized)
		return false;
	version = curl_version_info(CURLVERSION_NOW);
	return (version->features & CURL_VERSION_ASYNCHDNS) != 0;
}

static bool
set_multi_options(const HttpLimits *limits)
{
#if LIBCURL_VERSION_NUM >= 0x081400
	/* Resolvers are in a pool: those that hang must leave room, and closing must not wait for them. */
	(void) curl_multi_setopt(multi, CURLMOPT_RESOLVE_THREADS_MAX, (long) limits->max_connections);
	(void) curl_multi_setopt(multi, CURLMOPT_QUICK_EXIT, 1L);
#endif

	/*
	 * There is no limit on connections as such: libcurl would let calls wait
	 * for one without regard to their time limits.
	 */
	return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION,
							 watch_for_libcurl) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION,
						  set_timer) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_PIPELINING,
						  (long) CURLPIPE_MULTIPLEX) == CURLM_OK &&
		curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
						  (long) limits->max_connections) == CURLM_OK;
}

CURLM *
provision_http_multi_open(const HttpLimits *limits)
{
	due_at_ms = -1;
	if (!is_libcurl_usable() || !provision_http_poll_open())
		return NULL;
	multi = curl_multi_init();
	if (multi == NULL || !set_multi_options(limits))
		return NULL;
	return multi;
}

void
provision_http_multi_close(void)
{
	if (multi != NULL)
		curl_multi_cleanup(multi);
	multi = NULL;
	provision_http_poll_close();
	due_at_ms = -1;
}

int64_t
provision_http_multi_due_at_ms(void)
{
	return due_at_ms;
}

/*
 * A resolver thread of libcurl inherits the signal mask; without this the
 * handlers of the server process could run in it.  What must not be blocked
 * are the signals of a fault of this very thread.
 */
static void
block_signals(sigset_t *before)
{
	sigset_t	all;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGTRAP);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

static void
serve_ready_sockets(void)
{
	HttpReadySocket ready[HTTP_READY_BATCH];
	int			batch;
	int			running;

	for (batch = 0; batch < MAX_BATCHES; batch++)
	{
		int			count = provision_http_poll_take(ready);
		int			i;

		for (i = 0; i < count; i++)
			curl_multi_socket_action(multi, ready[i].socket_number,
									 ready[i].events, &running);
		if (count < HTTP_READY_BATCH)
			break;
	}
}

static bool
is_timer_due(void)
{
	return due_at_ms >= 0 && due_at_ms <= provision_http_monotonic_ms();
}

void
provision_http_multi_run(void)
{
	sigset_t	before;
	int			running;

	block_signals(&before);
	serve_ready_sockets();
	if (is_timer_due())
	{
		/* libcurl sets it again if it wants; until then it is spent. */
		due_at_ms = -1;
		curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}
