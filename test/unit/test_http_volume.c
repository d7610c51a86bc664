/*
 * test_http_volume.c
 *		Ten thousand calls of every fate leave no descriptor and no memory
 *		behind.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hostile.h"
#include "tap.h"

#define CALLS_AT_ONCE 50

static int
count_descriptors(void)
{
	DIR		   *folder = opendir("/proc/self/fd");
	int			count = 0;

	if (folder == NULL)
		return -1;
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static long
resident_kilobytes(void)
{
	FILE	   *file = fopen("/proc/self/statm", "r");
	long		pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Mostly good, now and then a fate of another kind. */
static void
send_one(int number)
{
	static const char *const fates[] = {
		"/close-after-reading", "/reset-in-body", "/close-in-head",
		"/status?500", "/compressed", "/many-headers", "/garbage",
		"/exact-body?50000"
	};
	const char *path = number % 20 == 0 ?
		fates[number / 20 % (sizeof(fates) / sizeof(fates[0]))] : "/ok";
	HttpRequest request = hostile_request(number % 3 == 0 ? "POST" : "GET",
										  path);

	request.attempt_id = number;
	request.mutation = number % 3 == 0;
	request.authorization = "token key:secret";
	request.timeout_ms = 30000;
	if (number % 3 == 0)
		request.body = "{}";
	if (number % 3 == 0)
		request.body_length = 2;
	if (number % 97 == 0)
		request.url = "http://127.0.0.1:1/";
	provision_http_client_send(&request);
	if (number % 101 == 0)
		provision_http_client_cancel(number);
}

/* Every call has exactly one answer; the sum of their numbers proves it. */
static void
run_calls(int count)
{
	long		expected = (long) count * (count + 1) / 2;
	long		sum = 0;
	int			sent = 0;
	int			received = 0;

	while (received < count)
	{
		HttpAnswer *answer;

		while (sent < count && sent - received < CALLS_AT_ONCE)
			send_one(++sent);
		answer = hostile_wait();
		sum += answer->attempt_id;
		received++;
		provision_http_answer_free(answer);
	}
	tap_ok(sum == expected && provision_http_client_in_flight() == 0 &&
		   provision_http_client_next_answer() == NULL,
		   "%d calls, one answer each", count);
}

int
main(void)
{
	HttpLimits	limits = {.max_connections = CALLS_AT_ONCE};
	int			count = tap_is_slow() ? 1000 : 10000;
	int			descriptors;
	long		memory;

	hostile_start();
	descriptors = count_descriptors();
	if (!provision_http_client_open(&limits))
		return 1;
	run_calls(count / 4);
	memory = resident_kilobytes();
	run_calls(count);
	memory = resident_kilobytes() - memory;
	/* Sanitizers keep what was freed, and look for leaks themselves. */
	tap_ok(memory < 4096 || tap_is_slow(), "memory grew by %ld kB", memory);
	tap_ok(count_descriptors() <= descriptors + 2 * CALLS_AT_ONCE,
		   "descriptors stay bounded");
	provision_http_client_close();
	tap_is(count_descriptors(), descriptors, "no descriptor is left");
	hostile_stop();
	return tap_done();
}
