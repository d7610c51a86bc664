/*
 * test_http_floods.c
 *		Whatever a server sends, this process takes no more memory than the
 *		limits of its calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"
#include "tap.h"

#define MAX_BODY_SIZE (1024 * 1024)
#define MAX_HEADER_SIZE 20000
#define ROUNDS 3

/* For body, libcurl's buffers and decoders; a bomb is 64 MB. */
#define MAX_GROWTH_KB (20 * 1024)

static const char *const floods[] = {
	"/huge-body", "/endless-chunks", "/gzip-bomb", "/deflate-bomb",
	"/brotli-bomb", "/zstd-bomb", "/nested-gzip-bomb", "/huge-header",
	"/many-headers", "/many-short-headers?1000", "/many-encodings"
};

/* The most memory this process ever had, in kB; 0 where that is not told. */
static long
peak_memory(void)
{
	FILE	   *status = fopen("/proc/self/status", "r");
	char		line[200];
	long		peak = 0;

	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			peak = atol(line + 6);
	if (status != NULL)
		fclose(status);
	return peak;
}

static void
test_flood(const char *path)
{
	long		before = peak_memory();
	bool		is_bounded = true;
	char		end[200];
	int			i;

	for (i = 0; i < ROUNDS; i++)
	{
		HttpRequest request = hostile_request("GET", path);
		HttpAnswer *answer;

		request.timeout_ms = 30000;
		answer = hostile_call(&request);
		is_bounded = is_bounded && answer->body_length <= MAX_BODY_SIZE &&
			(answer->body_too_large || answer->delivery == DELIVERY_UNKNOWN);
		if (i == 0)
			snprintf(end, sizeof(end), "%s", answer->error ? answer->error : "cut");
		provision_http_answer_free(answer);
	}
	tap_ok(is_bounded, "%s: %s", path, end);
	/* valgrind and the sanitizers have memory of their own. */
	tap_ok(tap_is_slow() || peak_memory() - before <= MAX_GROWTH_KB,
		   "%s took %ld kB", path, peak_memory() - before);
}

int
main(void)
{
	HttpLimits	limits = {
		.max_body_size = MAX_BODY_SIZE,
		.max_header_size = MAX_HEADER_SIZE
	};
	size_t		i;

	hostile_start();
	if (!provision_http_client_open(&limits))
		return 1;
	hostile_warm_up(hostile_url("/ok"), NULL);
	for (i = 0; i < sizeof(floods) / sizeof(floods[0]); i++)
		test_flood(floods[i]);
	hostile_warm_up(hostile_url("/ok"), NULL);
	provision_http_client_close();
	hostile_stop();
	return tap_done();
}
