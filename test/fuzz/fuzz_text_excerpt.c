/*
 * fuzz_text_excerpt.c
 *		An excerpt is short, harmless, and an excerpt of itself.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "text_excerpt.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	size_t		max_bytes = length == 0 ? 0 : *bytes % (length + 4);
	char	   *excerpt = provision_text_excerpt((const char *) bytes, length, max_bytes);
	char	   *again = provision_text_excerpt(excerpt, strlen(excerpt), max_bytes);

	fuzz_promise(strlen(excerpt) <= max_bytes, "it has at most the bytes it may have");
	fuzz_promise(fuzz_is_harmless(excerpt, "\n\t"), "it is UTF-8 without control characters");
	fuzz_promise(strcmp(excerpt, again) == 0, "it is its own excerpt");
	free(excerpt);
	free(again);
	return 0;
}
