/*
 * text_excerpt.h
 *		Turns foreign bytes into a short text that is safe to store and show.
 */
#ifndef PROVISION_TEXT_EXCERPT_H
#define PROVISION_TEXT_EXCERPT_H

#include <stddef.h>

/*
 * A malloc'ed, NUL-terminated text of at most max_bytes bytes: valid UTF-8,
 * without control characters other than \n and \t.  What is not, is replaced;
 * what does not fit is cut between two characters and ends with "...".
 * NULL without memory.
 */
extern char *provision_text_excerpt(const char *bytes, size_t length,
									size_t max_bytes);

/*
 * Length of the valid UTF-8 character at bytes (1 ... 4), 0 when there is
 * none: truncated, overlong, surrogate, or beyond U+10FFFF.
 */
extern size_t provision_utf8_length(const char *bytes, size_t available);

#endif							/* PROVISION_TEXT_EXCERPT_H */
