/*
 * json_text.c
 *		A JSON checker without recursion, which copies what it checks.
 *
 * It is stricter than jsonb_in where that would raise an error (numbers,
 * depth, encoding), and mends the two things that JSON allows and PostgreSQL
 * cannot store: \u0000 and surrogates that have lost their other half.
 */
#include "json_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text_excerpt.h"

#define MAX_DEPTH 100
#define MAX_DIGITS 1000
#define MAX_EXPONENT 400

/*
 * jsonb takes 256 MB of elements, and "0," becomes 12 bytes there; this keeps
 * a margin.
 */
#define MAX_LENGTH (16 * 1024 * 1024)

/* Every read_... returns false when the text is not acceptable there. */
typedef struct JsonReader
{
	const char *next;
	const char *end;
	char	   *clean;			/* as large as the text: nothing ever grows */
	size_t		clean_length;
	char		closers[MAX_DEPTH]; /* what ends each open array or object */
	int			depth;
} JsonReader;

static char
peek(const JsonReader *reader)
{
	return reader->next < reader->end ? *reader->next : '\0';
}

static void
copy_bytes(JsonReader *reader, size_t length)
{
	memcpy(reader->clean + reader->clean_length, reader->next, length);
	reader->clean_length += length;
	reader->next += length;
}

static void
skip_blanks(JsonReader *reader)
{
	while (reader->next < reader->end &&
		   (*reader->next == ' ' || *reader->next == '\t' ||
			*reader->next == '\n' || *reader->next == '\r'))
		reader->next++;
}

static bool
read_byte(JsonReader *reader, char expected)
{
	if (reader->next == reader->end || *reader->next != expected)
		return false;
	copy_bytes(reader, 1);
	return true;
}

static bool
read_word(JsonReader *reader, const char *word)
{
	size_t		length = strlen(word);

	if ((size_t) (reader->end - reader->next) < length ||
		memcmp(reader->next, word, length) != 0)
		return false;
	copy_bytes(reader, length);
	return true;
}

/* The number of digits, which may be 0. */
static size_t
read_digits(JsonReader *reader)
{
	size_t		count = 0;

	while (peek(reader) >= '0' && peek(reader) <= '9')
	{
		copy_bytes(reader, 1);
		count++;
	}
	return count;
}

static bool
read_exponent(JsonReader *reader)
{
	const char *digit;
	int			exponent = 0;

	if (peek(reader) != 'e' && peek(reader) != 'E')
		return true;
	copy_bytes(reader, 1);
	if (peek(reader) == '+' || peek(reader) == '-')
		copy_bytes(reader, 1);
	digit = reader->next;
	if (read_digits(reader) == 0)
		return false;
	for (; digit < reader->next; digit++)
	{
		exponent = exponent * 10 + (*digit - '0');
		if (exponent > MAX_EXPONENT)
			return false;
	}
	return true;
}

static bool
read_number(JsonReader *reader)
{
	const char *start = reader->next;

	if (peek(reader) == '-')
		copy_bytes(reader, 1);
	if (peek(reader) == '0')
		copy_bytes(reader, 1);
	else if (read_digits(reader) == 0)
		return false;
	if (peek(reader) == '.')
	{
		copy_bytes(reader, 1);
		if (read_digits(reader) == 0)
			return false;
	}
	return read_exponent(reader) && reader->next - start <= MAX_DIGITS;
}

/* Four hexadecimal digits, not moving on; -1 when there are none. */
static int32_t
peek_code_unit(const JsonReader *reader, size_t offset)
{
	int32_t		unit = 0;
	size_t		i;

	if ((size_t) (reader->end - reader->next) < offset + 4)
		return -1;
	for (i = offset; i < offset + 4; i++)
	{
		char		digit = reader->next[i];

		unit *= 16;
		if (digit >= '0' && digit <= '9')
			unit += digit - '0';
		else if (digit >= 'a' && digit <= 'f')
			unit += digit - 'a' + 10;
		else if (digit >= 'A' && digit <= 'F')
			unit += digit - 'A' + 10;
		else
			return -1;
	}
	return unit;
}

