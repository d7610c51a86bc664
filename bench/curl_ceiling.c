/*
 * curl_ceiling.c - how many calls a second can be made and recorded at all.
 *
 * A loop of libcurl's multi interface keeps a number of calls in flight, and
 * libpq records every answer: one INSERT ... SELECT unnest(...) for a batch of
 * them, committed before the next round. It has no queue, no states and no
 * dependencies, so a job engine built of the same parts stays below it.
 */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define MAX_EVENTS 512
#define MAX_BODY 256
#define ROW_BYTES (MAX_BODY * 2 + 64)	/* an array element with everything escaped */

typedef struct Call
{
	CURL	   *easy;
	long		call_id;
	size_t		body_length;
	char		body[MAX_BODY + 1];
} Call;

/* Answers not yet recorded, written down as PostgreSQL arrays. */
typedef struct Batch
{
	int			count;
	char	   *ids;
	char	   *statuses;
	char	   *bodies;
	size_t		ids_length;
	size_t		statuses_length;
	size_t		bodies_length;
} Batch;

static long call_count = 50000;
static int	in_flight = 256;
static int	batch_size = 100;
static const char *url;
static struct curl_slist *headers;
static CURLM *multi;
static PGconn *connection;
static Batch batch;
static int	epoll_fd;
static long timeout_ms = -1;
static long started_count = 0;
static long answered_count = 0;

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "curl_ceiling: could not %s: %s\n", what, why);
	exit(1);
}

static void
run_statement(const char *text)
{
	PGresult   *result = PQexec(connection, text);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail("prepare the database", PQerrorMessage(connection));
	PQclear(result);
}

static void
open_database(const char *conninfo)
{
	PGresult   *result;

	connection = PQconnectdb(conninfo);
	if (PQstatus(connection) != CONNECTION_OK)
		fail("connect", PQerrorMessage(connection));
	run_statement("SET client_min_messages = warning");
	run_statement("DROP TABLE IF EXISTS ceiling_answer");
	run_statement("CREATE TABLE ceiling_answer ("
				  "call_id bigint PRIMARY KEY, http_status integer NOT NULL, "
				  "body jsonb NOT NULL, at timestamptz NOT NULL DEFAULT now())");
	result = PQprepare(connection, "record",
					   "INSERT INTO ceiling_answer (call_id, http_status, body) "
					   "SELECT * FROM unnest($1::bigint[], $2::integer[], $3::jsonb[])",
					   3, NULL);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail("prepare the statement", PQerrorMessage(connection));
	PQclear(result);
}

static char *
allocate(size_t bytes)
{
	char	   *memory = calloc(1, bytes);

	if (memory == NULL)
		fail("allocate memory", strerror(errno));
	return memory;
}

static void
clear_batch(void)
{
	batch.count = 0;
	batch.ids_length = batch.statuses_length = batch.bodies_length = 0;
}

/* One statement, and so one transaction, for all answers of the batch. */
static void
record_batch(void)
{
	const char *values[] = {batch.ids, batch.statuses, batch.bodies};
	PGresult   *result;

	if (batch.count == 0)
		return;
	strcpy(batch.ids + batch.ids_length, "}");
	strcpy(batch.statuses + batch.statuses_length, "}");
	strcpy(batch.bodies + batch.bodies_length, "}");
	result = PQexecPrepared(connection, "record", 3, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail("record answers", PQerrorMessage(connection));
	PQclear(result);
	clear_batch();
}

static void
append_quoted(char *text, size_t *length, const char *value)
{
	text[(*length)++] = '"';
	for (; *value != '\0'; value++)
	{
		if (*value == '"' || *value == '\\')
			text[(*length)++] = '\\';
		text[(*length)++] = *value;
	}
	text[(*length)++] = '"';
}

static void
add_to_batch(const Call *call, long http_status)
{
	char		separator = batch.count == 0 ? '{' : ',';

	batch.ids_length += (size_t) sprintf(batch.ids + batch.ids_length, "%c%ld", separator, call->call_id);
	batch.statuses_length += (size_t) sprintf(batch.statuses + batch.statuses_length, "%c%ld", separator, http_status);
	batch.bodies[batch.bodies_length++] = separator;
	append_quoted(batch.bodies, &batch.bodies_length, call->body);
	if (++batch.count == batch_size)
		record_batch();
}

static size_t
receive_body(char *bytes, size_t size, size_t count, void *userdata)
{
	Call	   *call = userdata;

	if (call->body_length + size * count > MAX_BODY)
		return 0;
	memcpy(call->body + call->body_length, bytes, size * count);
	call->body_length += size * count;
	call->body[call->body_length] = '\0';
	return size * count;
}

/* libcurl tells which sockets to watch, and for what. */
static int
watch_socket(CURL *easy, curl_socket_t socket, int what, void *userdata, void *is_watched)
{
	struct epoll_event event = {.data.fd = socket};

	(void) easy;
	(void) userdata;
	if (what == CURL_POLL_REMOVE)
		return epoll_ctl(epoll_fd, EPOLL_CTL_DEL, socket, NULL), 0;
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(epoll_fd, is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) != 0)
		return -1;
	curl_multi_assign(multi, socket, &epoll_fd);
	return 0;
}

