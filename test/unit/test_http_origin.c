/*
 * test_http_origin.c
 *		Whatever a path is made of, a request goes to the server of the base
 *		URL, below its path, or nowhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "hostile.h"
#include "http_origin.h"
#include "tap.h"

#define RANDOM_PATHS 20000

/* Pieces that have fooled readers of URLs. */
static const char *const pieces[] = {
	"/", "//", "///", "\\", "/\\", "@", "@evil.test", ":80", ":0", ":", "#", "?", "&", ";", "/.", "/..", "/../", "/..;/", "/.%2e/", "/%2e%2e/", "/%2E.",
	"%2f", "%5c", "%00", "%0d%0a", "\r\n", "\n", "\t", " ", "http://evil.test", "https://evil.test/", "//evil.test/", "evil.test", ".evil.test", "a", "api",
	"resource", "[::1]", "]", "[", "%", "%%", "\xc3\xa9", "\xef\xbc\x8f", "\xe2\x80\xa8", "..", ".", "~", "|", "^", "`", "{", "}", "<", ">", "\"", "'",
	"=", "+", ",", "$", "!", "*", "(", "%40evil.test", "\x7f", "\x01", "user:password@", "localhost", "169.254.169.254", "0x7f.1",
};

static const char *const bases[] = {
	"https://erp.example.com", "https://erp.example.com:8443", "http://127.0.0.1:8000", "http://[::1]:8000/erp", "https://erp.example.com/a/b", "https://erp",
};

typedef struct OriginCase
{
	const char *base_url;
	const char *url;
	bool		is_allowed;
} OriginCase;

static const OriginCase cases[] = {
	{"https://erp.test", "https://erp.test/api", true},
	{"https://erp.test", "https://ERP.test:443/api?a=b/../c", true},
	{"https://erp.test", "https://erp.test", true},
	{"https://erp.test/a", "https://erp.test/a", true},
	{"https://erp.test/a", "https://erp.test/a/b//c;d,e@f:g!h", true},
	{"https://erp.test", "https://erp.test/...", true},
	{"https://erp.test", "https://erp.test/a..b/.c", true},
	{"https://erp.test", "https://erp.test//evil.test/", true}, /* a path of ours, however odd */
	{"https://erp.test", "http://erp.test/api", false},
	{"https://erp.test", "https://erp.test:8443/api", false},
	{"https://erp.test", "https://erp.test.evil.test/api", false},
	{"https://erp.test", "https://erp.test@evil.test/api", false},
	{"https://erp.test", "https://user@erp.test/api", false},
	{"https://erp.test", "https://user:password@erp.test/api", false},
	{"https://erp.test", "https://@erp.test/api", false},
	{"https://erp.test", "https://erp.test#@evil.test/api", false},
	{"https://erp.test", "https://erp.test\\@evil.test/api", false},
	{"https://erp.test", "https://erp.test/api#fragment", false},
	{"https://erp.test", "https://erp.test/a\\b", false},
	{"https://erp.test", "https://erp.test/a b", false},
	{"https://erp.test", "https://erp.test/a\r\nHost: evil.test", false},
	{"https://erp.test", "https://erp.test/caf\xc3\xa9", false},
	{"https://erp.test", "https://erp.test?x", false},
	{"https://erp.test", "https://erp.test/../api", false},
	{"https://erp.test", "https://erp.test/a/..", false},
	{"https://erp.test", "https://erp.test/a/.?x", false},
	{"https://erp.test", "https://erp.test/a/%2e%2E/b", false},
	{"https://erp.test", "https://erp.test/a/..;x/b", false},
	{"https://erp.test/a", "https://erp.test/b", false},
	{"https://erp.test/a", "https://erp.test/ab", false},
	{"https://erp.test/a", "https://erp.test/a?x", false},
	{"https://erp.test", "ftp://erp.test/api", false},
	{"https://erp.test", "file:///etc/passwd", false},
	{"https://erp.test", "//erp.test/api", false},
	{"https://erp.test", "", false},
	{"http://127.0.0.1", "http://0x7f.1/", false},
	{"http://127.0.0.1", "http://2130706433/", false},
	{"http://127.0.0.1", "http://%31%32%37.0.0.1/", false},
	{"http://127.0.0.1", "http://\xe2\x91\xa0" "27.0.0.1/", false},
	{"http://[::1]", "http://[0:0::1]/", false},
	{"http://[fe80::1]", "http://[fe80::1%25lo]/", false},
	{"http://127.0.0.1:99999", "http://127.0.0.1:99999/", false},
	{NULL, "https://erp.test/api", true},
	{NULL, "https://user@erp.test/api", false},
	{NULL, "https:///api", false},
	{NULL, "https://", false},
};

static void
test_cases(void)
{
	HttpOrigin	origin;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *refusal = provision_http_origin_refusal(cases[i].base_url, cases[i].url, &origin);

		tap_ok((refusal == NULL) == cases[i].is_allowed, "%s for %s: %s", cases[i].url, cases[i].base_url ? cases[i].base_url : "itself",
			   refusal ? refusal : "may be called");
	}
}

