/*
 * encoding.c
 *		From UTF-8 to the database's encoding and back, without errors.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "encoding.h"

/* Bytes converted at once. */
#define PIECE_LENGTH 1024

static bool
is_ascii(const char *string)
{
	while (*string != '\0' && !IS_HIGHBIT_SET(*string))
		string++;
	return *string == '\0';
}

/* How many bytes of the string the next piece took: 0 when its first letter cannot be converted. */
static int
convert_piece(StringInfo converted, Oid conversion, int from, int to, const char *string)
{
	char		piece[PIECE_LENGTH * MAX_CONVERSION_GROWTH + 2];
	int			taken;

	taken = pg_do_encoding_conversion_buf(conversion, from, to,
										  (unsigned char *) unconstify(char *, string),
										  strnlen(string, PIECE_LENGTH),
										  (unsigned char *) piece, sizeof(piece), true);
	if (taken > 0)
		appendStringInfoString(converted, piece);
	return taken;
}

static char *
convert(char *string, int from, int to)
{
	Oid			conversion;
	StringInfoData converted;

	if (from == to || from == PG_SQL_ASCII || to == PG_SQL_ASCII || is_ascii(string))
		return string;
	conversion = FindDefaultConversionProc(from, to);
	initStringInfo(&converted);
	while (*string != '\0')
	{
		int			taken = OidIsValid(conversion) ? convert_piece(&converted, conversion, from, to, string) : 0;

		if (taken == 0)
		{
			appendStringInfoChar(&converted, IS_HIGHBIT_SET(*string) ? '?' : *string);
			taken = strnlen(string, pg_encoding_mblen(from, string));
		}
		string += taken;
	}
	return converted.data;
}

char *
provision_encoding_from_utf8(char *string)
{
	return convert(string, PG_UTF8, GetDatabaseEncoding());
}

char *
provision_encoding_to_utf8(char *string)
{
	return convert(string, GetDatabaseEncoding(), PG_UTF8);
}

/* Of an escape \uXXXX at this place, 0 when there is none. */
static pg_wchar
escaped_unit(const char *json)
{
	char		digits[5] = {0};

	if (json[0] != '\\' || json[1] != 'u')
		return 0;
	strlcpy(digits, json + 2, sizeof(digits));
	return strtoul(digits, NULL, 16);
}

/* The letter of the escape or pair of escapes at this place, and its length. */
static pg_wchar
escaped_letter(const char *json, int *length)
{
	pg_wchar	first = escaped_unit(json);

	*length = 6;
	if (!is_utf16_surrogate_first(first))
		return first;
	*length = 12;
	return surrogate_pair_to_codepoint(first, escaped_unit(json + 6));
}

void
provision_encoding_unescape_json(char *json)
{
	char	   *end = json;

	if (GetDatabaseEncoding() == PG_UTF8)
		return;
	while (*json != '\0')
	{
		int			length = *json == '\\' ? 2 : 1;
		int			escape_length;
		pg_wchar	letter = escaped_letter(json, &escape_length);

		if (letter < 0x80)
		{
			memmove(end, json, length);
			end += length;
		}
		else
		{
			unicode_to_utf8(letter, (unsigned char *) end);
			end += pg_utf_mblen((unsigned char *) end);
			length = escape_length;
		}
		json += length;
	}
	*end = '\0';
}
