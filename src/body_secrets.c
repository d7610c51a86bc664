/*
 * body_secrets.c
 *		Puts secrets into a request's body, where its plan only names them.
 *
 * No JSON is parsed: jsonb prints an object in one way only, and in a string
 * the quotes of such a text would be escaped.
 */
#include "body_secrets.h"

static const char opening[] = "{\"$secret\": \"";
static const char closing[] = "\"}";

/* The name after an opening; NULL: it is another object. */
static const char *
name_after(const char *place, size_t *length)
{
	const char *name = place + sizeof(opening) - 1;

	*length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (*length == 0 || *length >= NAMEDATALEN || strncmp(name + *length, closing, sizeof(closing) - 1) != 0)
		return NULL;
	return name;
}

static const char *
value_of(const char *name, size_t length, const BodySecret *secrets, int count)
{
	for (int i = 0; i < count; i++)
		if (strlen(secrets[i].name) == length && memcmp(secrets[i].name, name, length) == 0)
			return secrets[i].value;
	return NULL;
}

/* Each byte may need a backslash. */
static size_t
filled_size(const char *body, const BodySecret *secrets, int count)
{
	size_t		longest = 0;
	size_t		size = strlen(body) + 1;

	for (int i = 0; i < count; i++)
		longest = Max(longest, 2 * strlen(secrets[i].value) + 2);
	while ((body = strstr(body, opening)) != NULL)
	{
		body += sizeof(opening) - 1;
		size += longest;
	}
	return size;
}

static char *
append_value(char *end, const char *value)
{
	*end++ = '"';
	for (; *value != '\0'; value++)
	{
		if (*value == '"' || *value == '\\')
			*end++ = '\\';
		*end++ = *value;
	}
	*end++ = '"';
	return end;
}

static char *
append_bytes(char *end, const char *bytes, size_t count)
{
	memcpy(end, bytes, count);
	return end + count;
}

char *
provision_body_fill(const char *body, const BodySecret *secrets, int count, char missing[NAMEDATALEN])
{
	char	   *filled = palloc0(filled_size(body, secrets, count));
	char	   *end = filled;
	const char *place;

	while ((place = strstr(body, opening)) != NULL)
	{
		size_t		length;
		const char *name = name_after(place, &length);
		const char *value = name == NULL ? NULL : value_of(name, length, secrets, count);

		if (name != NULL && value == NULL)
		{
			strlcpy(missing, name, length + 1);
			explicit_bzero(filled, end - filled);
			return NULL;
		}
		end = append_bytes(end, body, place - body);
		body = name != NULL ? name + length + sizeof(closing) - 1 : place + sizeof(opening) - 1;
		end = name != NULL ? append_value(end, value) : append_bytes(end, opening, sizeof(opening) - 1);
	}
	append_bytes(end, body, strlen(body));
	return filled;
}
