/*
 * http_origin.c
 *		Where a URL leads, as libcurl reads it.
 */
#include "http_origin.h"
#include "http_address.h"

#include <curl/curl.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * What no URL that is already encoded holds. Some readers take a backslash for
 * a slash, and what follows a # is not sent at all.
 */
static bool
has_forbidden_byte(const char *url)
{
	for (const unsigned char *byte = (const unsigned char *) url; *byte != '\0'; byte++)
		if (*byte <= ' ' || *byte >= 0x7f || *byte == '\\' || *byte == '#')
			return true;
	return false;
}

/* A point, also as servers decode it; its length in *length. */
static bool
is_point(const char *text, size_t *length)
{
	*length = text[0] == '.' ? 1 : 3;
	return text[0] == '.' || strncasecmp(text, "%2e", 3) == 0;
}

/* "." or ".." in any spelling; some servers cut off what follows a semicolon. */
static bool
is_dot_segment(const char *segment)
{
	size_t		length;
	int			points = 0;

	while (is_point(segment, &length))
	{
		points++;
		segment += length;
	}
	return points >= 1 && points <= 2 && (*segment == '\0' || strchr("/;?", *segment) != NULL);
}

/* Looked for in the text that was given: libcurl resolves them. */
static bool
has_dot_segment(const char *url)
{
	const char *slash = strstr(url, "://") + 2;
	const char *end = url + strcspn(url, "?");

	while ((slash = strchr(slash + 1, '/')) != NULL && slash < end)
		if (is_dot_segment(slash + 1))
			return true;
	return false;
}

/* A part of a URL into a buffer of this size; false when it does not fit or there is none. */
static bool
get_part(CURLU *parsed, CURLUPart part, unsigned int flags, char *buffer, size_t size)
{
	char	   *text = NULL;
	bool		fits = curl_url_get(parsed, part, &text, flags) == CURLUE_OK && text != NULL && strlen(text) < size;

	if (fits)
		strcpy(buffer, text);
	curl_free(text);
	return fits;
}

static void
clean_host(char *host)
{
	size_t		length = strlen(host);

	if (host[0] == '[' && host[length - 1] == ']')
	{
		memmove(host, host + 1, length - 2);
		host[length - 2] = '\0';
		return;
	}
	for (; *host != '\0'; host++)
		if (*host >= 'A' && *host <= 'Z')
			*host += 'a' - 'A';
}

/* The host as it is written; false when it is too long. */
static bool
get_written_host(const char *url, char host[HTTP_HOST_SIZE])
{
	const char *start = strstr(url, "://") + 3;
	size_t		length = strcspn(start, "/?");
	size_t		bracket = strcspn(start, "]");

	/* The port begins with a colon, behind the bracket where there is one. */
	if (start[0] == '[' && bracket < length)
		length = bracket + 1;
	else
		length = strcspn(start, "/?:");
	if (length == 0 || length >= HTTP_HOST_SIZE)
		return false;
	memcpy(host, start, length);
	host[length] = '\0';
	clean_host(host);
	return true;
}

/* libcurl has understood what is written: it decodes, and turns numbers into addresses. */
static bool
are_same_host(const char *written, const char *read)
{
	AddressRange one;
	AddressRange other;

	if (!provision_http_address_parse(written, &one) || !provision_http_address_parse(read, &other))
		return strcmp(written, read) == 0;
	return provision_http_address_holds(&one, &other);
}

static const char *
read_parts(CURLU *parsed, const char *url, HttpOrigin *origin)
{
	char		port[6];
	char		host[HTTP_HOST_SIZE];
	char		zone[64];

	if (!get_written_host(url, origin->host) || provision_http_hosts_refusal(origin->host) != NULL)
		return "names its host in a way that is not allowed";
	if (has_forbidden_byte(url))
		return "holds a byte that has to be encoded";
	if (has_dot_segment(url))
		return "holds a segment of dots";
	/* Without user and password: those would go to wherever the URL leads. */
	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK)
		return "is not one that can be called";
	if (!get_part(parsed, CURLUPART_HOST, 0, host, sizeof(host)) ||
		!get_part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)))
		return "names a port that there is not";
	if (get_part(parsed, CURLUPART_ZONEID, 0, zone, sizeof(zone)))
		return "names a network interface";
	clean_host(host);
	origin->port = atoi(port);
	return are_same_host(origin->host, host) ? NULL : "names its host in a way that is not allowed";
}

const char *
provision_http_origin_read(const char *url, HttpOrigin *origin)
{
	CURLU	   *parsed;
	const char *refusal;

	memset(origin, 0, sizeof(*origin));
	origin->secure = strncasecmp(url, "https://", 8) == 0;
	if (!origin->secure && strncasecmp(url, "http://", 7) != 0)
		return "does not start with http:// or https://";
	parsed = curl_url();
	if (parsed == NULL)
		return "could not be read: out of memory";
	refusal = read_parts(parsed, url, origin);
	curl_url_cleanup(parsed);
	return refusal;
}

/* The path, which neither has segments of dots nor is resolved any further, begins with that of the base. */
static bool
is_below(const char *base_url, const char *url)
{
	const char *base_path = strchr(strstr(base_url, "://") + 3, '/');
	const char *path = strstr(url, "://") + 3;
	size_t		length = base_path == NULL ? 0 : strlen(base_path);

	path += strcspn(path, "/?");
	if (length > 0 && base_path[length - 1] == '/')
		length--;
	return strncmp(path, base_path == NULL ? "" : base_path, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

const char *
provision_http_origin_refusal(const char *base_url, const char *url, HttpOrigin *origin)
{
	HttpOrigin	base;
	const char *refusal = provision_http_origin_read(url, origin);

	if (refusal != NULL || base_url == NULL)
		return refusal;
	if (provision_http_origin_read(base_url, &base) != NULL)
		return "belongs to a base URL that cannot be called";
	if (base.secure != origin->secure || base.port != origin->port || strcmp(base.host, origin->host) != 0)
		return "leads to another server than the base URL";
	return is_below(base_url, url) ? NULL : "leads out of the base URL";
}
