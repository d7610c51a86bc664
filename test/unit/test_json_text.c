/*
 * test_json_text.c
 *		What comes out is JSON that PostgreSQL takes, or nothing.
 */
#include "json_text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "text_excerpt.h"

#define SAME NULL

typedef struct AcceptedText
{
	const char *given;
	const char *expected;		/* SAME: nothing changes */
} AcceptedText;

static const AcceptedText accepted[] = {
	{"{}", SAME},
	{"[]", SAME},
	{"null", SAME},
	{"true", SAME},
	{"false", SAME},
	{"0", SAME},
	{"-0", SAME},
	{"-12.50e+3", SAME},
	{"1E400", SAME},
	{"1e-400", SAME},
	{"1e0000000400", SAME},
	{"\"\"", SAME},
	{"\"caf\xc3\xa9 \xf0\x9f\x98\x80 \xef\xbf\xbf\"", SAME},
	{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uABCD\"", SAME},
	{"\"\x7f\"", SAME},
	{"{\"data\":{\"name\":\"x\",\"a\":[1,2,{\"b\":null}]}}", SAME},
	{"[[[[]]],{\"\":{}}]", SAME},
	{"{\"a\":1,\"a\":2}", SAME},
	{" \t\r\n[ 1 , 2 ]\n", "[1,2]"},
	{"{ \"a\" : { } , \"b\" : [ ] }", "{\"a\":{},\"b\":[]}"},
	{"\xef\xbb\xbf{\"bom\":1}", "{\"bom\":1}"},
	{"\"a\\u0000b\"", "\"a\\ufffdb\""},
	{"{\"\\u0000\":1}", "{\"\\ufffd\":1}"},
	{"\"\\ud83d\\ude00\"", SAME},
	{"\"\\uD83D\\uDE00\"", SAME},
	{"\"\\ud83d\"", "\"\\ufffd\""},
	{"\"\\ude00\"", "\"\\ufffd\""},
	{"\"\\ud83dx\"", "\"\\ufffdx\""},
	{"\"\\ud83d\\u0041\"", "\"\\ufffd\\u0041\""},
	{"\"\\ud83d\\n\"", "\"\\ufffd\\n\""},
	{"\"\\ud83d\\ud83d\\ude00\"", "\"\\ufffd\\ud83d\\ude00\""},
	{"\"\\ude00\\ud83d\"", "\"\\ufffd\\ufffd\""},
	{"\"\\\\u0000\"", SAME},
};

static const char *const refused[] = {
	"", " ", "\xef\xbb\xbf", "\xef\xbb\xbf\xef\xbb\xbf" "1", "{", "}", "[", "]",
	"[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{]", "{\"a\"}", "{\"a\":}",
	"{\"a\":1,}", "{,}", "{1:2}", "{a:1}", "{'a':1}", "{\"a\":1 \"b\":2}",
	"{\"a\" 1}", "{\"a\":1]", "1 2", "{} {}", "[]]", "null,", "nul", "nulls",
	"True", "NaN", "Infinity", "-Infinity", "undefined", "-", "+1", ".5", "1.",
	"1.e5", "01", "-01", "0x10", "1e", "1e+", "1e401", "1e-401",
	"1e99999999999999999999", "1E+5000", "--1", "\"", "\"a", "\"\\\"", "\"\\",
	"\"\\x41\"", "\"\\u\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u 123\"",
	"\"\\ud83d\\u\"", "\"\\ud83d\\ude0\"", "\"\n\"", "\"\t\"", "\"\x01\"",
	"\"\x80\"", "\"\xc3\"", "\"\xc3\x28\"", "\"\xc0\x80\"", "\"\xc1\xbf\"",
	"\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"", "\"\xed\xbf\xbf\"",
	"\"\xf0\x80\x80\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf5\x80\x80\x80\"",
	"\"\xff\"", "\"\xe2\x82\"", "caf\xe9", "/* */ 1", "// x\n1", "[1,/**/2]",
	"\v1", "\f1", "\xc2\xa0" "1", "<!DOCTYPE html><html></html>", "\\u0000"
};

static char *
clean_text(const char *given)
{
	size_t		length = 0;
	char	   *clean = provision_json_text_clean(given, strlen(given), &length);

	if (clean != NULL && strlen(clean) != length)
		tap_ok(false, "length of the clean text of %s", given);
	return clean;
}

