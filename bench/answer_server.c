/*
 * answer_server.c - the HTTP server every contender of this benchmark calls.
 *
 * It answers each request with the same small JSON document after a fixed
 * delay (--delay-ms), cheaply enough never to be what is measured: one thread,
 * one read and one write per request, and one list of delayed answers, sorted
 * by itself because the delay is the same for all. GET /_count tells how many
 * requests arrived, and how many there were at once at most; --max-seconds ends the server by SIGALRM.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/param.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_HEADER_BYTES 8192
#define MAX_EVENTS 512

/* While an answer is DELAYED, what comes meanwhile stays in the input. */
typedef enum State {READING_HEADER, READING_BODY, DELAYED} State;

typedef struct Connection
{
	int			fd;
	State		state;
	bool		wants_count;
	uint64_t	due_at;			/* microseconds, monotonic; of the delayed answer */
	size_t		body_bytes_left;
	size_t		received;
	TAILQ_ENTRY(Connection) link;	/* in delayed, by due_at */
	char		input[MAX_HEADER_BYTES + 1];
} Connection;

static TAILQ_HEAD(, Connection) delayed = TAILQ_HEAD_INITIALIZER(delayed);
static int	epoll_fd;
static int	listen_fd;
static int	timer_fd;
static uint64_t delay_us = 5000;
static uint64_t request_count = 0;
static uint64_t at_once = 0;	/* requests that are being answered */
static uint64_t most_at_once = 0;

static void
fail(const char *what)
{
	fprintf(stderr, "answer_server: could not %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static void
watch(int fd, void *data)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP,.data.ptr = data};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		fail("watch a descriptor");
}

static void
close_connection(Connection *connection)
{
	if (connection->state == DELAYED)
	{
		TAILQ_REMOVE(&delayed, connection, link);
		at_once--;
	}
	close(connection->fd);
	free(connection);
}

/*
 * Returns false when the client is gone. One small answer at a time always fits
 * the socket's buffer, unless the client does not read: then it is gone too.
 */
static bool
write_answer(Connection *connection)
{
	char		body[64] = "{\"message\":\"pong\"}";
	char		answer[256];
	int			length;

	if (connection->wants_count)
		snprintf(body, sizeof(body), "{\"count\":%llu,\"most_at_once\":%llu}",
				 (unsigned long long) request_count, (unsigned long long) most_at_once);
	length = snprintf(answer, sizeof(answer),
					  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
					  strlen(body), body);
	return send(connection->fd, answer, (size_t) length, MSG_NOSIGNAL) == length;
}

/* Forgets the first bytes of the input, which always ends with a NUL byte. */
static void
consume(Connection *connection, size_t count)
{
	connection->received -= count;
	memmove(connection->input, connection->input + count, connection->received);
	connection->input[connection->received] = '\0';
}

/* Returns false when this is no request that can be answered. */
static bool
read_header(Connection *connection, char *end)
{
	const char *length;

	*end = '\0';
	if (strcasestr(connection->input, "\r\nTransfer-Encoding:") != NULL)
		return false;
	length = strcasestr(connection->input, "\r\nContent-Length:");
	connection->body_bytes_left = length != NULL ? strtoull(length + 17, NULL, 10) : 0;
	connection->wants_count = strncmp(connection->input, "GET /_count ", 12) == 0;
	consume(connection, (size_t) (end + 4 - connection->input));
	return true;
}

/* Goes as far as the bytes received allow; false when the connection ends. */
static bool
advance(Connection *connection)
{
	size_t		body_bytes;

	while (connection->state != DELAYED)
	{
		if (connection->state == READING_HEADER)
		{
			char	   *end = strstr(connection->input, "\r\n\r\n");

			if (end == NULL)
				return connection->received < MAX_HEADER_BYTES;
			if (!read_header(connection, end))
				return false;
			connection->state = READING_BODY;
		}

		body_bytes = MIN(connection->body_bytes_left, connection->received);
		consume(connection, body_bytes);
		connection->body_bytes_left -= body_bytes;
		if (connection->body_bytes_left > 0)
			return true;
		if (!connection->wants_count)
			request_count++;

		connection->state = delay_us > 0 && !connection->wants_count ? DELAYED : READING_HEADER;
		if (connection->state != DELAYED && !write_answer(connection))
			return false;
	}
	at_once++;
	most_at_once = MAX(most_at_once, at_once);
	connection->due_at = now_us() + delay_us;
	TAILQ_INSERT_TAIL(&delayed, connection, link);
	return true;
}

