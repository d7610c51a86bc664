/*
 * functions.c
 *		Small functions for SQL: percent-encoding and reading foreign JSON.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "encoding.h"
#include "json_text.h"

/* RFC 3986, 2.3: these stand for themselves everywhere. */
static bool
is_unreserved(unsigned char byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
		(byte >= '0' && byte <= '9') ||
		byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

/*
 * Length of a marker {?name} at the start of text, 0 when there is none. Such
 * a marker stands for a fact that is not known yet (see type provision.call).
 */
static size_t
marker_length(const char *text)
{
	size_t		length = 2;

	if (text[0] != '{' || text[1] != '?')
		return 0;
	while ((text[length] >= 'a' && text[length] <= 'z') ||
		   (text[length] >= '0' && text[length] <= '9') || text[length] == '_')
		length++;
	return length > 2 && text[length] == '}' ? length + 1 : 0;
}

PG_FUNCTION_INFO_V1(provision_url_encode);
Datum
provision_url_encode(PG_FUNCTION_ARGS)
{
	char	   *given = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *next = pg_server_to_any(given, strlen(given), PG_UTF8);
	StringInfoData encoded;

	initStringInfo(&encoded);
	while (*next != '\0')
	{
		size_t		marker = marker_length(next);

		if (marker > 0)
			appendBinaryStringInfo(&encoded, next, marker);
		else if (is_unreserved((unsigned char) *next))
			appendStringInfoChar(&encoded, *next);
		else
			appendStringInfo(&encoded, "%%%02X", (unsigned char) *next);
		next += marker > 0 ? marker : 1;
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(encoded.data, encoded.len));
}

/*
 * parse_json(text): the jsonb, or NULL when the text is not JSON. Never raises
 * an error for what the text holds.
 */
PG_FUNCTION_INFO_V1(provision_parse_json);
Datum
provision_parse_json(PG_FUNCTION_ARGS)
{
	char	   *given = provision_encoding_to_utf8(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	size_t		length;
	char	   *clean = provision_json_text_clean(given, strlen(given), &length);
	char	   *copy;

	if (clean == NULL)
		PG_RETURN_NULL();
	copy = pstrdup(clean);
	free(clean);
	provision_encoding_unescape_json(copy);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(provision_encoding_from_utf8(copy))));
}
