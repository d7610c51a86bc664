/*
 * hostile.c
 *		The hostile server as a child of the test, and calls made to it.
 */
#include "hostile.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER "test/unit/hostile_server.py"

/* Far beyond every timeout of a test. */
#define PATIENCE_MS 60000

HostilePorts hostile;

static pid_t server = -1;
static int	lifeline = -1;		/* the server ends when this is closed */

static void
give_up(const char *reason)
{
	printf("Bail out! %s\n", reason);
	exit(1);
}

static void
run_server(int input, int output)
{
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	execlp("python3", "python3", SERVER, (char *) NULL);
	_exit(127);
}

static void
read_ports(int output)
{
	FILE	   *stream = fdopen(output, "r");

	if (stream == NULL ||
		fscanf(stream, "%d %d %d %d %d %d %d %d %d %199s %199s",
			   &hostile.plain, &hostile.tls, &hostile.wrong_host,
			   &hostile.old_tls, &hostile.client_certificate,
			   &hostile.broken_tls, &hostile.silent_tls, &hostile.http2,
			   &hostile.full, hostile.ca_file, hostile.wrong_ca_file) != 11)
		give_up("the hostile server did not start");
	fclose(stream);
}

void
hostile_start(void)
{
	int			to_server[2];
	int			from_server[2];

	if (pipe(to_server) != 0 || pipe(from_server) != 0)
		give_up("no pipes");
	server = fork();
	if (server == 0)
	{
		close(to_server[1]);
		close(from_server[0]);
		run_server(to_server[0], from_server[1]);
	}
	close(to_server[0]);
	close(from_server[1]);
	lifeline = to_server[1];
	if (server < 0)
		give_up("no process for the hostile server");
	read_ports(from_server[0]);
}

void
hostile_stop(void)
{
	close(lifeline);
	waitpid(server, NULL, 0);
}

const char *
hostile_url_at(const char *scheme, int port, const char *path)
{
	static char urls[4][2000];
	static int	next = 0;
	char	   *url = urls[next++ % 4];

	snprintf(url, sizeof(urls[0]), "%s://127.0.0.1:%d%s", scheme, port, path);
	return url;
}

const char *
hostile_url(const char *path)
{
	return hostile_url_at("http", hostile.plain, path);
}

HttpRequest
hostile_request(const char *method, const char *path)
{
	static int64_t last_attempt_id = 0;
	HttpRequest request = {
		.attempt_id = ++last_attempt_id,
		.method = method,
		.url = hostile_url(path),
		.timeout_ms = 5000
	};

	return request;
}

HttpAnswer *
hostile_wait(void)
{
	HttpAnswer *answer;

	while ((answer = provision_http_client_next_answer()) == NULL)
	{
		struct pollfd ready = {
			.fd = provision_http_client_descriptor(),
			.events = POLLIN
		};
		long		timeout = provision_http_client_timeout_ms();

		if (poll(&ready, 1, timeout < 0 ? PATIENCE_MS : (int) timeout) == 0 &&
			timeout < 0)
			give_up("no answer came");
		provision_http_client_work();
	}
	return answer;
}

HttpAnswer *
hostile_call(const HttpRequest *request)
{
	if (!provision_http_client_send(request))
		give_up("no memory");
	return hostile_wait();
}

void
hostile_warm_up(const char *url, const char *ca_file)
{
	HttpRequest request = hostile_request("GET", "");
	HttpAnswer *answer;

	request.url = url;
	request.ca_file = ca_file;
	answer = hostile_call(&request);
	if (answer->delivery != DELIVERY_ANSWERED)
		give_up("the hostile server is not well");
	provision_http_answer_free(answer);
}

int
hostile_count(const char *target)
{
	char		path[300];
	HttpRequest request;
	HttpAnswer *answer;
	int			count;

	snprintf(path, sizeof(path), "/count?%s", target);
	request = hostile_request("GET", path);
	answer = hostile_call(&request);
	count = answer->body == NULL ? -1 : atoi(answer->body);
	provision_http_answer_free(answer);
	return count;
}
