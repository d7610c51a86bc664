/*
 * test_http_address.c
 *		Which addresses may be connected to, by whom: the borders of every
 *		special range, and IPv4 in all of its IPv6 disguises.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "http_address.h"
#include "tap.h"

typedef enum Answer
{
	ANYBODY,
	ENGINES,
	NOBODY
} Answer;

typedef struct AddressCase
{
	const char *text;
	Answer		who;
} AddressCase;

static const AddressCase cases[] = {
	{"1.1.1.1", ANYBODY}, {"9.255.255.255", ANYBODY}, {"11.0.0.0", ANYBODY},
	{"10.0.0.0", ENGINES}, {"10.255.255.255", ENGINES},
	{"172.15.255.255", ANYBODY}, {"172.16.0.0", ENGINES}, {"172.31.255.255", ENGINES}, {"172.32.0.0", ANYBODY},
	{"192.167.255.255", ANYBODY}, {"192.168.0.0", ENGINES}, {"192.168.255.255", ENGINES}, {"192.169.0.0", ANYBODY},
	{"100.63.255.255", ANYBODY}, {"100.64.0.0", ENGINES}, {"100.127.255.255", ENGINES}, {"100.128.0.0", ANYBODY},
	{"126.255.255.255", ANYBODY}, {"127.0.0.0", ENGINES}, {"127.255.255.255", ENGINES}, {"128.0.0.0", ANYBODY},
	{"0.0.0.0", NOBODY}, {"0.255.255.255", NOBODY}, {"1.0.0.0", ANYBODY},
	{"169.253.255.255", ANYBODY}, {"169.254.0.0", NOBODY}, {"169.254.169.254", NOBODY}, {"169.254.170.2", NOBODY},
	{"169.254.255.255", NOBODY}, {"169.255.0.0", ANYBODY},
	{"100.100.100.199", ENGINES}, {"100.100.100.200", NOBODY}, {"100.100.100.201", ENGINES},
	{"168.63.129.15", ANYBODY}, {"168.63.129.16", NOBODY}, {"168.63.129.17", ANYBODY},
	{"192.0.0.192", NOBODY}, {"192.0.0.8", ENGINES}, {"192.0.1.0", ANYBODY},
	{"192.0.2.1", ENGINES}, {"192.0.3.0", ANYBODY}, {"192.88.99.1", ENGINES},
	{"198.17.255.255", ANYBODY}, {"198.18.0.0", ENGINES}, {"198.19.255.255", ENGINES}, {"198.20.0.0", ANYBODY},
	{"198.51.100.7", ENGINES}, {"203.0.113.7", ENGINES}, {"203.0.114.0", ANYBODY},
	{"223.255.255.255", ANYBODY}, {"224.0.0.1", NOBODY}, {"239.255.255.255", NOBODY},
	{"240.0.0.0", ENGINES}, {"255.255.255.254", ENGINES}, {"255.255.255.255", NOBODY},

	{"::", NOBODY}, {"::1", ENGINES}, {"2606:4700:4700::1111", ANYBODY}, {"2a00:1450:4001:80f::200e", ANYBODY},
	{"1fff:ffff::1", ENGINES}, {"4000::1", ENGINES}, {"100::1", ENGINES}, {"5f00::1", ENGINES},
	{"2001:db8::1", ENGINES}, {"2001:db9::1", ANYBODY}, {"3fff::1", ENGINES}, {"3fff:1000::1", ANYBODY},
	{"2001:2::1", ENGINES}, {"2001:20::1", ENGINES}, {"2001:1ff::1", ENGINES}, {"2001:200::1", ANYBODY},
	{"fbff::1", ENGINES}, {"fc00::1", ENGINES}, {"fdff:ffff::1", ENGINES},
	{"fd00:ec2::254", NOBODY}, {"fd00:ec3::254", ENGINES}, {"fd20:ce::254", NOBODY}, {"fd00:c1::a9fe:a9fe", NOBODY}, {"fd00:42::42", NOBODY},
	{"fe7f::1", ENGINES}, {"fe80::1", NOBODY}, {"fe80::a9fe:a9fe", NOBODY}, {"febf:ffff::1", NOBODY}, {"fec0::1", ENGINES},
	{"ff02::1", NOBODY}, {"ff0e::1", NOBODY},

	{"2001::7f00:1", NOBODY},	/* Teredo: the server is 0.0.0.0 */
	{"2001:0:808:808::f7f7:f7f7", ANYBODY}, /* 8.8.8.8 and 8.8.8.8 */
	{"2001:0:808:808::5601:5601", NOBODY},	/* 169.254.169.254 is the client */
	{"2001:0:a9fe:a9fe::f7f7:f7f7", NOBODY},	/* and the server */
	{"2001:0:808:808::80ff:fffe", ENGINES}, /* 127.0.0.1 is the client */
	{"64:ff9b:1::a9fe:a9fe", NOBODY},	/* RFC 6052, a prefix of 96 bits */
	{"64:ff9b:1:a9fe:a9:fe00::", NOBODY},	/* of 48 bits */
	{"64:ff9b:1:a9:fe:a9fe::", NOBODY}, /* of 56 bits */
	{"64:ff9b:1:0:a9:fea9:fe00:0", NOBODY}, /* of 64 bits */
	{"64:ff9b:1::808:808", ENGINES}, {"64:ff9b:2::808:808", ENGINES},
};

