/*
 * http_address.c
 *		Which addresses may be connected to.
 *
 * The ranges are those of IANA's registries of special addresses (RFC 6890)
 * and of multicast, and the addresses at which clouds give their secrets to
 * whoever asks from inside.
 */
#include "http_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* Which IPv4 address an IPv6 address carries. */
typedef enum Carried
{
	CARRIES_NONE,
	CARRIES_LAST,				/* in its last four bytes */
	CARRIES_SECOND,				/* behind its first two bytes */
	CARRIES_TEREDO,				/* a server's, and a client's that is inverted */
	CARRIES_SOMEWHERE			/* in any of the places of RFC 6052, 2.2 */
} Carried;

/* Whose calls may go there. */
typedef enum Audience
{
	ANYBODY_MAY,
	ENGINES_MAY,
	NOBODY_MAY
} Audience;

typedef struct SpecialRange
{
	const char *prefix;
	Audience	audience;
	Carried		carried;
	const char *words;			/* NULL: it is not special */
} SpecialRange;

#define METADATA "a metadata address of a cloud"

/* The first that fits counts. */
static const SpecialRange special_ranges[] = {
	{"168.63.129.16/32", NOBODY_MAY, CARRIES_NONE, METADATA},	/* Azure */
	{"100.100.100.200/32", NOBODY_MAY, CARRIES_NONE, METADATA},	/* Alibaba */
	{"192.0.0.192/32", NOBODY_MAY, CARRIES_NONE, METADATA},	/* Oracle */
	{"fd00:ec2::/32", NOBODY_MAY, CARRIES_NONE, METADATA},	/* Amazon: ::254 and its siblings */
	{"fd20:ce::254/128", NOBODY_MAY, CARRIES_NONE, METADATA},	/* Google */
	{"fd00:c1::a9fe:a9fe/128", NOBODY_MAY, CARRIES_NONE, METADATA},	/* Oracle */
	{"fd00:42::42/128", NOBODY_MAY, CARRIES_NONE, METADATA},	/* Scaleway */

	{"0.0.0.0/8", NOBODY_MAY, CARRIES_NONE, "an unspecified address"},	/* RFC 1122, 3.2.1.3 */
	{"10.0.0.0/8", ENGINES_MAY, CARRIES_NONE, "a private address"},	/* RFC 1918 */
	{"100.64.0.0/10", ENGINES_MAY, CARRIES_NONE, "a shared address"},	/* RFC 6598 */
	{"127.0.0.0/8", ENGINES_MAY, CARRIES_NONE, "a loopback address"},	/* RFC 1122, 3.2.1.3 */
	{"169.254.0.0/16", NOBODY_MAY, CARRIES_NONE, "a link-local address"},	/* RFC 3927; the metadata of most clouds */
	{"172.16.0.0/12", ENGINES_MAY, CARRIES_NONE, "a private address"},	/* RFC 1918 */
	{"192.0.0.0/24", ENGINES_MAY, CARRIES_NONE, "a reserved address"},	/* RFC 6890 */
	{"192.0.2.0/24", ENGINES_MAY, CARRIES_NONE, "an address for documentation"},	/* RFC 5737 */
	{"192.88.99.0/24", ENGINES_MAY, CARRIES_NONE, "a reserved address"},	/* RFC 7526 */
	{"192.168.0.0/16", ENGINES_MAY, CARRIES_NONE, "a private address"},	/* RFC 1918 */
	{"198.18.0.0/15", ENGINES_MAY, CARRIES_NONE, "an address for benchmarks"},	/* RFC 2544 */
	{"198.51.100.0/24", ENGINES_MAY, CARRIES_NONE, "an address for documentation"},	/* RFC 5737 */
	{"203.0.113.0/24", ENGINES_MAY, CARRIES_NONE, "an address for documentation"},	/* RFC 5737 */
	{"224.0.0.0/4", NOBODY_MAY, CARRIES_NONE, "a multicast address"},	/* RFC 5771 */
	{"255.255.255.255/32", NOBODY_MAY, CARRIES_NONE, "a broadcast address"},	/* RFC 919 */
	{"240.0.0.0/4", ENGINES_MAY, CARRIES_NONE, "a reserved address"},	/* RFC 1112 */
	{"0.0.0.0/0", ANYBODY_MAY, CARRIES_NONE, NULL},

	{"::/128", NOBODY_MAY, CARRIES_NONE, "an unspecified address"},	/* RFC 4291 */
	{"::1/128", ENGINES_MAY, CARRIES_NONE, "a loopback address"},	/* RFC 4291 */
	{"::ffff:0:0/96", ANYBODY_MAY, CARRIES_LAST, NULL},	/* IPv4-mapped, RFC 4291 */
	{"::ffff:0:0:0/96", ANYBODY_MAY, CARRIES_LAST, NULL},	/* IPv4-translated, RFC 7915 */
	{"::/96", ANYBODY_MAY, CARRIES_LAST, NULL},	/* IPv4-compatible, RFC 4291 */
	{"64:ff9b::/96", ANYBODY_MAY, CARRIES_LAST, NULL},	/* NAT64, RFC 6052 */
	{"64:ff9b:1::/48", ENGINES_MAY, CARRIES_SOMEWHERE, "a private address"},	/* NAT64, RFC 8215 */
	{"2002::/16", ANYBODY_MAY, CARRIES_SECOND, NULL},	/* 6to4, RFC 3056 */
	{"2001::/32", ANYBODY_MAY, CARRIES_TEREDO, NULL},	/* Teredo, RFC 4380 */
	{"2001:2::/48", ENGINES_MAY, CARRIES_NONE, "an address for benchmarks"},	/* RFC 5180 */
	{"2001::/23", ENGINES_MAY, CARRIES_NONE, "a reserved address"},	/* RFC 2928 */
	{"2001:db8::/32", ENGINES_MAY, CARRIES_NONE, "an address for documentation"},	/* RFC 3849 */
	{"3fff::/20", ENGINES_MAY, CARRIES_NONE, "an address for documentation"},	/* RFC 9637 */
	{"2000::/3", ANYBODY_MAY, CARRIES_NONE, NULL},	/* RFC 4291 */
	{"fc00::/7", ENGINES_MAY, CARRIES_NONE, "a private address"},	/* RFC 4193 */
	{"fe80::/10", NOBODY_MAY, CARRIES_NONE, "a link-local address"},	/* RFC 4291 */
	{"fec0::/10", ENGINES_MAY, CARRIES_NONE, "a private address"},	/* RFC 3879 */
	{"ff00::/8", NOBODY_MAY, CARRIES_NONE, "a multicast address"},	/* RFC 4291 */
	{"::/0", ENGINES_MAY, CARRIES_NONE, "a reserved address"},	/* RFC 4291: not given to anybody */
};

