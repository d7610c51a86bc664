/*
 * http_origin.h
 *		Where a URL leads, as libcurl reads it.
 *
 * Whoever writes a path must not thereby choose the server: what is sent is
 * compared with the address that an administrator gave.
 *
 * Nothing here knows PostgreSQL.
 */
#ifndef PROVISION_HTTP_ORIGIN_H
#define PROVISION_HTTP_ORIGIN_H

#include <stdbool.h>

#include "http_hosts.h"

typedef struct HttpOrigin
{
	bool		secure;			/* https */
	int			port;
	char		host[HTTP_HOST_SIZE];	/* in lower case, without brackets */
} HttpOrigin;

/*
 * Reads the origin of a URL. Returns why it must not be called, as words that
 * follow "the URL"; NULL: it may.
 */
extern const char *provision_http_origin_read(const char *url, HttpOrigin *origin);

/*
 * Why a URL must not be called on behalf of a base URL: it leads to another
 * scheme, host or port, or out of the base's path. NULL: it may.
 */
extern const char *provision_http_origin_refusal(const char *base_url, const char *url, HttpOrigin *origin);

#endif							/* PROVISION_HTTP_ORIGIN_H */
