/*
 * http_date.c
 *		Reads the times that servers write: HTTP-date and Retry-After.
 */
#include "http_answer.h"

#include <string.h>
#include <strings.h>

#define SECONDS_PER_DAY INT64_C(86400)
#define MAX_RETRY_AFTER_MS (SECONDS_PER_DAY * 1000)

typedef struct DateFields
{
	int			year;
	int			month;			/* 1 ... 12 */
	int			day;
	int			hour;
	int			minute;
	int			second;
} DateFields;

/*
 * The parsers below share one cursor.  Each moves it past what it read, or
 * returns false, after which nobody looks at the cursor again.
 */
static bool
read_literal(const char **cursor, const char *literal)
{
	size_t		length = strlen(literal);

	if (strncasecmp(*cursor, literal, length) != 0)
		return false;
	*cursor += length;
	return true;
}

/* Exactly "digits" digits; the first may be a blank if asctime wrote it. */
static bool
read_number(const char **cursor, int digits, bool blank_padded, int *number)
{
	int			i;

	*number = 0;
	for (i = 0; i < digits; i++, (*cursor)++)
	{
		if (i == 0 && blank_padded && **cursor == ' ')
			continue;
		if (**cursor < '0' || **cursor > '9')
			return false;
		*number = *number * 10 + (**cursor - '0');
	}
	return true;
}

/* One name out of a list; its place, from 1, in *place. */
static bool
read_name(const char **cursor, const char *const *names, int count, int *place)
{
	for (*place = 1; *place <= count; (*place)++)
		if (read_literal(cursor, names[*place - 1]))
			return true;
	return false;
}

static bool
read_month(const char **cursor, int *month)
{
	static const char *const names[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun",
		"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
	};

	return read_name(cursor, names, 12, month);
}

static bool
read_weekday(const char **cursor, bool in_full)
{
	static const char *const full_names[] = {
		"Monday", "Tuesday", "Wednesday", "Thursday",
		"Friday", "Saturday", "Sunday"
	};
	static const char *const names[] = {
		"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"
	};
	int			place;

	return read_name(cursor, in_full ? full_names : names, 7, &place);
}

static bool
read_time(const char **cursor, DateFields *date)
{
	return read_number(cursor, 2, false, &date->hour) &&
		read_literal(cursor, ":") &&
		read_number(cursor, 2, false, &date->minute) &&
		read_literal(cursor, ":") &&
		read_number(cursor, 2, false, &date->second);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool
read_fixed_date(const char *text, DateFields *date)
{
	return read_weekday(&text, false) && read_literal(&text, ", ") &&
		read_number(&text, 2, false, &date->day) && read_literal(&text, " ") &&
		read_month(&text, &date->month) && read_literal(&text, " ") &&
		read_number(&text, 4, false, &date->year) && read_literal(&text, " ") &&
		read_time(&text, date) && read_literal(&text, " GMT") &&
		*text == '\0';
}

/* Sun Nov  6 08:49:37 1994 */
static bool
read_asctime_date(const char *text, DateFields *date)
{
	return read_weekday(&text, false) && read_literal(&text, " ") &&
		read_month(&text, &date->month) && read_literal(&text, " ") &&
		read_number(&text, 2, true, &date->day) && read_literal(&text, " ") &&
		read_time(&text, date) && read_literal(&text, " ") &&
		read_number(&text, 4, false, &date->year) && *text == '\0';
}

/* Sunday, 06-Nov-94 08:49:37 GMT, with a year of two digits */
static bool
read_rfc850_date(const char *text, DateFields *date)
{
	return read_weekday(&text, true) && read_literal(&text, ", ") &&
		read_number(&text, 2, false, &date->day) && read_literal(&text, "-") &&
		read_month(&text, &date->month) && read_literal(&text, "-") &&
		read_number(&text, 2, false, &date->year) && read_literal(&text, " ") &&
		read_time(&text, date) && read_literal(&text, " GMT") &&
		*text == '\0';
}

static bool
is_leap_year(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* A second of 60 is a leap second, which the RFC allows. */
static bool
is_possible(const DateFields *date)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			last = days[date->month - 1];

	if (date->month == 2 && is_leap_year(date->year))
		last++;
	return date->day >= 1 && date->day <= last && date->hour < 24 &&
		date->minute < 60 && date->second <= 60;
}

/* Days of the whole years before this one, since the year 0. */
static int64_t
days_before_year(int64_t year)
{
	int64_t		past = year - 1;

	return year * 365 + past / 4 - past / 100 + past / 400;
}

static int64_t
epoch_seconds(const DateFields *date)
{
	static const int before[] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334
	};
	int64_t		days = days_before_year(date->year) - days_before_year(1970) +
		before[date->month - 1] + date->day - 1;

	if (date->month > 2 && is_leap_year(date->year))
		days++;
	return days * SECONDS_PER_DAY +
		date->hour * 3600 + date->minute * 60 + date->second;
}

static int
year_of(int64_t now)
{
	return 1970 + (int) (now / (SECONDS_PER_DAY * 365 + SECONDS_PER_DAY / 4));
}

/* A year that seems more than 50 years ahead is one of the century before. */
static int
full_year(int two_digits, int64_t now)
{
	int			this_year = year_of(now);
	int			year = this_year - this_year % 100 + two_digits;

	return year > this_year + 50 ? year - 100 : year;
}

bool
provision_http_date(const char *value, int64_t now, int64_t *seconds)
{
	char		text[64];
	size_t		start = strspn(value, " \t");
	size_t		length = strlen(value + start);
	DateFields	date;

	while (length > 0 && strchr(" \t\r\n", value[start + length - 1]) != NULL)
		length--;
	if (length >= sizeof(text))
		return false;
	memcpy(text, value + start, length);
	text[length] = '\0';
	if (read_rfc850_date(text, &date))
		date.year = full_year(date.year, now);
	else if (!read_fixed_date(text, &date) && !read_asctime_date(text, &date))
		return false;
	if (date.year < 1 || !is_possible(&date))
		return false;
	*seconds = epoch_seconds(&date);
	return true;
}

/* Saturates: what is beyond a day does not matter. */
static int64_t
bounded_milliseconds(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return seconds > SECONDS_PER_DAY ? MAX_RETRY_AFTER_MS : seconds * 1000;
}

int64_t
provision_http_retry_after_ms(const char *value, int64_t now)
{
	int64_t		seconds = 0;
	bool		negative;
	const char *digit;

	if (value == NULL)
		return -1;
	if (provision_http_date(value, now, &seconds))
		return bounded_milliseconds(seconds - now);
	value += strspn(value, " \t");
	negative = value[0] == '-';
	digit = negative ? value + 1 : value;
	if (*digit < '0' || *digit > '9')
		return -1;
	for (seconds = 0; *digit >= '0' && *digit <= '9'; digit++)
		if (seconds <= SECONDS_PER_DAY)
			seconds = seconds * 10 + (*digit - '0');
	if (digit[strspn(digit, " \t\r\n")] != '\0')
		return -1;
	return negative ? 0 : bounded_milliseconds(seconds);
}
