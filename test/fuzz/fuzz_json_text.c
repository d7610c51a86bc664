/*
 * fuzz_json_text.c
 *		Whatever comes out of the JSON checker is a text that goes in again
 *		and stays the same.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "json_find.h"
#include "json_text.h"

/* What is found in it is a part of it. */
static void
find_in(const char *clean, size_t clean_length)
{
	static const char *const paths[] = {"", "a", "sid", "message.api_secret", "a.b.c"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
	{
		size_t		length = 0;
		const char *found = provision_json_find_string(clean, paths[i], &length);

		fuzz_promise(found == NULL || (found > clean && found + length < clean + clean_length && found[length] == '"'),
					 "what is found ends with a quote before the text does");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	size_t		clean_length = 0;
	size_t		again_length = 0;
	char	   *clean = provision_json_text_clean((const char *) bytes, length, &clean_length);
	char	   *again;

	if (clean == NULL)
		return 0;
	fuzz_promise(strlen(clean) == clean_length && clean_length <= length, "it is no longer than it was, and has no zero byte");
	fuzz_promise(fuzz_is_harmless(clean, "\x7f"), "it is UTF-8, and outside of strings nothing is left but JSON");
	again = provision_json_text_clean(clean, clean_length, &again_length);
	fuzz_promise(again != NULL && again_length == clean_length && strcmp(again, clean) == 0, "it is accepted as it is");
	find_in(clean, clean_length);
	free(again);
	free(clean);
	return 0;
}
