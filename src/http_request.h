/*
 * http_request.h
 *		One HTTP request, and the bounds of all that a client makes.
 *
 * Nothing here knows PostgreSQL: the same code is linked into the extension,
 * the unit tests and the fuzzers.
 */
#ifndef PROVISION_HTTP_REQUEST_H
#define PROVISION_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_MAX_SECRETS 16

/* Who chose the host, and so which addresses it may have. */
typedef enum HttpPeer
{
	HTTP_PEER_ENGINE,			/* an administrator: also private addresses */
	HTTP_PEER_CALLBACK			/* somebody else: https to public addresses, and
								 * what callback_hosts opens */
} HttpPeer;

/*
 * What is to be sent.  All strings belong to the caller, are NUL-terminated
 * UTF-8 and are copied by provision_http_client_send as far as they are
 * needed later, so they may be freed when it returns.
 *
 * A string that holds a control character (so that it could end a header
 * line) is never sent: the answer is DELIVERY_NOT_SENT with an error text.
 */
typedef struct HttpRequest
{
	int64_t		attempt_id;		/* the caller's name for this call */
	const char *method;			/* GET, POST, PUT, DELETE, ...: letters only */
	const char *url;			/* http:// or https://, already encoded */
	const char *base_url;		/* where the URL has to lead, and below which
								 * path; NULL: it was not put together */
	HttpPeer	peer;
	const char *site;			/* sent as Host and X-Frappe-Site-Name; NULL:
								 * the URL's own host */
	const char *authorization;	/* value of Authorization; NULL: none.  Our
								 * copies are wiped when the call has ended */
	const char *cookie;			/* value of Cookie, wiped likewise; NULL: none */
	const char *correlation_id; /* X-Request-Id; NULL: none */
	const char *traceparent;	/* W3C trace context; NULL: none */
	const char *idempotency_key;	/* Idempotency-Key; NULL: none */
	const char *job_key;		/* X-Agent-Job-Id; NULL: none */
	const char *webhook_id;		/* the headers of Standard Webhooks, all three
								 * or none */
	const char *webhook_timestamp;
	const char *webhook_signature;
	const char *team;			/* X-Press-Team; NULL: none */
	const char *const *secrets; /* besides the authorization, what an answer
								 * must not show; the body may hold them */
	int			secret_count;	/* at most HTTP_MAX_SECRETS */
	const char *note;			/* given back with the answer; NULL: none */
	const char *body;			/* JSON, any bytes; NULL: no body */
	size_t		body_length;
	const char *ca_file;		/* PEM; NULL: that of HttpLimits */
	const char *client_certificate_file;	/* PEM, with a key; NULL: none */
	const char *client_key_file;	/* PEM without passphrase */
	int			connect_timeout_ms; /* DNS, connect and TLS; 0: 10 s */
	int			timeout_ms;		/* the whole call; 0: 30 s */
	size_t		max_body_size;	/* of the answer; 0: that of HttpLimits */
	bool		mutation;		/* must reach the server at most once */
} HttpRequest;

/* The bounds of one client; they hold for every call it makes. */
typedef struct HttpLimits
{
	size_t		max_body_size;	/* bytes after decompression; 0: 8 MiB */
	size_t		max_header_size;	/* bytes of all header lines of an answer;
									 * 0: 64 KiB */
	int			max_connections;	/* kept alive for the next calls; more only
									 * while more calls are in flight; 0: 100 */
	int			low_speed_seconds;	/* an answer that has begun is given up when
									 * it is slower than 100 bytes per second
									 * for so long; 0: 30 */
	const char *ca_file;		/* PEM; NULL: the system's */
	const char *allowed_hosts;	/* of engines, see http_hosts.h; NULL: any */
	const char *callback_hosts; /* to which callbacks may go although they are
								 * not public, and by plain http; NULL: none */
	const char *user_agent;		/* NULL: "provision" */
} HttpLimits;

#endif							/* PROVISION_HTTP_REQUEST_H */
