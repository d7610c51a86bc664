/*
 * test_http_hide.c
 *		Credentials that an answer repeats are blanked, and nothing else is.
 */
#include <stdlib.h>
#include <string.h>

#include "http_call.h"
#include "tap.h"

#define ODD "q%7E\"&<\\/'+=:x;"		/* everything that some form writes in another way */

typedef struct HiddenCase
{
	const char *authorization;
	const char *given;
	const char *expected;
} HiddenCase;

static const HiddenCase cases[] = {
	{"token key:0123456789abcde", "0123456789abcde", "***************"},
	{"token key:0123456789abcde", "key:0123456789abcde0123456789abcde!", "key:******************************!"},
	{"token key:0123456789abcde", "0123456789abcd", "0123456789abcd"},
	{"token key:0123456789abcde", "", ""},
	{"token key:0123456789abcde", NULL, NULL},
	{"token key:a:bcdefghijk", "a:bcdefghijk bcdefghijk", "************ bcdefghijk"},
	{"Bearer 0123456789", "a 0123456789 b", "a ********** b"},
	{"token key:word", "a word", "a word"},
	{"token", "token", "token"},
	{NULL, "a word", "a word"},

	/* JSON, and JSON in a string of JSON */
	{"token key:0123456789abcde", "\"\\u0030123456789abcd\\u0065\"", "\"*************************\""},
	{"token key:" ODD, "{\"a\":\"q%7E\\\"&<\\\\\\/'+=:x;\"}", "{\"a\":\"******************\"}"},
	{"token key:" ODD, "\"{\\\"a\\\":\\\"q%7E\\\\\\\"\\\\u0026<\\\\\\\\/'+=:x;\\\"}\"", "\"{\\\"a\\\":\\\"***************************\\\"}\""},

	{"token key:0123456789abcde", "\\u005cu0030123456789abcde\\\\u0061", "*************************\\\\u0061"},

	/* URLs, once and twice, and some of it more often than the rest */
	{"token key:0123456789abcde", "?a=%30123456789abcd%65&b", "?a=*******************&b"},
	{"token key:" ODD, "q%257E%22%26%3C%5C%2F%27%2B%3D%3Ax%3B.", "*************************************."},
	{"token key:" ODD, "q%25257E%2522%2526%253C%255C%252F%2527%252B%253D%253Ax%253B.", "***********************************************************."},

	{"token key:" ODD, "q%25257E%22%2526%253C%5C/%27%2B%253D%253Ax%253B.", "***********************************************."},

	{"token key:" ODD, "q%257%45%22&<%5C/'+=:x;", "***********************"},
	{"token key:" ODD, "q%257%%345%22&<%5C/'+=:x;", "*************************"},

	/* HTML, once and twice */
	{"token key:" ODD, "<b>q%7E&quot;&amp;&lt;\\/&#39;+=:x&#x3b;</b>", "<b>************************************</b>"},

	{"token key:" ODD, "q%7E&quot;&&lt;\\/'+=:x;", "***********************"},

	{"token key:0123456789abcde", "&amp;#x30;&#49;23456789abcde &#x30;&#12", "**************************** &#x30;&#12"},
	{"token key:0123456789abcde", "&&amp;0123456789abcde&;", "&&amp;***************&;"},

	/* base64 of "key:secret", "ab:secret" and "a:secret", and digits */
	{"token key:0123456789abcde", "a2V5OjAxMjM0NTY3ODlhYmNkZQ==", "a2V5Oj*******************Q=="},
	{"token ab:0123456789abcde", "YWI6MDEyMzQ1Njc4OWFiY2Rl", "YWI6********************"},
	{"token a:0123456789abcde", "YTowMTIzNDU2Nzg5YWJjZGU=", "YTo*******************U="},
	{"token key:~~~???~~~???", "fn5-Pz8_fn5-Pz8_", "****************"},
	{"token key:0123456789abcde", "\\x303132333435363738396162636465", "\\x******************************"},
	{"token key:lmnopqrstu", "6C6D6e6F707172737475", "********************"},
};

static void
test_case(const HiddenCase *test)
{
	HttpLimits	limits = {0};
	HttpRequest request = {.method = "GET",.url = "http://127.0.0.1/",.authorization = test->authorization};
	HttpCall   *call = provision_http_call_make(1, &limits);
	char	   *text = test->given == NULL ? NULL : strdup(test->given);

	if (!provision_http_call_copy(call, &request, &limits))
		tap_ok(false, "a call is made");
	provision_http_answer_hide(call, text, text == NULL ? 0 : strlen(text));
	tap_is_text(text, test->expected, "%s for %s", text == NULL ? "none" : test->given,
				test->authorization == NULL ? "none" : test->authorization);
	free(text);
	provision_http_call_free(call);
}

/* A body is not terminated; what looks like the beginning of a form at its end is not read on. */
static void
test_ends(void)
{
	static const char *const ends[] = {"\\", "\\u", "\\u003", "%", "%3", "%25", "&", "&#4", "3", "012345678", "MDEyMzQ1Njc4O"};
	HttpLimits	limits = {0};
	HttpRequest request = {.method = "GET",.url = "http://127.0.0.1/",.authorization = "token key:0123456789abcde"};
	HttpCall   *call = provision_http_call_make(1, &limits);

	if (!provision_http_call_copy(call, &request, &limits))
		tap_ok(false, "a call is made");
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
	{
		size_t		length = strlen(ends[i]);
		char	   *text = malloc(length);

		memcpy(text, ends[i], length);
		provision_http_answer_hide(call, text, length);
		tap_ok(memcmp(text, ends[i], length) == 0, "%s at the end stays", ends[i]);
		free(text);
	}
	provision_http_call_free(call);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		test_case(&cases[i]);
	test_ends();
	return tap_done();
}
