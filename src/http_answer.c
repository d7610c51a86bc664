/*
 * http_answer.c
 *		Receives an answer and says how far its request came.
 */
#include "http_call.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "text_excerpt.h"

#define MAX_CONTENT_TYPE_SIZE 200
#define MAX_LOCATION_SIZE 400
#define MIN_STATUS 100
#define MAX_STATUS 999
#define FIRST_BODY_SIZE 4096
#define MAX_HEADER_LINES 1000

/* An answer that has begun must go on; only its beginning may take long. */
#define LOW_SPEED_BYTES 100

void
provision_http_answer_free(HttpAnswer *answer)
{
	if (answer == NULL)
		return;
	free(answer->error);
	free(answer->location);
	free(answer->content_type);
	free(answer->body);
	free(answer->note);
	free(answer);
}

const char *
provision_http_delivery_name(Delivery delivery)
{
	switch (delivery)
	{
		case DELIVERY_NOT_SENT:
			return "not_sent";
		case DELIVERY_ANSWERED:
			return "answered";
		case DELIVERY_UNKNOWN:
			break;
	}
	return "unknown";
}

/*
 * libcurl also reports success when the connection ends in the middle of the
 * header lines, so only their end proves an answer.
 */
Delivery
provision_http_delivery(CURLcode code, bool may_have_left, bool head_complete,
						bool body_too_large)
{
	if (head_complete && (code == CURLE_OK || body_too_large))
		return DELIVERY_ANSWERED;
	return may_have_left ? DELIVERY_UNKNOWN : DELIVERY_NOT_SENT;
}

static bool
is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/*
 * Of an answer: a 101, which nobody asked for, is none either, and libcurl may
 * take the first three digits of a longer number.
 */
static bool
is_final_status(const char *status, size_t length)
{
	return length > 4 && is_digit(status[1]) && status[1] != '1' &&
		is_digit(status[2]) && is_digit(status[3]) && !is_digit(status[4]);
}

/* A status line: an earlier one was that of a 1xx, whose lines do not count. */
static void
begin_head(HttpCall *call, const char *line, size_t length)
{
	const char *status = memchr(line, ' ', length);
	size_t		left = status == NULL ? 0 : length - (status - line);

	call->informational = !is_final_status(status, left);
	call->head_complete = false;
	call->retry_after_count = 0;
	call->server_date[0] = '\0';
}

/*
 * Keeps the value of a header that has this name; a value longer than any
 * valid one is as good as none.
 */
static bool
keep_value(char *kept, const char *name, const char *line, size_t length)
{
	size_t		name_length = strlen(name);

	if (length <= name_length || strncasecmp(line, name, name_length) != 0 ||
		length - name_length >= HTTP_VALUE_SIZE)
		return false;
	memcpy(kept, line + name_length, length - name_length);
	kept[length - name_length] = '\0';
	return true;
}

static void
note_header_line(HttpCall *call, const char *line, size_t length)
{
	int			count = call->retry_after_count;

	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
		begin_head(call, line, length);
	else if (line[0] == '\r' || line[0] == '\n')
		call->head_complete = !call->informational;
	else if (count < HTTP_RETRY_AFTER_COUNT &&
			 keep_value(call->retry_after[count], "Retry-After:", line, length))
		call->retry_after_count++;
	else
		keep_value(call->server_date, "Date:", line, length);
}

static void
begin_reading(HttpCall *call)
{
	call->phase = PHASE_READING;
	(void) curl_easy_setopt(call->easy, CURLOPT_LOW_SPEED_LIMIT,
							(long) LOW_SPEED_BYTES);
	(void) curl_easy_setopt(call->easy, CURLOPT_LOW_SPEED_TIME,
							(long) call->low_speed_seconds);
}

/*
 * Called inside libcurl with one whole header line: must neither palloc nor
 * ereport.
 */
static size_t
receive_header(char *line, size_t size, size_t count, void *userdata)
{
	HttpCall   *call = userdata;
	size_t		length = size * count;

	if (length > call->max_header_size - call->header_size || call->header_lines >= MAX_HEADER_LINES)
	{
		call->stop = STOP_HEADER_TOO_LARGE;
		return 0;
	}
	call->header_size += length;
	call->header_lines++;
	if (call->phase != PHASE_READING)
		begin_reading(call);
	if (length > 0)
		note_header_line(call, line, length);
	return length;
}

