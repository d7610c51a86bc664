/*
 * http_poll.h
 *		The set of sockets that libcurl wants watched, private to the client.
 */
#ifndef PROVISION_HTTP_POLL_H
#define PROVISION_HTTP_POLL_H

#include <stdbool.h>

#include <curl/curl.h>

#define HTTP_READY_BATCH 64

typedef struct HttpReadySocket
{
	curl_socket_t socket_number;
	int			events;			/* CURL_CSELECT_* */
} HttpReadySocket;

extern bool provision_http_poll_open(void);
extern void provision_http_poll_close(void);

/* -1 when not open. */
extern int	provision_http_poll_descriptor(void);

/* what: CURL_POLL_*.  False when the socket cannot be watched. */
extern bool provision_http_poll_watch(curl_socket_t socket_number, int what);

/*
 * Fills up to HTTP_READY_BATCH sockets that are ready now and returns their
 * number, 0 or less for none.
 */
extern int	provision_http_poll_take(HttpReadySocket *ready);

#endif							/* PROVISION_HTTP_POLL_H */
