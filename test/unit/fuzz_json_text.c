/*
 * fuzz_json_text.c
 *		libFuzzer: whatever comes out of the JSON checker goes in again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "text_excerpt.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *text = (const char *) bytes;
	size_t		clean_length = 0;
	size_t		again_length = 0;
	char	   *clean = provision_json_text_clean(text, length, &clean_length);
	char	   *excerpt = provision_text_excerpt(text, length, length / 2);

	if (excerpt != NULL && strlen(excerpt) > length / 2)
		abort();
	if (clean != NULL)
	{
		char	   *again = provision_json_text_clean(clean, clean_length,
													  &again_length);

		if (again == NULL || strcmp(again, clean) != 0 ||
			strlen(clean) != clean_length || clean_length > length)
			abort();
		free(again);
	}
	free(clean);
	free(excerpt);
	return 0;
}
