/*
 * http_hide.c
 *		Keeps our own credentials out of what is recorded of an answer.
 *
 * A server may repeat them: in a page for developers, in an echo, in a
 * redirect.  What is kept of an answer goes to tables, so they are blanked
 * here, before anybody else sees it: as they were sent, and in the forms that
 * JSON, URLs, HTML, base64 and hexadecimal digits give them.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* memmem */
#endif

#include "http_call.h"

#include <string.h>

#include <openssl/evp.h>

#include "secret.h"

/* What is shorter could be a word that an answer holds for other reasons. */
#define SHORTEST_HIDDEN 10

/* Of what is longer, base64 is blanked so far. */
#define LONGEST_ENCODED 1024

/*
 * One way to write a character as several.  Asked with one more of them each
 * time, "read" says how many stand for *character (more than 0), that it needs
 * another (0), or that they are no escape (-1); '\0' follows the last one.
 */
typedef struct Escape
{
	char		start;
	size_t		times;			/* how often the text may have been escaped */
	int			(*read) (const char *unit, size_t count, char *character);
} Escape;

/* More than the longest escape has: "&#x0000061;". */
#define LONGEST_ESCAPE 12

/*
 * The secret of "Authorization: token key:secret"; of another scheme, or
 * where there is no colon, all that follows it; NULL: there is nothing to
 * hide.
 */
static const char *
sent_secret(const HttpCall *call)
{
	static const char name[] = "Authorization: ";

	for (int i = 0; i < call->header_count; i++)
	{
		const char *line = call->headers[i].data;
		const char *colon;
		const char *blank;

		if (strncmp(line, name, sizeof(name) - 1) != 0)
			continue;
		line += sizeof(name) - 1;
		blank = strchr(line, ' ');
		line = blank == NULL ? line : blank + 1;
		colon = strncmp(call->headers[i].data + sizeof(name) - 1, "token ", 6) == 0 ? strchr(line, ':') : NULL;
		return colon == NULL ? line : colon + 1;
	}
	return NULL;
}

