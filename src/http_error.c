/*
 * http_error.c
 *		Says in one line where a call failed, and why.
 */
#include "http_call.h"

#include <stdio.h>
#include <string.h>

#include "text_excerpt.h"

#define MAX_ERROR_SIZE 500

static bool
is_body_sent(const HttpCall *call)
{
	curl_off_t	sent = 0;

	return curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T,
							 &sent) == CURLE_OK &&
		sent >= (curl_off_t) call->body_length;
}

static bool
is_handshake_failure(CURLcode code)
{
	switch (code)
	{
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_INVALIDCERTSTATUS:
		case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
			return true;
		default:
			return false;
	}
}

static const char *
phase_name(const HttpCall *call, CURLcode code)
{
	/* By then libcurl had already made another connection. */
	if (call->stop == STOP_REPEATED_MUTATION)
		return "waiting for the answer";
	if (call->stop == STOP_ADDRESS_REFUSED)
		return "connecting";
	if (code == HTTP_CERTIFICATE_WANTED)
		return "TLS handshake";
	switch (call->phase)
	{
		case PHASE_PREPARING:
			return code == CURLE_COULDNT_RESOLVE_HOST ?
				"name resolution" : "preparing the request";
		case PHASE_RESOLVING:
			return "name resolution";
		case PHASE_CONNECTING:
			return is_handshake_failure(code) ? "TLS handshake" : "connecting";
		case PHASE_HANDSHAKING:
			return "TLS handshake";
		case PHASE_SENDING:
			return is_body_sent(call) ?
				"waiting for the answer" : "sending the request";
		case PHASE_READING:
			break;
	}
	return "reading the answer";
}

/* libcurl has a limit of its own, and some versions call it lack of memory. */
static bool
is_line_too_long(const HttpCall *call, CURLcode code)
{
	return code == CURLE_OUT_OF_MEMORY && call->phase == PHASE_READING &&
		!call->head_complete;
}

static const char *
reason_text(const HttpCall *call, CURLcode code)
{
	switch (call->stop)
	{
		case STOP_REPEATED_MUTATION:
			return "the connection was closed before an answer came";
		case STOP_ADDRESS_REFUSED:
			return call->refusal;
		case STOP_HEADER_TOO_LARGE:
			return "the header lines are longer or more than allowed";
		case STOP_OUT_OF_MEMORY:
			return "out of memory";
		case STOP_CANCELLED:
			return "the call was cancelled";
		case STOP_OVERDUE:
			return "the time limit of the call passed";
		case STOP_BODY_TOO_LARGE:
		case STOP_NONE:
			break;
	}
	if (is_line_too_long(call, code))
		return "a header line is longer than allowed, or memory is lacking";
	if (call->curl_error[0] != '\0')
		return call->curl_error;
	if (code == CURLE_OK)
		return "the connection was closed before the answer was complete";
	return curl_easy_strerror(code);
}

static char *
make_line(const char *phase, const char *reason)
{
	char		line[MAX_ERROR_SIZE];
	char	   *byte;

	snprintf(line, sizeof(line), "%s: %s", phase, reason);
	for (byte = line; *byte != '\0'; byte++)
		if (*byte == '\n' || *byte == '\t')
			*byte = ' ';
	return provision_text_excerpt(line, strlen(line), sizeof(line));
}

char *
provision_http_error_text(const HttpCall *call, CURLcode code)
{
	return make_line(phase_name(call, code), reason_text(call, code));
}

char *
provision_http_error_refusal(const char *reason)
{
	return make_line("preparing the request", reason);
}