/* What libcurl would do with it, by itself. */
static bool
leads_to(const char *base_url, const char *url)
{
	static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
	CURLU	   *base = curl_url();
	CURLU	   *whole = curl_url();
	char	   *path = NULL;
	char	   *base_path = NULL;
	bool		is_same = curl_url_set(base, CURLUPART_URL, base_url, 0) == CURLUE_OK && curl_url_set(whole, CURLUPART_URL, url, 0) == CURLUE_OK;

	for (int i = 0; i < 3 && is_same; i++)
	{
		char	   *one = NULL;
		char	   *other = NULL;

		curl_url_get(base, parts[i], &one, CURLU_DEFAULT_PORT);
		curl_url_get(whole, parts[i], &other, CURLU_DEFAULT_PORT);
		is_same = one != NULL && other != NULL && strcmp(one, other) == 0;
		curl_free(one);
		curl_free(other);
	}
	curl_url_get(base, CURLUPART_PATH, &base_path, 0);
	curl_url_get(whole, CURLUPART_PATH, &path, 0);
	if (is_same && strcmp(base_path, "/") != 0)
		is_same = strncmp(base_path, path, strlen(base_path)) == 0;
	curl_free(path);
	curl_free(base_path);
	curl_url_cleanup(base);
	curl_url_cleanup(whole);
	return is_same;
}

static void
make_url(char *url, size_t size, const char *base_url)
{
	int			count = 1 + rand() % 6;

	snprintf(url, size, "%s%s", base_url, rand() % 4 == 0 ? "" : "/");
	while (count-- > 0)
		strncat(url, pieces[(size_t) rand() % (sizeof(pieces) / sizeof(pieces[0]))], size - strlen(url) - 1);
}

static void
test_random_paths(void)
{
	int			allowed_count = 0;
	char		url[500];
	HttpOrigin	origin;

	srand(7);
	for (int i = 0; i < RANDOM_PATHS; i++)
	{
		const char *base_url = bases[(size_t) rand() % (sizeof(bases) / sizeof(bases[0]))];

		make_url(url, sizeof(url), base_url);
		if (provision_http_origin_refusal(base_url, url, &origin) != NULL)
			continue;
		allowed_count++;
		if (leads_to(base_url, url))
			continue;
		tap_ok(false, "%s leads away from %s", url, base_url);
		return;
	}
	tap_ok(allowed_count > RANDOM_PATHS / 100 && allowed_count < RANDOM_PATHS / 2, "of %d random paths %d are sent, all to the server of the base", RANDOM_PATHS, allowed_count);
}

/* Every byte, at the end of the origin, in the path and in the query. */
static void
test_every_byte(void)
{
	static const char *const places[] = {"http://127.0.0.1:8000%c/a", "http://127.0.0.1:8000/a%cb", "http://127.0.0.1:8000/a?b%cc"};
	char		url[100];
	HttpOrigin	origin;

	for (size_t place = 0; place < 3; place++)
	{
		bool		is_kept = true;

		for (int byte = 1; byte < 256; byte++)
		{
			snprintf(url, sizeof(url), places[place], byte);
			if (provision_http_origin_refusal("http://127.0.0.1:8000", url, &origin) != NULL)
				continue;
			is_kept = is_kept && byte > ' ' && byte < 0x7f && byte != '\\' && byte != '#' && leads_to("http://127.0.0.1:8000", url);
		}
		tap_ok(is_kept, "every byte in %s", places[place]);
	}
}

/* The client asks before it sends. */
static void
test_client(void)
{
	static const char *const paths[] = {"@127.0.0.1:%d/ok?injected", ".evil.test/ok?injected", "/a/../ok?injected", "/ok?injected#", "/ok?inje cted", "/ok?injected\\"};
	char		base_url[100];
	char		url[300];

	snprintf(base_url, sizeof(base_url), "http://127.0.0.1:%d", hostile.plain);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
	{
		HttpRequest request = hostile_request("GET", "");
		char		path[100];
		HttpAnswer *answer;

		snprintf(path, sizeof(path), paths[i], hostile.plain);
		snprintf(url, sizeof(url), "%s%s", base_url, path);
		request.base_url = base_url;
		request.url = url;
		request.authorization = "token key:secret";
		answer = hostile_call(&request);
		tap_ok(answer->delivery == DELIVERY_NOT_SENT && answer->curl_code == 43, "%s: %s", path, answer->error ? answer->error : "sent");
		provision_http_answer_free(answer);
	}
	tap_is(hostile_count("/ok?injected"), 0, "nothing of that was sent");
}

static void
test_allowed_hosts(void)
{
	HttpLimits	limits = {.allowed_hosts = "erp.example.com, 10.0.0.0/8"};
	HttpRequest request = hostile_request("GET", "/ok?not-allowed");
	HttpAnswer *answer;

	tap_ok(provision_http_client_change_limits(&limits), "the list changes while the client is open");
	answer = hostile_call(&request);
	tap_ok(answer->delivery == DELIVERY_NOT_SENT && answer->curl_code == 1002, "a host that is not allowed: %s", answer->error ? answer->error : "sent");
	provision_http_answer_free(answer);
	limits.allowed_hosts = "127.0.0.1";
	tap_ok(provision_http_client_change_limits(&limits), "it changes again");
	tap_is(hostile_count("/ok?not-allowed"), 0, "now it is allowed, and nothing was sent before");
}

int
main(void)
{
	HttpLimits	limits = {0};

	test_cases();
	test_random_paths();
	test_every_byte();
	hostile_start();
	if (!provision_http_client_open(&limits))
		return 1;
	test_client();
	test_allowed_hosts();
	provision_http_client_close();
	hostile_stop();
	return tap_done();
}
