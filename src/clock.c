/*
 * clock.c
 *		Time that only goes forward, for whatever the wall clock does.
 */
#include "postgres.h"

#include <time.h>

#include "utils/timestamp.h"

#include "clock.h"

#define TOLERANCE_MS 1000

int64
provision_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Corrections by NTP move both clocks alike. */
int64
provision_clock_was_set_by(void)
{
	static int64 usual_difference = 0;
	static bool is_known = false;
	int64		difference = GetCurrentTimestamp() / 1000 - provision_clock_ms();
	int64		set_by;

	if (!is_known)
		usual_difference = difference;
	is_known = true;
	set_by = difference - usual_difference;
	if (set_by > -TOLERANCE_MS && set_by < TOLERANCE_MS)
		return 0;
	usual_difference = difference;
	return set_by;
}
