/*
 * test_http_date.c
 *		Retry-After in all its forms, and the dates of RFC 9110.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http_answer.h"
#include "tap.h"

/* Sun, 06 Nov 1994 08:49:37 GMT, the example of the RFC */
#define NOW INT64_C(784111777)
#define DAY_MS INT64_C(86400000)

typedef struct RetryCase
{
	const char *value;
	int64_t		expected;
} RetryCase;

static const RetryCase retry_cases[] = {
	{"0", 0},
	{"1", 1000},
	{"120", 120000},
	{"  30 \r\n", 30000},
	{"007", 7000},
	{"86400", DAY_MS},
	{"86401", DAY_MS},
	{"1000000000000", DAY_MS},
	{"99999999999999999999999999999999999999999999999", DAY_MS},
	{"-5", 0},
	{"-99999999999999999999999999999999999", 0},
	{"", -1},
	{" ", -1},
	{"-", -1},
	{"--5", -1},
	{"+5", -1},
	{"1.5", -1},
	{"1e3", -1},
	{"0x10", -1},
	{"5 seconds", -1},
	{"5, 6", -1},
	{"soon", -1},
	{"Sun, 06 Nov 1994 08:49:37 GMT", 0},
	{"Sun, 06 Nov 1994 08:50:37 GMT", 60000},
	{" Sun, 06 Nov 1994 08:50:37 GMT\r\n", 60000},
	{"Sun, 06 Nov 1994 08:48:37 GMT", 0},
	{"Sunday, 06-Nov-94 08:50:37 GMT", 60000},
	{"Sun Nov  6 08:50:37 1994", 60000},
	{"Sun Nov 06 08:50:37 1994", 60000},
	{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
	{"Wed, 31 Dec 1969 23:59:59 GMT", 0},
	{"Sat, 01 Jan 0001 00:00:00 GMT", 0},
	{"Fri, 31 Dec 9999 23:59:59 GMT", DAY_MS},
	{"Mon, 07 Nov 1994 08:49:38 GMT", DAY_MS},
	{"Sun, 06 Nov 1994 08:49:60 GMT", 23000},
	{"sun, 06 nov 1994 08:50:37 gmt", 60000},
	{"Sun, 06 Nov 1994 08:50:37", -1},
	{"Sun, 06 Nov 1994 08:50:37 CET", -1},
	{"Sun, 06 Nov 1994 08:50:37 +0000", -1},
	{"Sun, 6 Nov 1994 08:50:37 GMT", -1},
	{"Sun, 31 Nov 1994 08:50:37 GMT", -1},
	{"Sun, 00 Nov 1994 08:50:37 GMT", -1},
	{"Sun, 29 Feb 1995 08:50:37 GMT", -1},
	{"Sun, 06 Nov 1994 24:00:00 GMT", -1},
	{"Sun, 06 Nov 1994 08:60:00 GMT", -1},
	{"Sun, 06 Nov 1994 08:49:61 GMT", -1},
	{"Sun, 06 Nov 0000 08:50:37 GMT", -1},
	{"Xxx, 06 Nov 1994 08:50:37 GMT", -1},
	{"Sun, 06 Xxx 1994 08:50:37 GMT", -1},
	{"Sun Nov  6 08:50:37 1994 GMT", -1},
	{"1994-11-06T08:50:37Z", -1},
};

static void
test_retry_after(void)
{
	size_t		i;

	for (i = 0; i < sizeof(retry_cases) / sizeof(retry_cases[0]); i++)
		tap_is(provision_http_retry_after_ms(retry_cases[i].value, NOW),
			   retry_cases[i].expected, "Retry-After %zu", i);
	tap_is(provision_http_retry_after_ms(NULL, NOW), -1, "no Retry-After");
}

static int64_t
date(const char *value, int64_t now)
{
	int64_t		seconds = INT64_MIN;

	provision_http_date(value, now, &seconds);
	return seconds;
}

static void
test_dates(void)
{
	char		long_value[1000];

	tap_is(date("Thu, 01 Jan 1970 00:00:00 GMT", NOW), 0, "the epoch");
	tap_is(date("Tue, 29 Feb 2000 12:00:00 GMT", NOW), 951825600,
		   "a leap day of a century");
	tap_is(date("Wed, 01 Mar 2000 00:00:00 GMT", NOW), 951868800,
		   "the day after a leap day");
	tap_is(date("Mon, 29 Feb 2100 12:00:00 GMT", NOW), INT64_MIN,
		   "2100 is no leap year");
	tap_is(date("Sun, 22 Nov 2026 03:38:00 GMT", NOW), 1795318680, "today");
	tap_is(date("Tue, 19 Jan 2038 03:14:08 GMT", NOW), INT64_C(2147483648),
		   "beyond 32 bits");
	tap_is(date("Sunday, 22-Nov-26 03:38:00 GMT", 1795318680), 1795318680,
		   "two digits in this century");
	tap_is(date("Sunday, 06-Nov-94 08:49:37 GMT", 1795318680), NOW,
		   "two digits in the last century");
	memset(long_value, 'x', sizeof(long_value) - 1);
	long_value[sizeof(long_value) - 1] = '\0';
	tap_is(date(long_value, NOW), INT64_MIN, "a long value is no date");
}

/* What is waited is never negative and never more than a day. */
static int64_t
bounded(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return seconds * 1000 > DAY_MS ? DAY_MS : seconds * 1000;
}

/* Every second that has a name, in the three ways to write it. */
static void
test_written_dates(void)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y",
		"%A, %d-%b-%y %H:%M:%S GMT"
	};
	int			wrong = 0;
	int			i;

	for (i = 0; i < 10000; i++)
	{
		/* Within 40 years of now, where two digits are enough. */
		time_t		second = NOW + (rand() % 2 ? 1 : -1) * (rand() % 40) * INT64_C(31556952) / (1 + rand() % 100000);
		char		text[60];

		strftime(text, sizeof(text), forms[i % 3], gmtime(&second));
		wrong += date(text, NOW) != second ||
			provision_http_retry_after_ms(text, NOW) != bounded(second - NOW);
	}
	tap_is(wrong, 0, "10,000 written dates are read");
}

static void
test_written_numbers(void)
{
	int			wrong = 0;
	int			i;

	for (i = 0; i < 10000; i++)
	{
		long long	number = (long long) rand() * rand() >> rand() % 62;
		char		text[60];

		number = rand() % 2 ? number : -number;
		snprintf(text, sizeof(text), "%lld", number);
		wrong += provision_http_retry_after_ms(text, NOW) != bounded(number > 1000000 ? 1000000 : number);
	}
	tap_is(wrong, 0, "10,000 numbers are read");
}

/* Bytes as they come, from those that times are made of. */
static void
test_any_text(void)
{
	static const char letters[] = "0123456789-+ :,;GMTSunNov\t\r\n\xff.eE";
	int			wrong = 0;
	int			i;

	for (i = 0; i < 50000; i++)
	{
		char		text[41] = {0};
		int			length = rand() % 40;
		int			byte;
		int64_t		wait;

		for (byte = 0; byte < length; byte++)
			text[byte] = letters[rand() % (sizeof(letters) - 1)];
		wait = provision_http_retry_after_ms(text, rand());
		wrong += wait < -1 || wait > DAY_MS;
	}
	tap_is(wrong, 0, "50,000 texts give nothing, or a time within bounds");
}

int
main(void)
{
	srand(1);
	test_retry_after();
	test_dates();
	test_written_dates();
	test_written_numbers();
	test_any_text();
	return tap_done();
}
