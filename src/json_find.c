/*
 * json_find.c
 *		Finds one string in JSON text.
 *
 * The text was checked before and holds no blanks between its tokens, so
 * nothing is checked again; no byte beyond its end is read all the same.
 */
#include "json_find.h"

#include <stdbool.h>
#include <string.h>

/* Behind the string that begins here. */
static const char *
skip_string(const char *next)
{
	for (next++; *next != '\0' && *next != '"'; next++)
		if (*next == '\\' && next[1] != '\0')
			next++;
	return *next == '"' ? next + 1 : next;
}

/* Behind the value that begins here. */
static const char *
skip_value(const char *next)
{
	int			depth = 0;

	do
	{
		if (*next == '"')
			next = skip_string(next);
		else if (*next == '{' || *next == '[')
		{
			depth++;
			next++;
		}
		else if (depth == 0)
			next += strcspn(next, ",]}");
		else
		{
			depth -= *next == '}' || *next == ']';
			next++;
		}
	} while (depth > 0 && *next != '\0');
	return next;
}

/* The value of a key of the object that begins here; NULL when there is none. */
static const char *
value_of(const char *object, const char *key, size_t key_length)
{
	const char *next = object + 1;

	while (*object == '{' && *next == '"')
	{
		const char *name = next + 1;
		bool		is_wanted;

		next = skip_string(next);
		is_wanted = (size_t) (next - name) == key_length + 1 && memcmp(name, key, key_length) == 0;
		if (*next != ':')
			return NULL;
		next++;
		if (is_wanted)
			return next;
		next = skip_value(next);
		if (*next == ',')
			next++;
	}
	return NULL;
}

const char *
provision_json_find_string(const char *json, const char *path, size_t *length)
{
	const char *end;

	while (json != NULL && *path != '\0')
	{
		size_t		key_length = strcspn(path, ".");

		json = value_of(json, path, key_length);
		path += key_length + (path[key_length] == '.');
	}
	if (json == NULL || *json != '"')
		return NULL;
	end = skip_string(json);
	*length = (size_t) (end - json) - 2;
	return memchr(json + 1, '\\', *length) == NULL ? json + 1 : NULL;
}
