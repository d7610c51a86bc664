/*
 * http_request.c
 *		Decides whether a request may be sent, and turns it into the options of
 *		a libcurl handle.
 */
#include "http_call.h"

#include <string.h>

#include "http_origin.h"

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

/* What is written into the request. */
static const char *
refusal_of_parts(const HttpRequest *request)
{
	if (!is_method(request->method))
		return "the method is not a word of capital letters";
	if (has_control_byte(request->site))
		return "the site name holds a control character";
	if (has_control_byte(request->authorization))
		return "the credentials hold a control character";
	if (has_control_byte(request->cookie))
		return "the cookie holds a control character";
	if (has_control_byte(request->correlation_id))
		return "the correlation id holds a control character";
	if (has_control_byte(request->traceparent))
		return "the trace context holds a control character";
	if (has_control_byte(request->idempotency_key))
		return "the idempotency key holds a control character";
	if (has_control_byte(request->job_key))
		return "the key of the job holds a control character";
	if (has_control_byte(request->webhook_id) || has_control_byte(request->webhook_timestamp) ||
		has_control_byte(request->webhook_signature))
		return "a header of the webhook holds a control character";
	if (has_control_byte(request->team))
		return "the name of the team holds a control character";
	if (request->secret_count > HTTP_MAX_SECRETS)
		return "there are too many secrets";
	if (has_control_byte(request->ca_file) || has_control_byte(request->client_certificate_file) ||
		has_control_byte(request->client_key_file))
		return "the name of a file of certificates holds a control character";
	if (request->body == NULL && request->body_length > 0)
		return "the body is missing";
	return NULL;
}

/* Over plain http anybody on the way could read what it tells. */
static const char *
refusal_of_callback(const HttpOrigin *origin, const HttpLimits *limits, CURLcode *code)
{
	if (origin->secure || (limits->callback_hosts != NULL &&
						   provision_http_hosts_allow(limits->callback_hosts, origin->host, origin->port)))
		return NULL;
	*code = HTTP_HOST_NOT_ALLOWED;
	return "plain http is only for hosts that provision.webhook_allowed_hosts names";
}

/* Where it goes. */
static const char *
refusal_of_origin(const HttpRequest *request, const HttpLimits *limits, CURLcode *code)
{
	HttpOrigin	origin;
	const char *refusal = request->url == NULL ? "the URL is missing" :
		provision_http_origin_refusal(request->base_url, request->url, &origin);

	if (refusal == NULL && request->peer == HTTP_PEER_CALLBACK)
		return refusal_of_callback(&origin, limits, code);
	if (refusal != NULL ||
		provision_http_hosts_allow(limits->allowed_hosts, origin.host, origin.port))
		return refusal;
	*code = HTTP_HOST_NOT_ALLOWED;
	return "provision.allowed_hosts does not name the host";
}

const char *
provision_http_request_refusal(const HttpRequest *request, const HttpLimits *limits, CURLcode *code)
{
	const char *refusal = refusal_of_parts(request);

	*code = CURLE_BAD_FUNCTION_ARGUMENT;
	return refusal != NULL ? refusal : refusal_of_origin(request, limits, code);
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

	(void) own_address;
	(void) peer_port;
	(void) own_port;
	if (call->may_have_left && call->mutation)
	{
		call->stop = STOP_REPEATED_MUTATION;
		return CURL_PREREQFUNC_ABORT;
	}
	/* A kept connection may have been made for somebody who may go further. */
	if (provision_http_connection_refuse(call, peer_address))
		return CURL_PREREQFUNC_ABORT;
	call->may_have_left = true;
	call->phase = PHASE_SENDING;
	return CURL_PREREQFUNC_OK;
}
#endif

static bool
set_method(const HttpCall *call)
{
	CURL	   *easy = call->easy;
	bool		has_body = call->body != NULL;

	if (strcmp(call->method, "HEAD") == 0)
		return provision_http_option_long(easy, CURLOPT_NOBODY, 1L);
	if (strcmp(call->method, "GET") == 0 && !has_body)
		return provision_http_option_long(easy, CURLOPT_HTTPGET, 1L);

	/* An empty body says "Content-Length: 0", which POST and PUT need. */
	if (has_body || call->method[0] == 'P')
	{
		if (!provision_http_option_long(easy, CURLOPT_POST, 1L) ||
			curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
							 (curl_off_t) call->body_length) != CURLE_OK ||
			!provision_http_option_text(easy, CURLOPT_POSTFIELDS, has_body ? call->body : ""))
			return false;
	}
	return provision_http_option_text(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

/*
 * Only http and https, only where the URL says, and only with what the caller
 * gave: nothing from the environment or files of the server's user.
 */
static bool
set_boundaries(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	bool		allowed = provision_http_option_text(easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
		provision_http_option_text(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	long		web = CURLPROTO_HTTP | CURLPROTO_HTTPS;
	bool		allowed = provision_http_option_long(easy, CURLOPT_PROTOCOLS, web) &&
		provision_http_option_long(easy, CURLOPT_REDIR_PROTOCOLS, web);
#endif

	return allowed &&
		provision_http_option_long(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
		provision_http_option_text(easy, CURLOPT_PROXY, "") &&
		provision_http_option_text(easy, CURLOPT_NOPROXY, "*") &&
		provision_http_option_long(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED) &&
		provision_http_option_long(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) &&
		provision_http_option_long(easy, CURLOPT_HTTP09_ALLOWED, 0L);
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
		provision_http_option_long(easy, CURLOPT_MAXAGE_CONN, (long) MUTATION_CONNECTION_AGE);
#else
	if (call->peer != HTTP_PEER_ENGINE && !provision_http_option_long(easy, CURLOPT_FRESH_CONNECT, 1L))
		return false;
	return !call->mutation ||
		(provision_http_option_long(easy, CURLOPT_FRESH_CONNECT, 1L) &&
		 provision_http_option_long(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1));
#endif
}

bool
provision_http_request_apply(HttpCall *call, const HttpLimits *limits)
{
	CURL	   *easy = call->easy;

	return provision_http_option_text(easy, CURLOPT_URL, call->url) &&
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER,
						 call->headers) == CURLE_OK &&
		provision_http_option_text(easy, CURLOPT_USERAGENT, limits->user_agent) &&
		provision_http_option_text(easy, CURLOPT_ACCEPT_ENCODING, "") &&
		set_method(call) &&
		set_boundaries(easy) &&
		provision_http_connection_apply(call) &&
		set_sending(call);
}
