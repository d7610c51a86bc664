/*
 * http_hide.c
 *		Keeps our own credentials out of what is recorded of an answer.
 *
 * A server may repeat them: in a page for developers, in an echo, in a
 * redirect.  What is kept of an answer goes to tables, so they are blanked
 * here, before anybody else sees it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE				/* memmem */
#endif

#include "http_call.h"

#include <string.h>

/* What is shorter could be a word that an answer holds for other reasons. */
#define SHORTEST_HIDDEN 10

/*
 * The secret of "Authorization: token key:secret", or all that follows the
 * scheme where there is no colon; NULL: there is nothing to hide.
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
		colon = strchr(line, ':');
		return colon == NULL ? line : colon + 1;
	}
	return NULL;
}

static void
hide(char *text, size_t length, const char *secret, size_t secret_length)
{
	char	   *end = text + length;
	char	   *found;

	while ((found = memmem(text, (size_t) (end - text), secret, secret_length)) != NULL)
	{
		memset(found, '*', secret_length);
		text = found + secret_length;
	}
}

void
provision_http_answer_hide(HttpCall *call)
{
	HttpAnswer *answer = call->answer;
	const char *secret = sent_secret(call);
	size_t		length = secret == NULL ? 0 : strlen(secret);

	if (length < SHORTEST_HIDDEN)
		return;
	if (answer->body != NULL)
		hide(answer->body, answer->body_length, secret, length);
	if (answer->location != NULL)
		hide(answer->location, strlen(answer->location), secret, length);
	if (answer->content_type != NULL)
		hide(answer->content_type, strlen(answer->content_type), secret, length);
}
