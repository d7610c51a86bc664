/*
 * tap.h
 *		The little of the Test Anything Protocol that the unit tests need.
 */
#ifndef PROVISION_TEST_TAP_H
#define PROVISION_TEST_TAP_H

#include <stdbool.h>
#include <stddef.h>

/* One test; the name is a format.  Returns what it was given. */
extern bool tap_ok(bool passed, const char *name,...)
			__attribute__((format(printf, 2, 3)));

/* Equal numbers and equal texts (NULL is a text of its own). */
extern bool tap_is(long got, long expected, const char *name,...)
			__attribute__((format(printf, 3, 4)));
extern bool tap_is_text(const char *got, const char *expected,
						const char *name,...)
			__attribute__((format(printf, 3, 4)));

/* A line for people. */
extern void tap_note(const char *format,...)
			__attribute__((format(printf, 1, 2)));

/* Prints the plan; the exit status of the program. */
extern int	tap_done(void);

/* Whether it runs under valgrind or a sanitizer: UNIT_SLOW is set. */
extern bool tap_is_slow(void);

#endif							/* PROVISION_TEST_TAP_H */
