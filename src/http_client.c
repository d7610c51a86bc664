/*
 * http_client.c
 *		Owns libcurl's multi handle, the descriptor to wait for, the timer, and
 *		the list of calls in flight.
 */
#include "http_client.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "http_call.h"
#include "http_poll.h"

/* How long after its time a call that libcurl forgot is ended by us. */
#define OVERDUE_GRACE_MS 1000

/* So many batches at most before the caller gets its turn. */
#define MAX_BATCHES 16

static struct
{
	CURLM	   *multi;			/* NULL: the client is not open */
	int64_t		due_at_ms;		/* monotonic; -1: never */
	HttpLimits	limits;
	HttpCall	in_flight;		/* head of a ring */
	int			in_flight_count;
	int64_t		overdue_at_ms;	/* no call is overdue before; -1: none is */
	HttpCall	finished;		/* head of a ring, oldest first */
}			client = {.due_at_ms = -1, .overdue_at_ms = -1};

static int64_t
monotonic_ms(void)
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
set_timer(CURLM *multi, long timeout_ms, void *userdata)
{
	(void) multi;
	(void) userdata;
	client.due_at_ms = timeout_ms < 0 ? -1 : monotonic_ms() + timeout_ms;
	return 0;
}

static bool
is_libcurl_usable(void)
{
	static bool initialized = false;
	curl_version_info_data *version;

	/* Never undone: resolver threads may outlive the client. */
	if (!initialized)
		initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	if (!initialized)
		return false;
	version = curl_version_info(CURLVERSION_NOW);
	return (version->features & CURL_VERSION_ASYNCHDNS) != 0;
}

static bool
set_multi_options(void)
{
	CURLM	   *multi = client.multi;

#if LIBCURL_VERSION_NUM >= 0x081400
	/* Resolvers are in a pool: those that hang must leave room, and closing must not wait for them. */
	(void) curl_multi_setopt(multi, CURLMOPT_RESOLVE_THREADS_MAX, (long) client.limits.max_connections);
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
						  (long) client.limits.max_connections) == CURLM_OK;
}

bool
provision_http_client_open(const HttpLimits *limits)
{
	if (client.multi != NULL || !is_libcurl_usable())
		return false;
	provision_http_ring_make(&client.in_flight);
	provision_http_ring_make(&client.finished);
	client.due_at_ms = -1;
	if (provision_http_poll_open() && provision_http_limits_copy(&client.limits, limits))
		client.multi = curl_multi_init();
	if (client.multi != NULL && set_multi_options())
		return true;
	provision_http_client_close();
	return false;
}

int
provision_http_client_descriptor(void)
{
	return provision_http_poll_descriptor();
}

/* -1 stands for never. */
static int64_t
earlier(int64_t one, int64_t other)
{
	if (one < 0 || other < 0)
		return one < 0 ? other : one;
	return one < other ? one : other;
}

long
provision_http_client_timeout_ms(void)
{
	int64_t		due_at_ms = earlier(client.due_at_ms, client.overdue_at_ms);
	int64_t		left;

	if (client.multi == NULL)
		return -1;
	if (client.finished.next != &client.finished)
		return 0;
	if (due_at_ms < 0)
		return -1;
	left = due_at_ms - monotonic_ms();
	return left > 0 ? (long) left : 0;
}

int
provision_http_client_in_flight(void)
{
	return client.in_flight_count;
}

/* NULL when the call is in flight, otherwise why it is not. */
static const char *
start_call(HttpCall *call, const HttpRequest *request)
{
	const char *refusal = provision_http_request_refusal(request);
	CURLMcode	code;

	if (refusal != NULL)
		return refusal;
	if (!provision_http_call_copy(call, request, &client.limits))
		return "out of memory";
	call->easy = provision_http_handle_take();
	if (call->easy == NULL)
		return "out of memory";
	if (!provision_http_request_apply(call, &client.limits) ||
		!provision_http_answer_apply(call))
		return "libcurl refused an option of the call";
	code = curl_multi_add_handle(client.multi, call->easy);
	return code == CURLM_OK ? NULL : curl_multi_strerror(code);
}

/* Its answer is filled; what was sent is needed no more. */
static void
put_finished(HttpCall *call)
{
	if (call->easy != NULL)
		provision_http_handle_return(call->easy);
	call->easy = NULL;
	provision_http_call_wipe(call);
	provision_http_ring_append(&client.finished, call);
}

