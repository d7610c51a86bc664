/*
 * http_request.c
 *		Decides whether a request may be sent, and turns it into the options of
 *		a libcurl handle.
 */
#include "http_call.h"

#include <string.h>
#include <strings.h>

/* An idle connection older than this may be about to be closed by gunicorn. */
#define MUTATION_CONNECTION_AGE 1

static bool
has_control_byte(const char *text)
{
	const unsigned char *byte;

	if (text == NULL)
		return false;
	for (byte = (const unsigned char *) text; *byte != '\0'; byte++)
		if (*byte < 0x20 || *byte == 0x7f)
			return true;
	return false;
}

static bool
is_method(const char *method)
{
	size_t		length;

	if (method == NULL)
		return false;
	length = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	return length > 0 && length < 32 && method[length] == '\0';
}

static bool
starts_with(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

const char *
provision_http_request_refusal(const HttpRequest *request)
{
	if (!is_method(request->method))
		return "the method is not a word of capital letters";
	if (request->url == NULL ||
		(!starts_with(request->url, "http://") &&
		 !starts_with(request->url, "https://")))
		return "the URL does not start with http:// or https://";
	if (has_control_byte(request->url))
		return "the URL holds a control character";
	if (has_control_byte(request->site))
		return "the site name holds a control character";
	if (has_control_byte(request->authorization))
		return "the credentials hold a control character";
	if (has_control_byte(request->correlation_id))
		return "the correlation id holds a control character";
	if (has_control_byte(request->traceparent))
		return "the trace context holds a control character";
	if (has_control_byte(request->idempotency_key))
		return "the idempotency key holds a control character";
	if (request->ca_file != NULL && has_control_byte(request->ca_file))
		return "the name of the CA file holds a control character";
	if (request->body == NULL && request->body_length > 0)
		return "the body is missing";
	return NULL;
}

/* Called inside libcurl before it asks a resolver. */
static int
note_resolving(void *resolver_state, void *reserved, void *userdata)
{
	HttpCall   *call = userdata;

	(void) resolver_state;
	(void) reserved;
	call->phase = PHASE_RESOLVING;
	return 0;
}

/* Called inside libcurl when it has made a socket and not yet connected it. */
static int
note_connecting(void *userdata, curl_socket_t socket_number,
				curlsocktype purpose)
{
	HttpCall   *call = userdata;

	(void) socket_number;
	(void) purpose;
	call->phase = PHASE_CONNECTING;
	return CURL_SOCKOPT_OK;
}

#if HTTP_CAN_COUNT_SENDING

/*
 * Called inside libcurl when a connection stands and the request is about to
 * be written to it.  A second time means that libcurl repeats the request,
 * because the connection died (or the stream was refused) before an answer:
 * the server may have seen it, so a mutation must end here.
 */
static int
allow_sending(void *userdata, char *peer_address, char *own_address,
			  int peer_port, int own_port)
{
	HttpCall   *call = userdata;

	(void) peer_address;
	(void) own_address;
	(void) peer_port;
	(void) own_port;
	if (call->may_have_left && call->mutation)
	{
		call->stop = STOP_REPEATED_MUTATION;
		return CURL_PREREQFUNC_ABORT;
	}
	call->may_have_left = true;
	call->phase = PHASE_SENDING;
	return CURL_PREREQFUNC_OK;
}
#endif

static bool
set_long(CURL *easy, CURLoption option, long value)
{
	return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool
set_text(CURL *easy, CURLoption option, const char *value)
{
	return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool
set_method(const HttpCall *call)
{
	CURL	   *easy = call->easy;
	bool		has_body = call->body != NULL;

	if (strcmp(call->method, "HEAD") == 0)
		return set_long(easy, CURLOPT_NOBODY, 1L);
	if (strcmp(call->method, "GET") == 0 && !has_body)
		return set_long(easy, CURLOPT_HTTPGET, 1L);

	/* An empty body says "Content-Length: 0", which POST and PUT need. */
	if (has_body || call->method[0] == 'P')
	{
		if (!set_long(easy, CURLOPT_POST, 1L) ||
			curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
							 (curl_off_t) call->body_length) != CURLE_OK ||
			!set_text(easy, CURLOPT_POSTFIELDS, has_body ? call->body : ""))
			return false;
	}
	return set_text(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

/*
 * Only http and https, only where the URL says, and only with what the caller
 * gave: nothing from the environment or files of the server's user.
 */
static bool
set_boundaries(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	bool		allowed = set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
		set_text(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	long		web = CURLPROTO_HTTP | CURLPROTO_HTTPS;
	bool		allowed = set_long(easy, CURLOPT_PROTOCOLS, web) &&
		set_long(easy, CURLOPT_REDIR_PROTOCOLS, web);
#endif

	return allowed &&
		set_long(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
		set_text(easy, CURLOPT_PROXY, "") &&
		set_long(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED) &&
		set_long(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) &&
		set_long(easy, CURLOPT_HTTP09_ALLOWED, 0L);
}

static bool
set_connection(const HttpCall *call)
{
	CURL	   *easy = call->easy;

#if LIBCURL_VERSION_NUM >= 0x075700
	/* Ending a call must not wait for a resolver that hangs. */
	(void) set_long(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	/* Where libcurl lacks HTTP/2, 1.1 will do. */
	(void) set_long(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
	return set_long(easy, CURLOPT_NOSIGNAL, 1L) &&
		set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, call->connect_timeout_ms) &&
		set_long(easy, CURLOPT_TIMEOUT_MS, call->timeout_ms) &&
		set_long(easy, CURLOPT_TCP_KEEPALIVE, 1L) &&
		set_long(easy, CURLOPT_TCP_KEEPIDLE, 30L) &&
		set_long(easy, CURLOPT_TCP_KEEPINTVL, 10L);
}

static bool
set_tls(const HttpCall *call)
{
	CURL	   *easy = call->easy;

	if (!call->secure)
		return true;
	return set_long(easy, CURLOPT_SSLVERSION,
					(long) CURL_SSLVERSION_TLSv1_2) &&
		set_long(easy, CURLOPT_SSL_VERIFYPEER, 1L) &&
		set_long(easy, CURLOPT_SSL_VERIFYHOST, 2L) &&
		(call->ca_file == NULL ||
		 set_text(easy, CURLOPT_CAINFO, call->ca_file));
}

/*
 * libcurl sends a request again on its own when a reused connection dies
 * before the first byte of an answer, POST included.  For a mutation that is
 * forbidden in allow_sending; a young connection makes it rare.
 */
static bool
set_sending(HttpCall *call)
{
	CURL	   *easy = call->easy;

#if HTTP_CAN_COUNT_SENDING
	if (curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION,
						 allow_sending) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_PREREQDATA, call) != CURLE_OK)
		return false;
	return !call->mutation ||
		set_long(easy, CURLOPT_MAXAGE_CONN, (long) MUTATION_CONNECTION_AGE);
#else
	return !call->mutation ||
		(set_long(easy, CURLOPT_FRESH_CONNECT, 1L) &&
		 set_long(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1));
#endif
}

static bool
set_notes(HttpCall *call)
{
	CURL	   *easy = call->easy;

	return curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION,
							note_resolving) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA,
						 call) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION,
						 note_connecting) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, call) == CURLE_OK;
}

bool
provision_http_request_apply(HttpCall *call, const HttpLimits *limits)
{
	CURL	   *easy = call->easy;

	return set_text(easy, CURLOPT_URL, call->url) &&
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER,
						 call->headers) == CURLE_OK &&
		set_text(easy, CURLOPT_USERAGENT, limits->user_agent) &&
		set_text(easy, CURLOPT_ACCEPT_ENCODING, "") &&
		set_method(call) &&
		set_boundaries(easy) &&
		set_connection(call) &&
		set_tls(call) &&
		set_sending(call) &&
		set_notes(call);
}
