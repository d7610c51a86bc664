/*
 * fuzz.h
 *		What the fuzzers share: how a finding is told, and what is a harmless text.
 */
#ifndef PROVISION_TEST_FUZZ_H
#define PROVISION_TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Ends the process with this promise in the last line, if it was not kept. */
extern void fuzz_promise(bool kept, const char *promise);

/* Valid UTF-8 without control characters, but for those in "allowed". */
extern bool fuzz_is_harmless(const char *text, const char *allowed);

/* A malloc'ed copy of the bytes up to the next 0xff, without zero bytes inside; moves on.  NULL: nothing is left, or it is empty. */
extern char *fuzz_next_text(const uint8_t **bytes, size_t *length);

/* Whether the text has the secret in it, decoded in any of the ways in which a server may have written it. */
extern bool fuzz_holds_secret(const char *text, size_t length, const char *secret);

/*
 * Makes a libcurl handle talk to us instead of the network: it reads the answer
 * and then the end of the stream.  False without descriptors.  fuzz_wire_end
 * gives what it wrote, at most size - 1 bytes and a zero.
 */
extern bool fuzz_wire_begin(void *easy, const uint8_t *answer, size_t length);
extern void fuzz_wire_end(char *request, size_t size);

#endif							/* PROVISION_TEST_FUZZ_H */
