/*
 * http_multi.h
 *		libcurl's multi handle: its sockets, its timer and its threads.
 *
 * A process has at most one.
 */
#ifndef PROVISION_HTTP_MULTI_H
#define PROVISION_HTTP_MULTI_H

#include "http_call.h"

/*
 * NULL when memory or descriptors are lacking, or when libcurl is too old or
 * cannot resolve names asynchronously; to be closed also then.
 */
extern CURLM *provision_http_multi_open(const HttpLimits *limits);

/* After the last call has been taken out of it. */
extern void provision_http_multi_close(void);

/* Lets libcurl work on the sockets that are ready and on its timer; never waits. */
extern void provision_http_multi_run(void);

/* When libcurl wants to run although no socket is ready, by the clock below; -1: never. */
extern int64_t provision_http_multi_due_at_ms(void);

/* A clock that nobody sets. */
extern int64_t provision_http_monotonic_ms(void);

#endif							/* PROVISION_HTTP_MULTI_H */
