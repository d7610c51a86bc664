/*
 * test_json_find.c
 *		A string is found where it is, and nothing is taken for it.
 */
#include "json_find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "tap.h"

typedef struct Search
{
	const char *json;
	const char *path;
	const char *expected;		/* NULL: nothing is found */
} Search;

static const Search searches[] = {
	{"{\"sid\":\"abc\"}", "sid", "abc"},
	{" { \"sid\" : \"abc\" } ", "sid", "abc"},
	{"{\"message\":{\"a\":[{\"api_secret\":\"no\"}],\"api_secret\":\"yes\"}}", "message.api_secret", "yes"},
	{"{\"a\":\"}\\\"{\",\"b\":[[1,{}],\"]\"],\"c\":-1.5e3,\"d\":\"x\"}", "d", "x"},
	{"{\"sid\":\"\"}", "sid", ""},
	{"{\"sid\":\"first\",\"sid\":\"second\"}", "sid", "first"},
	{"{\"a.b\":\"x\"}", "a.b", NULL},
	{"{\"side\":\"x\",\"si\":\"y\"}", "sid", NULL},
	{"{\"a\":{\"sid\":\"x\"}}", "sid", NULL},
	{"{\"a\":\"x\"}", "a.b", NULL},
	{"{\"sid\":1}", "sid", NULL},
	{"{\"sid\":null}", "sid", NULL},
	{"{\"sid\":[\"x\"]}", "sid", NULL},
	{"{\"sid\":{\"sid\":\"x\"}}", "sid", NULL},
	{"{\"sid\":\"a\\u0041\"}", "sid", NULL},
	{"{\"s\\u0069d\":\"x\"}", "sid", NULL},
	{"[{\"sid\":\"x\"}]", "sid", NULL},
	{"\"sid\"", "sid", NULL},
	{"{}", "sid", NULL},
};

static void
test_search(const Search *search)
{
	size_t		clean_length;
	size_t		length = 0;
	char	   *clean = provision_json_text_clean(search->json, strlen(search->json), &clean_length);
	const char *found = clean == NULL ? NULL : provision_json_find_string(clean, search->path, &length);
	bool		is_right = search->expected == NULL ? found == NULL :
		found != NULL && length == strlen(search->expected) && memcmp(found, search->expected, length) == 0;

	tap_ok(clean != NULL && is_right, "%s in %s", search->path, search->json);
	free(clean);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++)
		test_search(&searches[i]);
	return tap_done();
}
