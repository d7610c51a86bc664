/*
 * decode.c
 *		Finds a secret in a text the other way round than http_hide.c: by
 *		decoding the whole text, once and again.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* memmem */
#endif

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Writes what the text is in its other form, never more bytes than it has; returns their number. */
typedef size_t (*Decoder) (const char *text, size_t length, char *decoded);

static int
hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* The value of so many hexadecimal digits, -1 when they are none. */
static int
hex_number(const char *text, size_t room, size_t count)
{
	int			number = 0;

	if (room < count)
		return -1;
	for (size_t i = 0; i < count; i++)
	{
		if (hex_digit(text[i]) < 0)
			return -1;
		number = number * 16 + hex_digit(text[i]);
	}
	return number;
}

static size_t
decode_json(const char *text, size_t length, char *decoded)
{
	size_t		used = 0;

	for (size_t i = 0; i < length; i++)
	{
		int			unit;

		if (text[i] != '\\' || i + 1 == length)
		{
			decoded[used++] = text[i];
			continue;
		}
		i++;
		unit = text[i] == 'u' ? hex_number(text + i + 1, length - i - 1, 4) : -1;
		if (unit >= 0)
			i += 4;
		decoded[used++] = unit >= 0 ? (char) (unit < 0x80 ? unit : 0) : text[i];
	}
	return used;
}

static size_t
decode_percent(const char *text, size_t length, char *decoded)
{
	size_t		used = 0;

	for (size_t i = 0; i < length; i++)
	{
		int			byte = text[i] == '%' ? hex_number(text + i + 1, length - i - 1, 2) : -1;

		decoded[used++] = byte < 0 ? text[i] : (char) byte;
		i += byte < 0 ? 0 : 2;
	}
	return used;
}

/* The character, and in *taken how many bytes stand for it; -1: no entity. */
static int
entity(const char *text, size_t room, int *taken)
{
	static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
	char		copy[13] = {0};
	int			code = -1;

	memcpy(copy, text, room < 12 ? room : 12);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		*taken = (int) strlen(names[i]);
		if (memcmp(copy, names[i], (size_t) *taken) == 0)
			return "&<>\"'"[i];
	}
	*taken = 0;
	if (sscanf(copy, "&#%*1[xX]%6x;%n", (unsigned int *) &code, taken) == 1 && *taken > 0 && hex_digit(copy[3]) >= 0)
		return code;
	if (sscanf(copy, "&#%6d;%n", &code, taken) == 1 && *taken > 0 && copy[2] >= '0' && copy[2] <= '9')
		return code;
	return -1;
}

static size_t
decode_entities(const char *text, size_t length, char *decoded)
{
	size_t		used = 0;

	for (size_t i = 0; i < length; i++)
	{
		int			taken = 0;
		int			code = text[i] == '&' ? entity(text + i, length - i, &taken) : -1;

		decoded[used++] = code < 0 || code > 0x7f ? text[i] : (char) code;
		i += code < 0 || code > 0x7f ? 0 : (size_t) taken - 1;
	}
	return used;
}

static bool
is_in(const char *text, size_t length, const char *secret)
{
	return memmem(text, length, secret, strlen(secret)) != NULL;
}

static bool
is_in_decoded(const char *text, size_t length, const char *secret, Decoder decode)
{
	char	   *one = malloc(length + 1);
	char	   *other = malloc(length + 1);
	bool		found;

	length = decode(text, length, one);
	found = is_in(one, length, secret);
	length = decode(one, length, other);
	found = found || is_in(other, length, secret);
	free(one);
	free(other);
	return found;
}

/* Takes the text for digits of so many bits each from this place on; what is no digit ends a number. */
static bool
is_in_digits(const char *text, size_t length, const char *secret, int (*value_of) (char), int bits)
{
	char	   *plain = malloc(length + 1);
	size_t		used = 0;
	unsigned int gathered = 0;
	int			gathered_bits = 0;
	bool		found;

	for (size_t i = 0; i < length; i++)
	{
		int			value = value_of(text[i]);

		if (value < 0)
		{
			gathered_bits = 0;
			plain[used++] = '\0';
			continue;
		}
		gathered = gathered << bits | (unsigned int) value;
		gathered_bits += bits;
		if (gathered_bits >= 8)
		{
			gathered_bits -= 8;
			plain[used++] = (char) (gathered >> gathered_bits);
		}
	}
	found = is_in(plain, used, secret);
	free(plain);
	return found;
}

/* In either of the two alphabets. */
static int
base64_digit(char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	if (digit == '+' || digit == '-')
		return 62;
	return digit == '/' || digit == '_' ? 63 : -1;
}

bool
fuzz_holds_secret(const char *text, size_t length, const char *secret)
{
	bool		found = is_in(text, length, secret) ||
		is_in_decoded(text, length, secret, decode_json) ||
		is_in_decoded(text, length, secret, decode_percent) ||
		is_in_decoded(text, length, secret, decode_entities);

	for (size_t i = 0; i < 4 && i < length && !found; i++)
		found = is_in_digits(text + i, length - i, secret, base64_digit, 6);
	for (size_t i = 0; i < 2 && i < length && !found; i++)
		found = is_in_digits(text + i, length - i, secret, hex_digit, 4);
	return found;
}