static bool
grow_body(HttpCall *call, size_t needed)
{
	size_t		capacity = call->body_capacity;
	char	   *body;

	if (needed <= capacity)
		return true;
	if (capacity < FIRST_BODY_SIZE)
		capacity = FIRST_BODY_SIZE;
	while (capacity < needed)
		capacity *= 2;
	body = realloc(call->answer->body, capacity);
	if (body == NULL)
		return false;
	call->answer->body = body;
	call->body_capacity = capacity;
	return true;
}

/*
 * Called inside libcurl with decoded bytes, 16 kB at most: must neither
 * palloc nor ereport.
 */
static size_t
receive_body(char *bytes, size_t size, size_t count, void *userdata)
{
	HttpCall   *call = userdata;
	HttpAnswer *answer = call->answer;
	size_t		length = size * count;
	size_t		room = call->max_body_size - answer->body_length;
	size_t		kept = length < room ? length : room;

	if (!grow_body(call, answer->body_length + kept + 1))
	{
		call->stop = STOP_OUT_OF_MEMORY;
		return length == 0 ? 1 : 0;
	}
	memcpy(answer->body + answer->body_length, bytes, kept);
	answer->body_length += kept;
	answer->body[answer->body_length] = '\0';
	if (kept < length)
		call->stop = STOP_BODY_TOO_LARGE;
	return kept;
}

bool
provision_http_answer_apply(HttpCall *call)
{
	CURL	   *easy = call->easy;

	call->curl_error[0] = '\0';
	return curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION,
							receive_header) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION,
						 receive_body) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER,
						 call->curl_error) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_PRIVATE, call) == CURLE_OK;
}

static curl_off_t
get_number(const HttpCall *call, CURLINFO which)
{
	curl_off_t	number = 0;

	if (curl_easy_getinfo(call->easy, which, &number) != CURLE_OK)
		return 0;
	return number;
}

/* libcurl says 0 for what did not happen, and for what a kept connection saved. */
static int
get_milliseconds(const HttpCall *call, CURLINFO which, bool reached)
{
	curl_off_t	microseconds = get_number(call, which);

	if (microseconds <= 0)
		return reached ? 0 : -1;
	return (int) ((microseconds + 500) / 1000);
}

/* Where libcurl did not ask before it sent, it knows how much it sent. */
static void
note_sending(HttpCall *call)
{
#if !HTTP_CAN_COUNT_SENDING
	long		request_size = 0;

	(void) curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &request_size);
	call->may_have_left = request_size > 0;
	if (call->may_have_left && call->phase != PHASE_READING)
		call->phase = PHASE_SENDING;
#else
	(void) call;
#endif
}

bool
provision_http_answer_may_be_due(HttpCall *call)
{
	note_sending(call);
	return call->may_have_left;
}

static void
note_times(HttpCall *call)
{
	HttpAnswer *answer = call->answer;
	bool		connected = call->may_have_left;

	answer->dns_ms = get_milliseconds(call, CURLINFO_NAMELOOKUP_TIME_T,
									  connected);
	answer->connect_ms = get_milliseconds(call, CURLINFO_CONNECT_TIME_T,
										  connected);
	if (call->secure)
		answer->tls_ms = get_milliseconds(call, CURLINFO_APPCONNECT_TIME_T,
										  connected);
	if (call->phase == PHASE_READING)
		answer->first_byte_ms =
			get_milliseconds(call, CURLINFO_STARTTRANSFER_TIME_T, true);
	answer->total_ms = get_milliseconds(call, CURLINFO_TOTAL_TIME_T, true);
}

static void
note_server_time(HttpCall *call)
{
	HttpAnswer *answer = call->answer;
	int64_t		now = (int64_t) time(NULL);
	int64_t		seconds;
	int			i;

	if (provision_http_date(call->server_date, now, &seconds) && seconds > 0)
	{
		answer->clock_skew = seconds - now;
		answer->server_time = now = seconds;
	}
	for (i = 0; i < call->retry_after_count; i++)
	{
		int64_t		wait = provision_http_retry_after_ms(call->retry_after[i],
														 now);

		/* Of two that disagree, the patient one cannot be wrong. */
		if (wait > answer->retry_after_ms)
			answer->retry_after_ms = wait;
	}
}

