/*
 * text_excerpt.c
 *		Turns foreign bytes into a short text that is safe to store and show.
 */
#include "text_excerpt.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT '?'

static bool
is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * The range of the second byte is what keeps overlong forms, surrogates and
 * what is beyond U+10FFFF out.
 */
static bool
is_second_byte(unsigned char first, unsigned char second)
{
	switch (first)
	{
		case 0xe0:
			return second >= 0xa0 && second <= 0xbf;
		case 0xed:
			return second >= 0x80 && second <= 0x9f;
		case 0xf0:
			return second >= 0x90 && second <= 0xbf;
		case 0xf4:
			return second >= 0x80 && second <= 0x8f;
		default:
			return is_continuation(second);
	}
}

size_t
provision_utf8_length(const char *bytes, size_t available)
{
	const unsigned char *byte = (const unsigned char *) bytes;
	size_t		length;
	size_t		i;

	if (available == 0)
		return 0;
	if (byte[0] < 0x80)
		return 1;
	if (byte[0] >= 0xc2 && byte[0] <= 0xdf)
		length = 2;
	else if (byte[0] >= 0xe0 && byte[0] <= 0xef)
		length = 3;
	else if (byte[0] >= 0xf0 && byte[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (available < length || !is_second_byte(byte[0], byte[1]))
		return 0;
	for (i = 2; i < length; i++)
		if (!is_continuation(byte[i]))
			return 0;
	return length;
}

/* C0, DEL and C1, but for what makes lines and columns. */
static bool
is_control(const char *bytes, size_t length)
{
	unsigned char first = (unsigned char) bytes[0];

	if (length == 1)
		return (first < 0x20 && first != '\n' && first != '\t') ||
			first == 0x7f;
	return length == 2 && first == 0xc2 && (unsigned char) bytes[1] < 0xa0;
}

/* Writes one character of at most 4 bytes and says how long either form is. */
static size_t
clean_character(const char *bytes, size_t available, char *clean,
				size_t *clean_length)
{
	size_t		length = provision_utf8_length(bytes, available);

	if (length > 0 && !is_control(bytes, length))
	{
		memcpy(clean, bytes, length);
		*clean_length = length;
		return length;
	}
	/* The end of a line of Windows is a blank and a newline. */
	clean[0] = bytes[0] == '\r' ? ' ' : REPLACEMENT;
	*clean_length = 1;
	return length > 0 ? length : 1;
}

char *
provision_text_excerpt(const char *bytes, size_t length, size_t max_bytes)
{
	static const char dots[] = "...";
	size_t		dots_length = max_bytes < 3 ? max_bytes : 3;
	size_t		capacity = length < max_bytes ? length : max_bytes;
	char	   *text = malloc(capacity + 1);
	size_t		used = 0;
	size_t		dots_at = 0;
	size_t		read = 0;

	if (text == NULL)
		return NULL;
	while (read < length)
	{
		char		clean[4];
		size_t		clean_length;
		size_t		taken = clean_character(bytes + read, length - read,
											clean, &clean_length);

		if (used + clean_length > max_bytes)
		{
			memcpy(text + dots_at, dots, dots_length);
			used = dots_at + dots_length;
			break;
		}
		memcpy(text + used, clean, clean_length);
		read += taken;
		used += clean_length;
		/* The last boundary after which the dots would still fit. */
		if (used + dots_length <= max_bytes)
			dots_at = used;
	}
	text[used] = '\0';
	return text;
}
