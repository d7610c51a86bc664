/*
 * clock.h
 *		Time that only goes forward, for whatever the wall clock does.
 */
#ifndef PROVISION_CLOCK_H
#define PROVISION_CLOCK_H

#include "postgres.h"

#define NEVER_MS PG_INT64_MAX

/* Milliseconds since some moment that all processes of this machine share. */
extern int64 provision_clock_ms(void);

/*
 * By how many milliseconds somebody has set the wall clock since the last call:
 * negative, back. 0 at the first call, and for what is less than a second.
 */
extern int64 provision_clock_was_set_by(void);

#endif							/* PROVISION_CLOCK_H */