static const char *
judge(const char *text, HttpPeer peer)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return provision_http_address_refusal((struct sockaddr *) &v4, peer);
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		return provision_http_address_refusal((struct sockaddr *) &v6, peer);
	return "no address";
}

static void
check(const char *text, Answer who)
{
	const char *to_engine = judge(text, HTTP_PEER_ENGINE);
	const char *to_callback = judge(text, HTTP_PEER_CALLBACK);
	Answer		got = to_engine != NULL ? NOBODY : to_callback != NULL ? ENGINES : ANYBODY;

	tap_ok(got == who, "%s: %s", text, to_callback ? to_callback : "open");
	tap_ok((to_engine == NULL) == (provision_http_address_text_refusal(text, HTTP_PEER_ENGINE) == NULL) &&
		   (to_callback == NULL) == (provision_http_address_text_refusal(text, HTTP_PEER_CALLBACK) == NULL),
		   "%s: as text", text);
}

/* An IPv4 address is not better for being inside of another. */
static void
check_disguises(const AddressCase *which)
{
	unsigned char a[4];
	char		text[100];

	if (inet_pton(AF_INET, which->text, a) != 1)
		return;
	snprintf(text, sizeof(text), "::ffff:%s", which->text);
	check(text, which->who);
	snprintf(text, sizeof(text), "::ffff:0:%s", which->text);
	check(text, which->who);
	snprintf(text, sizeof(text), "64:ff9b::%s", which->text);
	check(text, which->who);
	snprintf(text, sizeof(text), "2002:%x:%x::1", a[0] << 8 | a[1], a[2] << 8 | a[3]);
	check(text, which->who);
	snprintf(text, sizeof(text), "2001:0:%x:%x::f7f7:f7f7", a[0] << 8 | a[1], a[2] << 8 | a[3]);
	check(text, which->who);
	if (a[0] > 0)
	{
		snprintf(text, sizeof(text), "::%s", which->text);
		check(text, which->who);
		snprintf(text, sizeof(text), "64:ff9b:1::%s", which->text);
		check(text, which->who == ANYBODY ? ENGINES : which->who);
	}
}

static void
test_other_families(void)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};

	tap_ok(provision_http_address_refusal((struct sockaddr *) &local, HTTP_PEER_ENGINE) != NULL, "a socket in the file system");
	tap_ok(provision_http_address_text_refusal("erp.example.com", HTTP_PEER_CALLBACK) == NULL, "a name is no address");
	tap_ok(provision_http_address_text_refusal("0.0.0.0/0", HTTP_PEER_CALLBACK) == NULL, "nor is a network");
}

static void
test_networks(void)
{
	static const char *const bad[] = {
		"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.1/8", "10.0.0.0/008", "10.0.0.0/0x8", "10.0.0.0/8/8",
		"10.0.0", "010.0.0.1", "0x7f.0.0.1", "127.1", "2130706433", "::1/129", "::1/64", "fe80::1%lo", "[::1]", "1:2:3:4:5:6:7:8:9",
		"11111111111111111111111111111111111111111111111111111111111111111",
	};
	AddressRange range;
	AddressRange inner;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(!provision_http_address_parse(bad[i], &range), "\"%s\" is no network", bad[i]);
	tap_ok(provision_http_address_parse("10.0.0.0/8", &range) && provision_http_address_parse("10.255.0.1", &inner) &&
		   provision_http_address_holds(&range, &inner) && !provision_http_address_holds(&inner, &range), "a network holds its addresses");
	tap_ok(provision_http_address_parse("0.0.0.0/0", &range) && provision_http_address_holds(&range, &inner), "so does the largest");
	tap_ok(provision_http_address_parse("::/0", &range) && !provision_http_address_holds(&range, &inner), "but not those of another family");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		check(cases[i].text, cases[i].who);
		check_disguises(&cases[i]);
	}
	test_other_families();
	test_networks();
	return tap_done();
}
