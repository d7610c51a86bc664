/*
 * wire.c
 *		A server that has answered before it is asked, within the process.
 */
#include "fuzz.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

static int	ours = -1;
static int	theirs = -1;

static curl_socket_t
take_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address)
{
	curl_socket_t taken = theirs;

	(void) userdata;
	(void) purpose;
	(void) address;
	theirs = -1;
	return taken == -1 ? CURL_SOCKET_BAD : taken;
}

/*
 * In place of the C library's, for libcurl too: its socket is connected, and
 * none of this process ever connects to anything else.
 */
int
connect(int socket_number, const struct sockaddr *address, socklen_t length)
{
	(void) socket_number;
	(void) address;
	(void) length;
	return 0;
}

bool
fuzz_wire_begin(void *easy, const uint8_t *answer, size_t length)
{
	/* Any host and port are this address, so that no name is looked up. */
	static struct curl_slist everything = {(char *) "::127.0.0.1:80", NULL};
	int			pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return false;
	ours = pair[0];
	theirs = pair[1];
	if (send(ours, answer, length, MSG_DONTWAIT) != (ssize_t) length || shutdown(ours, SHUT_WR) != 0)
	{
		fuzz_wire_end(NULL, 0);
		return false;
	}
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, &everything);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, take_socket);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	return true;
}

void
fuzz_wire_end(char *request, size_t size)
{
	size_t		used = 0;
	ssize_t		got;

	while (used + 1 < size && (got = recv(ours, request + used, size - used - 1, MSG_DONTWAIT)) > 0)
		used += (size_t) got;
	if (size > 0)
		request[used] = '\0';
	close(ours);
	if (theirs != -1)
		close(theirs);
	ours = theirs = -1;
}
