/*
 * test_http_redirect.c
 *		A redirect is an answer: told, never followed, and no credentials go
 *		where it points.
 */
#include <stdio.h>
#include <string.h>

#include "hostile.h"
#include "tap.h"

typedef struct RedirectCase
{
	const char *path;
	const char *location;		/* a format for the port; NULL: none is told */
} RedirectCase;

static const RedirectCase cases[] = {
	{"/redirect", "http://127.0.0.1:%d/ok?redirected"},
	{"/redirect-loop", "http://127.0.0.1:%d/redirect-loop"},
	{"/redirect-to?http://localhost:%d/ok?redirected",
	"http://localhost:%d/ok?redirected"},
	{"/redirect-to?http://169.254.169.254/latest/meta-data/",
	"http://169.254.169.254/latest/meta-data/"},
	{"/redirect-to?http://user:password@localhost:%d/ok?redirected",
	"http://user:password@localhost:%d/ok?redirected"},
	{"/redirect-to?http://127.0.0.1:1/ok?redirected",
	"http://127.0.0.1:1/ok?redirected"},
	{"/redirect-to?https://127.0.0.1:%d/ok?redirected",
	"https://127.0.0.1:%d/ok?redirected"},
	{"/redirect-to?file:///etc/passwd", "file:///etc/passwd"},
	{"/redirect-to?//127.0.0.1:%d/ok?redirected",
	"http://127.0.0.1:%d/ok?redirected"},
	{"/ok", NULL},
};

static void
check(const RedirectCase *which, const char *method)
{
	char		path[200];
	char		location[200];
	HttpRequest request;
	HttpAnswer *answer;

	snprintf(path, sizeof(path), which->path, hostile.plain);
	snprintf(location, sizeof(location), which->location ? which->location : "", hostile.plain);
	request = hostile_request(method, path);
	request.authorization = "token key:secret";
	answer = hostile_call(&request);
	tap_ok(answer->delivery == DELIVERY_ANSWERED && answer->error == NULL &&
		   (answer->http_status / 100 == 3) == (which->location != NULL),
		   "%s %s is answered", method, path);
	tap_is_text(answer->location, which->location ? location : NULL,
				"%s %s tells where it points", method, path);
	provision_http_answer_free(answer);
}

/* Also over a kept connection a redirect to plain HTTP is not followed. */
static void
test_downgrade(void)
{
	HttpRequest request = hostile_request("POST", "");
	char		path[100];
	HttpAnswer *answer;

	snprintf(path, sizeof(path), "/redirect-to?http://127.0.0.1:%d/ok?redirected", hostile.plain);
	request.url = hostile_url_at("https", hostile.tls, path);
	request.ca_file = hostile.ca_file;
	request.authorization = "token key:secret";
	answer = hostile_call(&request);
	tap_is(answer->http_status, 301, "a redirect from https to http");
	provision_http_answer_free(answer);
}

/* A place that holds the credentials is cut after they were blanked: half of them is no longer recognised. */
static void
test_repeated_credentials(void)
{
	char		path[600] = "/redirect-to?http://127.0.0.1/";
	HttpRequest request;
	HttpAnswer *answer;

	memset(path + strlen(path), 'x', 360);
	strcat(path, "abcdefghijklmnopqrstuvwxyz");
	request = hostile_request("GET", path);
	request.authorization = "token key:abcdefghijklmnopqrstuvwxyz";
	answer = hostile_call(&request);
	tap_ok(answer->location != NULL && strstr(answer->location, "xxx***") != NULL, "credentials are blanked where the place is cut");
	provision_http_answer_free(answer);
}

/* Neither a cookie, nor another scheme or port, which an answer tells us to use from now on. */
static void
test_nothing_is_remembered(void)
{
	HttpRequest request = hostile_request("GET", "/set-cookie");
	HttpAnswer *answer = hostile_call(&request);

	tap_is(answer->http_status, 200, "an answer that wants to be remembered");
	provision_http_answer_free(answer);
	request = hostile_request("GET", "/echo");
	answer = hostile_call(&request);
	tap_ok(answer->http_status == 200 && strstr(answer->body, "ookie") == NULL, "the next request tells nothing of it");
	provision_http_answer_free(answer);
}

int
main(void)
{
	HttpLimits	limits = {0};
	size_t		i;

	hostile_start();
	if (!provision_http_client_open(&limits))
		return 1;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		check(&cases[i], "GET");
		check(&cases[i], "POST");
	}
	test_downgrade();
	test_repeated_credentials();
	test_nothing_is_remembered();
	tap_is(hostile_count("/ok?redirected"), 0, "nothing arrived where they point");
	tap_is(hostile_count("/redirect-loop"), 2, "a loop is not entered");
	provision_http_client_close();
	hostile_stop();
	return tap_done();
}
