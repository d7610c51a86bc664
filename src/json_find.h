/*
 * json_find.h
 *		Finds one string in JSON text.
 */
#ifndef PROVISION_JSON_FIND_H
#define PROVISION_JSON_FIND_H

#include <stddef.h>

/*
 * The string at a path of keys ("message.api_secret") in what
 * provision_json_text_clean returned: its first byte and its length.  NULL
 * when there is something else or nothing.  A key or a string with an escape
 * is not found, and of two equal keys the first counts.
 */
extern const char *provision_json_find_string(const char *json, const char *path, size_t *length);

#endif							/* PROVISION_JSON_FIND_H */
