/*
 * test_http_hosts.c
 *		The list of allowed hosts: what it names, and what cannot be in it.
 */
#include <stdio.h>
#include <string.h>

#include "http_hosts.h"
#include "tap.h"

typedef struct HostCase
{
	const char *list;
	const char *host;
	int			port;
	bool		is_allowed;
} HostCase;

static const HostCase cases[] = {
	{NULL, "anything.example", 443, true}, {"", "anything.example", 443, true},
	{"erp.example.com", "erp.example.com", 443, true}, {"erp.example.com", "erp.example.com", 8443, true},
	{"ERP.Example.com.", "erp.example.COM", 443, true},
	{"erp.example.com", "erp.example.com.evil.test", 443, false}, {"erp.example.com", "xerp.example.com", 443, false},
	{"erp.example.com", "example.com", 443, false}, {"erp.example.com", "", 443, false},
	{"erp.example.com:8443", "erp.example.com", 8443, true}, {"erp.example.com:8443", "erp.example.com", 443, false},
	{"*.example.com", "a.example.com", 443, true}, {"*.example.com", "a.b.example.com", 443, true},
	{"*.example.com", "example.com", 443, false}, {"*.example.com", "badexample.com", 443, false},
	{"*.example.com", ".example.com", 443, false}, {"*.example.com:81", "a.example.com", 80, false},
	{" a.test ,\n b.test\t", "b.test", 80, true}, {"a.test,b.test", "a.test,b.test", 80, false},
	{"a.test", "*", 80, false}, {"*.test", "127.0.0.1", 80, false},
	{"10.0.0.0/8", "10.1.2.3", 80, true}, {"10.0.0.0/8", "11.1.2.3", 80, false}, {"10.0.0.0/8", "10.example.com", 80, false},
	{"10.0.0.0/8", "::ffff:10.0.0.1", 80, false}, {"0.0.0.0/0", "erp.example.com", 80, false},
	{"127.0.0.1:8000", "127.0.0.1", 8000, true}, {"127.0.0.1:8000", "127.0.0.1", 8001, false}, {"127.0.0.1", "127.0.0.1", 1, true},
	{"fd00::/8", "fd12::1", 80, true}, {"fd00::/8", "fe12::1", 80, false}, {"::1", "::1", 80, true}, {"::1", "0:0::1", 80, true},
	{"[::1]:8000", "::1", 8000, true}, {"[::1]:8000", "::1", 8001, false}, {"[2001:db8::1]", "2001:db8::1", 9, true},
	{"2001:db8::1:80", "2001:db8::1", 80, false},	/* an address that ends with 80 */
};

static const char *const wrong_lists[] = {
	" ", ",", "a.test,", ",a.test", "a.test,,b.test", "a b.test", "*", "*.", "*.*.test", "a.*.test", "*a.test", "https://a.test", "a.test/x",
	"a.test:", "a.test:0", "a.test:65536", "a.test:x", "a.test:80:80", "a..test", ".test", "user@a.test", "\xc3\xa9.test", "10.0.0.0/33", "10.0.0.1/8",
	"10.0.0.0/8:80", "127.1", "0x7f.1", "2130706433", "017700000001", "[::1", "::1]", "[127.0.0.1]", "[a.test]", "[::1]x", "fe80::1%lo", "*.0x7f",
	":80", "[]:80", "[]",
	"a23456789012345678901234567890123456789012345678901234567890123456.test",
};

static const char *const wrong_hosts[] = {
	"", "127.1", "127.0.1", "0x7f.1", "0x7F000001", "2130706433", "0177.0.0.1", "127.0.0.01", "127.0.0.1.", "1.2.3.4.5", "256.1.1.1", "0x", "a.0x1",
	"a b", "a%31", "a@b", "a..b", ".a", "a.", "\xe2\x92\xb6.test", "::1%lo", "1::2::3", "a:b", "a,b", "*.test", "127.0.0.1/8",
};

/* The longest name that there can be has 253 letters. */
#define LABEL_61 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"
#define LABEL_63 LABEL_61 "jk"
#define LONGEST_NAME LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_61

int
main(void)
{
	const char *wrong;
	size_t		length;
	char		long_list[2000] = "";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const HostCase *given = &cases[i];

		tap_ok(provision_http_hosts_check(given->list, &wrong, &length), "\"%s\" can be read", given->list ? given->list : "");
		tap_ok(provision_http_hosts_allow(given->list, given->host, given->port) == given->is_allowed,
			   "\"%s\" %s %s, port %d", given->list ? given->list : "", given->is_allowed ? "names" : "does not name", given->host, given->port);
	}
	for (size_t i = 0; i < sizeof(wrong_lists) / sizeof(wrong_lists[0]); i++)
		tap_ok(!provision_http_hosts_check(wrong_lists[i], &wrong, &length), "\"%s\" cannot be read", wrong_lists[i]);
	tap_ok(!provision_http_hosts_check("a.test, x y ,b.test", &wrong, &length) && length == 3 && strncmp(wrong, "x y", 3) == 0, "the wrong entry is told");
	tap_ok(!provision_http_hosts_allow("x y", "a.test", 80), "a list that cannot be read names nobody");
	tap_ok(provision_http_hosts_check("*." LONGEST_NAME, &wrong, &length) && !provision_http_hosts_allow("*." LONGEST_NAME, LONGEST_NAME, 80),
		   "the longest suffix names nobody");
	tap_ok(provision_http_hosts_check(LONGEST_NAME, &wrong, &length) && provision_http_hosts_allow(LONGEST_NAME, LONGEST_NAME, 80),
		   "the longest name names itself");
	memset(long_list, 'a', sizeof(long_list) - 1);
	tap_ok(!provision_http_hosts_check(long_list, &wrong, &length), "nor can an endless name");
	tap_ok(provision_http_hosts_refusal(long_list) != NULL, "which is no host either");
	for (size_t i = 0; i < sizeof(wrong_hosts) / sizeof(wrong_hosts[0]); i++)
		tap_ok(provision_http_hosts_refusal(wrong_hosts[i]) != NULL, "\"%s\" is no host", wrong_hosts[i]);
	tap_ok(provision_http_hosts_refusal("xn--bcher-kva.example") == NULL && provision_http_hosts_refusal("erp_web") == NULL &&
		   provision_http_hosts_refusal("127.0.0.1") == NULL && provision_http_hosts_refusal("::ffff:127.0.0.1") == NULL &&
		   provision_http_hosts_refusal("3com.example") == NULL, "names and addresses are");
	return tap_done();
}
