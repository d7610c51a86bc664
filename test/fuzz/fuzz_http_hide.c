/*
 * fuzz_http_hide.c
 *		Credentials that an answer repeats are found in no form afterwards,
 *		and nothing but them has changed.
 *
 * The text decides which of the secrets was sent; the dictionary knows their forms.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http_call.h"

static const char *const secrets[] = {"0a1b2c3d4e5f6a7", "q%7E\"&<\\/'+=:x;", "repeatrepeatrepeat", "aaaaaaaaaa"};

/* What was blanked was long enough to be a secret; everything else stays. */
static void
check_changes(const char *before, const char *after, size_t length)
{
	size_t		blanked = 0;

	for (size_t i = 0; i < length; i++)
	{
		fuzz_promise(after[i] == '*' || after[i] == before[i], "what is not blanked stays");
		if (after[i] == '*')
			blanked++;
		fuzz_promise(after[i] == '*' || blanked == 0 || blanked >= 10 || memchr(before, '*', length) != NULL, "nothing short is blanked");
		blanked = after[i] == '*' ? blanked : 0;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *secret = secrets[length == 0 ? 0 : bytes[0] % 4];
	char		authorization[100] = "token key:";
	HttpRequest request = {.method = "GET",.url = "http://127.0.0.1/",.authorization = strcat(authorization, secret)};
	HttpLimits	limits = {0};
	HttpCall   *call = provision_http_call_make(1, &limits);
	char	   *text = malloc(length + 1);
	char	   *again = malloc(length + 1);

	fuzz_promise(provision_http_call_copy(call, &request, &limits), "there is memory");
	memcpy(text, bytes, length);
	provision_http_answer_hide(call, text, length);
	fuzz_promise(!fuzz_holds_secret(text, length, secret), "the secret is in it in no form");
	check_changes((const char *) bytes, text, length);
	memcpy(again, text, length);
	provision_http_answer_hide(call, again, length);
	fuzz_promise(memcmp(text, again, length) == 0, "a second time finds nothing");
	provision_http_call_free(call);
	free(text);
	free(again);
	return 0;
}