static void
put_in_flight(HttpCall *call)
{
	call->overdue_at_ms = monotonic_ms() + call->timeout_ms + OVERDUE_GRACE_MS;
	client.overdue_at_ms = earlier(client.overdue_at_ms, call->overdue_at_ms);
	provision_http_ring_append(&client.in_flight, call);
	client.in_flight_count++;
}

bool
provision_http_client_send(const HttpRequest *request)
{
	HttpCall   *call;
	const char *refusal;

	if (client.multi == NULL)
		return false;
	call = provision_http_call_make(request->attempt_id, &client.limits);
	if (call == NULL)
		return false;
	refusal = start_call(call, request);
	if (refusal == NULL)
	{
		put_in_flight(call);
		return true;
	}
	provision_http_answer_refuse(call, refusal);
	put_finished(call);
	return true;
}

static void
finish_call(HttpCall *call, CURLcode code)
{
	curl_multi_remove_handle(client.multi, call->easy);
	provision_http_answer_finish(call, code);
	provision_http_ring_remove(call);
	if (--client.in_flight_count == 0)
		client.overdue_at_ms = -1;
	put_finished(call);
}

static void
collect_finished(void)
{
	CURLMsg    *message;
	int			left;

	while ((message = curl_multi_info_read(client.multi, &left)) != NULL)
	{
		CURLcode	code = message->data.result;
		char	   *call = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		finish_call((HttpCall *) call, code);
	}
}

/*
 * libcurl can lose a call when memory is lacking in the wrong moment: neither
 * a socket nor a timer would ever wake it.
 */
static void
end_overdue_calls(void)
{
	int64_t		now = monotonic_ms();
	HttpCall   *call = client.in_flight.next;

	if (client.overdue_at_ms < 0 || client.overdue_at_ms > now)
		return;
	client.overdue_at_ms = -1;
	while (call != &client.in_flight)
	{
		HttpCall   *next = call->next;

		if (call->overdue_at_ms <= now)
		{
			call->stop = STOP_OVERDUE;
			finish_call(call, CURLE_OPERATION_TIMEDOUT);
		}
		else
			client.overdue_at_ms = earlier(client.overdue_at_ms,
										   call->overdue_at_ms);
		call = next;
	}
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
			curl_multi_socket_action(client.multi, ready[i].socket_number,
									 ready[i].events, &running);
		if (count < HTTP_READY_BATCH)
			break;
	}
}

static bool
is_timer_due(void)
{
	return client.due_at_ms >= 0 && client.due_at_ms <= monotonic_ms();
}

void
provision_http_client_work(void)
{
	sigset_t	before;
	int			running;

	if (client.multi == NULL)
		return;
	block_signals(&before);
	serve_ready_sockets();
	if (is_timer_due())
	{
		/* libcurl sets it again if it wants; until then it is spent. */
		client.due_at_ms = -1;
		curl_multi_socket_action(client.multi, CURL_SOCKET_TIMEOUT, 0,
								 &running);
	}
	collect_finished();
	end_overdue_calls();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

HttpAnswer *
provision_http_client_next_answer(void)
{
	HttpCall   *call = client.finished.next;
	HttpAnswer *answer;

	if (client.multi == NULL || call == &client.finished)
		return NULL;
	provision_http_ring_remove(call);
	answer = call->answer;
	call->answer = NULL;
	provision_http_call_free(call);
	return answer;
}

bool
provision_http_client_cancel(int64_t attempt_id)
{
	HttpCall   *call;

	if (client.multi == NULL)
		return false;
	/* What libcurl has finished keeps the answer that it got. */
	collect_finished();
	for (call = client.in_flight.next; call != &client.in_flight;
		 call = call->next)
	{
		if (call->answer->attempt_id != attempt_id)
			continue;
		call->stop = STOP_CANCELLED;
		finish_call(call, CURLE_ABORTED_BY_CALLBACK);
		return true;
	}
	return false;
}

static void
drop_calls(HttpCall *head)
{
	while (head->next != NULL && head->next != head)
	{
		HttpCall   *call = head->next;

		provision_http_ring_remove(call);
		if (call->easy != NULL)
		{
			curl_multi_remove_handle(client.multi, call->easy);
			curl_easy_cleanup(call->easy);
		}
		provision_http_call_free(call);
	}
}

void
provision_http_client_close(void)
{
	drop_calls(&client.in_flight);
	drop_calls(&client.finished);
	client.in_flight_count = 0;
	client.overdue_at_ms = -1;
	provision_http_handle_drop_spare();
	if (client.multi != NULL)
		curl_multi_cleanup(client.multi);
	client.multi = NULL;
	provision_http_poll_close();
	client.due_at_ms = -1;
	provision_http_limits_free(&client.limits);
}
