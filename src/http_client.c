/*
 * http_client.c
 *		Owns the calls: those in flight, and those whose answer is not taken yet.
 */
#include "http_client.h"

#include "http_call.h"
#include "http_multi.h"
#include "http_poll.h"

/* How long after its time a call that libcurl forgot is ended by us. */
#define OVERDUE_GRACE_MS 1000

static struct
{
	CURLM	   *multi;			/* NULL: the client is not open */
	HttpLimits	limits;
	HttpCall	in_flight;		/* head of a ring */
	int			in_flight_count;
	int64_t		overdue_at_ms;	/* no call is overdue before; -1: none is */
	HttpCall	finished;		/* head of a ring, oldest first */
}			client = {.overdue_at_ms = -1};

bool
provision_http_client_open(const HttpLimits *limits)
{
	if (client.multi != NULL)
		return false;
	provision_http_ring_make(&client.in_flight);
	provision_http_ring_make(&client.finished);
	if (provision_http_limits_copy(&client.limits, limits))
		client.multi = provision_http_multi_open(&client.limits);
	if (client.multi != NULL)
		return true;
	provision_http_client_close();
	return false;
}

bool
provision_http_client_change_limits(const HttpLimits *limits)
{
	HttpLimits	copy;

	if (!provision_http_limits_copy(&copy, limits))
	{
		provision_http_limits_free(&copy);
		return false;
	}
	provision_http_limits_free(&client.limits);
	client.limits = copy;
	return true;
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
	int64_t		due_at_ms = earlier(provision_http_multi_due_at_ms(), client.overdue_at_ms);
	int64_t		left;

	if (client.multi == NULL)
		return -1;
	if (client.finished.next != &client.finished)
		return 0;
	if (due_at_ms < 0)
		return -1;
	left = due_at_ms - provision_http_monotonic_ms();
	return left > 0 ? (long) left : 0;
}

int
provision_http_client_in_flight(void)
{
	return client.in_flight_count;
}

/*
 * NULL when the call is in flight, otherwise why it is not.  In *code: whether
 * it is the request that is wrong, memory that is lacking, or libcurl.
 */
static const char *
start_call(HttpCall *call, const HttpRequest *request, CURLcode *code)
{
	const char *refusal = provision_http_request_refusal(request, &client.limits, code);
	CURLMcode	multi_code;

	if (refusal != NULL)
		return refusal;
	*code = CURLE_OUT_OF_MEMORY;
	if (!provision_http_call_copy(call, request, &client.limits))
		return "out of memory";
	/*
	 * Never one that was used before, which costs a microsecond: libcurl up
	 * to 8.1.0 reads and frees memory of the answer before, when a server
	 * begins the next one with a folded line.
	 */
	call->easy = curl_easy_init();
	if (call->easy == NULL)
		return "out of memory";
	*code = CURLE_FAILED_INIT;
	if (!provision_http_request_apply(call, &client.limits) ||
		!provision_http_answer_apply(call))
		return "libcurl refused an option of the call";
	multi_code = curl_multi_add_handle(client.multi, call->easy);
	return multi_code == CURLM_OK ? NULL : curl_multi_strerror(multi_code);
}

/* Its answer is filled; what was sent is needed no more. */
static void
put_finished(HttpCall *call)
{
	if (call->easy != NULL)
		curl_easy_cleanup(call->easy);
	call->easy = NULL;
	provision_http_call_wipe(call);
	provision_http_ring_append(&client.finished, call);
}

static void
put_in_flight(HttpCall *call)
{
	call->overdue_at_ms = provision_http_monotonic_ms() + call->timeout_ms + OVERDUE_GRACE_MS;
	client.overdue_at_ms = earlier(client.overdue_at_ms, call->overdue_at_ms);
	provision_http_ring_append(&client.in_flight, call);
	client.in_flight_count++;
}

bool
provision_http_client_send(const HttpRequest *request)
{
	HttpCall   *call;
	const char *refusal;
	CURLcode	code;

	if (client.multi == NULL)
		return false;
	call = provision_http_call_make(request->attempt_id, &client.limits);
	if (call == NULL)
		return false;
	refusal = start_call(call, request, &code);
	if (refusal == NULL)
	{
		put_in_flight(call);
		return true;
	}
	provision_http_answer_refuse(call, code, refusal);
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
	int64_t		now = provision_http_monotonic_ms();
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

void
provision_http_client_work(void)
{
	if (client.multi == NULL)
		return;
	provision_http_multi_run();
	collect_finished();
	end_overdue_calls();
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

static void
cancel_call(HttpCall *call)
{
	call->stop = STOP_CANCELLED;
	finish_call(call, CURLE_ABORTED_BY_CALLBACK);
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
		cancel_call(call);
		return true;
	}
	return false;
}

void
provision_http_client_withdraw(void)
{
	HttpCall   *next;

	if (client.multi == NULL)
		return;
	collect_finished();
	for (HttpCall *call = client.in_flight.next; call != &client.in_flight; call = next)
	{
		next = call->next;
		if (provision_http_answer_may_be_due(call))
			continue;
		cancel_call(call);
	}
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
	provision_http_multi_close();
	client.multi = NULL;
	provision_http_limits_free(&client.limits);
}
