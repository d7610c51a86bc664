/*
 * http_hosts.c
 *		Lists of hosts: what they name, and what they cannot hold.
 */
#include "http_hosts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_address.h"

#define BLANKS " \t\r\n"
#define MAX_ENTRY_SIZE 300
#define MAX_PORT 65535
#define MAX_LABEL_SIZE 63

/* One entry of the list. */
typedef struct HostRule
{
	bool		is_address;
	AddressRange range;			/* of an address */
	bool		is_suffix;		/* the name begins with the point behind "*" */
	char		name[HTTP_HOST_SIZE + 1];	/* with that point */
	int			port;			/* 0: any */
} HostRule;

static bool
is_letter_or_digit(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
}

/* Whoever reads such a name as a number finds an address: "127.1", "0x7f.1", "2130706433". */
static bool
ends_in_number(const char *name)
{
	const char *label = strrchr(name, '.');

	label = label == NULL ? name : label + 1;
	if (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return strspn(label + 2, "0123456789abcdefABCDEF") == strlen(label + 2);
	return label[0] != '\0' && strspn(label, "0123456789") == strlen(label);
}

/* Letters, digits, hyphens, and the underscores that private names have; no empty label. */
static bool
is_name(const char *name)
{
	size_t		label_length = 0;

	if (strlen(name) >= HTTP_HOST_SIZE || name[0] == '\0')
		return false;
	for (; *name != '\0'; name++)
	{
		if (*name == '.' && label_length == 0)
			return false;
		if (*name != '.' && *name != '-' && *name != '_' && !is_letter_or_digit(*name))
			return false;
		label_length = *name == '.' ? 0 : label_length + 1;
		if (label_length > MAX_LABEL_SIZE)
			return false;
	}
	return label_length > 0;
}

const char *
provision_http_hosts_refusal(const char *host)
{
	AddressRange address;

	for (const char *byte = host; *byte != '\0'; byte++)
		if ((unsigned char) *byte >= 0x80)
			return "is not in ASCII; an international name is written as xn--...";
	if (strchr(host, '/') == NULL && provision_http_address_parse(host, &address))
		return NULL;
	if (strchr(host, ':') != NULL)
		return "is not an address of IPv6";
	if (ends_in_number(host))
		return "looks like an address of IPv4, which is written as four decimal numbers without leading zeros";
	return is_name(host) ? NULL : "is not a host name";
}

/* Takes ":port" off the end of an entry; false when it is no port. */
static bool
take_port(char *entry, int *port)
{
	char	   *colon = strrchr(entry, ':');

	*port = 0;
	if (colon == NULL || strchr(entry, '/') != NULL)
		return true;
	/* More than one colon are an address of IPv6, which has a port only behind its bracket. */
	if (strchr(entry, ':') != colon && colon[-1] != ']')
		return true;
	if (strlen(colon + 1) == 0 || strlen(colon + 1) > 5 || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	*port = atoi(colon + 1);
	*colon = '\0';
	return *port > 0 && *port <= MAX_PORT;
}

static void
take_brackets(char *entry)
{
	size_t		length = strlen(entry);

	if (length < 2 || entry[0] != '[' || entry[length - 1] != ']' || strchr(entry, ':') == NULL)
		return;
	memmove(entry, entry + 1, length - 2);
	entry[length - 2] = '\0';
}

/* A name may end with the point of the root, which nobody writes. */
static void
take_root(char *entry)
{
	size_t		length = strlen(entry);

	if (length > 1 && entry[length - 1] == '.')
		entry[length - 1] = '\0';
}

static bool
read_rule(const char *text, size_t length, HostRule *rule)
{
	char		entry[MAX_ENTRY_SIZE];
	const char *name = entry;

	memset(rule, 0, sizeof(*rule));
	if (length == 0 || length >= sizeof(entry))
		return false;
	memcpy(entry, text, length);
	entry[length] = '\0';
	if (!take_port(entry, &rule->port))
		return false;
	take_brackets(entry);
	rule->is_address = provision_http_address_parse(entry, &rule->range);
	if (rule->is_address)
		return true;
	take_root(entry);
	rule->is_suffix = strncmp(entry, "*.", 2) == 0;
	if (rule->is_suffix)
		name += 2;
	if (provision_http_hosts_refusal(name) != NULL)
		return false;
	strcpy(rule->name, rule->is_suffix ? name - 1 : name);
	return true;
}

/* The next entry without the blanks around it; false behind the last one. */
static bool
next_entry(const char **list, const char **entry, size_t *length)
{
	const char *end;

	if (*list == NULL)
		return false;
	end = *list + strcspn(*list, ",");
	*entry = *list + strspn(*list, BLANKS);
	*length = *entry < end ? (size_t) (end - *entry) : 0;
	while (*length > 0 && strchr(BLANKS, (*entry)[*length - 1]) != NULL)
		(*length)--;
	*list = *end == ',' ? end + 1 : NULL;
	return true;
}

bool
provision_http_hosts_check(const char *list, const char **wrong, size_t *length)
{
	HostRule	rule;

	if (list == NULL || list[0] == '\0')
		return true;
	while (next_entry(&list, wrong, length))
		if (!read_rule(*wrong, *length, &rule))
			return false;
	return true;
}

static bool
names_host(const HostRule *rule, const char *host)
{
	size_t		host_length = strlen(host);
	size_t		name_length = strlen(rule->name);

	if (!rule->is_suffix)
		return strcasecmp(rule->name, host) == 0;
	return host_length > name_length && strcasecmp(host + host_length - name_length, rule->name) == 0;
}

bool
provision_http_hosts_allow(const char *list, const char *host, int port)
{
	AddressRange address;
	HostRule	rule;
	const char *entry;
	size_t		length;
	bool		is_address = strchr(host, '/') == NULL && provision_http_address_parse(host, &address);

	if (list == NULL || list[0] == '\0')
		return true;
	while (next_entry(&list, &entry, &length))
	{
		if (!read_rule(entry, length, &rule) || (rule.port != 0 && rule.port != port) || rule.is_address != is_address)
			continue;
		if (is_address ? provision_http_address_holds(&rule.range, &address) : names_host(&rule, host))
			return true;
	}
	return false;
}
