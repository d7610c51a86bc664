/*
 * hostile.c
 *		The hostile server as a child of the test, and calls made to it.
 */
#include "hostile.h"
#include "tap.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static bool
note_port(const char *name, const char *value)
{
	const struct
	{
		const char *name;
		int		   *port;
	}			ports[] = {
		{"plain", &hostile.plain}, {"plain_v6", &hostile.plain_v6},
		{"full", &hostile.full}, {"tls", &hostile.tls},
		{"signed", &hostile.signed_by_authority},
		{"expired", &hostile.expired}, {"wrong_host", &hostile.wrong_host},
		{"old_tls", &hostile.old_tls},
		{"client_certificate", &hostile.client_certificate},
		{"client_certificate_later", &hostile.client_certificate_later},
		{"broken_tls", &hostile.broken_tls},
		{"silent_tls", &hostile.silent_tls}, {"http2", &hostile.http2},
	};
	size_t		i;

	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
	{
		if (strcmp(ports[i].name, name) != 0)
			continue;
		*ports[i].port = atoi(value);
		return true;
	}
	return false;
}

static bool
note_file(const char *name, const char *value)
{
	char	   *file = strcmp(name, "ca_file") == 0 ? hostile.ca_file :
		strcmp(name, "wrong_ca_file") == 0 ? hostile.wrong_ca_file :
		strcmp(name, "authority_file") == 0 ? hostile.authority_file :
		strcmp(name, "folder") == 0 ? hostile.folder : NULL;

	if (file != NULL)
		snprintf(file, sizeof(hostile.ca_file), "%s", value);
	return file != NULL;
}

static void
read_places(int output)
{
	FILE	   *stream = fdopen(output, "r");
	char		name[50];
	char		value[200];

	while (stream != NULL && fscanf(stream, "%49s", name) == 1)
	{
		if (strcmp(name, "ready") == 0)
		{
			fclose(stream);
			return;
		}
		if (fscanf(stream, "%199s", value) != 1 ||
			(!note_port(name, value) && !note_file(name, value)))
			break;
	}
	give_up("the hostile server did not start");
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
	read_places(from_server[0]);
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
		.timeout_ms = tap_is_slow() ? 50000 : 5000,
		.connect_timeout_ms = tap_is_slow() ? 50000 : 0
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
