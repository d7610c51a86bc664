/*
 * http_call.h
 *		One call while it runs: what the http_*.c files share and nobody else
 *		needs.
 *
 * http_call.c makes it, http_request.c and http_answer.c connect its two halves
 * to libcurl, and http_client.c owns it.
 */
#ifndef PROVISION_HTTP_CALL_H
#define PROVISION_HTTP_CALL_H

#include <curl/curl.h>

#include "http_answer.h"
#include "http_request.h"

#if LIBCURL_VERSION_NUM < 0x074100
#error "libcurl 7.65 or newer is needed"
#endif

/*
 * From this version on, libcurl asks before each time it sends a request.
 * Without that a mutation needs a connection of its own.
 */
#ifndef HTTP_CAN_COUNT_SENDING
#define HTTP_CAN_COUNT_SENDING (LIBCURL_VERSION_NUM >= 0x075000)
#endif

/* CURLE_SSL_CLIENTCERT of newer versions. */
#define HTTP_CERTIFICATE_WANTED ((CURLcode) 98)

/* Codes of our own, beyond libcurl's: the server was not asked. */
#define HTTP_ADDRESS_REFUSED ((CURLcode) 1001)
#define HTTP_HOST_NOT_ALLOWED ((CURLcode) 1002)

#define HTTP_REFUSAL_SIZE 160

#define HTTP_HEADER_COUNT 15	/* lines of our own in a request */
#define HTTP_RETRY_AFTER_COUNT 2	/* a third such header is ignored */
#define HTTP_VALUE_SIZE 64		/* every valid time is shorter */

/* How far a call came; it may go back when libcurl repeats a read. */
typedef enum HttpPhase
{
	PHASE_PREPARING,
	PHASE_RESOLVING,
	PHASE_CONNECTING,			/* a handshake that does not wait included */
	PHASE_HANDSHAKING,
	PHASE_SENDING,				/* waiting for the answer included */
	PHASE_READING
} HttpPhase;

/* Why one of our own callbacks stopped a call. */
typedef enum HttpStop
{
	STOP_NONE,
	STOP_REPEATED_MUTATION,		/* libcurl wanted to send it again */
	STOP_ADDRESS_REFUSED,
	STOP_HEADER_TOO_LARGE,
	STOP_BODY_TOO_LARGE,
	STOP_OUT_OF_MEMORY,
	STOP_CANCELLED,
	STOP_OVERDUE				/* libcurl did not end it in time */
} HttpStop;

typedef struct HttpCall
{
	struct HttpCall *previous;
	struct HttpCall *next;
	CURL	   *easy;			/* NULL when not in flight */
	HttpAnswer *answer;			/* made first, so that it cannot be lacking */

	/* the sending half */
	char	   *memory;			/* every string sent, secrets among them: wiped
								 * as a whole */
	size_t		memory_size;
	size_t		memory_used;
	const char *url;
	const char *method;
	const char *ca_file;
	const char *client_certificate_file;
	const char *client_key_file;
	const char *body;			/* NULL: none */
	size_t		body_length;
	struct curl_slist headers[HTTP_HEADER_COUNT];
	int			header_count;
	const char *secrets[HTTP_MAX_SECRETS];
	int			secret_count;
	int			connect_timeout_ms;
	int			timeout_ms;
	int64_t		overdue_at_ms;	/* monotonic */
	bool		mutation;
	bool		secure;			/* https */
	HttpPeer	peer;
	const char *callback_hosts; /* of a callback: what the operator opened; NULL:
								 * nothing */
	int			port;			/* of a callback */
	bool		host_is_opened; /* the operator named the host of the URL */

	/* what is known of its way */
	HttpPhase	phase;
	HttpStop	stop;
	bool		has_socket;		/* an address was not refused */
	char		refusal[HTTP_REFUSAL_SIZE]; /* which address was, and why */
	bool		may_have_left;	/* libcurl was allowed to write the request */
	char		curl_error[CURL_ERROR_SIZE];

	/* the receiving half */
	size_t		max_body_size;
	size_t		max_header_size;
	int			low_speed_seconds;
	size_t		header_size;
	int			header_lines;
	size_t		body_capacity;
	bool		informational;	/* the header lines are those of no answer, as
								 * after a 1xx */
	bool		head_complete;	/* the empty line of the final answer came */
	int			retry_after_count;
	char		retry_after[HTTP_RETRY_AFTER_COUNT][HTTP_VALUE_SIZE];
	char		server_date[HTTP_VALUE_SIZE];
} HttpCall;

/* The strings are copied; false without memory.  Freed also after that. */
extern bool provision_http_limits_copy(HttpLimits *copy,
									   const HttpLimits *limits);
extern void provision_http_limits_free(HttpLimits *copy);

/*
 * A call that does nothing yet, with an answer that says so; NULL without
 * memory.
 */
extern HttpCall *provision_http_call_make(int64_t attempt_id,
										  const HttpLimits *limits);
extern void provision_http_call_free(HttpCall *call);

/* Copies a request that may be sent; false without memory. */
extern bool provision_http_call_copy(HttpCall *call,
									 const HttpRequest *request,
									 const HttpLimits *limits);

/* Wipes and frees that copy. */
extern void provision_http_call_wipe(HttpCall *call);

/* Rings of calls; the head is a call of which only the links are used. */
extern void provision_http_ring_make(HttpCall *head);
extern void provision_http_ring_append(HttpCall *head, HttpCall *call);
extern void provision_http_ring_remove(HttpCall *call);

/* Why a request must not be sent, NULL when it may; *code tells the kind of reason. */
extern const char *provision_http_request_refusal(const HttpRequest *request, const HttpLimits *limits, CURLcode *code);

/*
 * Sets every option of a fresh handle.  False when one of those that
 * correctness rests on could not be set.
 */
extern bool provision_http_request_apply(HttpCall *call,
										 const HttpLimits *limits);

/* Whether libcurl took an option. */
extern bool provision_http_option_long(CURL *easy, CURLoption option, long value);
extern bool provision_http_option_text(CURL *easy, CURLoption option, const char *value);

/*
 * Sets the options that decide whom the call talks to, and how each proves who
 * it is; false as above.
 */
extern bool provision_http_connection_apply(HttpCall *call);

/* Notes that the address of a call is refused; false when it is not. */
extern bool provision_http_connection_refuse(HttpCall *call, const char *address);

/* Sets the options that receive the answer; false as above. */
extern bool provision_http_answer_apply(HttpCall *call);

/* Fills the answer of a call that libcurl, or we, have ended. */
extern void provision_http_answer_finish(HttpCall *call, CURLcode code);

/*
 * Blanks the credentials that were sent, where a text of the answer (which may
 * be NULL) repeats them.  Before it is cut: half of a secret is not recognised.
 */
extern void provision_http_answer_hide(const HttpCall *call, char *text,
									   size_t length);

/* Fills the answer of a call that never reached libcurl. */
extern void provision_http_answer_refuse(HttpCall *call, CURLcode code,
										 const char *reason);

/*
 * One line of UTF-8, to be freed; NULL without memory, which the answer
 * survives.
 */
extern char *provision_http_error_text(const HttpCall *call, CURLcode code);
extern char *provision_http_error_refusal(const char *reason);

/* False as long as nothing of the request has been given to the network. */
extern bool provision_http_answer_may_be_due(HttpCall *call);

/* The one place that decides how far a request came. */
extern Delivery provision_http_delivery(CURLcode code, bool may_have_left,
										bool head_complete,
										bool body_too_large);

#endif							/* PROVISION_HTTP_CALL_H */
