/*
 * http_call.c
 *		The life of one call: made, filled with a copy of its request, kept in
 *		a ring, wiped and freed.
 */
#include "http_call.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_origin.h"

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_CONNECT_TIMEOUT_MS 10000

void
provision_http_ring_make(HttpCall *head)
{
	head->previous = head->next = head;
}

void
provision_http_ring_append(HttpCall *head, HttpCall *call)
{
	call->previous = head->previous;
	call->next = head;
	head->previous->next = call;
	head->previous = call;
}

void
provision_http_ring_remove(HttpCall *call)
{
	call->previous->next = call->next;
	call->next->previous = call->previous;
}

HttpCall *
provision_http_call_make(int64_t attempt_id, const HttpLimits *limits)
{
	HttpCall   *call = calloc(1, sizeof(HttpCall));
	HttpAnswer *answer = calloc(1, sizeof(HttpAnswer));

	if (call == NULL || answer == NULL)
	{
		free(call);
		free(answer);
		return NULL;
	}
	answer->attempt_id = attempt_id;
	answer->retry_after_ms = -1;
	answer->dns_ms = answer->connect_ms = answer->tls_ms = -1;
	answer->first_byte_ms = answer->total_ms = -1;
	call->answer = answer;
	call->max_body_size = limits->max_body_size;
	call->max_header_size = limits->max_header_size;
	call->low_speed_seconds = limits->low_speed_seconds;
	return call;
}

void
provision_http_call_free(HttpCall *call)
{
	provision_http_call_wipe(call);
	provision_http_answer_free(call->answer);
	free(call);
}

/* NULL and the empty string both mean "none". */
static bool
is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* The caller has made memory large enough. */
static const char *
keep_bytes(HttpCall *call, const char *bytes, size_t length)
{
	char	   *copy = call->memory + call->memory_used;

	memcpy(copy, bytes, length);
	copy[length] = '\0';
	call->memory_used += length + 1;
	return copy;
}

static const char *
keep_text(HttpCall *call, const char *text)
{
	return is_given(text) ? keep_bytes(call, text, strlen(text)) : NULL;
}

/*
 * The list is our own, not one made by curl_slist_append, so that no copy of
 * a secret lies in memory that we cannot wipe.
 */
static void
add_header(HttpCall *call, const char *name, const char *value)
{
	struct curl_slist *header = &call->headers[call->header_count];
	char	   *line = call->memory + call->memory_used;
	size_t		name_length = strlen(name);

	if (!is_given(value))
		return;
	memcpy(line, name, name_length);
	call->memory_used += name_length;
	keep_bytes(call, value, strlen(value));
	header->data = line;
	header->next = NULL;
	if (call->header_count > 0)
		call->headers[call->header_count - 1].next = header;
	call->header_count++;
}

/* Headers whose value the request gives; beside them there are the three below. */
static const struct
{
	const char *name;
	size_t		value;			/* where it stands in HttpRequest */
}			given_headers[] = {
	{"Host: ", offsetof(HttpRequest, site)},
	{"X-Frappe-Site-Name: ", offsetof(HttpRequest, site)},
	{"Authorization: ", offsetof(HttpRequest, authorization)},
	{"Cookie: ", offsetof(HttpRequest, cookie)},
	{"X-Request-Id: ", offsetof(HttpRequest, correlation_id)},
	{"traceparent: ", offsetof(HttpRequest, traceparent)},
	{"Idempotency-Key: ", offsetof(HttpRequest, idempotency_key)},
	{"X-Agent-Job-Id: ", offsetof(HttpRequest, job_key)},
	{"webhook-id: ", offsetof(HttpRequest, webhook_id)},
	{"webhook-timestamp: ", offsetof(HttpRequest, webhook_timestamp)},
	{"webhook-signature: ", offsetof(HttpRequest, webhook_signature)},
	{"X-Press-Team: ", offsetof(HttpRequest, team)},
};

_Static_assert(sizeof(given_headers) / sizeof(given_headers[0]) + 3 <= HTTP_HEADER_COUNT, "there is room for all headers");

static const char *
given_value(const HttpRequest *request, size_t header)
{
	return *(const char *const *) ((const char *) request + given_headers[header].value);
}

