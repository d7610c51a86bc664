/*
 * http_address.h
 *		Which addresses may be connected to.
 *
 * Asked for the very address of a connection, when it is made and when it is
 * used again: what a name means may change between two looks at it.
 *
 * Nothing here knows PostgreSQL or libcurl.
 */
#ifndef PROVISION_HTTP_ADDRESS_H
#define PROVISION_HTTP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "http_request.h"

/* Addresses with this prefix: an IPv4 network has a family of its own. */
typedef struct AddressRange
{
	int			family;			/* AF_INET or AF_INET6 */
	unsigned char bytes[16];	/* of an IPv4 address the first four */
	int			bits;
} AddressRange;

/*
 * Why an address is refused, as words that follow "it is"; NULL: it is not.
 * An IPv6 address that carries an IPv4 address is judged by both.
 */
extern const char *provision_http_address_refusal(const struct sockaddr *address, HttpPeer peer);

/* The same for an address as text, without brackets; NULL also for what is no address. */
extern const char *provision_http_address_text_refusal(const char *text, HttpPeer peer);

/*
 * Reads an address, perhaps with "/bits" behind it; false when it is none, or
 * when bits that do not belong to the prefix are set.
 */
extern bool provision_http_address_parse(const char *text, AddressRange *range);

/* Whether the whole of the second is in the first. */
extern bool provision_http_address_holds(const AddressRange *range, const AddressRange *inner);

#endif							/* PROVISION_HTTP_ADDRESS_H */
