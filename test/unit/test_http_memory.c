/*
 * test_http_memory.c
 *		Whichever allocation fails, ours or libcurl's: a call has one answer or
 *		was refused, and nothing crashes or leaks.
 *
 * The linker leads the allocations of our own objects to the functions below
 * (see unit.mk); libcurl gets them by curl_global_init_mem.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"
#include "json_text.h"
#include "tap.h"
#include "text_excerpt.h"

extern void *__real_malloc(size_t size);
extern void *__real_calloc(size_t count, size_t size);
extern void *__real_realloc(void *memory, size_t size);
extern char *__real_strdup(const char *text);
extern void *__wrap_malloc(size_t size);
extern void *__wrap_calloc(size_t count, size_t size);
extern void *__wrap_realloc(void *memory, size_t size);
extern char *__wrap_strdup(const char *text);

static int	left = -1;			/* allocations until one fails; -1: none does */
static bool has_failed = false;

static bool
fails_now(void)
{
	if (left < 0 || left-- > 0)
		return false;
	has_failed = true;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *memory, size_t size)
{
	return fails_now() ? NULL : __real_realloc(memory, size);
}

char *
__wrap_strdup(const char *text)
{
	return fails_now() ? NULL : __real_strdup(text);
}

static void
fail_after(int count)
{
	has_failed = false;
	left = count;
}

/* True when the call had its one answer, or was refused. */
static bool
survives_call(int attempt_id)
{
	HttpRequest request = hostile_request("POST", "/compressed");
	HttpAnswer *answer;
	bool		right;

	request.attempt_id = attempt_id;
	request.mutation = true;
	request.timeout_ms = 200;
	request.body = "{}";
	request.body_length = 2;
	if (!provision_http_client_send(&request))
		return provision_http_client_in_flight() == 0;
	answer = hostile_wait();
	right = answer->attempt_id == attempt_id &&
		provision_http_client_in_flight() == 0 &&
		(answer->delivery != DELIVERY_ANSWERED ||
		 answer->body_length == 10000);
	provision_http_answer_free(answer);
	return right && provision_http_client_next_answer() == NULL;
}

static void
test_calls(void)
{
	HttpLimits	limits = {.ca_file = "/nonexistent", .user_agent = "x"};
	int			count = 0;
	int			wrong_count = 0;

	do
	{
		fail_after(count);
		if (provision_http_client_open(&limits))
		{
			wrong_count += !survives_call(count);
			provision_http_client_close();
		}
		wrong_count += provision_http_client_descriptor() != -1;
	} while (has_failed && ++count < 2000);
	left = -1;
	tap_is(wrong_count, 0, "%d allocations of a call fail one by one", count);
	tap_ok(count > 20 && count < 2000, "that is all of them");
}

static void
test_texts(void)
{
	size_t		length;

	fail_after(0);
	tap_ok(provision_json_text_clean("{}", 2, &length) == NULL,
		   "no memory for a JSON text");
	fail_after(0);
	tap_ok(provision_text_excerpt("x", 1, 10) == NULL,
		   "no memory for an excerpt");
	left = -1;
}

int
main(void)
{
	hostile_start();
	curl_global_init_mem(CURL_GLOBAL_DEFAULT, __wrap_malloc, free,
						 __wrap_realloc, __wrap_strdup, __wrap_calloc);
	test_calls();
	test_texts();
	hostile_stop();
	return tap_done();
}
