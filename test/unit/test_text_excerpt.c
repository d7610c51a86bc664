/*
 * test_text_excerpt.c
 *		An excerpt is short, valid and harmless, whatever it is made from.
 */
#include "text_excerpt.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

typedef struct ExcerptCase
{
	const char *given;
	size_t		max_bytes;
	const char *expected;
} ExcerptCase;

static const ExcerptCase cases[] = {
	{"", 10, ""},
	{"", 0, ""},
	{"hello", 0, ""},
	{"hello", 2, ".."},
	{"hello", 3, "..."},
	{"hello", 4, "h..."},
	{"hello", 5, "hello"},
	{"hello", 100, "hello"},
	{"a\tb\nc", 100, "a\tb\nc"},
	{"a\r\nb\x01\x1f\x7f", 100, "a \nb???"},
	{"\xc2\x85\xc2\x9f\xc2\xa0", 100, "??\xc2\xa0"},
	{"caf\xc3\xa9", 5, "caf\xc3\xa9"},
	{"caf\xc3\xa9s", 5, "ca..."},
	{"\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 8, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80"},
	{"\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 7, "\xf0\x9f\x98\x80..."},
	{"\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 6, "..."},
	{"caf\xe9 au lait", 100, "caf? au lait"},
	{"\xe2\x82", 100, "??"},
	{"\xed\xa0\x80", 100, "???"},
	{"\xc0\xaf", 100, "??"},
};

static void
test_table(void)
{
	size_t		i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char	   *text = provision_text_excerpt(cases[i].given,
												  strlen(cases[i].given),
												  cases[i].max_bytes);

		tap_is_text(text, cases[i].expected, "excerpt %zu", i);
		free(text);
	}
}

static bool
is_safe(const char *text)
{
	size_t		left = strlen(text);

	while (left > 0)
	{
		size_t		length = provision_utf8_length(text, left);

		if (length == 0 || ((unsigned char) *text < 0x20 &&
							*text != '\n' && *text != '\t'))
			return false;
		text += length;
		left -= length;
	}
	return true;
}

static void
test_every_pair_of_bytes(void)
{
	int			unsafe_count = 0;
	int			pair;

	for (pair = 0; pair < 65536; pair++)
	{
		char		bytes[3] = {'x', (char) (pair >> 8), (char) pair};
		char	   *text = provision_text_excerpt(bytes, 3, 1 + pair % 7);

		if (strlen(text) > (size_t) (1 + pair % 7) || !is_safe(text))
			unsafe_count++;
		free(text);
	}
	tap_is(unsafe_count, 0, "every pair of bytes gives a safe text");
}

static void
test_zero_byte(void)
{
	char	   *text = provision_text_excerpt("a\0b", 3, 10);

	tap_is_text(text, "a?b", "a zero byte is replaced");
	free(text);
}

int
main(void)
{
	test_table();
	test_zero_byte();
	test_every_pair_of_bytes();
	return tap_done();
}
