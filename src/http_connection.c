/*
 * http_connection.c
 *		Decides whom a call talks to: which addresses may be connected to, how
 *		long that may take, and how each side proves who it is.
 */
#include "http_call.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "http_address.h"
#include "http_hosts.h"

bool
provision_http_option_long(CURL *easy, CURLoption option, long value)
{
	return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

bool
provision_http_option_text(CURL *easy, CURLoption option, const char *value)
{
	return curl_easy_setopt(easy, option, value) == CURLE_OK;
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

static void
note_refusal(HttpCall *call, const char *address, const char *words)
{
	snprintf(call->refusal, sizeof(call->refusal), "the address %s is refused, because it is %s", address, words);
	call->stop = STOP_ADDRESS_REFUSED;
}

/*
 * Whether the operator lets callbacks go to an address that is not public. Not
 * to one that is closed to engines, too.
 */
static bool
is_opened(const HttpCall *call, const char *address)
{
	return call->callback_hosts != NULL &&
		(call->host_is_opened || provision_http_hosts_allow(call->callback_hosts, address, call->port)) &&
		provision_http_address_text_refusal(address, HTTP_PEER_ENGINE) == NULL;
}

bool
provision_http_connection_refuse(HttpCall *call, const char *address)
{
	const char *words = provision_http_address_text_refusal(address, call->peer);

	if (words != NULL && is_opened(call, address))
		return false;
	if (words != NULL)
		note_refusal(call, address, words);
	return words != NULL;
}

/*
 * Of several addresses some may be open to us: then it is no refusal that ends
 * the call, but what becomes of those.
 */
static bool
is_address_refused(HttpCall *call, const struct sockaddr *address)
{
	const char *words = provision_http_address_refusal(address, call->peer);
	char		text[INET6_ADDRSTRLEN] = "of a family of its own";

	if (words == NULL)
		return false;
	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *) address)->sin_addr, text, sizeof(text));
	else if (address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *) address)->sin6_addr, text, sizeof(text));
	if ((address->sa_family == AF_INET || address->sa_family == AF_INET6) && is_opened(call, text))
		return false;
	if (!call->has_socket)
		note_refusal(call, text, words);
	return true;
}

/*
 * Called inside libcurl for each address that it is about to connect to,
 * wherever it has it from: what a name meant before is of no account.
 */
static curl_socket_t
open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address)
{
	HttpCall   *call = userdata;
	int			descriptor;

	(void) purpose;
	call->phase = PHASE_CONNECTING;
	if (is_address_refused(call, &address->addr))
		return CURL_SOCKET_BAD;
	call->has_socket = true;
	if (call->stop == STOP_ADDRESS_REFUSED)
		call->stop = STOP_NONE;
	descriptor = socket(address->family, address->socktype, address->protocol);
	if (descriptor >= 0)
		(void) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
	return descriptor < 0 ? CURL_SOCKET_BAD : descriptor;
}

static bool
set_times(const HttpCall *call)
{
	CURL	   *easy = call->easy;

#if LIBCURL_VERSION_NUM >= 0x075700
	/* Ending a call must not wait for a resolver that hangs. */
	(void) provision_http_option_long(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	/* Where libcurl lacks HTTP/2, 1.1 will do. */
	(void) provision_http_option_long(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
	return provision_http_option_long(easy, CURLOPT_NOSIGNAL, 1L) &&
		provision_http_option_long(easy, CURLOPT_CONNECTTIMEOUT_MS, call->connect_timeout_ms) &&
		provision_http_option_long(easy, CURLOPT_TIMEOUT_MS, call->timeout_ms) &&
		provision_http_option_long(easy, CURLOPT_TCP_KEEPALIVE, 1L) &&
		provision_http_option_long(easy, CURLOPT_TCP_KEEPIDLE, 30L) &&
		provision_http_option_long(easy, CURLOPT_TCP_KEEPINTVL, 10L);
}

/*
 * OpenSSL must not ask a terminal for the passphrase of a key: with an empty
 * one the key does not open, and the call fails.
 */
static bool
set_client_certificate(const HttpCall *call)
{
	CURL	   *easy = call->easy;

	return call->client_certificate_file == NULL ||
		(provision_http_option_text(easy, CURLOPT_SSLCERT, call->client_certificate_file) &&
		 provision_http_option_text(easy, CURLOPT_SSLCERTTYPE, "PEM") &&
		 provision_http_option_text(easy, CURLOPT_SSLKEY, call->client_key_file) &&
		 provision_http_option_text(easy, CURLOPT_SSLKEYTYPE, "PEM") &&
		 provision_http_option_text(easy, CURLOPT_KEYPASSWD, ""));
}

static bool
set_tls(const HttpCall *call)
{
	CURL	   *easy = call->easy;

	if (!call->secure)
		return true;
	return provision_http_option_long(easy, CURLOPT_SSLVERSION,
					(long) CURL_SSLVERSION_TLSv1_2) &&
		provision_http_option_long(easy, CURLOPT_SSL_VERIFYPEER, 1L) &&
		provision_http_option_long(easy, CURLOPT_SSL_VERIFYHOST, 2L) &&
		(call->ca_file == NULL ||
		 provision_http_option_text(easy, CURLOPT_CAINFO, call->ca_file)) &&
		set_client_certificate(call);
}

bool
provision_http_connection_apply(HttpCall *call)
{
	CURL	   *easy = call->easy;

	return curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, note_resolving) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, call) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call) == CURLE_OK &&
		set_times(call) &&
		set_tls(call);
}
