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

/* JSON in JSON in JSON in JSON; a bound, so that endless ones take no time. */
#define MAX_BACKSLASHES 15

/*
 * How many bytes of text stand for this character in a form that was applied
 * so many times; 0 when they stand for another.
 */
typedef size_t (*Form) (const char *text, size_t room, char wanted, size_t times);

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

/* Whether these digits, as a number, are that character. */
static bool
is_number(const char *digits, size_t count, int base, char wanted)
{
	int			number = 0;

	for (size_t i = 0; i < count; i++)
	{
		int			value = digit_value(digits[i]);

		if (value >= base || number > 0xff)
			return false;
		number = number * base + value;
	}
	return count > 0 && number == (unsigned char) wanted;
}

/* "\u0041", or the character itself after as many backslashes as there are: JSON doubles them each time. */
static size_t
json_length(const char *text, size_t room, char wanted, size_t times)
{
	size_t		slashes = 0;

	(void) times;
	while (slashes < room && slashes < MAX_BACKSLASHES && text[slashes] == '\\')
		slashes++;
	if (slashes > 0 && room - slashes >= 5 && text[slashes] == 'u' &&
		is_number(text + slashes + 1, 4, 16, wanted))
		return slashes + 5;
	if (wanted == '\\')
		return slashes;
	return slashes < room && text[slashes] == wanted ? slashes + 1 : 0;
}

/* "%41", "%2541", "%252541"; some of its letters may have been encoded fewer times than others. */
static size_t
percent_length(const char *text, size_t room, char wanted, size_t times)
{
	if (room == 0 || text[0] != '%')
		return room > 0 && text[0] == wanted;
	for (size_t used = 2 * times - 1; times > 0; times--, used -= 2)
		if (room >= used + 2 && memcmp(text + 1, "2525", used - 1) == 0 && is_number(text + used, 2, 16, wanted))
			return used + 2;
	return wanted == '%';
}

/* "&#65;", "&#x41;" and the five names that every escaping knows; other ampersands stand for themselves. */
static size_t
entity_length(const char *text, size_t room, char wanted, size_t times)
{
	static const struct
	{
		char		character;
		const char *name;
	}			names[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&apos;"}};
	const char *end = room == 0 ? NULL : memchr(text, ';', room < 12 ? room : 12);
	size_t		length = end == NULL ? 0 : (size_t) (end - text) + 1;

	(void) times;
	if (room == 0 || text[0] != '&')
		return room > 0 && text[0] == wanted;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].character == wanted && length == strlen(names[i].name) &&
			memcmp(text, names[i].name, length) == 0)
			return length;
	if (length < 4 || text[1] != '#')
		return wanted == '&';
	if ((text[2] | 0x20) == 'x')
		return is_number(text + 3, length - 4, 16, wanted) ? length : 0;
	return is_number(text + 2, length - 3, 10, wanted) ? length : 0;
}

static size_t
hex_length(const char *text, size_t room, char wanted, size_t times)
{
	(void) times;
	return room >= 2 && is_number(text, 2, 16, wanted) ? 2 : 0;
}

/*
 * How long the secret in this form is at the start of the text; 0: it is not
 * there.  Its backslashes may have been taken with the one before them.
 */
static size_t
form_length(Form form, size_t times, const char *text, size_t room, const char *secret)
{
	size_t		length = 0;
	char		before = '\0';

	for (; *secret != '\0'; before = *secret++)
	{
		size_t		taken = form(text + length, room - length, *secret, times);

		if (taken == 0 && (*secret != '\\' || before != '\\'))
			return 0;
		length += taken;
	}
	return length;
}

static void
hide_forms(char *text, size_t length, const char *secret)
{
	static const struct
	{
		Form		form;
		size_t		times;
	}			forms[] = {{json_length, 1}, {percent_length, 1}, {percent_length, 2}, {percent_length, 3},
	{entity_length, 1}, {hex_length, 1}};
	const char	starts[] = {*secret, '\\', '%', '&', "0123456789abcdef"[(unsigned char) *secret >> 4]};
	char	   *end = text + length;

	for (; text < end; text++)
	{
		if (memchr(starts, *text, sizeof(starts)) == NULL)
			continue;
		for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
			memset(text, '*', form_length(forms[i].form, forms[i].times, text, (size_t) (end - text), secret));
	}
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

	hide_forms(text, length, secret);
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
