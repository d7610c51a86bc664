/*
 * secret.h
 *		Sealing a secret, opening it, and leaving nothing behind.
 *
 * A sealed secret is AES-256-GCM:
 *
 *		1 byte		version, 1
 *		1 byte		length of the key's id
 *		n bytes		the key's id
 *		12 bytes	nonce, fresh for each value
 *		m bytes		what was sealed, encrypted
 *		16 bytes	tag
 *
 * The tag vouches for all of it and for the identity, which is not stored
 * here: whoever opens must say whose secret it is, so that a value which was
 * moved to another row does not open.
 *
 * Nothing here knows PostgreSQL.
 */
#ifndef PROVISION_SECRET_H
#define PROVISION_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_KEY_SIZE 32
#define SECRET_MAX_ID_LENGTH 32

/* How many bytes a sealed value is longer than what was sealed; at most SECRET_MAX_OVERHEAD. */
#define SECRET_MAX_OVERHEAD 64
extern size_t provision_secret_overhead(const char *key_id);

/*
 * Writes length + overhead bytes.  False when OpenSSL could not, as without
 * random numbers.
 */
extern bool provision_secret_seal(const char *key_id, const unsigned char key[SECRET_KEY_SIZE],
								  const char *identity,
								  const void *plain, size_t length, unsigned char *sealed);

/* The id of the key that a value was sealed with; false when it is no sealed value. */
extern bool provision_secret_key_id(const unsigned char *sealed, size_t length,
									char key_id[SECRET_MAX_ID_LENGTH + 1]);

/*
 * Writes at most length bytes and says how many.  False, and nothing written
 * that stays, when the value is not exactly what was sealed with this key for
 * this identity.
 */
extern bool provision_secret_open(const unsigned char key[SECRET_KEY_SIZE], const char *identity,
								  const unsigned char *sealed, size_t length,
								  unsigned char *plain, size_t *plain_length);

/* Overwrites, though the memory is not read again. */
extern void provision_secret_wipe(void *memory, size_t size);

/*
 * Zeroed memory that is neither swapped out nor part of a core, as far as the
 * system lets us; NULL without memory.  Given back wiped.
 */
extern void *provision_secret_allocate(size_t size);
extern void provision_secret_free(void *memory, size_t size);

#endif							/* PROVISION_SECRET_H */
