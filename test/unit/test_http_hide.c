/*
 * test_http_hide.c
 *		Credentials that an answer repeats are blanked, and nothing else is.
 */
#include <stdlib.h>
#include <string.h>

#include "http_call.h"
#include "tap.h"

static const HttpLimits limits;

/* The body as it is kept when it answers a request with these credentials. */
static void
ok_kept(const char *authorization, const char *body, const char *expected)
{
	HttpRequest request = {.method = "GET",.url = "http://127.0.0.1/",.authorization = authorization};
	HttpCall   *call = provision_http_call_make(1, &limits);

	if (!provision_http_call_copy(call, &request, &limits))
		tap_ok(false, "a call is made");
	call->answer->body = body == NULL ? NULL : strdup(body);
	call->answer->body_length = body == NULL ? 0 : strlen(body);
	call->answer->location = strdup("https://a/?x=0123456789abcde");
	provision_http_answer_hide(call);
	tap_is_text(call->answer->body, expected, "%s for %s", body == NULL ? "none" : body, authorization == NULL ? "none" : authorization);
	if (authorization != NULL && strstr(authorization, ":0123456789abcde") != NULL)
		tap_is_text(call->answer->location, "https://a/?x=***************", "and in a redirect");
	provision_http_call_free(call);
}

int
main(void)
{
	ok_kept("token key:0123456789abcde", "0123456789abcde", "***************");
	ok_kept("token key:0123456789abcde", "key:0123456789abcde0123456789abcde!", "key:******************************!");
	ok_kept("token key:0123456789abcde", "0123456789abcd", "0123456789abcd");
	ok_kept("token key:0123456789abcde", "", "");
	ok_kept("token key:0123456789abcde", NULL, NULL);
	ok_kept("token key:a:bcdefghijk", "a:bcdefghijk bcdefghijk", "************ bcdefghijk");
	ok_kept("Bearer 0123456789", "a 0123456789 b", "a ********** b");
	ok_kept("token key:word", "a word", "a word");
	ok_kept("token", "token", "token");
	ok_kept(NULL, "a word", "a word");
	return tap_done();
}
