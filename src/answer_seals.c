/*
 * answer_seals.c
 *		Takes secrets out of answers before anybody else sees them.
 *
 * This happens in the worker's memory as soon as an answer has come, outside
 * of any statement, so that no table, log or text of a statement can hold
 * them. What was in clear is overwritten.
 */
#include "postgres.h"

#include "answer_seals.h"
#include "json_find.h"
#include "json_text.h"
#include "keeper.h"

/* What is shorter is no secret, but a name or a word that stands for none. */
#define SHORTEST_SECRET 10
#define LONGEST_SECRET 256

#define LONGEST_TEMPLATE 256
#define LONGEST_PLAIN (LONGEST_TEMPLATE + LONGEST_SECRET)
#define LONGEST_SEALED (LONGEST_PLAIN + SECRET_MAX_OVERHEAD)

/* Why nothing was sealed. */
typedef enum SealOutcome
{
	SEALED,
	NOT_TOLD,
	NO_KEY
} SealOutcome;

static bool
can_be_sent(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (value[i] < '!' || value[i] > '~')
			return false;
	return length >= SHORTEST_SECRET && length <= LONGEST_SECRET;
}

/* Writes what "text{path}" makes of the answer; returns its length, 0 when the answer does not tell it. */
static size_t
fill_template(const char *template, const char *json, char plain[LONGEST_PLAIN])
{
	size_t		text_length = strcspn(template, "{");
	char		path[LONGEST_TEMPLATE];
	const char *value;
	size_t		length;

	if (strlen(template) >= LONGEST_TEMPLATE || template[text_length] != '{')
		return 0;
	strlcpy(path, template + text_length + 1, sizeof(path));
	path[strcspn(path, "}")] = '\0';
	value = provision_json_find_string(json, path, &length);
	if (value == NULL || !can_be_sent(value, length))
		return 0;
	memcpy(plain, template, text_length);
	memcpy(plain + text_length, value, length);
	return text_length + length;
}

static char *
append_hex(char *end, const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		end += sprintf(end, "%02x", bytes[i]);
	return end;
}

/* Appends "identity sealed\n" for a line "identity template", which is cut into its two parts. */
static SealOutcome
seal_line(char *line, const char *json, char **end)
{
	char	   *template = strchr(line, ' ');
	char		plain[LONGEST_PLAIN];
	unsigned char sealed[LONGEST_SEALED];
	size_t		plain_length;
	size_t		sealed_length;
	bool		is_sealed;

	if (template == NULL)
		return NOT_TOLD;
	*template++ = '\0';
	plain_length = fill_template(template, json, plain);
	if (plain_length == 0)
		return NOT_TOLD;
	is_sealed = provision_keeper_seal(line, plain, plain_length, sealed, &sealed_length);
	explicit_bzero(plain, sizeof(plain));
	if (!is_sealed)
		return NO_KEY;
	*end += sprintf(*end, "%s ", line);
	*end = append_hex(*end, sealed, sealed_length);
	*(*end)++ = '\n';
	return SEALED;
}

/* *result is malloc'ed, and NULL unless all lines were sealed. */
static SealOutcome
seal_lines(const char *note, const char *json, char **result)
{
	char	   *lines = strdup(note);
	size_t		size = strlen(note) + 1;
	SealOutcome outcome = SEALED;
	char	   *end;
	char	   *rest = NULL;

	for (const char *line = note; line != NULL && *line != '\0'; line = strchr(line + 1, '\n'))
		size += 2 * LONGEST_SEALED + 2;
	end = *result = calloc(1, size);
	if (lines == NULL || *result == NULL)
		outcome = NO_KEY;
	for (char *line = outcome == SEALED ? strtok_r(lines, "\n", &rest) : NULL; line != NULL && outcome == SEALED; line = strtok_r(NULL, "\n", &rest))
		outcome = seal_line(line, json, &end);
	free(lines);
	if (outcome != SEALED)
	{
		free(*result);
		*result = NULL;
	}
	return outcome;
}

/* The server may have done what was asked for; that its secret is lost is as if its answer were. */
static void
lose_answer(HttpAnswer *answer)
{
	answer->delivery = DELIVERY_UNKNOWN;
	free(answer->error);
	answer->error = strdup("the secret in the answer could not be sealed");
}

/* Of what said nothing about itself but by its status, an empty object stays. */
static void
forget_body(HttpAnswer *answer, bool is_object)
{
	if (answer->body != NULL)
		explicit_bzero(answer->body, answer->body_length);
	free(answer->body);
	answer->body = is_object ? strdup("{}") : NULL;
	answer->body_length = answer->body == NULL ? 0 : 2;
	free(answer->location);
	answer->location = NULL;
}

static bool
is_success(const HttpAnswer *answer)
{
	return answer->delivery == DELIVERY_ANSWERED && !answer->body_too_large &&
		answer->http_status >= 200 && answer->http_status < 300;
}

/* An error that a server tells in its own words says what to do next; it comes where no secret was made. */
static bool
is_error(const HttpAnswer *answer)
{
	return answer->delivery == DELIVERY_ANSWERED && !answer->body_too_large && answer->http_status >= 400;
}

void
provision_answer_seal(HttpAnswer *answer)
{
	size_t		length = 0;
	char	   *json;
	char	   *sealed = NULL;
	bool		is_object;

	if (answer->note == NULL)
		return;
	json = answer->body == NULL ? NULL : provision_json_text_clean(answer->body, answer->body_length, &length);
	is_object = json != NULL && json[0] == '{';
	if (is_success(answer) && is_object && seal_lines(answer->note, json, &sealed) == NO_KEY)
		lose_answer(answer);
	free(answer->note);
	answer->note = sealed;
	if (json != NULL)
		explicit_bzero(json, length);
	free(json);
	if (!is_error(answer) || !is_object)
		forget_body(answer, is_object && is_success(answer));
}
