/*
 * http_hosts.h
 *		Lists of hosts: the settings provision.allowed_hosts and
 *		provision.webhook_allowed_hosts.
 *
 * Separated by commas: a name, "*." and a name for everything below it, an
 * address, or a network as 10.0.0.0/8; with ":" and a port behind it, but for
 * networks, only that port. An address of IPv6 stands in brackets when a port
 * follows.
 *
 * Nothing here knows PostgreSQL or libcurl, and nothing needs memory.
 */
#ifndef PROVISION_HTTP_HOSTS_H
#define PROVISION_HTTP_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

/* The longest name of RFC 1035, and a NUL. */
#define HTTP_HOST_SIZE 254

/*
 * Whether a list can be read; if not, *wrong and *length are the entry that
 * cannot.
 */
extern bool provision_http_hosts_check(const char *list, const char **wrong, size_t *length);

/*
 * Whether a list names a host, which is a name or an address without
 * brackets. An empty list (or NULL) names every host.
 */
extern bool provision_http_hosts_allow(const char *list, const char *host, int port);

/*
 * Why something cannot be the host of a URL, as words that follow "it"; NULL:
 * it can. A host has one way to be written, so that what is compared is what is
 * called: an ASCII name, or an address as inet_ntop() writes it or nearly so.
 */
extern const char *provision_http_hosts_refusal(const char *host);

#endif							/* PROVISION_HTTP_HOSTS_H */
