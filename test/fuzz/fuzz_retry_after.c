/*
 * fuzz_retry_after.c
 *		Retry-After and Date: within their bounds, and as libcurl reads them.
 */
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "fuzz.h"
#include "http_answer.h"

#define NOW INT64_C(1795318680)
#define DAY INT64_C(86400)

/* libcurl knows no centuries of two digits as the RFC has them, no year before 1583, and days that months do not have. */
static bool
is_date_of_libcurl(const char *value, int64_t seconds)
{
	return strchr(value, '-') != NULL || seconds < -INT64_C(12212553600) ||
		curl_getdate(value, NULL) == (time_t) seconds;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char	   *value = malloc(length + 1);
	int64_t		seconds = 0;
	int64_t		wait;

	memcpy(value, bytes, length);
	value[length] = '\0';
	wait = provision_http_retry_after_ms(value, NOW);
	fuzz_promise(wait >= -1 && wait <= DAY * 1000, "a pause is between nothing and a day");
	if (provision_http_date(value, NOW, &seconds))
	{
		int64_t		expected = seconds < NOW ? 0 : seconds - NOW > DAY ? DAY : seconds - NOW;

		fuzz_promise(wait == expected * 1000, "a date is a pause until then");
		fuzz_promise(is_date_of_libcurl(value, seconds), "libcurl reads the same date");
	}
	free(value);
	return 0;
}