static void
add_headers(HttpCall *call, const HttpRequest *request)
{
	for (size_t i = 0; i < sizeof(given_headers) / sizeof(given_headers[0]); i++)
		add_header(call, given_headers[i].name, given_value(request, i));
	add_header(call, "Accept: ", "application/json");
	if (request->body != NULL)
		add_header(call, "Content-Type: ", "application/json");

	/* Nothing after the colon: libcurl leaves its own such header out. */
	add_header(call, "Expect", ":");
}

static size_t
text_size(const char *text)
{
	return text == NULL ? 1 : strlen(text) + 1;
}

static size_t
headers_size(const HttpRequest *request)
{
	size_t		size = sizeof("Accept: application/json") + sizeof("Content-Type: application/json") + sizeof("Expect:");

	for (size_t i = 0; i < sizeof(given_headers) / sizeof(given_headers[0]); i++)
		size += strlen(given_headers[i].name) + text_size(given_value(request, i));
	return size;
}

static void
keep_secrets(HttpCall *call, const HttpRequest *request)
{
	for (int i = 0; i < request->secret_count; i++)
		call->secrets[i] = keep_bytes(call, request->secrets[i], strlen(request->secrets[i]));
	call->secret_count = request->secret_count;
}

static size_t
secrets_size(const HttpRequest *request)
{
	size_t		size = 0;

	for (int i = 0; i < request->secret_count; i++)
		size += text_size(request->secrets[i]);
	return size;
}

/* Enough for every string that is kept. */
static size_t
needed_memory(const HttpRequest *request, const HttpLimits *limits)
{
	return headers_size(request)
		+ text_size(request->method)
		+ text_size(request->url)
		+ text_size(limits->callback_hosts)
		+ secrets_size(request)
		+ text_size(request->ca_file)
		+ text_size(limits->ca_file)
		+ text_size(request->client_certificate_file)
		+ text_size(request->client_key_file)
		+ (request->body == NULL ? 0 : request->body_length + 1);
}

/* With the answer, which outlives the rest. */
static bool
keep_note(HttpCall *call, const char *note)
{
	if (note != NULL)
		call->answer->note = strdup(note);
	return note == NULL || call->answer->note != NULL;
}

/* The list is copied, because the setting may change while the call runs. */
static void
keep_callback_hosts(HttpCall *call, const HttpLimits *limits)
{
	HttpOrigin	origin;

	call->callback_hosts = keep_text(call, limits->callback_hosts);
	if (call->callback_hosts == NULL || provision_http_origin_read(call->url, &origin) != NULL)
		return;
	call->port = origin.port;
	call->host_is_opened = provision_http_hosts_allow(call->callback_hosts, origin.host, origin.port);
}

bool
provision_http_call_copy(HttpCall *call, const HttpRequest *request,
						 const HttpLimits *limits)
{
	call->memory_size = needed_memory(request, limits);
	call->memory = malloc(call->memory_size);
	if (call->memory == NULL || !keep_note(call, request->note))
		return false;
	call->method = keep_text(call, request->method);
	call->url = keep_text(call, request->url);
	call->ca_file = keep_text(call, is_given(request->ca_file) ?
							  request->ca_file : limits->ca_file);
	call->client_certificate_file = keep_text(call, request->client_certificate_file);
	call->client_key_file = keep_text(call, request->client_key_file);
	add_headers(call, request);
	keep_secrets(call, request);
	if (request->body != NULL)
		call->body = keep_bytes(call, request->body, request->body_length);
	call->body_length = request->body_length;
	call->connect_timeout_ms = request->connect_timeout_ms > 0 ?
		request->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS;
	call->timeout_ms = request->timeout_ms > 0 ?
		request->timeout_ms : DEFAULT_TIMEOUT_MS;
	call->mutation = request->mutation;
	call->peer = request->peer;
	if (request->peer == HTTP_PEER_CALLBACK)
		keep_callback_hosts(call, limits);
	if (request->max_body_size > 0 && request->max_body_size < call->max_body_size)
		call->max_body_size = request->max_body_size;
	call->secure = strncasecmp(request->url, "https://", 8) == 0;
	return true;
}

/*
 * Through a volatile pointer, because the compiler may drop a memset of memory
 * that is freed next; explicit_bzero is not everywhere.
 */
void
provision_http_call_wipe(HttpCall *call)
{
	volatile char *byte = call->memory;
	size_t		left;

	if (call->memory == NULL)
		return;
	for (left = call->memory_used; left > 0; left--)
		*byte++ = 0;
	free(call->memory);
	call->memory = NULL;
	call->body = NULL;
	call->header_count = 0;
	call->secret_count = 0;
}