static void
receive(Connection *connection)
{
	size_t		room = MAX_HEADER_BYTES - connection->received;
	ssize_t		count = recv(connection->fd, connection->input + connection->received, room, 0);

	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	connection->received += count > 0 ? (size_t) count : 0;
	connection->input[connection->received] = '\0';
	if (count <= 0 || (connection->state != DELAYED && !advance(connection)))
		close_connection(connection);
}

static void
accept_connections(void)
{
	int			fd;

	while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
	{
		Connection *connection = calloc(1, sizeof(Connection));

		if (connection == NULL)
			fail("allocate a connection");
		connection->fd = fd;
		watch(fd, connection);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		fail("accept a connection");
}

static void
send_due_answers(void)
{
	uint64_t	now = now_us();
	Connection *connection;

	while ((connection = TAILQ_FIRST(&delayed)) != NULL && connection->due_at <= now)
	{
		TAILQ_REMOVE(&delayed, connection, link);
		at_once--;
		connection->state = READING_HEADER;
		if (!write_answer(connection) || !advance(connection))
			close_connection(connection);
	}
}

/* The timer shows when the next answer is due. Setting it also forgets that it rang. */
static void
set_timer(void)
{
	static uint64_t timer_at = 0;
	Connection *first = TAILQ_FIRST(&delayed);
	uint64_t	at = first != NULL ? first->due_at : 0;
	struct itimerspec spec = {0};

	if (at == timer_at)
		return;
	timer_at = at;
	spec.it_value.tv_sec = (time_t) (at / 1000000);
	spec.it_value.tv_nsec = (long) (at % 1000000) * 1000;
	if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0)
		fail("set the timer");
}

static void
serve_round(void)
{
	struct epoll_event events[MAX_EVENTS];
	int			count;

	set_timer();
	count = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);
	if (count < 0 && errno != EINTR)
		fail("wait");
	for (int i = 0; i < count; i++)
	{
		void	   *data = events[i].data.ptr;

		if (data == &listen_fd)
			accept_connections();
		else if (events[i].events & EPOLLRDHUP)
			close_connection(data); /* what nobody waits for any more does not count */
		else if (data != &timer_fd)
			receive(data);
	}
	/* after the events, since it may close a connection that has one */
	send_due_answers();
}

/* Prints the port, for whoever started this server to read. */
static void
open_descriptors(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t	length = sizeof(address);
	struct rlimit files;
	int			on = 1;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (epoll_fd < 0 || timer_fd < 0 || listen_fd < 0 ||
		bind(listen_fd, (struct sockaddr *) &address, length) != 0 ||
		setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
		listen(listen_fd, 4096) != 0 ||
		getsockname(listen_fd, (struct sockaddr *) &address, &length) != 0)
		fail("listen on 127.0.0.1");
	watch(listen_fd, &listen_fd);
	watch(timer_fd, &timer_fd);
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2)
	{
		if (i + 1 < argc && strcmp(argv[i], "--delay-ms") == 0)
			delay_us = (uint64_t) (strtod(argv[i + 1], NULL) * 1000);
		else if (i + 1 < argc && strcmp(argv[i], "--max-seconds") == 0)
			alarm((unsigned int) strtoul(argv[i + 1], NULL, 10));
		else
			return fprintf(stderr, "usage: answer_server [--delay-ms 5] [--max-seconds 0]\n"), 2;
	}
	open_descriptors();
	for (;;)
		serve_round();
}
