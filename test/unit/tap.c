/*
 * tap.c
 *		The little of the Test Anything Protocol that the unit tests need.
 */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int	test_count = 0;
static int	failure_count = 0;

static bool
report(bool passed, const char *name, va_list arguments)
{
	test_count++;
	if (!passed)
		failure_count++;
	printf("%s %d - ", passed ? "ok" : "not ok", test_count);
	vprintf(name, arguments);
	putchar('\n');
	fflush(stdout);
	return passed;
}

bool
tap_ok(bool passed, const char *name,...)
{
	va_list		arguments;

	va_start(arguments, name);
	report(passed, name, arguments);
	va_end(arguments);
	return passed;
}

bool
tap_is(long got, long expected, const char *name,...)
{
	va_list		arguments;

	va_start(arguments, name);
	report(got == expected, name, arguments);
	va_end(arguments);
	if (got != expected)
		printf("#   got %ld, expected %ld\n", got, expected);
	return got == expected;
}

bool
tap_is_text(const char *got, const char *expected, const char *name,...)
{
	bool		equal = got == NULL || expected == NULL ?
		got == expected : strcmp(got, expected) == 0;
	va_list		arguments;

	va_start(arguments, name);
	report(equal, name, arguments);
	va_end(arguments);
	if (!equal)
		printf("#   got      %s\n#   expected %s\n",
			   got ? got : "NULL", expected ? expected : "NULL");
	return equal;
}

void
tap_note(const char *format,...)
{
	va_list		arguments;

	fputs("# ", stdout);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

int
tap_done(void)
{
	printf("1..%d\n", test_count);
	return failure_count == 0 ? 0 : 1;
}

bool
tap_is_slow(void)
{
	return getenv("UNIT_SLOW") != NULL;
}