static int
digit_value(char digit)
{
	char		lower = digit | 0x20;

	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

/* "\"" and "\u0041"; a backslash before another character goes. */
static int
read_json(const char *unit, size_t count, char *character)
{
	if (count == 1)
		return 0;
	*character = unit[1];
	if (count == 2)
		return unit[1] == '\0' ? -1 : unit[1] == 'u' ? 0 : 2;
	if (digit_value(unit[count - 1]) >= 16)
		return 2;
	if (count < 6)
		return 0;
	*character = (char) (digit_value(unit[4]) << 4 | digit_value(unit[5]));
	return unit[2] == '0' && unit[3] == '0' ? 6 : 2;
}

/* "%41" */
static int
read_percent(const char *unit, size_t count, char *character)
{
	if (count > 1 && digit_value(unit[count - 1]) >= 16)
		return -1;
	if (count < 3)
		return 0;
	*character = (char) (digit_value(unit[1]) << 4 | digit_value(unit[2]));
	return 3;
}

/* The digits between "&#" or "&#x" and ";" as a number. */
static int
read_number(const char *digits, const char *end, int base)
{
	int			number = 0;

	if (digits == end)
		return -1;
	for (; digits < end; digits++)
	{
		number = number * base + digit_value(*digits);
		if (digit_value(*digits) >= base || number > 0xff)
			return -1;
	}
	return number;
}

/* "&#65;", "&#x41;" and the five names that every escaping knows. */
static int
read_entity(const char *unit, size_t count, char *character)
{
	static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
	bool		hexadecimal = count > 2 && (unit[2] | 0x20) == 'x';
	int			number;

	if (count == 1)
		return 0;
	if (unit[count - 1] != ';')
		return unit[count - 1] == '&' ? -1 : 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (count == strlen(names[i]) && memcmp(unit, names[i], count) == 0)
		{
			*character = "&<>\"'"[i];
			return (int) count;
		}
	if (unit[1] != '#')
		return -1;
	number = read_number(unit + (hexadecimal ? 3 : 2), unit + count - 1, hexadecimal ? 16 : 10);
	*character = (char) number;
	return number < 0 ? -1 : (int) count;
}

static const Escape escapes[] = {{'\\', 4, read_json}, {'%', 3, read_percent}, {'&', 2, read_entity}};

/*
 * The first character of the text after so many times of unescaping, and in
 * *taken how many of its bytes stand for it.
 */
static char
first_character(const Escape *escape, size_t times, const char *text, size_t room, size_t *taken)
{
	char		unit[LONGEST_ESCAPE] = {0};
	size_t		ends[LONGEST_ESCAPE];
	char		character;
	size_t		end = 0;

	*taken = room > 0;
	if (times == 0 || room == 0)
		return room > 0 ? *text : '\0';
	unit[0] = first_character(escape, times - 1, text, room, &ends[0]);
	*taken = end = ends[0];
	if (unit[0] != escape->start)
		return unit[0];
	for (size_t count = 1; count <= LONGEST_ESCAPE; count++)
	{
		int			read = escape->read(unit, count, &character);

		if (read > 0)
			*taken = ends[read - 1];
		if (read != 0)
			return read > 0 ? character : unit[0];
		if (count == LONGEST_ESCAPE)
			break;
		unit[count] = first_character(escape, times - 1, text + end, room - end, &ends[count]);
		end = ends[count] += end;
	}
	return unit[0];
}

/* How long the secret, escaped so many times in whole or in part, is at the start of the text; 0: it is not there. */
static size_t
escaped_length(const Escape *escape, size_t times, const char *text, size_t room, const char *secret)
{
	size_t		length = 0;

	for (; *secret != '\0'; secret++)
	{
		size_t		taken;

		if (first_character(escape, times, text + length, room - length, &taken) != *secret)
			return 0;
		length += taken;
	}
	return length;
}

static size_t
hex_length(const char *text, size_t room, const char *secret)
{
	size_t		length = 0;

	for (; *secret != '\0'; secret++, length += 2)
		if (room - length < 2 || digit_value(text[length]) << 4 != (*secret & 0xf0) ||
			digit_value(text[length + 1]) != (*secret & 0x0f))
			return 0;
	return length;
}

static void
hide_escaped(char *text, size_t length, const char *secret)
{
	const char	starts[] = {*secret, '\\', '%', '&'};
	char	   *end = text + length;

	for (; text < end; text++)
	{
		if (memchr(starts, *text, sizeof(starts)) == NULL)
			continue;
		for (const Escape *escape = escapes; escape < escapes + sizeof(escapes) / sizeof(escapes[0]); escape++)
			for (size_t times = 1; times <= escape->times; times++)
				memset(text, '*', escaped_length(escape, times, text, (size_t) (end - text), secret));
	}
}

static void
hide_hex(char *text, size_t length, const char *secret)
{
	for (char *end = text + length; text < end; text++)
		memset(text, '*', hex_length(text, (size_t) (end - text), secret));
}

static void
hide_bytes(char *text, size_t length, const char *bytes, size_t count)
{
	char	   *end = text + length;
	char	   *found;

	while ((found = memmem(text, (size_t) (end - text), bytes, count)) != NULL)
	{
		memset(found, '*', count);
		text = found + count;
	}
}

/* As it may stand in the alphabet of URLs as well; false: it has no such letter. */
static bool
use_alphabet_of_urls(char *encoded, size_t count)
{
	bool		differs = false;

	for (size_t i = 0; i < count; i++)
	{
		if (encoded[i] != '+' && encoded[i] != '/')
			continue;
		encoded[i] = encoded[i] == '+' ? '-' : '_';
		differs = true;
	}
	return differs;
}

/*
 * Base64 depends on how many bytes stand before the secret, modulo three; its
 * first and last character there may be made of other bytes, too.
 */
static void
hide_base64(char *text, size_t length, const char *secret, size_t secret_length)
{
	unsigned char plain[LONGEST_ENCODED + 2] = {0};
	char		encoded[LONGEST_ENCODED / 3 * 4 + 9];

	for (size_t before = 0; before < 3; before++)
	{
		size_t		first = (before * 8 + 5) / 6;
		size_t		count = (before + secret_length) * 8 / 6 - first;

		memcpy(plain + before, secret, secret_length);
		(void) EVP_EncodeBlock((unsigned char *) encoded, plain, (int) (before + secret_length));
		hide_bytes(text, length, encoded + first, count);
		if (use_alphabet_of_urls(encoded + first, count))
			hide_bytes(text, length, encoded + first, count);
	}
	provision_secret_wipe(plain, sizeof(plain));
	provision_secret_wipe(encoded, sizeof(encoded));
}

static void
hide(char *text, size_t length, const char *secret)
{
	size_t		secret_length = strlen(secret);
	size_t		encoded_length = secret_length < LONGEST_ENCODED ? secret_length : LONGEST_ENCODED;

	hide_escaped(text, length, secret);
	hide_hex(text, length, secret);
	hide_bytes(text, length, secret, secret_length);
	hide_base64(text, length, secret, encoded_length);
}

void
provision_http_answer_hide(const HttpCall *call, char *text, size_t length)
{
	const char *secret = sent_secret(call);

	if (text == NULL)
		return;
	if (secret != NULL && strlen(secret) >= SHORTEST_HIDDEN)
		hide(text, length, secret);
	for (int i = 0; i < call->secret_count; i++)
		if (strlen(call->secrets[i]) >= SHORTEST_HIDDEN)
			hide(text, length, call->secrets[i]);
}
