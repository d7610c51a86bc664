/*
 * fuzz.c
 *		What the fuzzers share.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text_excerpt.h"

void
fuzz_promise(bool kept, const char *promise)
{
	if (kept)
		return;
	fprintf(stderr, "not kept: %s\n", promise);
	abort();
}

bool
fuzz_is_harmless(const char *text, const char *allowed)
{
	size_t		left = strlen(text);

	while (left > 0)
	{
		size_t		length = provision_utf8_length(text, left);

		if (length == 0)
			return false;
		if (((unsigned char) *text < 0x20 || *text == 0x7f) && strchr(allowed, *text) == NULL)
			return false;
		text += length;
		left -= length;
	}
	return true;
}

char *
fuzz_next_text(const uint8_t **bytes, size_t *length)
{
	size_t		size = 0;
	char	   *text;

	while (size < *length && (*bytes)[size] != 0xff)
		size++;
	text = malloc(size + 1);
	memcpy(text, *bytes, size);
	text[size] = '\0';
	*bytes += size + (size < *length);
	*length -= size + (size < *length);
	if (text[0] != '\0')
		return text;
	free(text);
	return NULL;
}