static void
test_tables(void)
{
	size_t		i;

	for (i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
	{
		const AcceptedText *row = &accepted[i];
		char	   *clean = clean_text(row->given);

		tap_is_text(clean, row->expected == SAME ? row->given : row->expected,
					"text %zu is accepted", i);
		free(clean);
	}
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
	{
		char	   *clean = clean_text(refused[i]);

		tap_is_text(clean, NULL, "text %zu is refused", i);
		free(clean);
	}
}

static void
test_zero_bytes(void)
{
	size_t		length;

	tap_ok(provision_json_text_clean("\"a\0b\"", 5, &length) == NULL,
		   "a zero byte in a string is refused");
	tap_ok(provision_json_text_clean("1\0", 2, &length) == NULL,
		   "a zero byte after the value is refused");
	tap_ok(provision_json_text_clean(NULL, 0, &length) == NULL,
		   "no bytes at all are refused");
}

/* "count" times one text, then a middle, then as often another. */
static char *
repeat_around(const char *before, const char *middle, const char *after,
			  size_t count)
{
	size_t		size = (strlen(before) + strlen(after)) * count +
		strlen(middle) + 1;
	char	   *text = malloc(size);
	char	   *end = text;
	size_t		i;

	for (i = 0; i < count; i++)
		end = stpcpy(end, before);
	end = stpcpy(end, middle);
	for (i = 0; i < count; i++)
		end = stpcpy(end, after);
	return text;
}

static void
test_size(const char *before, const char *middle, const char *after,
		  size_t count, bool expected, const char *name)
{
	char	   *text = repeat_around(before, middle, after, count);
	char	   *clean = clean_text(text);

	tap_ok((clean != NULL) == expected, "%s: %s", name,
		   expected ? "accepted" : "refused");
	free(clean);
	free(text);
}

static void
test_sizes(void)
{
	test_size("[", "", "]", 100, true, "100 levels of arrays");
	test_size("[", "", "]", 101, false, "101 levels of arrays");
	test_size("{\"a\":", "1", "}", 100, true, "100 levels of objects");
	test_size("{\"a\":", "1", "}", 101, false, "101 levels of objects");
	test_size("[", "", "", 100000, false, "100,000 opening brackets");
	test_size("{\"a\":", "", "", 100000, false, "100,000 opening braces");
	test_size("9", "", "", 1000, true, "1,000 digits");
	test_size("9", "", "", 1001, false, "1,001 digits");
	test_size("0", "0.", "", 1, false, "zeros in front");
	test_size("", "0.", "9", 998, true, "998 decimals");
	test_size("", "0.", "9", 1000, false, "1,000 decimals");
	test_size(" ", "1", " ", 100000, true, "many blanks");
	test_size(" ", "1", " ", 9 * 1024 * 1024, false, "more than 16 MB");
}

/* A generator of our own, so that every run is the same everywhere. */
static uint32_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (uint32_t) (*state >> 33);
}

static size_t
mutate(char *text, size_t length, size_t capacity, uint64_t *state)
{
	static const char spice[] = "{}[]\",:\\u0dD8eE+-. \n\xc3\xed\xf0\x80\xff";
	size_t		place = next_random(state) % (length + 1);
	char		byte = next_random(state) % 2 == 0 ?
		spice[next_random(state) % sizeof(spice)] :
		(char) next_random(state);

	switch (next_random(state) % 3)
	{
		case 0:
			if (length == capacity)
				return length;
			memmove(text + place + 1, text + place, length - place);
			text[place] = byte;
			return length + 1;
		case 1:
			if (place == length)
				return length;
			memmove(text + place, text + place + 1, length - place - 1);
			return length - 1;
		default:
			if (place < length)
				text[place] = byte;
			return length;
	}
}

/* What holds for every clean text. */
static bool
is_clean(const char *text, size_t length)
{
	size_t		again_length = 0;
	char	   *again = provision_json_text_clean(text, length, &again_length);
	bool		stable = again != NULL && again_length == length &&
		memcmp(again, text, length) == 0;
	size_t		i;

	free(again);
	for (i = 0; i < length && stable;)
	{
		size_t		width = provision_utf8_length(text + i, length - i);

		stable = width > 0 && text[i] != '\0';
		i += width;
	}
	return stable && text[length] == '\0';
}

static void
test_mutations(int iterations)
{
	uint64_t	state = 20261122;
	size_t		row_count = sizeof(accepted) / sizeof(accepted[0]);
	int			clean_count = 0;
	int			i;

	for (i = 0; i < iterations; i++)
	{
		char		text[200];
		const char *seed = accepted[next_random(&state) % row_count].given;
		size_t		length = strlen(seed);
		size_t		clean_length = 0;
		int			rounds = 1 + next_random(&state) % 4;
		char	   *exact;
		char	   *clean;

		memcpy(text, seed, length);
		while (rounds-- > 0)
			length = mutate(text, length, sizeof(text), &state);

		/* In memory of its exact size, so that valgrind sees a step too far. */
		exact = malloc(length == 0 ? 1 : length);
		memcpy(exact, text, length);
		clean = provision_json_text_clean(exact, length, &clean_length);
		free(exact);
		if (clean == NULL)
			continue;
		clean_count++;
		if (!is_clean(clean, clean_length))
			tap_ok(false, "mutation %d is clean: %s", i, clean);
		free(clean);
	}
	tap_ok(clean_count > iterations / 50,
		   "%d mutations, %d of them accepted and clean",
		   iterations, clean_count);
}

int
main(void)
{
	test_tables();
	test_zero_bytes();
	test_sizes();
	test_mutations(10000);
	return tap_done();
}