static int
set_timeout(CURLM *handle, long milliseconds, void *userdata)
{
	(void) handle;
	(void) userdata;
	timeout_ms = milliseconds;
	return 0;
}

static void
start_call(Call *call)
{
	char		document[64];

	call->call_id = started_count++;
	call->body_length = 0;
	snprintf(document, sizeof(document), "{\"call\":%ld}", call->call_id);
	curl_easy_setopt(call->easy, CURLOPT_COPYPOSTFIELDS, document);
	if (curl_multi_add_handle(multi, call->easy) != CURLM_OK)
		fail("start a call", url);
}

static void
open_call(Call *call)
{
	call->easy = curl_easy_init();
	curl_easy_setopt(call->easy, CURLOPT_URL, url);
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, receive_body);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, 30000L);
	curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
	start_call(call);
}

static void
open_multi(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	headers = curl_slist_append(NULL, "Content-Type: application/json");
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long) in_flight);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timeout);
	for (int i = 0; i < in_flight && started_count < call_count; i++)
		open_call((Call *) allocate(sizeof(Call)));
}

static void
take_answers(void)
{
	CURLMsg    *message;
	int			left;

	while ((message = curl_multi_info_read(multi, &left)) != NULL)
	{
		CURLcode	result = message->data.result;
		CURL	   *easy = message->easy_handle;
		long		http_status;
		Call	   *call;

		if (result != CURLE_OK)
			fail("make a call", curl_easy_strerror(result));
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http_status);
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **) &call);
		curl_multi_remove_handle(multi, easy);
		answered_count++;
		add_to_batch(call, http_status);
		if (started_count < call_count)
			start_call(call);
	}
}

static void
make_calls(void)
{
	struct epoll_event events[MAX_EVENTS];
	int			running;

	while (answered_count < call_count)
	{
		int			count = epoll_wait(epoll_fd, events, MAX_EVENTS, (int) timeout_ms);

		for (int i = 0; i < count; i++)
		{
			int			what = (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
				(events[i].events & ~(uint32_t) EPOLLOUT ? CURL_CSELECT_IN : 0);

			curl_multi_socket_action(multi, events[i].data.fd, what, &running);
		}
		/* what was just added starts by a timer too, so it is due each time */
		curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
		take_answers();
	}
	record_batch();
}

static double
now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	double		start;

	if (argc != 6)
	{
		fprintf(stderr, "usage: curl_ceiling URL CONNINFO CALLS IN_FLIGHT BATCH_SIZE\n");
		return 2;
	}
	url = argv[1];
	call_count = strtol(argv[3], NULL, 10);
	in_flight = (int) strtol(argv[4], NULL, 10);
	batch_size = (int) strtol(argv[5], NULL, 10);
	if (call_count < 1 || in_flight < 1 || batch_size < 1)
		fail("start", "the numbers must be positive");

	batch.ids = allocate((size_t) batch_size * ROW_BYTES);
	batch.statuses = allocate((size_t) batch_size * ROW_BYTES);
	batch.bodies = allocate((size_t) batch_size * ROW_BYTES);
	open_database(argv[2]);
	start = now_seconds();
	open_multi();
	make_calls();
	printf("result\tlibcurl + libpq loop\t%.0f\tcalls/s\n", (double) call_count / (now_seconds() - start));
	PQfinish(connection);
	return 0;
}
