/*
 * fuzz_json_text.c
 *		Whatever comes out of the JSON checker is a text that goes in again
 *		and stays the same.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "json_text.h"

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
	free(again);
	free(clean);
	return 0;
}
