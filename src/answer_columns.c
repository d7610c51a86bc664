/*
 * answer_columns.c
 *		A round's answers as arrays, one for each argument of
 *		provision.record_answers().
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "answer_columns.h"
#include "encoding.h"
#include "http_answer.h"
#include "json_text.h"
#include "text_excerpt.h"

#define EXCERPT_BYTES 1000

/* string is malloc'ed or NULL, and freed here. */
static Datum
adopt_text(char *string, bool *is_null)
{
	Datum		value = (Datum) 0;

	*is_null = (string == NULL);
	if (string != NULL)
	{
		value = CStringGetTextDatum(provision_encoding_from_utf8(string));
		free(string);
	}
	return value;
}

/* DNS, connect, TLS, first byte, whole, as an array literal. */
static Datum
timings_of(const HttpAnswer *answer)
{
	return CStringGetTextDatum(psprintf("{%d,%d,%d,%d,%d}", answer->dns_ms, answer->connect_ms, answer->tls_ms,
										answer->first_byte_ms, Max(answer->total_ms, 0)));
}

/* malloc'ed, in UTF-8; NULL when the body is not JSON. */
static char *
json_of_answer(const HttpAnswer *answer)
{
	size_t		length;
	char	   *json = NULL;

	if (answer->body != NULL)
		json = provision_json_text_clean(answer->body, answer->body_length, &length);
	if (json != NULL)
		provision_encoding_unescape_json(json);
	return json;
}

/* malloc'ed: why there is no answer, or where it sends to; NULL when there is nothing to say. */
static char *
detail_of_answer(const HttpAnswer *answer)
{
	char	   *detail;

	if (answer->error != NULL)
		return strdup(answer->error);
	if (answer->location == NULL)
		return NULL;
	detail = malloc(sizeof("Location: ") + strlen(answer->location));
	if (detail != NULL)
		sprintf(detail, "Location: %s", answer->location);
	return detail;
}

/* What one answer gives for an argument of provision.record_answers(). */
static Datum
value_of_answer(const HttpAnswer *answer, int argument, bool *is_null)
{
	*is_null = false;
	switch (argument)
	{
		case 2:
			return Int64GetDatum(answer->attempt_id);
		case 3:
			return CStringGetTextDatum(provision_http_delivery_name(answer->delivery));
		case 4:
			return Int32GetDatum(answer->http_status);
		case 5:				/* 63: CURLE_FILESIZE_EXCEEDED, as the rules know it */
			return Int32GetDatum(answer->body_too_large ? 63 : answer->curl_code);
		case 6:
			return adopt_text(json_of_answer(answer), is_null);
		case 7:
			return adopt_text(answer->body == NULL ? NULL :
							  provision_text_excerpt(answer->body, answer->body_length, EXCERPT_BYTES), is_null);
		case 8:
			return adopt_text(detail_of_answer(answer), is_null);
		case 9:
			*is_null = answer->retry_after_ms < 0;
			return Int64GetDatum(answer->retry_after_ms);
		case 10:
			return timings_of(answer);
		default:				/* what provision_answer_seal left */
			*is_null = answer->note == NULL;
			return *is_null ? (Datum) 0 : CStringGetTextDatum(answer->note);
	}
}

Datum
provision_answer_column(List *answers, int argument, Oid array_type)
{
	int			count = list_length(answers);
	Datum	   *values = palloc(count * sizeof(Datum));
	bool	   *nulls = palloc(count * sizeof(bool));
	Oid			type = get_element_type(array_type);
	int16		length;
	bool		by_value;
	char		alignment;
	int			lower_bound = 1;

	for (int i = 0; i < count; i++)
		values[i] = value_of_answer(list_nth(answers, i), argument, &nulls[i]);
	get_typlenbyvalalign(type, &length, &by_value, &alignment);
	return PointerGetDatum(construct_md_array(values, nulls, 1, &count, &lower_bound,
											  type, length, by_value, alignment));
}