static bool
is_low_surrogate(int32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

static bool
is_high_surrogate(int32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool
is_low_surrogate_at(const JsonReader *reader, size_t offset)
{
	return (size_t) (reader->end - reader->next) >= offset + 6 &&
		reader->next[offset] == '\\' && reader->next[offset + 1] == 'u' &&
		is_low_surrogate(peek_code_unit(reader, offset + 2));
}

/* \uXXXX, from the backslash on; both halves of a pair at once. */
static bool
read_unicode_escape(JsonReader *reader)
{
	static const char replacement[] = "\\ufffd";
	int32_t		unit = peek_code_unit(reader, 2);

	if (unit < 0)
		return false;
	if (is_high_surrogate(unit) && is_low_surrogate_at(reader, 6))
		copy_bytes(reader, 12);
	else if (unit == 0 || is_high_surrogate(unit) || is_low_surrogate(unit))
	{
		memcpy(reader->clean + reader->clean_length, replacement, 6);
		reader->clean_length += 6;
		reader->next += 6;
	}
	else
		copy_bytes(reader, 6);
	return true;
}

static bool
read_escape(JsonReader *reader)
{
	if (reader->end - reader->next < 2)
		return false;
	switch (reader->next[1])
	{
		case 'u':
			return read_unicode_escape(reader);
		case '"':
		case '\\':
		case '/':
		case 'b':
		case 'f':
		case 'n':
		case 'r':
		case 't':
			copy_bytes(reader, 2);
			return true;
		default:
			return false;
	}
}

static bool
read_character(JsonReader *reader)
{
	size_t		length;

	if (*reader->next == '\\')
		return read_escape(reader);
	if ((unsigned char) *reader->next < 0x20)
		return false;
	length = provision_utf8_length(reader->next, reader->end - reader->next);
	if (length == 0)
		return false;
	copy_bytes(reader, length);
	return true;
}

static bool
read_string(JsonReader *reader)
{
	if (!read_byte(reader, '"'))
		return false;
	while (reader->next < reader->end && *reader->next != '"')
		if (!read_character(reader))
			return false;
	return read_byte(reader, '"');
}

static bool
read_key(JsonReader *reader)
{
	skip_blanks(reader);
	if (!read_string(reader))
		return false;
	skip_blanks(reader);
	return read_byte(reader, ':');
}

static bool
read_scalar(JsonReader *reader)
{
	switch (peek(reader))
	{
		case '"':
			return read_string(reader);
		case 't':
			return read_word(reader, "true");
		case 'f':
			return read_word(reader, "false");
		case 'n':
			return read_word(reader, "null");
		default:
			return read_number(reader);
	}
}

/*
 * Opens an array or object.  *value_follows says whether a value must come
 * next; otherwise it was empty and has been closed.
 */
static bool
open_container(JsonReader *reader, bool *value_follows)
{
	char		closer = peek(reader) == '[' ? ']' : '}';

	if (reader->depth == MAX_DEPTH)
		return false;
	copy_bytes(reader, 1);
	skip_blanks(reader);
	*value_follows = !read_byte(reader, closer);
	if (!*value_follows)
		return true;
	reader->closers[reader->depth++] = closer;
	return closer == ']' || read_key(reader);
}

/*
 * After a value: closes what ends here.  *value_follows is false when the
 * outermost value is complete.
 */
static bool
close_containers(JsonReader *reader, bool *value_follows)
{
	*value_follows = false;
	while (reader->depth > 0)
	{
		char		closer = reader->closers[reader->depth - 1];

		skip_blanks(reader);
		if (read_byte(reader, ','))
		{
			*value_follows = true;
			return closer == ']' || read_key(reader);
		}
		if (!read_byte(reader, closer))
			return false;
		reader->depth--;
	}
	return true;
}

static bool
read_document(JsonReader *reader)
{
	bool		value_follows = true;

	while (value_follows)
	{
		skip_blanks(reader);
		if (peek(reader) == '[' || peek(reader) == '{')
		{
			if (!open_container(reader, &value_follows))
				return false;
			if (value_follows)
				continue;
		}
		else if (!read_scalar(reader))
			return false;
		if (!close_containers(reader, &value_follows))
			return false;
	}
	skip_blanks(reader);
	return reader->next == reader->end;
}

char *
provision_json_text_clean(const char *bytes, size_t length,
						  size_t *clean_length)
{
	JsonReader	reader = {.depth = 0};

	if (bytes == NULL || length > MAX_LENGTH)
		return NULL;
	reader.next = bytes;
	reader.end = bytes + length;
	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		reader.next += 3;
	reader.clean = malloc(length + 1);
	if (reader.clean == NULL)
		return NULL;
	if (!read_document(&reader))
	{
		free(reader.clean);
		return NULL;
	}
	reader.clean[reader.clean_length] = '\0';
	*clean_length = reader.clean_length;
	return reader.clean;
}
