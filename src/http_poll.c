/*
 * http_poll.c
 *		The set of libcurl's sockets: one epoll (kqueue) descriptor, which can
 *		itself be waited for.
 */
#include "http_poll.h"

#include <errno.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#else
#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>
#endif

static int	descriptor = -1;

#ifdef __linux__

static int
open_descriptor(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

bool
provision_http_poll_watch(curl_socket_t socket_number, int what)
{
	struct epoll_event event = {.data.fd = socket_number};

	if (what == CURL_POLL_REMOVE)
	{
		/* It may be closed already, and thereby forgotten. */
		epoll_ctl(descriptor, EPOLL_CTL_DEL, socket_number, &event);
		return true;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	if (epoll_ctl(descriptor, EPOLL_CTL_ADD, socket_number,
				  &event) == 0)
		return true;
	return errno == EEXIST &&
		epoll_ctl(descriptor, EPOLL_CTL_MOD, socket_number,
				  &event) == 0;
}

int
provision_http_poll_take(HttpReadySocket *ready)
{
	struct epoll_event events[HTTP_READY_BATCH];
	int			count = epoll_wait(descriptor, events, HTTP_READY_BATCH, 0);
	int			i;

	for (i = 0; i < count; i++)
	{
		ready[i].socket_number = events[i].data.fd;
		ready[i].events = 0;
		if (events[i].events & (EPOLLIN | EPOLLHUP))
			ready[i].events |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			ready[i].events |= CURL_CSELECT_OUT;
		if (events[i].events & EPOLLERR)
			ready[i].events |= CURL_CSELECT_ERR;
	}
	return count;
}

#else

static int
open_descriptor(void)
{
	return kqueue();
}

static bool
watch_direction(curl_socket_t socket_number, int filter, bool wanted)
{
	struct kevent change;

	EV_SET(&change, socket_number, filter, wanted ? EV_ADD : EV_DELETE,
		   0, 0, NULL);
	return kevent(descriptor, &change, 1, NULL, 0, NULL) == 0 ||
		!wanted;
}

bool
provision_http_poll_watch(curl_socket_t socket_number, int what)
{
	bool		removed = what == CURL_POLL_REMOVE;
	bool		reading = !removed && (what & CURL_POLL_IN);
	bool		writing = !removed && (what & CURL_POLL_OUT);

	return watch_direction(socket_number, EVFILT_READ, reading) &&
		watch_direction(socket_number, EVFILT_WRITE, writing);
}

int
provision_http_poll_take(HttpReadySocket *ready)
{
	struct kevent events[HTTP_READY_BATCH];
	struct timespec at_once = {0, 0};
	int			count = kevent(descriptor, NULL, 0,
							   events, HTTP_READY_BATCH, &at_once);
	int			i;

	for (i = 0; i < count; i++)
	{
		ready[i].socket_number = (curl_socket_t) events[i].ident;
		ready[i].events = events[i].filter == EVFILT_READ ?
			CURL_CSELECT_IN : CURL_CSELECT_OUT;
	}
	return count;
}

#endif

bool
provision_http_poll_open(void)
{
	descriptor = open_descriptor();
	return descriptor >= 0;
}

void
provision_http_poll_close(void)
{
	if (descriptor >= 0)
		close(descriptor);
	descriptor = -1;
}

int
provision_http_poll_descriptor(void)
{
	return descriptor;
}
