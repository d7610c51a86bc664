/*
 * key_ring.h
 *		The keys of secrets, as a key file or key command gives them.
 *
 * One key in each line, the first is the one that seals:
 *
 *		id:64 hexadecimal digits
 *		id:44 characters of base64
 *		id:scrypt:salt in hexadecimal:passphrase
 *
 * Empty lines and lines that begin with # do not count.  Nothing here knows
 * PostgreSQL, and no problem text repeats anything but the number of a line.
 */
#ifndef PROVISION_KEY_RING_H
#define PROVISION_KEY_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "secret.h"

#define KEY_TEXT_SIZE 16384		/* of the largest key file */
#define KEY_RING_MAX 64
#define KEY_PROBLEM_SIZE 400

typedef struct KeyRing KeyRing;

/*
 * NULL, and a sentence in problem, when the text is not of that form.  The
 * ring keeps no pointer into the text.
 */
extern KeyRing *provision_key_ring_parse(const char *text, size_t length, char problem[KEY_PROBLEM_SIZE]);
extern void provision_key_ring_free(KeyRing *ring);

/* Ids of the keys in their order; NULL beyond the last. */
extern const char *provision_key_ring_id(const KeyRing *ring, int position);

/*
 * The key with this id, NULL when the ring (which may be NULL) has none.  One
 * that is made from a passphrase is made at its first use, which takes a
 * fraction of a second and 64 MB; NULL also without that memory.
 */
extern const unsigned char *provision_key_ring_find(KeyRing *ring, const char *id);

/*
 * Seals with the first key: writes length + provision_secret_overhead of its
 * id, and says how many bytes.  False without random numbers or memory.
 */
extern bool provision_key_ring_seal(KeyRing *ring, const char *identity, const void *plain, size_t length,
									unsigned char *sealed, size_t *sealed_length);

/* Both hold the same keys; either may be NULL. */
extern bool provision_key_ring_is_same(const KeyRing *one, const KeyRing *other);

#endif							/* PROVISION_KEY_RING_H */
