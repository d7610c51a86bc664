/*
 * test_secret.c
 *		What is sealed opens with the same key for the same identity, and
 *		otherwise not at all.
 */
#define _GNU_SOURCE				/* memmem */
#include <string.h>

#include "secret.h"
#include "tap.h"

#define PLAIN "api-key:hunter2"
#define LENGTH (sizeof(PLAIN) - 1)
#define IDENTITY "engine/1/credentials"
#define KEY_ID "k1"
#define SEALED (LENGTH + 2 + 2 + 12 + 16)

static const unsigned char key[SECRET_KEY_SIZE] = "0123456789abcdef0123456789abcde";
static const unsigned char other_key[SECRET_KEY_SIZE] = "0123456789abcdef0123456789abcdf";

/* Whether it opens, to what was sealed; what does not open leaves no trace. */
static bool
opens(const unsigned char *with, const char *identity, const unsigned char *sealed, size_t length)
{
	unsigned char plain[SEALED + 1];
	unsigned char untouched[SEALED + 1];
	size_t		plain_length = 99;
	bool		opened;

	memset(plain, 0, sizeof(plain));
	memset(untouched, 0, sizeof(untouched));
	opened = provision_secret_open(with, identity, sealed, length, plain, &plain_length);
	if (opened)
		return plain_length == LENGTH && memcmp(plain, PLAIN, LENGTH) == 0;
	if (plain_length != 0 || memcmp(plain, untouched, sizeof(plain)) != 0)
		tap_ok(false, "something is left of what does not open");
	return false;
}

static void
seal(unsigned char *sealed)
{
	if (!provision_secret_seal(KEY_ID, key, IDENTITY, PLAIN, LENGTH, sealed))
		tap_ok(false, "sealed");
}

static void
test_round_trip(void)
{
	unsigned char sealed[SEALED];
	unsigned char again[SEALED];
	char		id[SECRET_MAX_ID_LENGTH + 1];

	tap_is((long) (LENGTH + provision_secret_overhead(KEY_ID)), SEALED, "the length is known");
	seal(sealed);
	tap_ok(opens(key, IDENTITY, sealed, SEALED), "it opens");
	tap_ok(provision_secret_key_id(sealed, SEALED, id), "the key's id is read");
	tap_is_text(id, KEY_ID, "and right");
	tap_ok(memmem(sealed, SEALED, "hunter2", 7) == NULL, "nothing is in clear");
	seal(again);
	tap_ok(memcmp(sealed + 4, again + 4, 12) != 0, "each has a nonce of its own");
	tap_ok(memcmp(sealed + 16, again + 16, LENGTH) != 0, "and looks different");
}

static void
test_refusals(void)
{
	unsigned char sealed[SEALED + 1];
	long		opened = 0;

	memset(sealed, 0, sizeof(sealed));
	seal(sealed);
	tap_ok(!opens(other_key, IDENTITY, sealed, SEALED), "not with another key");
	tap_ok(!opens(key, "engine/2/credentials", sealed, SEALED), "not for another engine");
	tap_ok(!opens(key, "engine/1/credential", sealed, SEALED), "not for a shorter identity");
	tap_ok(!opens(key, "", sealed, SEALED), "not for none");
	for (size_t length = 0; length < SEALED; length++)
		opened += opens(key, IDENTITY, sealed, length);
	tap_is(opened, 0, "at no shorter length");
	tap_ok(!opens(key, IDENTITY, sealed, SEALED + 1), "nor at a longer one");
	for (size_t bit = 0; bit < SEALED * 8; bit++)
	{
		sealed[bit / 8] ^= (unsigned char) (1 << bit % 8);
		opened += opens(key, IDENTITY, sealed, SEALED);
		sealed[bit / 8] ^= (unsigned char) (1 << bit % 8);
	}
	tap_is(opened, 0, "nor with any one bit changed");
	tap_ok(opens(key, IDENTITY, sealed, SEALED), "but as it was");
}

/* Identity and key id are kept apart: what one loses the other cannot gain. */
static void
test_ids(void)
{
	unsigned char sealed[SEALED + SECRET_MAX_ID_LENGTH];
	char		id[SECRET_MAX_ID_LENGTH + 2];

	memset(id, 'x', sizeof(id));
	id[SECRET_MAX_ID_LENGTH + 1] = '\0';
	tap_ok(!provision_secret_seal(id, key, IDENTITY, PLAIN, LENGTH, sealed), "an id may not be too long");
	tap_ok(!provision_secret_seal("", key, IDENTITY, PLAIN, LENGTH, sealed), "nor empty");
	id[SECRET_MAX_ID_LENGTH] = '\0';
	tap_ok(provision_secret_seal(id, key, IDENTITY, PLAIN, LENGTH, sealed), "the longest is sealed");
	tap_ok(opens(key, IDENTITY, sealed, LENGTH + provision_secret_overhead(id)), "and opened");
}

static void
test_empty_and_long(void)
{
	static unsigned char plain[8192];
	static unsigned char sealed[8192 + 64];
	static unsigned char back[8192];
	size_t		length = 1;

	tap_ok(provision_secret_seal(KEY_ID, key, IDENTITY, "", 0, sealed) &&
		   provision_secret_open(key, IDENTITY, sealed, provision_secret_overhead(KEY_ID), back, &length) && length == 0,
		   "nothing can be sealed");
	memset(plain, 'p', sizeof(plain));
	tap_ok(provision_secret_seal(KEY_ID, key, IDENTITY, plain, sizeof(plain), sealed) &&
		   provision_secret_open(key, IDENTITY, sealed, sizeof(plain) + provision_secret_overhead(KEY_ID), back, &length) &&
		   length == sizeof(plain) && memcmp(plain, back, length) == 0,
		   "and 8 kB");
}

static void
test_memory(void)
{
	char		text[] = "secret";
	char	   *memory = provision_secret_allocate(5000);

	provision_secret_wipe(text, sizeof(text));
	tap_ok(memcmp(text, "\0\0\0\0\0\0", sizeof(text)) == 0, "wiped");
	tap_ok(memory != NULL && memory[0] == '\0' && memory[4999] == '\0', "memory for secrets is zeroed");
	provision_secret_free(memory, 5000);
	provision_secret_free(NULL, 5000);
}

int
main(void)
{
	test_round_trip();
	test_refusals();
	test_ids();
	test_empty_and_long();
	test_memory();
	return tap_done();
}