/* A text of libcurl's, as one that is ours: hidden, then cut. */
static char *
copy_info(const HttpCall *call, CURLINFO which, size_t max_size)
{
	const char *text = NULL;
	char	   *whole;
	char	   *copy;

	(void) curl_easy_getinfo(call->easy, which, &text);
	whole = text == NULL ? NULL : strdup(text);
	if (whole == NULL)
		return NULL;
	provision_http_answer_hide(call, whole, strlen(whole));
	copy = provision_text_excerpt(whole, strlen(whole), max_size);
	free(whole);
	return copy;
}

static void
note_head(HttpCall *call)
{
	HttpAnswer *answer = call->answer;
	long		status = 0;

	(void) curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	/* libcurl makes 6106 of "HTTP/26106", and 1 of "HTTP/21.1 500". */
	if (call->phase == PHASE_READING && status >= MIN_STATUS && status <= MAX_STATUS)
		answer->http_status = (int) status;
	answer->content_type = copy_info(call, CURLINFO_CONTENT_TYPE,
									 MAX_CONTENT_TYPE_SIZE);
	answer->location = copy_info(call, CURLINFO_REDIRECT_URL,
								 MAX_LOCATION_SIZE);
	note_server_time(call);
}

/*
 * A server that wants a certificate of ours, or another one, says so in an
 * alert: in TLS 1.3 after the handshake, when the request may be on its way and
 * libcurl only knows that reading or writing failed. The request is not served.
 */
static bool
is_certificate_wanted(const HttpCall *call, CURLcode code)
{
	static const char *const alerts[] = {
		"alert certificate required", "alert bad certificate",
		"alert unsupported certificate", "alert certificate revoked",
		"alert certificate expired", "alert certificate unknown",
		"alert unknown ca", "alert access denied"
	};

	if (!call->secure || call->phase == PHASE_READING ||
		(code != CURLE_RECV_ERROR && code != CURLE_SEND_ERROR && code != CURLE_SSL_CONNECT_ERROR))
		return false;
	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
		if (strstr(call->curl_error, alerts[i]) != NULL)
			return true;
	return false;
}

/* libcurl 8.22.0 says of a key file that it cannot read what it says of an option that it does not take. */
static bool
is_own_certificate_unreadable(const HttpCall *call, CURLcode code)
{
	return code == CURLE_BAD_FUNCTION_ARGUMENT && call->client_certificate_file != NULL && !call->may_have_left;
}

void
provision_http_answer_finish(HttpCall *call, CURLcode code)
{
	HttpAnswer *answer = call->answer;

	note_sending(call);
	note_times(call);
	note_head(call);
	provision_http_answer_hide(call, answer->body, answer->body_length);
	provision_http_answer_hide(call, call->curl_error, strlen(call->curl_error));
	answer->body_too_large = call->stop == STOP_BODY_TOO_LARGE;
	answer->delivery = provision_http_delivery(code, call->may_have_left,
											   call->head_complete && answer->http_status >= 200,
											   answer->body_too_large);
	if (answer->delivery == DELIVERY_ANSWERED)
		return;
	/* An end within the header lines is a success to libcurl only. */
	if (code == CURLE_OK)
		code = CURLE_PARTIAL_FILE;

	/* We stopped libcurl because the server had closed the connection. */
	if (call->stop == STOP_REPEATED_MUTATION)
		code = CURLE_GOT_NOTHING;
	if (call->stop == STOP_HEADER_TOO_LARGE)
		code = CURLE_FILESIZE_EXCEEDED;
	if (call->stop == STOP_ADDRESS_REFUSED)
		code = HTTP_ADDRESS_REFUSED;
	if (is_certificate_wanted(call, code))
		code = HTTP_CERTIFICATE_WANTED;
	if (is_own_certificate_unreadable(call, code))
		code = CURLE_SSL_CERTPROBLEM;
	answer->curl_code = code;
	answer->error = provision_http_error_text(call, code);
}

void
provision_http_answer_refuse(HttpCall *call, CURLcode code, const char *reason)
{
	HttpAnswer *answer = call->answer;

	answer->delivery = DELIVERY_NOT_SENT;
	answer->curl_code = code;
	answer->total_ms = 0;
	answer->error = provision_http_error_refusal(reason);
}