#define SPECIAL_COUNT (sizeof(special_ranges) / sizeof(special_ranges[0]))

/* Bits behind the prefix are those of hosts. */
static bool
has_host_bits(const AddressRange *range)
{
	int			size = range->family == AF_INET ? 4 : 16;

	for (int bit = range->bits; bit < size * 8; bit++)
		if (range->bytes[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

/* "/bits" behind an address; false when that is no number of a prefix. */
static bool
read_bits(const char *text, AddressRange *range)
{
	size_t		digits = strspn(text + 1, "0123456789");

	if (digits == 0 || digits > 3 || (text[1] == '0' && digits > 1) || text[1 + digits] != '\0' || atoi(text + 1) > range->bits)
		return false;
	range->bits = atoi(text + 1);
	return !has_host_bits(range);
}

bool
provision_http_address_parse(const char *text, AddressRange *range)
{
	char		address[INET6_ADDRSTRLEN];
	size_t		length = strcspn(text, "/");

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	memset(range, 0, sizeof(*range));
	range->family = strchr(address, ':') == NULL ? AF_INET : AF_INET6;
	range->bits = range->family == AF_INET ? 32 : 128;
	return inet_pton(range->family, address, range->bytes) == 1 &&
		(text[length] == '\0' || read_bits(text + length, range));
}

bool
provision_http_address_holds(const AddressRange *range, const AddressRange *inner)
{
	if (range->family != inner->family || range->bits > inner->bits)
		return false;
	for (int bit = 0; bit < range->bits; bit++)
		if ((range->bytes[bit / 8] ^ inner->bytes[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

/* Read once: connections are made often. */
static const AddressRange *
special_prefixes(void)
{
	static AddressRange prefixes[SPECIAL_COUNT];
	static bool are_read = false;

	for (size_t i = 0; i < SPECIAL_COUNT && !are_read; i++)
		if (!provision_http_address_parse(special_ranges[i].prefix, &prefixes[i]))
			prefixes[i].family = -1;
	are_read = true;
	return prefixes;
}

static const SpecialRange *
special_range_of(const AddressRange *address)
{
	const AddressRange *prefixes = special_prefixes();

	for (size_t i = 0; i < SPECIAL_COUNT; i++)
		if (provision_http_address_holds(&prefixes[i], address))
			return &special_ranges[i];
	return NULL;
}

static const char *
refusal_of_range(const SpecialRange *range, HttpPeer peer)
{
	if (range == NULL)
		return "of no kind that is known";
	if (range->audience == ANYBODY_MAY || (range->audience == ENGINES_MAY && peer == HTTP_PEER_ENGINE))
		return NULL;
	return range->words;
}

static const char *
refusal_of_carried(const unsigned char *bytes, const unsigned char places[4], unsigned char inverted, HttpPeer peer)
{
	AddressRange carried = {.family = AF_INET, .bits = 32};

	for (int i = 0; i < 4; i++)
		carried.bytes[i] = bytes[places[i]] ^ inverted;
	return refusal_of_range(special_range_of(&carried), peer);
}

/*
 * Each place where a translator may look for the IPv4 address. Zeros there are
 * what is left of another place.
 */
static const char *
refusal_of_any_carried(const unsigned char *bytes, HttpPeer peer)
{
	static const unsigned char places[][4] = {{6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}, {12, 13, 14, 15}};
	const char *refusal = NULL;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && refusal == NULL; i++)
		if (bytes[places[i][0]] != 0)
			refusal = refusal_of_carried(bytes, places[i], 0, peer);
	return refusal;
}

static const char *
refusal_inside(const unsigned char *bytes, Carried carried, HttpPeer peer)
{
	static const unsigned char last[] = {12, 13, 14, 15};
	static const unsigned char second[] = {2, 3, 4, 5};
	static const unsigned char teredo_server[] = {4, 5, 6, 7};
	const char *refusal = NULL;

	switch (carried)
	{
		case CARRIES_NONE:
			break;
		case CARRIES_LAST:
			return refusal_of_carried(bytes, last, 0, peer);
		case CARRIES_SECOND:
			return refusal_of_carried(bytes, second, 0, peer);
		case CARRIES_TEREDO:
			refusal = refusal_of_carried(bytes, teredo_server, 0, peer);
			return refusal != NULL ? refusal : refusal_of_carried(bytes, last, 0xff, peer);
		case CARRIES_SOMEWHERE:
			return refusal_of_any_carried(bytes, peer);
	}
	return NULL;
}

static const char *
refusal_of(const AddressRange *address, HttpPeer peer)
{
	const SpecialRange *range = special_range_of(address);
	const char *refusal = refusal_of_range(range, peer);

	if (refusal != NULL || range == NULL)
		return refusal;
	return refusal_inside(address->bytes, range->carried, peer);
}

const char *
provision_http_address_refusal(const struct sockaddr *address, HttpPeer peer)
{
	AddressRange judged = {.family = address->sa_family};

	if (address->sa_family == AF_INET)
	{
		judged.bits = 32;
		memcpy(judged.bytes, &((const struct sockaddr_in *) address)->sin_addr, 4);
	}
	else if (address->sa_family == AF_INET6)
	{
		judged.bits = 128;
		memcpy(judged.bytes, &((const struct sockaddr_in6 *) address)->sin6_addr, 16);
	}
	return refusal_of(&judged, peer);
}

const char *
provision_http_address_text_refusal(const char *text, HttpPeer peer)
{
	AddressRange address;

	if (strchr(text, '/') != NULL || !provision_http_address_parse(text, &address))
		return NULL;
	return refusal_of(&address, peer);
}
