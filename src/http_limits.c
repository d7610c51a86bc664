/*
 * http_limits.c
 *		The client's own copy of its limits, with the defaults filled in.
 */
#include "http_call.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_BODY_SIZE (8 * 1024 * 1024)
#define DEFAULT_MAX_HEADER_SIZE (64 * 1024)
#define DEFAULT_MAX_CONNECTIONS 100
#define DEFAULT_LOW_SPEED_SECONDS 30

/* NULL and the empty string both mean "none"; false without memory. */
static bool
copy_text(const char **copy, const char *text)
{
	*copy = NULL;
	if (text == NULL || text[0] == '\0')
		return true;
	*copy = strdup(text);
	return *copy != NULL;
}

bool
provision_http_limits_copy(HttpLimits *copy, const HttpLimits *limits)
{
	const char *user_agent = limits->user_agent;

	*copy = *limits;
	copy->ca_file = copy->user_agent = copy->allowed_hosts = copy->callback_hosts = NULL;
	if (copy->max_body_size == 0)
		copy->max_body_size = DEFAULT_MAX_BODY_SIZE;
	/* So that the size of a growing body cannot overflow. */
	if (copy->max_body_size > INT_MAX / 2)
		copy->max_body_size = INT_MAX / 2;
	if (copy->max_header_size == 0)
		copy->max_header_size = DEFAULT_MAX_HEADER_SIZE;
	if (copy->max_connections <= 0)
		copy->max_connections = DEFAULT_MAX_CONNECTIONS;
	if (copy->low_speed_seconds <= 0)
		copy->low_speed_seconds = DEFAULT_LOW_SPEED_SECONDS;
	if (user_agent == NULL || user_agent[0] == '\0')
		user_agent = "provision";
	return copy_text(&copy->user_agent, user_agent) &&
		copy_text(&copy->allowed_hosts, limits->allowed_hosts) &&
		copy_text(&copy->callback_hosts, limits->callback_hosts) &&
		copy_text(&copy->ca_file, limits->ca_file);
}

void
provision_http_limits_free(HttpLimits *copy)
{
	free((char *) copy->user_agent);
	free((char *) copy->ca_file);
	free((char *) copy->allowed_hosts);
	free((char *) copy->callback_hosts);
	copy->user_agent = copy->ca_file = copy->allowed_hosts = copy->callback_hosts = NULL;
}
