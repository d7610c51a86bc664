/*
 * fuzz_http_answer.c
 *		Any bytes from a server become an answer that keeps the promises of
 *		http_answer.h; through libcurl, as on a connection.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http_call.h"

#define SECRET "0a1b2c3d4e5f6a7"
#define MAX_BODY 2000
#define MAX_HEADER 3000

static const char *const methods[] = {"GET", "POST", "HEAD", "DELETE"};

static void
check_text(const char *text, size_t max_length)
{
	if (text == NULL)
		return;
	fuzz_promise(strlen(text) <= max_length, "texts are short");
	fuzz_promise(fuzz_is_harmless(text, "\t"), "texts are one line of UTF-8");
	fuzz_promise(!fuzz_holds_secret(text, strlen(text), SECRET), "no text has the secret");
}

static void
check_body(const HttpAnswer *answer)
{
	if (answer->body == NULL)
		return;
	fuzz_promise(answer->body_length <= MAX_BODY && answer->body[answer->body_length] == '\0', "a body ends where it says");
	fuzz_promise(!fuzz_holds_secret(answer->body, answer->body_length, SECRET), "no body has the secret");
}

static void
check_numbers(const HttpAnswer *answer)
{
	bool		answered = answer->delivery == DELIVERY_ANSWERED;

	fuzz_promise(answer->delivery != DELIVERY_NOT_SENT, "a request that was sent counts as sent");
	fuzz_promise((answer->error == NULL) == answered && (answer->curl_code == 0) == answered, "either there is an answer or an error");
	fuzz_promise(!answered || (answer->http_status >= 200 && answer->http_status <= 999), "an answer has a final status");
	fuzz_promise(answer->http_status >= 0 && answer->http_status <= 999, "a status has three digits");
	fuzz_promise(answer->retry_after_ms >= -1 && answer->retry_after_ms <= INT64_C(86400000), "a pause is between nothing and a day");
	fuzz_promise(answer->total_ms >= 0 && answer->total_ms < 60000, "a time is one");
}

static void
check(const HttpAnswer *answer)
{
	check_numbers(answer);
	check_body(answer);
	check_text(answer->error, 500);
	check_text(answer->location, 400);
	check_text(answer->content_type, 200);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	HttpRequest request = {.url = "http://127.0.0.1/a",.authorization = "token key:" SECRET,.body_length = 2,.timeout_ms = 30000};
	HttpLimits	limits = {.max_body_size = MAX_BODY,.max_header_size = MAX_HEADER,.low_speed_seconds = 30,.user_agent = "fuzz"};
	HttpCall   *call;

	if (length == 0)
		return 0;
	request.method = methods[*bytes % 4];
	request.body = *bytes % 4 == 1 ? "{}" : NULL;
	request.body_length = request.body == NULL ? 0 : 2;
	request.mutation = *bytes % 4 == 1;
	call = provision_http_call_make(1, &limits);
	fuzz_promise(provision_http_call_copy(call, &request, &limits), "there is memory");
	call->easy = curl_easy_init();
	fuzz_promise(provision_http_request_apply(call, &limits) && provision_http_answer_apply(call), "libcurl takes all options");
	if (fuzz_wire_begin(call->easy, bytes + 1, length - 1))
	{
		provision_http_answer_finish(call, curl_easy_perform(call->easy));
		fuzz_wire_end(NULL, 0);
		check(call->answer);
	}
	curl_easy_cleanup(call->easy);
	provision_http_call_free(call);
	return 0;
}
