/*
 * http_client.h
 *		Many HTTP calls at once in one process, none of which blocks.
 *
 * A process has at most one client.  The caller waits for
 * provision_http_client_descriptor() to become readable, at most
 * provision_http_client_timeout_ms(), calls provision_http_client_work(), and
 * then takes answers until there are none.  Both values are asked anew before
 * each wait.
 *
 * No function raises an error, prints or exits, and none may be called from a
 * signal handler or a libcurl callback.
 */
#ifndef PROVISION_HTTP_CLIENT_H
#define PROVISION_HTTP_CLIENT_H

#include "http_answer.h"
#include "http_request.h"

/*
 * False when memory or descriptors are lacking, or when libcurl is too old or
 * cannot resolve names asynchronously; then nothing is left behind.  The
 * strings of the limits are copied.  Opening an open client is refused.
 */
extern bool provision_http_client_open(const HttpLimits *limits);

/*
 * For the calls that are started from now on, but for max_connections. False
 * without memory: then the limits are as they were.
 */
extern bool provision_http_client_change_limits(const HttpLimits *limits);

/*
 * An epoll (kqueue) descriptor that is readable while one of libcurl's sockets
 * is ready; the same one until the client is closed.  -1 when not open.
 */
extern int	provision_http_client_descriptor(void);

/*
 * Milliseconds until provision_http_client_work() should be called although
 * the descriptor is silent: 0 at once, -1 never.
 */
extern long provision_http_client_timeout_ms(void);

/* Moves every call on as far as it goes without waiting. */
extern void provision_http_client_work(void);

/*
 * Starts a call.  True: there will be exactly one answer with its attempt_id,
 * also when the call could not be started.  False: memory is lacking even for
 * an answer; nothing was sent and no answer will come.
 */
extern bool provision_http_client_send(const HttpRequest *request);

/*
 * The next finished call in the order of finishing, NULL when there is none.
 * The caller owns it.
 */
extern HttpAnswer *provision_http_client_next_answer(void);

/*
 * Ends a call that is in flight; its answer, which says how far it came, is
 * ready when this returns.  False when there is no such call.
 */
extern bool provision_http_client_cancel(int64_t attempt_id);

/*
 * Ends the calls in flight of which nothing was sent yet; their answers, all of
 * them DELIVERY_NOT_SENT, are ready when this returns.
 */
extern void provision_http_client_withdraw(void);

/* Calls started whose answer is not ready yet. */
extern int	provision_http_client_in_flight(void);

/*
 * Drops every call and every answer not yet taken, and closes all
 * connections.  The client can be opened again.
 */
extern void provision_http_client_close(void);

#endif							/* PROVISION_HTTP_CLIENT_H */
