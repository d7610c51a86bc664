/*
 * json_text.h
 *		Turns foreign bytes into JSON text that PostgreSQL accepts.
 */
#ifndef PROVISION_JSON_TEXT_H
#define PROVISION_JSON_TEXT_H

#include <stddef.h>

/*
 * A malloc'ed, NUL-terminated copy of a JSON text (RFC 8259) that jsonb_in of
 * a UTF-8 database is certain to accept, with its length in *clean_length.
 * A byte order mark is dropped; \u0000 and lone surrogates become \ufffd.
 *
 * NULL when the bytes are not JSON, are not UTF-8, nest deeper than 100
 * levels, or hold a number, string or key larger than jsonb or numeric takes
 * (exponents beyond +-400, more than 1,000 digits); also without memory.
 */
extern char *provision_json_text_clean(const char *bytes, size_t length,
									   size_t *clean_length);

#endif							/* PROVISION_JSON_TEXT_H */
